"""An image in the library: what it is, what it shows, where it is filed."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.identity import FileIdentity
from app.domain.tooth import GENERAL


class ImageType(StrEnum):
    """The five types that name the last folder of an image's place."""

    BEFORE = "before"
    AFTER = "after"
    XRAY = "xray"
    CLINICAL = "clinical"
    OTHER = "other"


class ImageView(StrEnum):
    """The finer kind of picture."""

    PERIAPICAL = "periapical"
    BITEWING = "bitewing"
    OCCLUSAL = "occlusal"
    PANORAMIC = "panoramic"
    CEPHALOMETRIC = "cephalometric"
    CBCT = "cbct"
    INTRAORAL_PHOTO = "intraoral_photo"
    EXTRAORAL_PHOTO = "extraoral_photo"
    DOCUMENT = "document"
    OTHER = "other"


RADIOGRAPHIC_VIEWS = frozenset(
    {
        ImageView.PERIAPICAL,
        ImageView.BITEWING,
        ImageView.OCCLUSAL,
        ImageView.PANORAMIC,
        ImageView.CEPHALOMETRIC,
        ImageView.CBCT,
    }
)


class Laterality(StrEnum):
    """Side of the patient."""

    LEFT = "left"
    RIGHT = "right"
    BOTH = "both"
    UNKNOWN = "unknown"


class FileKind(StrEnum):
    """What a file is by its content."""

    DICOM = "dicom"
    PHOTO = "photo"
    DOCUMENT = "document"
    OTHER = "other"


IMPORTABLE = frozenset({FileKind.DICOM, FileKind.PHOTO, FileKind.DOCUMENT})
"""The kinds that Bitewing keeps."""


class Placement(StrEnum):
    """Where a catalogued file stands."""

    FILED = "filed"
    INBOX = "inbox"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Filing:
    """Where an image is to be filed. ``None`` means "keep what it has" when moving."""

    patient_id: str | None = None
    tooth: str | None = None
    teeth: tuple[str, ...] | None = None
    image_type: ImageType | None = None
    view: ImageView | None = None
    case_reference: str | None = None


@dataclass(frozen=True, slots=True)
class ImageRecord:
    """One catalogued file. ``directory`` ends with ``/`` and is relative to the library's root."""

    id: str
    patient_id: str | None
    placement: Placement
    directory: str
    filename: str
    original_name: str
    sha256: str
    size_bytes: int
    mime_type: str
    kind: FileKind
    imported_at: datetime
    tooth: str = GENERAL
    teeth: tuple[str, ...] = ()
    image_type: ImageType = ImageType.OTHER
    view: ImageView = ImageView.OTHER
    laterality: Laterality = Laterality.UNKNOWN
    rows: int | None = None
    columns: int | None = None
    frames: int = 1
    captured_at: datetime | None = None
    caption: str = ""
    modality: str = ""
    study_uid: str | None = None
    study_description: str = ""
    series_uid: str | None = None
    sop_instance_uid: str | None = None
    sop_class_uid: str | None = None
    transfer_syntax_uid: str | None = None
    slice_position: float | None = None
    pixel_sha256: str | None = None
    picture_hash: str | None = None
    identity: FileIdentity = field(default_factory=FileIdentity)
    reason: str | None = None
    reason_facts: dict[str, object] = field(default_factory=dict)
    similar_to: str | None = None
    public_url: str | None = None
    added_by: str = ""
    changed_at: datetime | None = None
    version: int = 1
    deleted_at: datetime | None = None
    md5: str | None = None
    case_reference: str = ""

    @property
    def path(self) -> str:
        """Place relative to the library's root, ``/``-separated."""
        return self.directory + self.filename

    def shown_teeth(self) -> tuple[str, ...]:
        """The teeth this image shows; its filing tooth where no set was given."""
        if self.teeth:
            return self.teeth
        return () if self.tooth == GENERAL else (self.tooth,)
