"""The import's catalogue: what ``sync`` asks of a library, answered over storage through the door."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from app.core.context import JobContext
from app.domain.changes import ChangeKind, Entity
from app.domain.identity import FileIdentity, compare
from app.domain.image import ImageRecord, Placement
from app.domain.naming import image_directory, inbox_directory, quarantine_directory
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.patient_import import identity_of
from app.services.patients import add_patient
from app.services.shelf import Shelf
from app.services.thumbnails import Thumbnails
from app.storage.jobs import JobItem
from app.sync.duplicates import NEAR_BITS, says_something
from app.sync.ports import LedgerLine, Mark
from app.sync.report import ImportItem, ItemStatus

_STATUS = {
    Placement.FILED: ItemStatus.IMPORTED,
    Placement.INBOX: ItemStatus.INBOX,
    Placement.QUARANTINED: ItemStatus.QUARANTINED,
}


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
        """Return a patient."""
        with self._door.store.read():
            return self._door.store.patients.get(patient_id)

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

    def keep(self, record: ImageRecord, source: Path, draft: PatientDraft | None, mark: Mark) -> ImageRecord:
        """Make the patient if need be, then bring file and row in together."""
        if draft is not None:
            record = replace(record, patient_id=self._make_patient(draft))
        placed = replace(record, directory=_directory(record))

        def say(unit: Unit, stored: ImageRecord) -> None:
            unit.audit(Entity.IMAGE, stored.id, placement=stored.placement.value, code=stored.reason)
            unit.changed(Entity.IMAGE, ChangeKind.ADDED, stored.id, stored.patient_id)
            if self._job_id is not None:
                unit.store.jobs.add_items(self._job_id, [_row_of(LedgerLine(mark, _item_of(stored, mark)))])

        return self._shelf.arrive(self._actor, self._action, placed, source, say, self._ctx)

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
        if done.image_id is not None:
            return ImportItem(mark.path, ItemStatus.DUPLICATE, done.image_id, done.patient_id, "image.duplicate")
        return ImportItem(mark.path, ItemStatus(done.status), None, done.patient_id, done.code, done.facts)

    def note(self, lines: Sequence[LedgerLine]) -> None:
        """Write down finished files without records of their own."""
        if self._job_id is None:
            return
        self._door.store.jobs.add_items(self._job_id, [_row_of(line) for line in lines])

    def _make_patient(self, draft: PatientDraft) -> str:
        with self._door.writing(self._actor, self._action) as unit:
            for known in unit.store.patients.by_chart_number(draft.chart_number):
                if not compare(identity_of(draft), known):
                    # Made by another process since the decision.
                    return known.id
            return add_patient(unit, draft).id


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
