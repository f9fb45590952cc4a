"""Which case an image belongs to: an appointment or a referral, by its reference (REQUIREMENTS P1, P3).

A case is one patient's: a reference that another patient's images have is refused, and an image that moves to
another patient leaves its case behind.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, replace

from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.domain.sharing import checked_case
from app.services.door import Door
from app.services.images import required_image, save
from app.storage.cases import CaseRow


@dataclass(frozen=True, slots=True)
class Case:
    """A case with its patient."""

    row: CaseRow
    patient: Patient


class CasesService:
    """What can be done with cases. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def list(
        self, actor: Actor, patient_id: str | None = None, text: str = "", limit: int | None = None
    ) -> builtins.list[Case]:
        """Return cases with filed images, newest first; those of one patient, those whose reference has ``text``."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            rows = store.cases.list(patient_id, text.strip(), limit)
            patients = {row.patient_id: store.patients.get(row.patient_id) for row in rows}
        found = ((row, patients[row.patient_id]) for row in rows)
        return [Case(row, patient) for row, patient in found if patient is not None]

    def images(self, actor: Actor, reference: str, limit: int | None = None) -> builtins.list[ImageRecord]:
        """Return the filed images of a case."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.images.list(case_reference=reference, limit=limit) if reference else []

    def attach(self, actor: Actor, ids: Iterable[str], reference: str) -> builtins.list[ImageRecord]:
        """Let images belong to a case, all or none; an empty reference takes them out of theirs.

        Raises
        ------
        UserError
            ``image.none``; ``case.not_filed`` for an image without a patient; ``case.of_another`` when the case is
            another patient's, or the images are of several; ``share.bad_case`` for what cannot be a reference.
        """
        wanted = checked_case(reference)
        with self._door.writing(actor, Action.IMAGE_EDIT) as unit:
            records = [required_image(unit.store.images.get(image_id), image_id) for image_id in ids]
            patients = {_patient_of(record) for record in records}
            if wanted and (
                len(patients) > 1 or any(unit.store.cases.is_of_another(wanted, patient) for patient in patients)
            ):
                raise UserError("case.of_another", reference=wanted)
            saved = []
            for record in records:
                if record.case_reference != wanted:
                    record = save(unit, replace(record, case_reference=wanted))
                    unit.audit(Entity.IMAGE, record.id, fields=["case_reference"])
                    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, record.id, record.patient_id)
                saved.append(record)
            return saved


def _patient_of(record: ImageRecord) -> str:
    if record.patient_id is None or record.placement is not Placement.FILED or record.deleted_at is not None:
        raise UserError("case.not_filed", id=record.id)
    return record.patient_id
