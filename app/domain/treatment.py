"""A treatment: what was done, or is to be done, to which teeth of a patient, and which images belong to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core.errors import UserError
from app.domain.patient import clean_text
from app.domain.tooth import GENERAL, TEETH, ordered

PROCEDURE_LIMIT = 200
CODE_LIMIT = 32
DENTIST_LIMIT = 100
NOTES_LIMIT = 20_000


class TreatmentStatus(StrEnum):
    """How far a treatment is."""

    PLANNED = "planned"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class TreatmentDraft:
    """What a person types about a treatment. ``teeth`` are Universal numbers; none means the whole mouth."""

    procedure: str = ""
    code: str = ""
    teeth: tuple[str, ...] = ()
    performed_on: date | None = None
    dentist: str = ""
    status: TreatmentStatus = TreatmentStatus.COMPLETED
    notes: str = ""

    def cleaned(self) -> TreatmentDraft:
        """Return the draft with stray white space and control characters removed, or refuse it.

        Raises
        ------
        UserError
            ``treatment.nameless``, ``treatment.too_long`` or ``tooth.unknown``.
        """
        draft = TreatmentDraft(
            clean_text(self.procedure),
            clean_text(self.code),
            ordered(tooth for tooth in self.teeth if tooth != GENERAL),
            self.performed_on,
            clean_text(self.dentist),
            TreatmentStatus(self.status),
            clean_text(self.notes, keep_lines=True),
        )
        if not (draft.procedure or draft.code):
            raise UserError("treatment.nameless")
        limits = ((draft.procedure, PROCEDURE_LIMIT), (draft.code, CODE_LIMIT), (draft.dentist, DENTIST_LIMIT))
        if any(len(text) > limit for text, limit in limits) or len(draft.notes) > NOTES_LIMIT:
            raise UserError("treatment.too_long")
        for tooth in draft.teeth:
            if tooth not in TEETH:
                raise UserError("tooth.unknown", text=tooth)
        return draft


@dataclass(frozen=True, slots=True)
class Treatment:
    """A stored treatment. ``legacy_id`` is its number in the program it was brought in from."""

    id: str
    patient_id: str
    draft: TreatmentDraft
    created_at: datetime
    updated_at: datetime
    version: int = 1
    deleted_at: datetime | None = None
    legacy_id: str | None = None
    images: int = 0
