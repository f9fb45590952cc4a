"""A place in the library as the window points at it: a patient, perhaps a tooth, a type or a case."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.image import Filing, ImageRecord, ImageType


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look, or where to put. ``teeth`` is the chart's choice: any of them will do."""

    patient_id: str
    tooth: str | None = None
    image_type: str | None = None
    teeth: tuple[str, ...] = ()
    case_reference: str = ""

    def holds(self, image: ImageRecord) -> bool:
        """Whether an image of this patient belongs here, by the teeth it shows, its type and its case."""
        if self.case_reference and image.case_reference != self.case_reference:
            return False
        if self.image_type is not None and image.image_type.value != self.image_type:
            return False
        if self.teeth:
            return bool({image.tooth, *image.shown_teeth()} & set(self.teeth))
        return self.tooth is None or self.tooth == image.tooth or self.tooth in image.shown_teeth()

    def filing(self) -> Filing:
        """Return this place as a wish to file something here."""
        return Filing(
            patient_id=self.patient_id,
            tooth=self.tooth,
            image_type=ImageType(self.image_type) if self.image_type else None,
        )
