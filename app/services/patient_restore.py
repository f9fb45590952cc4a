"""Bringing one patient back from a backup into the library as it is now, which may stay open.

Only what is missing comes back: images that are gone, deleted or damaged, treatments that are gone or deleted, the
patient where there is none. What was changed since is never overwritten, and an image that was given to somebody
else since stays theirs.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.backup.archive import Archive
from app.backup.manifest import CATALOGUE, Member
from app.backup.unpacking import write_member
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, ItemError, UserError
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.naming import image_directory
from app.domain.patient import Patient, PatientSummary
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit, survivor
from app.services.images import save
from app.services.jobs import JobLog
from app.services.patients import add_patient
from app.services.replacing import put_right
from app.services.shelf import Shelf
from app.services.workroom import private_folder
from app.storage.database import Database
from app.storage.images import Images
from app.storage.migrating import known_migrations, migrate
from app.storage.patients import Patients
from app.storage.treatments import Treatments
from app.sync.filing import FATAL_CODES

log = logging.getLogger(__name__)

_PAGE = 500
_TRIES = 3


@dataclass(slots=True)
class PatientRestoreReport:
    """What bringing a patient back did, in images but for ``made`` and ``treatments``.

    ``brought_ids`` were gone, ``undeleted`` deleted, ``mended`` had a damaged or lost file; ``present`` needed nothing,
    ``elsewhere`` are another patient's now. ``failed`` has the code of why for those that could not be brought back.
    """

    patient_id: str = ""
    made: bool = False
    brought_ids: list[str] = field(default_factory=list)
    undeleted: int = 0
    mended: int = 0
    present: int = 0
    elsewhere: int = 0
    treatments: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def back(self) -> int:
        """How many images there are again that were not, or not whole."""
        return len(self.brought_ids) + self.undeleted + self.mended


class _Past:
    """The catalogue inside a backup, brought to the present schema in a private copy. One thread."""

    def __init__(self, database: Database) -> None:
        self.patients = Patients(database)
        self.images = Images(database)
        self.treatments = Treatments(database)

    def patient(self, text: str) -> Patient:
        """Return the patient of an id or chart number as of the backup. Raises ``patient.none|ambiguous``."""
        found = self.patients.get(text.strip().lower())
        matches = [found] if found is not None else self.patients.by_chart_number(text.strip())
        if not matches:
            raise UserError("patient.none", text=text)
        if len(matches) > 1:
            raise UserError("patient.ambiguous", text=text, ids=[patient.id for patient in matches])
        return matches[0]


class PatientRestore:
    """Brings patients back. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, shelf: Shelf, jobs: JobLog) -> None:
        self._door = door
        self._paths = paths
        self._shelf = shelf
        self._jobs = jobs

    def patients(self, actor: Actor, archive: Archive, ctx: JobContext) -> list[PatientSummary]:
        """Return who is in a backup, in the order of names. Raises as :meth:`run`."""
        self._door.require(actor, Action.BACKUP_RESTORE)
        found: list[PatientSummary] = []
        with self._past(archive, ctx) as past:
            seen: set[str] = set()
            while page := past.patients.page(found[-1].patient if found else None, _PAGE):
                ctx.check()
                if page[-1].patient.id in seen:
                    # A damaged index can be followed in circles.
                    raise EnvironmentFault("database.corrupt")
                seen.update(summary.patient.id for summary in page)
                found += page
        return found

    def run(
        self, actor: Actor, archive: Archive, wanted: str, ctx: JobContext, *, foreign: bool = False
    ) -> PatientRestoreReport:
        """Bring back the patient whom ``wanted`` names in the backup, by id or chart number.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``patient.none``, ``patient.ambiguous``, ``patient.chart_number_taken``; ``backup.foreign``,
            ``backup.newer``, ``backup.damaged``, ``backup.without_images``.
        EnvironmentFault
            ``disk.full`` and kin; images brought back until then stay.
        """
        self._door.require(actor, Action.BACKUP_RESTORE)
        heading = archive.manifest.heading
        if heading.library_id != self._door.store.library_id and not foreign:
            raise UserError("backup.foreign", clinic=heading.clinic)
        if heading.contents == "database":
            raise UserError("backup.without_images")
        with self._jobs.running(actor, "restore", {"patient": wanted}) as job, self._past(archive, ctx) as past:
            patient = past.patient(wanted)
            report = PatientRestoreReport()
            target = self._target(actor, patient, report)
            members = {member.sha256: member for member in archive.manifest.members}
            images = past.images.list(patient.id)
            for number, record in enumerate(images, 1):
                ctx.check()
                self._bring(actor, archive, members, record, target, report, ctx)
                ctx.report(Progress(number, len(images), "images", record.original_name))
            self._bring_treatments(actor, past, patient.id, target, report)
            job.counts = {
                "images": report.back,
                "treatments": report.treatments,
                "failed": len(report.failed),
            }
            return report

    @contextlib.contextmanager
    def _past(self, archive: Archive, ctx: JobContext) -> Iterator[_Past]:
        heading = archive.manifest.heading
        if heading.schema > known_migrations()[-1].number:
            raise UserError("backup.newer", program=heading.program, clinic=heading.clinic)
        member = next((member for member in archive.manifest.members if member.path == CATALOGUE), None)
        if member is None:
            raise UserError("backup.damaged", member=CATALOGUE)
        with private_folder(self._door.store) as work:
            write_member(archive, member, work / "bitewing.db", ctx)
            database = Database(work / "bitewing.db")
            try:
                migrate(database)
                yield _Past(database)
            finally:
                database.close()

    def _target(self, actor: Actor, patient: Patient, report: PatientRestoreReport) -> Patient:
        """Return whose the images are now: the patient, whom they were merged with, or the patient made anew."""
        with self._door.store.read():
            target = survivor(self._door.store, patient.id)
        if target is None:
            with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
                target = add_patient(unit, patient.draft(), patient.id)
            report.made = True
        report.patient_id = target.id
        return target

    def _bring(
        self,
        actor: Actor,
        archive: Archive,
        members: dict[str, Member],
        record: ImageRecord,
        target: Patient,
        report: PatientRestoreReport,
        ctx: JobContext,
    ) -> None:
        with self._door.store.read():
            now = self._door.store.images.get(record.id)
        if (now is not None and now.patient_id != target.id) or self._is_somebody_elses(record, target):
            report.elsewhere += 1
            return
        lost = now is None or not self._is_whole(now, ctx)
        if not lost and now is not None and now.deleted_at is None:
            report.present += 1
            return
        try:
            if lost:
                self._bring_file(actor, archive, members, record, now, target, report, ctx)
            if now is not None and now.deleted_at is not None:
                self._undelete(actor, now.id)
                report.undeleted += 1
        except BitewingError as error:
            if error.code == "image.duplicate":
                # The same bytes came in anew since; whose they are was just asked.
                report.present += 1
            elif not isinstance(error, Cancelled) and error.code not in FATAL_CODES:
                log.warning("image %s not brought back: %s", record.id, error.code)
                report.failed[record.id] = error.code
            else:
                raise

    def _is_somebody_elses(self, record: ImageRecord, target: Patient) -> bool:
        """Whether the same bytes are filed with another patient by now: somebody decided so."""
        with self._door.store.read():
            twins = self._door.store.images.by_sha256(record.sha256)
        return record.size_bytes > 0 and any(
            twin.deleted_at is None and twin.placement is Placement.FILED and twin.patient_id != target.id
            for twin in twins
            if twin.id != record.id
        )

    def _is_whole(self, record: ImageRecord, ctx: JobContext) -> bool:
        path = self._paths.root / record.path
        try:
            return path.is_file() and sha256_file(path, lambda _bytes: ctx.check())[0] == record.sha256
        except OSError:
            return False

    def _bring_file(
        self,
        actor: Actor,
        archive: Archive,
        members: dict[str, Member],
        record: ImageRecord,
        now: ImageRecord | None,
        target: Patient,
        report: PatientRestoreReport,
        ctx: JobContext,
    ) -> None:
        member = members.get(record.sha256)
        if member is None:
            raise UserError("restore.image_not_in_backup")
        if now is not None:
            self._mend(actor, archive, member, now.id, ctx)
            report.mended += now.deleted_at is None
            return
        with private_folder(self._door.store) as work:
            write_member(archive, member, work / "image", ctx)
            self._arrive(actor, record, target, work / "image", ctx)
        report.brought_ids.append(record.id)

    def _mend(self, actor: Actor, archive: Archive, member: Member, image_id: str, ctx: JobContext) -> None:
        """Put the right bytes to an image's place; again where it was moved meanwhile."""
        for _try in range(_TRIES):
            with self._door.store.read():
                now = self._door.store.images.get(image_id)
            if now is None:
                break
            with private_folder(self._door.store) as work:
                write_member(archive, member, work / "image", ctx)
                put_right(self._paths, now, work / "image")
            with self._door.store.read():
                after = self._door.store.images.get(image_id)
            if after is not None and self._is_whole(after, ctx):
                with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
                    unit.audit(Entity.IMAGE, image_id, mended=True)
                    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, image_id, after.patient_id)
                return
        raise UserError("image.changed_elsewhere", id=image_id)

    def _arrive(self, actor: Actor, record: ImageRecord, target: Patient, source: Path, ctx: JobContext) -> None:
        fresh = replace(
            record,
            patient_id=target.id,
            placement=Placement.FILED,
            directory=image_directory(target.id, record.tooth, record.image_type),
            similar_to=None,
            deleted_at=None,
        )

        def say(unit: Unit, stored: ImageRecord) -> None:
            unit.audit(Entity.IMAGE, stored.id)
            unit.changed(Entity.IMAGE, ChangeKind.ADDED, stored.id, stored.patient_id)

        def settle(unit: Unit, stored: ImageRecord) -> ImageRecord:
            unit.living_patient(target.id)
            if unit.store.images.get(record.id) is not None:
                # Another restore of the same patient was quicker.
                raise ItemError("image.duplicate", image=record.id)
            return stored

        self._shelf.arrive(actor, Action.BACKUP_RESTORE, fresh, source, settle, say, ctx)

    def _undelete(self, actor: Actor, image_id: str) -> None:
        with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
            now = unit.store.images.get(image_id)
            if now is None or now.deleted_at is None:
                return
            save(unit, replace(now, deleted_at=None))
            unit.audit(Entity.IMAGE, image_id)
            unit.changed(Entity.IMAGE, ChangeKind.ADDED, image_id, now.patient_id)

    def _bring_treatments(
        self, actor: Actor, past: _Past, patient_id: str, target: Patient, report: PatientRestoreReport
    ) -> None:
        for treatment in past.treatments.list(patient_id):
            with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
                store = unit.store
                now = store.treatments.get(treatment.id)
                if now is not None and now.patient_id != target.id:
                    continue
                images = [
                    one for one in past.treatments.image_ids(treatment.id) if _is_of(store.images.get, one, target)
                ]
                if now is not None and now.deleted_at is None:
                    # As it is now; only images that were gone with their links get those back.
                    store.treatments.link(treatment.id, [one for one in images if one in report.brought_ids])
                    continue
                unit.living_patient(target.id)
                if now is None:
                    store.treatments.insert(replace(treatment, patient_id=target.id))
                else:
                    store.treatments.set_deleted(treatment.id, deleted=False)
                store.treatments.link(treatment.id, images)
                unit.audit(Entity.TREATMENT, treatment.id)
                unit.changed(Entity.TREATMENT, ChangeKind.ADDED, treatment.id, target.id)
            report.treatments += 1


def _is_of(get: Callable[[str], ImageRecord | None], image_id: str, patient: Patient) -> bool:
    record = get(image_id)
    return record is not None and record.patient_id == patient.id
