"""What an original says that its copy must not, and what nobody but a person can see in it.

Reads headers only: pictures are looked at by people.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydicom.dataset import Dataset

from app.domain.image import FileKind, ImageRecord, ImageType, ImageView
from app.imaging.dicom.reader import open_dicom
from app.imaging.dicom.values import text
from app.imaging.photo_metadata import metadata_parts
from app.services.export.deidentify import removed_from
from app.services.outgoing.model import Removed, Warn

# Straight from a sensor: nobody drew on these (PS3.3 A.26 and on).
_SENSOR_CLASSES = ("1.2.840.10008.5.1.4.1.1.1.", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.")
_FACES = frozenset({ImageView.EXTRAORAL_PHOTO, ImageView.CBCT, ImageView.CEPHALOMETRIC})


def found_in(record: ImageRecord, path: Path) -> tuple[tuple[Warn, ...], tuple[Removed, ...]]:
    """Return what to look at and what is to be removed. Raises as the reader of DICOM files, and OSError."""
    if record.kind is FileKind.DICOM:
        dataset = open_dicom(path).dataset
        counts, warnings = removed_from(dataset), [*_text_in(dataset), *_face_in(dataset, record)]
    else:
        counts = metadata_parts(path.read_bytes()) if record.kind is FileKind.PHOTO else Counter()
        # A radiograph that is a picture was taken from a screen or a printer's file, often with its margin.
        may_say = record.image_type is ImageType.XRAY or record.mime_type != "image/jpeg"
        warnings = [Warn.TEXT_POSSIBLE] if may_say or record.kind is FileKind.DOCUMENT else []
        warnings += [Warn.FACE_POSSIBLE] if _may_show_a_face(record) else []
    counts["file_name"] += 1
    return tuple(warnings), tuple(Removed(kind, counts[kind]) for kind in sorted(counts))


def _may_show_a_face(record: ImageRecord) -> bool:
    if record.view is ImageView.OTHER and record.kind is FileKind.PHOTO:
        return record.image_type in {ImageType.BEFORE, ImageType.AFTER}
    return record.view in _FACES


def _text_in(dataset: Dataset) -> list[Warn]:
    said = text(dataset, "BurnedInAnnotation").upper()
    if said in {"YES", "NO"}:
        return [Warn.TEXT_SAID] if said == "YES" else []
    from_sensor = text(dataset, "SOPClassUID").startswith(_SENSOR_CLASSES)
    is_primary = text(dataset, "ImageType").upper().startswith("ORIGINAL")
    return [] if from_sensor and is_primary else [Warn.TEXT_POSSIBLE]


def _face_in(dataset: Dataset, record: ImageRecord) -> list[Warn]:
    if text(dataset, "RecognizableVisualFeatures").upper() == "YES":
        return [Warn.FACE_SAID]
    return [Warn.FACE_POSSIBLE] if _may_show_a_face(record) else []
