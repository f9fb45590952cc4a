"""What a worklist expects of a patient's next image, and how far a file may be that image. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, timedelta
from typing import Any, Self

from app.domain.facts import FileFacts
from app.domain.image import ImageType, ImageView

_KINDS: dict[str, tuple[ImageType, ImageView]] = {
    "IO": (ImageType.XRAY, ImageView.PERIAPICAL),
    "PX": (ImageType.XRAY, ImageView.PANORAMIC),
    "DX": (ImageType.XRAY, ImageView.CEPHALOMETRIC),
    "CR": (ImageType.XRAY, ImageView.OTHER),
    "CT": (ImageType.XRAY, ImageView.CBCT),
    "XC": (ImageType.CLINICAL, ImageView.INTRAORAL_PHOTO),
}
_BITEWING = "bitewing"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One requested procedure. ``day`` is ``YYYY-MM-DD``; it holds for that day alone.

    ``patient_id`` is the patient's in the library: an image that is somebody else's by now has no part in it.
    """

    patient_id: str
    day: str
    modality: str = ""
    procedure: str = ""
    study_uid: str = ""
    accession_number: str = ""

    @property
    def image_type(self) -> ImageType | None:
        """The filing type that goes with the modality."""
        return _KINDS[self.modality][0] if self.modality in _KINDS else None

    @property
    def view(self) -> ImageView | None:
        """The view that goes with the modality, as far as the procedure does not say otherwise."""
        if self.modality not in _KINDS:
            return None
        if self.modality == "IO" and _BITEWING in self.procedure.casefold().replace("-", "").replace(" ", ""):
            return ImageView.BITEWING
        return _KINDS[self.modality][1]

    def fits(self, facts: FileFacts) -> bool:
        """Whether a file may be what is expected: of this kind or of none that it says, and not from days before."""
        is_kind = not (facts.modality and self.modality) or facts.modality == self.modality
        # A camera's clock has no zone: around midnight it may be a day behind.
        earliest = date.fromisoformat(self.day) - timedelta(days=1)
        return is_kind and (facts.captured_at is None or facts.captured_at.date() >= earliest)

    def plain(self) -> dict[str, str]:
        """Return it as values that JSON can hold."""
        return asdict(self)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Return what :meth:`plain` gave."""
        return cls(**{field.name: str(values.get(field.name, "")) for field in fields(cls)})
