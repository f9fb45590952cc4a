"""Merging two patients: every image moves to the one that stays, the other is retired and remembers it."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Filing, ImageRecord
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.moving import Mover


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
        with self._door.reading(actor, Action.PATIENT_MERGE) as store:
            kept, other = self._living(keep_id), self._living(from_id)
            living = store.images.list(from_id)
            deleted = store.images.list(from_id, deleted=True)
        moved = self._move(actor, keep_id, living, deleted)
        with self._door.writing(actor, Action.PATIENT_MERGE) as unit:
            unit.store.patients.retire(from_id, other.version, keep_id)
            unit.audit(Entity.PATIENT, keep_id, merged=from_id, images=len(moved))
            unit.changed(Entity.PATIENT, ChangeKind.REMOVED, from_id, from_id)
            unit.changed(Entity.PATIENT, ChangeKind.CHANGED, keep_id, keep_id)
        return MergeReport(kept, from_id, moved)

    def _living(self, patient_id: str) -> Patient:
        patient = self._door.store.patients.get(patient_id)
        if patient is None or patient.deleted_at is not None or patient.merged_into is not None:
            raise UserError("patient.none", text=patient_id)
        return patient

    def _move(
        self, actor: Actor, keep_id: str, living: list[ImageRecord], deleted: list[ImageRecord]
    ) -> tuple[str, ...]:
        """Move living images, and deleted ones too: restoring them must not bring the old patient back."""
        ids = tuple(image.id for image in living)
        self._mover.move(actor, ids, Filing(patient_id=keep_id), action=Action.PATIENT_MERGE)
        for image in deleted:
            self._mover.move_deleted(actor, image, keep_id)
        return (*ids, *(image.id for image in deleted))
