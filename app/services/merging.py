"""Merging two patients: every image moves to the one that stays, the other is retired and remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import BitewingError, ItemError, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Filing, ImageRecord
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.moving import Mover

# Images may arrive for a patient while theirs are being moved away; each round takes those along.
_ROUNDS = 10
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
                living, deleted = self._images(unit, from_id)
                if not living and not deleted:
                    self._retire(unit, keep_id, from_id, len(moved))
                    return MergeReport(kept, from_id, tuple(moved))
            moved += self._move(actor, keep_id, living, deleted)
        raise ItemError("move.stopped", moved=len(moved), total=len(moved) + 1, cause=_CHANGED)

    def _images(self, unit: Unit, patient_id: str) -> tuple[list[ImageRecord], list[ImageRecord]]:
        unit.living_patient(patient_id)
        images = unit.store.images
        return images.list(patient_id), images.list(patient_id, placement=None, deleted=True)

    def _retire(self, unit: Unit, keep_id: str, from_id: str, moved: int) -> None:
        """Retire the empty patient: nothing can be filed there any more once this is committed."""
        unit.store.patients.retire(from_id, unit.living_patient(from_id).version, keep_id)
        unit.audit(Entity.PATIENT, keep_id, merged=from_id, images=moved)
        unit.changed(Entity.PATIENT, ChangeKind.REMOVED, from_id, from_id)
        unit.changed(Entity.PATIENT, ChangeKind.CHANGED, keep_id, keep_id)

    def _move(
        self, actor: Actor, keep_id: str, living: list[ImageRecord], deleted: list[ImageRecord]
    ) -> tuple[str, ...]:
        """Move living images, and deleted ones too: restoring them must not bring the old patient back."""
        done: list[str] = []
        cause: str | None = None
        try:
            ids = tuple(image.id for image in living)
            result = self._mover.move(actor, ids, Filing(patient_id=keep_id), action=Action.PATIENT_MERGE)
            done += [image.id for image in result.moved]
            # What somebody changed at the same moment is moved by the next round, as it is then.
            cause = next((failure.code for failure in result.failed if failure.code != _CHANGED), None)
            if cause is None:
                for image in deleted:
                    done.append(self._mover.move_deleted(actor, image, keep_id).id)
        except BitewingError as error:
            cause = error.code if error.code != _CHANGED else None
        if cause is not None:
            raise ItemError("move.stopped", moved=len(done), total=len(living) + len(deleted), cause=cause)
        return tuple(done)
