"""What an original says that its copy must not, and what nobody but a person can see in it.

Reads headers only: pictures are looked at by people.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydicom.dataset import Dataset

from app.domain.image import FileKind, ImageRecord, ImageView
from app.imaging.dicom.reader import open_dicom
from app.imaging.dicom.values import text
from app.imaging.photo_metadata import metadata_parts
from app.services.export.deidentify import removed_from
from app.services.outgoing.model import Removed, Warn

# Straight from a sensor: nobody drew on these (PS3.3 A.26 and on).
_SENSOR_CLASSES = ("1.2.840.10008.5.1.4.1.1.1.", "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.13.1.")
# From inside the mouth, or of jaws without a face around them; anything else may show who it is.
_FACELESS = frozenset(
    {ImageView.INTRAORAL_PHOTO, ImageView.PERIAPICAL, ImageView.BITEWING, ImageView.OCCLUSAL, ImageView.PANORAMIC}
)
_FACELESS_CLASSES = ("1.2.840.10008.5.1.4.1.1.1.3",)


def found_in(record: ImageRecord, path: Path) -> tuple[tuple[Warn, ...], tuple[Removed, ...]]:
    """Return what to look at and what is to be removed. Raises as the reader of DICOM files, and OSError."""
    if record.kind is FileKind.DICOM:
        dataset = open_dicom(path).dataset
        counts, warnings = removed_from(dataset), [*_text_in(dataset), *_face_in(dataset, record)]
    else:
        counts = metadata_parts(path.read_bytes()) if record.kind is FileKind.PHOTO else Counter()
        # A margin of a printer's file, a slate beside the patient, the day that a camera wrote into its picture.
        warnings = [Warn.TEXT_POSSIBLE, *([] if record.view in _FACELESS else [Warn.FACE_POSSIBLE])]
    counts["file_name"] += 1
    return tuple(warnings), tuple(Removed(kind, counts[kind]) for kind in sorted(counts))


def _text_in(dataset: Dataset) -> list[Warn]:
    if text(dataset, "BurnedInAnnotation").upper() == "YES":
        return [Warn.TEXT_SAID]
    # That there is none is what many programs say of every file that they write.
    from_sensor = text(dataset, "SOPClassUID").startswith(_SENSOR_CLASSES)
    is_primary = text(dataset, "ImageType").upper().startswith("ORIGINAL")
    return [] if from_sensor and is_primary else [Warn.TEXT_POSSIBLE]


def _face_in(dataset: Dataset, record: ImageRecord) -> list[Warn]:
    if text(dataset, "RecognizableVisualFeatures").upper() == "YES":
        return [Warn.FACE_SAID]
    is_faceless = record.view in _FACELESS or text(dataset, "SOPClassUID").startswith(_FACELESS_CLASSES)
    return [] if is_faceless else [Warn.FACE_POSSIBLE]
