"""What is expected of a patient's next image: to be shown and to be given up. Reads the catalogue alone."""

from __future__ import annotations

from app.core.clock import today
from app.domain.changes import ChangeKind, Entity
from app.domain.expectation import Expectation
from app.domain.roles import Action, Actor
from app.services.door import Door


class Expecting:
    """The expectations of one library. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def of_next(self, actor: Actor, patient_id: str) -> Expectation | None:
        """Return what is expected of a patient's next image of today."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            return store.expected.of_next(patient_id, today().isoformat())

    def forget(self, actor: Actor, patient_id: str) -> None:
        """Expect nothing of a patient's next image."""
        with self._door.writing(actor, Action.WORKLIST_USE) as unit:
            if unit.store.expected.forget(patient_id):
                unit.audit(Entity.PATIENT, patient_id, expected=False)
                unit.changed(Entity.PATIENT, ChangeKind.CHANGED, patient_id, patient_id)
