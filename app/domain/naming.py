"""Names on disk: built from ids and time stamps, never from names of people or files.

The original name is kept in the catalogue only (T5, B11).
"""

from __future__ import annotations

import re

from app.domain.image import ImageType
from app.domain.tooth import TEETH

IMAGES_FOLDER = "dental_images"
INBOX_FOLDER = "inbox"
QUARANTINE_FOLDER = "quarantine"
# MIME type → extension: the content decides, not the name the file came with.
EXTENSIONS = {
    "application/dicom": "dcm",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/bmp": "bmp",
    "image/webp": "webp",
    "image/heic": "heic",
    "application/pdf": "pdf",
}
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(1, 10)), *(f"lpt{n}" for n in range(1, 10))}
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


def file_name(milliseconds: int, mime_type: str) -> str:
    """Return ``image-<milliseconds>.<extension>``; unknown types get ``bin``."""
    return f"image-{milliseconds}.{EXTENSIONS.get(mime_type, 'bin')}"


def image_directory(patient_id: str, tooth: str, image_type: ImageType) -> str:
    """Return ``dental_images/{patient uuid}/{tooth}/{type}/``.

    Raises
    ------
    ValueError
        When a part is not of our own making: paths are never built from anything else.
    """
    _require_uuid(patient_id)
    if tooth not in (*TEETH, "general"):
        raise ValueError("not a tooth")
    return f"{IMAGES_FOLDER}/{patient_id}/{tooth}/{ImageType(image_type).value}/"


def inbox_directory(image_id: str) -> str:
    """Return ``inbox/{image uuid}/``. Raises ValueError for anything but an id."""
    _require_uuid(image_id)
    return f"{INBOX_FOLDER}/{image_id}/"


def quarantine_directory(image_id: str) -> str:
    """Return ``quarantine/{image uuid}/``. Raises ValueError for anything but an id."""
    _require_uuid(image_id)
    return f"{QUARANTINE_FOLDER}/{image_id}/"


def _require_uuid(text: str) -> None:
    if not _UUID.fullmatch(text):
        raise ValueError("not an id")


def is_uuid(text: str) -> bool:
    """Whether ``text`` is an id of ours."""
    return _UUID.fullmatch(text) is not None


def export_name(text: str, limit: int = 80) -> str:
    """Return ``text`` as a file name that every system accepts (E12); for exports only."""
    cleaned = _FORBIDDEN.sub("_", text).strip(" .")[:limit].strip(" .")
    if not cleaned or cleaned.split(".")[0].lower() in _RESERVED:
        cleaned = f"_{cleaned}"
    return cleaned
