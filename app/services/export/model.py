"""What an export is asked to do and what it says afterwards. Dataclasses only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from app.core.context import JobContext
from app.core.settings import ClinicSettings
from app.domain.expectation import Expectation
from app.domain.image import ImageRecord
from app.domain.naming import export_name
from app.domain.patient import Patient
from app.domain.tooth import GENERAL
from app.imaging.child.client import Decoder


class ExportFormat(StrEnum):
    """What comes out (CLI contract, ``--as``)."""

    PNG = "png"
    JPEG = "jpeg"
    TIFF = "tiff"
    DICOM = "dicom"
    DICOMDIR = "dicomdir"
    PDF = "pdf"
    ORIGINAL = "original"


@dataclass(frozen=True, slots=True)
class ExportArgs:
    """Where to and how. ``burn_in`` writes patient, date and tooth on a strip below the picture."""

    out: Path
    format: ExportFormat = ExportFormat.PNG
    deidentify: bool = False
    burn_in: bool = False


@dataclass(frozen=True, slots=True)
class Exportable:
    """One image to take out: its row, its patient, where its bytes lie, and what a worklist expected it to be."""

    record: ImageRecord
    patient: Patient | None
    path: Path
    number: int
    expected: Expectation | None = None

    @property
    def order(self) -> Expectation | None:
        """What it was expected to be, as long as it is filed for whom that was expected of."""
        is_theirs = self.expected is not None and self.expected.patient_id == self.record.patient_id
        return self.expected if is_theirs else None


@dataclass(frozen=True, slots=True)
class ExportItem:
    """What became of one image."""

    image_id: str
    paths: tuple[Path, ...] = ()
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote."""

    out: Path
    items: tuple[ExportItem, ...]

    @property
    def exported(self) -> int:
        """Images that were written."""
        return sum(item.code is None for item in self.items)

    @property
    def failed(self) -> tuple[ExportItem, ...]:
        """Images that were not."""
        return tuple(item for item in self.items if item.code is not None)

    @property
    def codes(self) -> Counter[str]:
        """How often each reason came up."""
        return Counter(item.code for item in self.items if item.code is not None)


class ImageWriter(Protocol):
    """One way of writing images. Made per export; ``commit`` or ``abort`` ends it.

    ``is_whole`` writers give out nothing before ``commit``; of others each image is out with its ``write``.
    """

    is_whole: bool

    def write(self, image: Exportable, ctx: JobContext) -> tuple[Path, ...]:
        """Write one image and return its files. Raises BitewingError for this image alone, undoing its part."""

    def commit(self) -> None:
        """Write what belongs to all images together. Raises BitewingError: then none of that is there."""

    def abort(self) -> None:
        """Remove what only ``commit`` would have given out."""


class WriterFactory(Protocol):
    """How a writer is made."""

    def __call__(self, args: ExportArgs, decoder: Decoder, clinic: ClinicSettings) -> ImageWriter:
        """Return a writer for one export."""


def file_stem(image: Exportable, args: ExportArgs) -> str:
    """Return a file name without extension: safe everywhere, silent about the patient when asked to be."""
    record = image.record
    tooth = "" if record.tooth == GENERAL else f"tooth-{record.tooth}"
    if args.deidentify:
        parts = [f"image-{image.number:04d}", tooth]
    else:
        owner = (image.patient.chart_number or image.patient.name) if image.patient else ""
        parts = [owner, day_of(record).isoformat(), tooth, record.view.value, record.id[:8]]
    return export_name("_".join(part for part in parts if part))


def day_of(record: ImageRecord) -> date:
    """Return the day of an image: taken, else brought in."""
    return (record.captured_at or record.imported_at).date()


def free_path(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in ``folder`` that is not taken yet."""
    path, count = folder / f"{stem}{suffix}", 2
    while path.exists():
        path = folder / f"{stem}-{count}{suffix}"
        count += 1
    return path
