"""The import's catalogue: what ``sync`` asks of a library, answered over storage through the door."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from app.core.clock import today
from app.core.context import JobContext
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.expectation import Expectation
from app.domain.identity import FileIdentity, compare
from app.domain.image import ImageRecord, Placement
from app.domain.naming import image_directory, inbox_directory, quarantine_directory
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit, survivor
from app.services.patient_import import identity_of
from app.services.patients import add_patient
from app.services.shelf import Shelf
from app.services.thumbnails import Thumbnails
from app.storage.jobs import JobItem
from app.sync.duplicates import NEAR_BITS, says_something
from app.sync.plan import may_succeed_later
from app.sync.ports import LedgerLine, Mark
from app.sync.report import ImportItem, ItemStatus

# Why an image waits whose import was cut off before its new patient was written.
INTERRUPTED = "identity.interrupted"
_STATUS = {
    Placement.FILED: ItemStatus.IMPORTED,
    Placement.INBOX: ItemStatus.INBOX,
    Placement.QUARANTINED: ItemStatus.QUARANTINED,
}

_Bring = Callable[[ImageRecord, PatientDraft | None], ImageRecord]

# Merges and twins made by other processes may change whose an image is while it is copied; rarely even once.
_TRIES = 5


class _BelongsTo(Exception):
    """Rolls an arrival back whose patient turned out to be somebody else by now."""

    def __init__(self, patient_id: str) -> None:
        super().__init__()
        self.patient_id = patient_id


class ImportBooks:
    """One run's view of the library; used by the writer's thread alone."""

    def __init__(
        self,
        door: Door,
        shelf: Shelf,
        thumbnails: Thumbnails,
        actor: Actor,
        action: Action,
        job_id: str | None,
        earlier_job: str | None,
        ctx: JobContext,
    ) -> None:
        self._door = door
        self._shelf = shelf
        self._thumbnails = thumbnails
        self._actor = actor
        self._action = action
        self._job_id = job_id
        self._earlier = earlier_job
        self._ctx = ctx

    def known(self, sha256: str) -> Sequence[ImageRecord]:
        """Return every record of these bytes; living ones first."""
        with self._door.store.read():
            return self._door.store.images.by_sha256(sha256)

    def patient(self, patient_id: str) -> Patient | None:
        """Return the living patient whom an id stands for now."""
        with self._door.store.read():
            return survivor(self._door.store, patient_id)

    def candidates(self, identity: FileIdentity) -> Sequence[Patient]:
        """Return the patients whose chart number or, without an id, whose name the file gives."""
        patients = self._door.store.patients
        with self._door.store.read():
            if identity.patient_id:
                found = patients.by_chart_number(identity.patient_id)
            else:
                found = patients.by_name(identity.family_name, identity.given_name)
        return found

    def like(self, record: ImageRecord) -> Iterable[ImageRecord]:
        """Return records that may show the same picture."""
        images = self._door.store.images
        with self._door.store.read():
            found = images.by_pixel_hash(record.pixel_sha256) if record.pixel_sha256 else []
            if record.patient_id and says_something(record.picture_hash):
                near = images.similar_pictures(record.picture_hash or "", NEAR_BITS, record.patient_id)
                found = [*found, *(other for _bits, other in near)]
        return found

    def with_uid(self, sop_instance_uid: str) -> Sequence[ImageRecord]:
        """Return records with this SOP Instance UID."""
        with self._door.store.read():
            return self._door.store.images.by_instance_uid(sop_instance_uid)

    def expected(self, patient_id: str) -> Expectation | None:
        """Return what a worklist expects of a patient's next image today."""
        with self._door.store.read():
            return self._door.store.expected.of_next(patient_id, today().isoformat())

    def keep(
        self,
        record: ImageRecord,
        source: Path,
        draft: PatientDraft | None,
        mark: Mark,
        expectation: Expectation | None = None,
    ) -> ImageRecord:
        """Bring file, row and, if need be, the patient in together; ``expectation`` is what it meets."""

        def bring(whose: ImageRecord, new: PatientDraft | None) -> ImageRecord:
            return self._bring_in(whose, source, new, mark, expectation)

        return self._whoever_it_is(record, draft, bring)

    def admit(self, before: ImageRecord, record: ImageRecord, draft: PatientDraft | None, mark: Mark) -> ImageRecord:
        """Take in what was kept aside: its file moves, its row is written anew."""
        return self._whoever_it_is(record, draft, lambda whose, new: self._move_in(before, whose, new, mark))

    def _whoever_it_is(self, record: ImageRecord, draft: PatientDraft | None, bring: _Bring) -> ImageRecord:
        for _try in range(_TRIES):
            try:
                return bring(record, draft)
            except _BelongsTo as now:
                record, draft = replace(record, patient_id=now.patient_id), None
        raise UserError("patient.none", text=record.patient_id or "")

    def _move_in(self, before: ImageRecord, record: ImageRecord, draft: PatientDraft | None, mark: Mark) -> ImageRecord:
        patient_id = record.patient_id if draft is None else str(uuid.uuid4())
        whose = replace(record, patient_id=patient_id)
        final = replace(whose, directory=_directory(whose), filename=before.filename)

        def settle(unit: Unit) -> None:
            self._settle_patient(unit, draft, patient_id)

        return self._shelf.move(
            self._actor, self._action, before, final, lambda unit, stored: self._say(unit, stored, mark), settle
        )

    def _bring_in(
        self,
        record: ImageRecord,
        source: Path,
        draft: PatientDraft | None,
        mark: Mark,
        expectation: Expectation | None,
    ) -> ImageRecord:
        final = record if draft is None else replace(record, patient_id=str(uuid.uuid4()))
        placed = replace(record, directory=_directory(final))
        if draft is not None:
            # What a crash leaves is finished without the patient, who is not there yet: a person decides then.
            placed = replace(placed, placement=Placement.INBOX, reason=INTERRUPTED, reason_facts={})

        def settle(unit: Unit, stored: ImageRecord) -> ImageRecord:
            if final.patient_id is None:
                return stored
            self._settle_patient(unit, draft, final.patient_id)
            if expectation is not None:
                unit.store.expected.meet(expectation, final.id)
            return replace(final, directory=stored.directory, filename=stored.filename, size_bytes=stored.size_bytes)

        return self._shelf.arrive(
            self._actor,
            self._action,
            placed,
            source,
            settle,
            lambda unit, stored: self._say(unit, stored, mark),
            self._ctx,
        )

    def _settle_patient(self, unit: Unit, draft: PatientDraft | None, patient_id: str | None) -> None:
        """Make the new patient, or see that the chosen one is still who is meant; inside the transaction."""
        if patient_id is None:
            return
        if draft is not None:
            self._add_patient(unit, draft, patient_id)
        elif (now := unit.survivor(patient_id)).id != patient_id:
            raise _BelongsTo(now.id)

    def _say(self, unit: Unit, stored: ImageRecord, mark: Mark) -> None:
        unit.audit(Entity.IMAGE, stored.id, placement=stored.placement.value, code=stored.reason)
        unit.changed(Entity.IMAGE, ChangeKind.ADDED, stored.id, stored.patient_id)
        if self._job_id is not None:
            unit.store.jobs.add_items(self._job_id, [_row_of(LedgerLine(mark, _item_of(stored, mark)))])

    def keep_thumbnail(self, record: ImageRecord, jpeg: bytes) -> None:
        """Store a thumbnail."""
        self._thumbnails.put(record.id, jpeg)

    def finished(self, mark: Mark) -> ImportItem | None:
        """Return what the run that this one continues did with the file; failures are tried again."""
        if self._earlier is None:
            return None
        with self._door.store.read():
            done = self._door.store.jobs.item_of(self._earlier, mark.path, mark.size, mark.mtime_ns)
        if done is None or done.status == ItemStatus.FAILED:
            return None
        if done.status == ItemStatus.QUARANTINED and may_succeed_later(done.code):
            return None
        if done.image_id is not None and done.status != ItemStatus.QUARANTINED:
            done = replace(done, status=ItemStatus.DUPLICATE, code="image.duplicate", facts={})
        return ImportItem(
            mark.path,
            ItemStatus(done.status),
            done.image_id,
            done.patient_id,
            done.code,
            done.facts,
            is_new=False,
        )

    def note(self, lines: Sequence[LedgerLine]) -> None:
        """Write down finished files without records of their own."""
        if self._job_id is None:
            return
        self._door.store.jobs.add_items(self._job_id, [_row_of(line) for line in lines])

    def _add_patient(self, unit: Unit, draft: PatientDraft, patient_id: str) -> None:
        for known in unit.store.patients.by_chart_number(draft.chart_number):
            if not compare(identity_of(draft), known):
                # Made by another process since the decision.
                raise _BelongsTo(known.id)
        add_patient(unit, draft, patient_id)


def _directory(record: ImageRecord) -> str:
    if record.placement is Placement.FILED and record.patient_id is not None:
        return image_directory(record.patient_id, record.tooth, record.image_type)
    if record.placement is Placement.QUARANTINED:
        return quarantine_directory(record.id)
    return inbox_directory(record.id)


def _row_of(line: LedgerLine) -> JobItem:
    item, mark = line.item, line.mark
    return JobItem(
        path=mark.path,
        status=item.status.value,
        size=mark.size,
        mtime_ns=mark.mtime_ns,
        image_id=item.image_id,
        patient_id=item.patient_id,
        code=item.code,
        facts=dict(item.facts),
        similar_to=item.similar_to,
    )


def _item_of(record: ImageRecord, mark: Mark) -> ImportItem:
    return ImportItem(
        mark.path,
        _STATUS[record.placement],
        record.id,
        record.patient_id,
        record.reason,
        dict(record.reason_facts),
        record.similar_to,
    )
