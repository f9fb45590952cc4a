"""Moving images between patients, teeth and types: file and row together, undoable (USERS, feature 2).

Each image moves by itself: link under the new name, one transaction, unlink the old. A move that was cut
short is finished at the next start.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from app.core.errors import BitewingError, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.identity import compare
from app.domain.image import Filing, ImageRecord, Placement
from app.domain.naming import image_directory, inbox_directory
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.domain.tooth import GENERAL, ordered
from app.services.door import Door, Unit
from app.services.shelf import Shelf
from app.sync.plan import require_valid


@dataclass(frozen=True, slots=True)
class MoveFailure:
    """An image that stayed where it was, and why."""

    image_id: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MoveResult:
    """What moved. ``previous`` holds each image's filing before: moving back there undoes the move.

    ``failed`` names the images that stayed where they were.
    """

    moved: tuple[ImageRecord, ...]
    previous: dict[str, Filing] = field(default_factory=dict)
    failed: tuple[MoveFailure, ...] = ()


class Mover:
    """Carries out moves. Any thread."""

    def __init__(self, door: Door, shelf: Shelf) -> None:
        self._door = door
        self._shelf = shelf

    def move(
        self,
        actor: Actor,
        ids: tuple[str, ...],
        filing: Filing,
        *,
        action: Action = Action.IMAGE_MOVE,
        only_waiting: bool = False,
    ) -> MoveResult:
        """File every image of ``ids`` as ``filing`` says; ``None`` in it keeps what an image has.

        With ``only_waiting`` those that are not in the inbox any more stay where they are
        (``inbox.not_waiting``): somebody decided about them meanwhile.

        Raises
        ------
        UserError
            ``image.none``, ``patient.none``, ``tooth.unknown`` before anything moved.
        BitewingError
            The first failure when nothing at all could be moved; after that failures are in the result.
        """
        self._door.require(actor, action)
        with self._door.store.read():
            records, failed = self._movables(ids, only_waiting=only_waiting)
            patient = self._patient(filing)
        require_valid(filing)
        moved: list[ImageRecord] = []
        previous: dict[str, Filing] = {}
        first: BitewingError | None = None
        for record in records:
            after = refiled(record, filing)
            if after == record:
                continue
            try:
                moved.append(self._one(actor, action, record, after, patient))
            except BitewingError as error:
                first = first or error
                failed.append(MoveFailure(record.id, error.code, error.facts))
            else:
                previous[record.id] = filing_of(record)
        if first is not None and not moved:
            raise first
        return MoveResult(tuple(moved), previous, tuple(failed))

    def back_to_inbox(self, actor: Actor, image_id: str) -> ImageRecord:
        """Take a filed image out of its patient's record and let it wait in the inbox again."""
        self._door.require(actor, Action.IMAGE_MOVE)
        with self._door.store.read():
            record = self._movable(image_id)
        after = replace(
            record,
            patient_id=None,
            placement=Placement.INBOX,
            directory=inbox_directory(record.id),
            case_reference="",
            reason="inbox.put_back",
            reason_facts={"proposed": record.patient_id},
        )
        return self._one(actor, Action.IMAGE_MOVE, record, after, None)

    def move_along(self, actor: Actor, record: ImageRecord, patient: Patient) -> ImageRecord:
        """Move an image, deleted or not, along with its patient, who is merged with ``patient``.

        Raises
        ------
        UserError
            ``image.changed_elsewhere`` when it is not as ``record`` says any more.
        """
        after = refiled(record, Filing(patient_id=patient.id, case_reference=record.case_reference))
        return self._one(actor, Action.PATIENT_MERGE, record, after, patient)

    def _movables(self, ids: tuple[str, ...], *, only_waiting: bool) -> tuple[list[ImageRecord], list[MoveFailure]]:
        """Return the records; that they are still so when they are moved is proven by their version."""
        records: list[ImageRecord] = []
        failed: list[MoveFailure] = []
        for image_id in ids:
            if not only_waiting:
                records.append(self._movable(image_id))
                continue
            record = self._door.store.images.get(image_id)
            if record is None or record.deleted_at is not None or record.placement is not Placement.INBOX:
                failed.append(MoveFailure(image_id, "inbox.not_waiting", {"id": image_id}))
            else:
                records.append(record)
        return records, failed

    def _movable(self, image_id: str) -> ImageRecord:
        record = self._door.store.images.get(image_id)
        if record is None or record.deleted_at is not None:
            raise UserError("image.none", text=image_id)
        if record.placement is Placement.QUARANTINED:
            raise UserError("image.in_quarantine", id=image_id)
        return record

    def _patient(self, filing: Filing) -> Patient | None:
        if filing.patient_id is None:
            return None
        patient = self._door.store.patients.get(filing.patient_id)
        if patient is None or patient.deleted_at is not None or patient.merged_into is not None:
            raise UserError("patient.none", text=filing.patient_id)
        return patient

    def _one(
        self, actor: Actor, action: Action, before: ImageRecord, after: ImageRecord, patient: Patient | None
    ) -> ImageRecord:
        def say(unit: Unit, stored: ImageRecord) -> None:
            unit.audit(Entity.IMAGE, before.id, **_moved_details(before, stored, patient))
            kind = ChangeKind.CHANGED
            unit.changed(Entity.IMAGE, kind, before.id, stored.patient_id)
            if before.patient_id and before.patient_id != stored.patient_id:
                unit.changed(Entity.IMAGE, kind, before.id, before.patient_id)

        return self._shelf.move(actor, action, before, after, say)


def refiled(record: ImageRecord, filing: Filing) -> ImageRecord:
    """Return the record as it would be filed; its place included. Pure."""
    patient_id = filing.patient_id or record.patient_id
    if patient_id is None:
        raise UserError("patient.none", text="")
    tooth = filing.tooth or record.tooth
    teeth = record.teeth
    if filing.teeth is not None:
        teeth = ordered(item for item in filing.teeth if item != GENERAL)
    elif filing.tooth is not None and filing.tooth != GENERAL and filing.tooth not in teeth:
        # The set follows a filing tooth that it did not know, unless it shows several.
        teeth = (filing.tooth,) if len(teeth) <= 1 else ordered((*teeth, filing.tooth))
    image_type = filing.image_type or record.image_type
    case_reference = filing.case_reference
    if case_reference is None:
        # A case is one patient's.
        case_reference = record.case_reference if patient_id == record.patient_id else ""
    return replace(
        record,
        patient_id=patient_id,
        placement=Placement.FILED,
        tooth=tooth,
        teeth=teeth,
        image_type=image_type,
        view=filing.view or record.view,
        case_reference=case_reference,
        directory=image_directory(patient_id, tooth, image_type),
        reason=None,
        reason_facts={},
    )


def filing_of(record: ImageRecord) -> Filing:
    """Return the filing that an image has now."""
    return Filing(record.patient_id, record.tooth, record.teeth, record.image_type, record.view, record.case_reference)


def _moved_details(before: ImageRecord, after: ImageRecord, patient: Patient | None) -> dict[str, Any]:
    details: dict[str, Any] = {
        "from": [before.patient_id, before.placement.value, before.tooth, before.image_type.value],
        "to": [after.patient_id, after.placement.value, after.tooth, after.image_type.value],
    }
    if patient is not None:
        # A person chose against what the file says: the answer is on record (USERS, feature 1).
        details["contradictions"] = [part.value for part in compare(before.identity, patient)]
    return details
