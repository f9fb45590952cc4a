"""Treatments: adding, editing, deleting softly, and which images belong to them (T6)."""

from __future__ import annotations

import builtins
import uuid
from collections.abc import Sequence
from typing import Any

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action, Actor
from app.domain.treatment import Treatment, TreatmentDraft
from app.services.door import Door, Unit


class TreatmentsService:
    """Treatments of one library. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def list(self, actor: Actor, patient_id: str) -> builtins.list[Treatment]:
        """Return a patient's treatments, newest first."""
        with self._door.reading(actor, Action.TREATMENT_VIEW) as store:
            return store.treatments.list(patient_id)

    def get(self, actor: Actor, treatment_id: str) -> Treatment:
        """Return a treatment. Raises ``treatment.none``."""
        with self._door.reading(actor, Action.TREATMENT_VIEW) as store:
            return _required(store.treatments.get(treatment_id), treatment_id)

    def of_image(self, actor: Actor, image_id: str) -> builtins.list[Treatment]:
        """Return the treatments that an image belongs to."""
        with self._door.reading(actor, Action.TREATMENT_VIEW) as store:
            return store.treatments.of_image(image_id)

    def images(self, actor: Actor, treatment_id: str) -> builtins.list[ImageRecord]:
        """Return the images of a treatment, oldest first."""
        with self._door.reading(actor, Action.TREATMENT_VIEW) as store:
            found = [store.images.get(image_id) for image_id in store.treatments.image_ids(treatment_id)]
            return [record for record in found if record is not None]

    def add(
        self,
        actor: Actor,
        patient_id: str,
        draft: TreatmentDraft,
        image_ids: Sequence[str] = (),
        legacy_id: str | None = None,
    ) -> Treatment:
        """Add a treatment, with the images that belong to it.

        Raises
        ------
        UserError
            ``patient.none``, ``treatment.nameless``, ``treatment.too_long``, ``tooth.unknown``; ``image.none`` or
            ``treatment.other_patient`` for images that cannot belong to it.
        """
        with self._door.writing(actor, Action.TREATMENT_EDIT) as unit:
            return self.add_in(unit, patient_id, draft, image_ids, legacy_id)

    def add_in(
        self,
        unit: Unit,
        patient_id: str,
        draft: TreatmentDraft,
        image_ids: Sequence[str] = (),
        legacy_id: str | None = None,
    ) -> Treatment:
        """Add a treatment as part of a larger transaction. Raises as :meth:`add`."""
        clean, now = draft.cleaned(), utc_now()
        patient = unit.living_patient(patient_id)
        made = Treatment(str(uuid.uuid4()), patient.id, clean, now, now, legacy_id=legacy_id)
        unit.store.treatments.insert(made)
        self._link(unit, made, image_ids)
        unit.audit_as(Action.TREATMENT_EDIT, Entity.TREATMENT, made.id, patient=patient.id, images=list(image_ids))
        unit.changed(Entity.TREATMENT, ChangeKind.ADDED, made.id, patient.id)
        return _required(unit.store.treatments.get(made.id), made.id)

    def edit(self, actor: Actor, treatment_id: str, draft: TreatmentDraft, version: int) -> Treatment:
        """Change a treatment. Raises as :meth:`add`, and ``treatment.changed_elsewhere``."""
        clean = draft.cleaned()
        with self._door.writing(actor, Action.TREATMENT_EDIT) as unit:
            found = _required(unit.store.treatments.get(treatment_id), treatment_id)
            unit.store.treatments.update(treatment_id, version, clean)
            self._say(unit, found, ChangeKind.CHANGED)
            return _required(unit.store.treatments.get(treatment_id), treatment_id)

    def delete(self, actor: Actor, treatment_id: str) -> None:
        """Delete a treatment softly; its images stay. Raises ``treatment.none``."""
        self._set_deleted(actor, treatment_id, deleted=True)

    def restore(self, actor: Actor, treatment_id: str) -> None:
        """Bring a deleted treatment back with its images. Raises ``treatment.none``."""
        self._set_deleted(actor, treatment_id, deleted=False)

    def link(self, actor: Actor, treatment_id: str, image_ids: Sequence[str]) -> None:
        """Add images to a treatment. Raises ``treatment.none``, ``image.none``, ``treatment.other_patient``."""
        with self._door.writing(actor, Action.TREATMENT_EDIT) as unit:
            found = _living(unit.store.treatments.get(treatment_id), treatment_id)
            self._link(unit, found, image_ids)
            self._say(unit, found, ChangeKind.CHANGED, linked=list(image_ids))

    def unlink(self, actor: Actor, treatment_id: str, image_ids: Sequence[str]) -> None:
        """Take images out of a treatment; they stay in the library. Raises ``treatment.none``."""
        with self._door.writing(actor, Action.TREATMENT_EDIT) as unit:
            found = _living(unit.store.treatments.get(treatment_id), treatment_id)
            unit.store.treatments.unlink(treatment_id, image_ids)
            self._say(unit, found, ChangeKind.CHANGED, unlinked=list(image_ids))

    def _link(self, unit: Unit, treatment: Treatment, image_ids: Sequence[str]) -> None:
        for image_id in image_ids:
            record = unit.store.images.get(image_id)
            if record is None or record.deleted_at is not None:
                raise UserError("image.none", text=image_id)
            if record.patient_id != treatment.patient_id:
                raise UserError("treatment.other_patient", id=image_id)
        unit.store.treatments.link(treatment.id, image_ids)

    def _set_deleted(self, actor: Actor, treatment_id: str, *, deleted: bool) -> None:
        with self._door.writing(actor, Action.TREATMENT_DELETE) as unit:
            found = _required(unit.store.treatments.get(treatment_id), treatment_id)
            if (found.deleted_at is not None) == deleted:
                return
            unit.store.treatments.set_deleted(treatment_id, deleted=deleted)
            self._say(unit, found, ChangeKind.REMOVED if deleted else ChangeKind.ADDED, deleted=deleted)

    def _say(self, unit: Unit, treatment: Treatment, kind: ChangeKind, **details: Any) -> None:
        unit.audit(Entity.TREATMENT, treatment.id, patient=treatment.patient_id, **details)
        unit.changed(Entity.TREATMENT, kind, treatment.id, treatment.patient_id)


def _required(found: Treatment | None, treatment_id: str) -> Treatment:
    if found is None:
        raise UserError("treatment.none", id=treatment_id)
    return found


def _living(found: Treatment | None, treatment_id: str) -> Treatment:
    if found is None or found.deleted_at is not None:
        raise UserError("treatment.none", id=treatment_id)
    return found
