"""What imaging finds in a file, without its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from app.domain.identity import FileIdentity
from app.domain.image import FileKind, ImageType, ImageView, Laterality


@dataclass(frozen=True, slots=True)
class PixelSpacing:
    """Millimetres per pixel, vertical first (PS3.3 section 10.7).

    ``source`` is ``calibrated``, ``corrected``, ``detector``, ``nominal`` or ``unknown``.
    """

    row: float
    column: float
    source: str


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a file is and says.

    ``content_label`` names DICOM objects without pixels (``structured_report``, ``waveform``,
    ``encapsulated_pdf``, …) and ``for_processing`` images. ``bits`` are Bits Stored. UIDs are ``None``
    where missing or malformed. ``slice_position`` is the distance in mm of a slice along its series'
    normal (Image Position (Patient) · normal of Image Orientation (Patient), PS3.3 C.7.6.2.1.1): series
    are ordered by it, never by file name or Instance Number.
    """

    kind: FileKind
    mime_type: str
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    bits: int | None = None
    photometric: str | None = None
    transfer_syntax_uid: str | None = None
    sop_class_uid: str | None = None
    modality: str = ""
    identity: FileIdentity = field(default_factory=FileIdentity)
    teeth: tuple[str, ...] = ()
    laterality: Laterality = Laterality.UNKNOWN
    view: ImageView = ImageView.OTHER
    image_type: ImageType = ImageType.OTHER
    window: tuple[float, float] | None = None
    spacing: PixelSpacing | None = None
    study_uid: str | None = None
    series_uid: str | None = None
    sop_instance_uid: str | None = None
    slice_position: float | None = None
    study_description: str = ""
    captured_at: datetime | None = None
    content_label: str | None = None
    notes: tuple[str, ...] = ()
    pixel_sha256: str | None = None
    picture_hash: str | None = None

    @property
    def has_picture(self) -> bool:
        """Whether there is something to look at."""
        return self.rows is not None and self.columns is not None
