"""Merging two patients: every image moves to the one that stays, the other is retired and remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BitewingError, ItemError, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.moving import Mover

# Images may arrive for a patient while theirs are being moved away; each round takes those along.
_ROUNDS = 10
# One image may be changed by somebody else while it is moved.
_TRIES = 5
_CHANGED = "image.changed_elsewhere"


@dataclass(frozen=True, slots=True)
class MergeReport:
    """What a merge did. ``moved`` holds the ids of images that changed their patient."""

    kept: Patient
    merged_id: str
    moved: tuple[str, ...]


class Merging:
    """Merges patients; can be repeated when it was cut short. Any thread."""

    def __init__(self, door: Door, mover: Mover) -> None:
        self._door = door
        self._mover = mover

    def merge(self, actor: Actor, keep_id: str, from_id: str) -> MergeReport:
        """Move everything of ``from_id`` to ``keep_id``.

        Raises
        ------
        UserError
            ``patient.none`` or ``patient.merge_self``.
        ItemError
            ``move.stopped`` when a file could not be moved: what moved stays moved, merge again to finish.
        """
        if keep_id == from_id:
            raise UserError("patient.merge_self", id=keep_id)
        self._door.require(actor, Action.PATIENT_MERGE)
        moved: list[str] = []
        for _round in range(_ROUNDS):
            with self._door.writing(actor, Action.PATIENT_MERGE) as unit:
                kept = unit.living_patient(keep_id)
                images = self._images(unit, from_id)
                if not images:
                    self._retire(unit, keep_id, from_id, len(moved))
                    return MergeReport(kept, from_id, tuple(moved))
            moved += self._move(actor, kept, images)
        raise ItemError("move.stopped", moved=len(moved), total=len(moved) + 1, cause=_CHANGED)

    def _images(self, unit: Unit, patient_id: str) -> list[ImageRecord]:
        """Return all images of a patient, deleted ones last."""
        unit.living_patient(patient_id)
        images = unit.store.images
        return [*images.list(patient_id), *images.list(patient_id, placement=None, deleted=True)]

    def _retire(self, unit: Unit, keep_id: str, from_id: str, moved: int) -> None:
        """Retire the empty patient: nothing can be filed there any more once this is committed."""
        unit.store.patients.retire(from_id, unit.living_patient(from_id).version, keep_id)
        for treatment_id in unit.store.treatments.hand_over(from_id, keep_id):
            unit.changed(Entity.TREATMENT, ChangeKind.CHANGED, treatment_id, keep_id)
        unit.audit(Entity.PATIENT, keep_id, merged=from_id, images=moved)
        unit.changed(Entity.PATIENT, ChangeKind.REMOVED, from_id, from_id)
        unit.changed(Entity.PATIENT, ChangeKind.CHANGED, keep_id, keep_id)

    def _move(self, actor: Actor, kept: Patient, images: list[ImageRecord]) -> tuple[str, ...]:
        """Move images one by one; deleted ones too: restoring them must not bring the old patient back."""
        done: list[str] = []
        cause: str | None = None
        for image in images:
            try:
                if self._move_one(actor, kept, image):
                    done.append(image.id)
            except BitewingError as error:
                cause = cause or error.code
        if cause is not None:
            raise ItemError("move.stopped", moved=len(done), total=len(images), cause=cause)
        return tuple(done)

    def _move_one(self, actor: Actor, kept: Patient, image: ImageRecord) -> bool:
        """Move one image as it is now, again if somebody changed it meanwhile; false when it left the patient."""
        before = image
        for _try in range(_TRIES):
            try:
                self._mover.move_along(actor, before, kept)
            except BitewingError:
                # Whatever failed: with a record that somebody changed at that moment it says nothing.
                with self._door.store.read():
                    now = self._door.store.images.get(image.id)
                if now is None or now.patient_id != image.patient_id:
                    return False
                if now.version == before.version:
                    raise
                before = now
            else:
                return True
        # The next round takes it along.
        return False
