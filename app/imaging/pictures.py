"""One door to the pixels of any supported file: which reader takes it is decided here.

Used in the decoding child, by tests and benchmarks; the program itself goes through
``child.client.Decoder``.
"""

from __future__ import annotations

from pathlib import Path

from app.core.errors import EnvironmentFault, UserError
from app.imaging import dicom_pictures, document, photo
from app.imaging.dicom.stored import stored_pixels as dicom_stored_pixels
from app.imaging.frame import DisplayFrame, PixelArray
from app.imaging.sniff import HEAD_BYTES, PHOTO_CONTENTS, Content, sniff_head, unsupported_format
from app.imaging.thumbnail import SIDE, thumbnail_of


def load_frame(path: Path, index: int = 0, *, max_pixels: tuple[int, int] | None = None) -> DisplayFrame:
    """Decode frame or page ``index``; with ``max_pixels`` (width, height) a reduced one where that is cheaper.

    Raises
    ------
    BitewingError
        ``file.empty``, ``file.truncated``, ``file.not_an_image``, ``photo.unsupported_format``,
        ``file.too_large``, ``file.undecodable``, ``file.hostile``, ``dicom.no_pixels``,
        ``image.no_such_frame``, ``document.password``, ``file.missing``.
    """
    content = content_of(path)
    if content is Content.DICOM:
        return dicom_pictures.load_frame(path, index, max_pixels)
    if content is Content.PDF:
        return document.load_page(path, index)
    return photo.load_photo_frame(path, content, index, max_pixels)


def stored_pixels(path: Path) -> PixelArray:
    """Return the stored values of all frames: (frames, rows, columns[, samples]), one frame or sample dropped.

    Raises
    ------
    BitewingError
        As :func:`load_frame`; ``dicom.no_pixels`` for documents.
    """
    content = content_of(path)
    if content is Content.DICOM:
        return dicom_stored_pixels(path)
    if content is Content.PDF:
        raise UserError("dicom.no_pixels", content="pdf")
    return photo.stored_photo(path, content)


def thumbnail(path: Path) -> bytes:
    """Return the thumbnail (JPEG) by the cheapest way, without examining the rest of the file."""
    return thumbnail_of(load_frame(path, 0, max_pixels=(SIDE, SIDE)))


def content_of(path: Path) -> Content:
    """Say what kind of picture, document or DICOM object the file is.

    Raises
    ------
    UserError
        ``file.not_an_image``, ``photo.unsupported_format`` (with ``format``).
    EnvironmentFault
        ``file.empty``, ``file.missing``, ``file.unreadable``.
    """
    head = read_head(path)
    content = sniff_head(head)
    if content is Content.EMPTY:
        raise EnvironmentFault("file.empty")
    if content is Content.UNSUPPORTED_IMAGE:
        raise UserError("photo.unsupported_format", format=unsupported_format(head))
    if content not in PHOTO_CONTENTS and content not in (Content.DICOM, Content.PDF):
        raise UserError("file.not_an_image")
    return content


def read_head(path: Path) -> bytes:
    """Return the first 4 KiB. Raises ``file.missing`` or ``file.unreadable``."""
    try:
        with path.open("rb") as stream:
            return stream.read(HEAD_BYTES)
    except FileNotFoundError as error:
        raise EnvironmentFault("file.missing") from error
    except OSError as error:
        raise EnvironmentFault("file.unreadable", detail=type(error).__name__) from error
