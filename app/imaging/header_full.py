"""The header of a DICOM file through pydicom: what the scan falls back to.

Runs in the decoding child, because it is for files that the fast parser found strange.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydicom.datadict import keyword_for_tag
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from app.core.errors import BitewingError
from app.imaging.dicom.guard import reading
from app.imaging.dicom.reader import open_dicom
from app.imaging.header import FIELDS, HeaderFacts
from app.imaging.sniff import DICOMDIR_CLASS


def full_header(path: Path) -> HeaderFacts | None:
    """Return the header as pydicom understands it; None for a file that cannot be read."""
    try:
        opened = open_dicom(path)
    except BitewingError:
        return None
    with reading(path):
        return header_of(opened.dataset)


def header_of(dataset: Dataset) -> HeaderFacts:
    """Return the wanted values of a parsed data set."""
    values = {name: _text(dataset.get(keyword_for_tag(tag))) for tag, name in FIELDS.items()}
    meta = getattr(dataset, "file_meta", None)
    sop_class = str(meta.get("MediaStorageSOPClassUID", "")) if meta else ""
    return HeaderFacts(is_directory=sop_class == DICOMDIR_CLASS.decode(), **values)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, MultiValue):
        return "\\".join(str(item).strip("\0 ") for item in value)
    return str(value).strip("\0 ")
