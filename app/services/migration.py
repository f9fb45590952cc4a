"""Migration from an earlier program: looks first, backs up, copies patient by patient, proves that all arrived.

The source is only ever read. Each patient is a step of its own: the person, the images through the one importer,
then captions, treatments and their links in one transaction. Cut off anywhere, the next run goes on: bytes that
are here are known, treatments by their legacy id, patients by their key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault, UserError
from app.core.files import require_space, sha256_file
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.identity import compare
from app.domain.image import IMPORTABLE, Filing, ImageRecord, Placement
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Action, Actor
from app.imaging.sniff import Content
from app.services.backups import BackupsService, scheduled_name
from app.services.door import Door, Unit
from app.services.events import EventLog
from app.services.images import CAPTION_LIMIT, save
from app.services.imports import ImportsService
from app.services.jobs import JobLog
from app.services.patient_import import identity_of
from app.services.patients import add_patient
from app.services.settings import SettingsService
from app.services.treatments import TreatmentsService
from app.storage.events import Level
from app.storage.legacy import LegacyLine
from app.sync.migration.legacy import LegacyFile, LegacyTree, Problem, grouped, read_tree
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from app.sync.sources import content_of, kind_of

KIND = "migrate"
_HERE = frozenset({ItemStatus.IMPORTED, ItemStatus.INBOX, ItemStatus.DUPLICATE})
_FOLDER = "folder:"
# Files without a patient are brought in this many at a time, so that a stop is soon obeyed.
_BATCH = 500


@dataclass(slots=True)
class MigrationReport:
    """The three-way reconciliation: what the source holds, what was planned of it, what arrived."""

    source: int = 0
    planned: int = 0
    arrived: int = 0
    patients: int = 0
    patients_made: int = 0
    treatments: int = 0
    links: int = 0
    inbox: int = 0
    exceptions: list[Problem] = field(default_factory=list)
    backup: Path | None = None
    dry_run: bool = False
    stopped: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether everything that was planned is here."""
        return self.stopped is None and self.arrived == self.planned


class MigrationService:
    """Brings in legacy trees. Any thread; one at a time by the job runner."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        imports: ImportsService,
        treatments: TreatmentsService,
        backups: BackupsService,
        settings: SettingsService,
        jobs: JobLog,
        events: EventLog,
    ) -> None:
        self._door = door
        self._paths = paths
        self._imports = imports
        self._treatments = treatments
        self._backups = backups
        self._settings = settings
        self._jobs = jobs
        self._events = events

    def offer(self, actor: Actor) -> Path | None:
        """Return a legacy tree that lies where one is expected, was not brought in and not offered before (T8).

        That is ``legacy_images`` in the library's folder, or ``dental_images`` beside it.
        """
        self._door.require(actor, Action.LIBRARY_MIGRATE)
        root = self._paths.root
        for place in (root / "legacy_images", root.parent / "dental_images"):
            with self._door.store.read():
                said = self._door.store.state.get(f"migrate.offered:{place}")
                known = str(place) in self._door.store.legacy.sources()
            if said is None and not known and place.is_dir() and any(place.iterdir()):
                self._door.store.state.set(f"migrate.offered:{place}", utc_now().isoformat())
                return place
        return None

    def look(self, actor: Actor, source: Path, ctx: JobContext) -> MigrationReport:
        """Say what bringing in ``source`` would do, changing nothing. Raises as :meth:`run`."""
        self._door.require(actor, Action.LIBRARY_MIGRATE)
        tree = self._read(source)
        report = MigrationReport(dry_run=True)
        files = self._planned(tree, report, ctx)
        self._count_people(tree, files, report)
        report.exceptions = [*tree.problems, *report.exceptions]
        return report

    def run(self, actor: Actor, source: Path, ctx: JobContext, trigger: str = "user") -> MigrationReport:
        """Bring ``source`` in, or go on with what was begun.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``migrate.no_source``, ``migrate.own_library``, ``migrate.unreadable_list``.
        EnvironmentFault
            ``disk.reserve`` when there is no room; whatever the backup before it raises.
        """
        self._door.require(actor, Action.LIBRARY_MIGRATE)
        tree = self._read(source)
        with self._jobs.running(actor, KIND, {}, trigger) as job:
            report = MigrationReport()
            try:
                self._run(actor, tree, report, ctx)
            except Cancelled:
                report.stopped = "cancelled"
            job.counts = {"arrived": report.arrived, "exceptions": len(report.exceptions)}
            job.stopped = report.stopped
            level = Level.INFO if report.is_complete else Level.WARNING
            self._events.say(
                actor,
                level,
                KIND,
                "migrate.finished" if report.stopped is None else "migrate.stopped",
                source=report.source,
                planned=report.planned,
                arrived=report.arrived,
            )
        return report

    def remove_source(self, actor: Actor, source: Path, ctx: JobContext) -> int:
        """Delete the files of ``source`` whose bytes are in the library, and the folders that are empty then.

        Each file is read again and compared with its image's file first; return how many are gone.

        Raises
        ------
        UserError
            ``migrate.not_brought_in`` when this source never was.
        """
        self._door.require(actor, Action.LIBRARY_MIGRATE)
        root = source.absolute()
        with self._door.store.read():
            lines = self._door.store.legacy.lines(str(root))
        if not lines:
            raise UserError("migrate.not_brought_in", path=str(root))
        gone = 0
        for line in lines.values():
            ctx.check()
            path = root / line.path
            if line.image_id is not None and not path.is_symlink() and self._is_safe(path, line.image_id):
                path.unlink()
                gone += 1
            ctx.report(Progress(gone, len(lines), "files", path.name))
        _remove_empty(root)
        self._events.say(actor, Level.WARNING, KIND, "migrate.source_removed", count=gone)
        return gone

    # -- one run ------------------------------------------------------------------------------------------

    def _read(self, source: Path) -> LegacyTree:
        root = source.expanduser().absolute()
        library = self._paths.root.resolve()
        if root.resolve() == library or library.is_relative_to(root.resolve()):
            raise UserError("migrate.own_library", path=str(root))
        return read_tree(root)

    def _run(self, actor: Actor, tree: LegacyTree, report: MigrationReport, ctx: JobContext) -> None:
        files = self._planned(tree, report, ctx)
        report.exceptions = [*tree.problems, *report.exceptions]
        require_space(self._paths.root, self._missing_bytes(tree, files), self._settings.clinic().reserve_bytes)
        report.backup = self._back_up(actor, tree, ctx)
        groups = grouped(files)
        nobody = groups.pop(None, [])
        done = 0
        keys = dict.fromkeys((*tree.patients, *(key for key in groups if key is not None)))
        for key in keys:
            ctx.check()
            done = self._bring_patient(actor, tree, key, groups.get(key, []), report, ctx, done, len(files))
        for start in range(0, len(nobody), _BATCH):
            ctx.check()
            batch = nobody[start : start + _BATCH]
            items = self._import(actor, batch, None, ctx, done, len(files))
            self._note(tree, batch, items, report)
            done += len(batch)

    def _planned(self, tree: LegacyTree, report: MigrationReport, ctx: JobContext) -> list[LegacyFile]:
        """Return the files that are images; the others are exceptions with their reason."""
        planned = []
        for file in tree.files():
            ctx.check()
            report.source += 1
            content = content_of(file.path)
            if not isinstance(content, Content):
                report.exceptions.append(Problem(file.relative, content.code, dict(content.facts)))
            elif kind_of(content) not in IMPORTABLE:
                code = "file.empty" if content is Content.EMPTY else "file.not_an_image"
                report.exceptions.append(Problem(file.relative, code))
            else:
                planned.append(file)
            ctx.report(Progress(report.source, None, "files", file.path.name))
        report.planned = len(planned)
        return planned

    def _count_people(self, tree: LegacyTree, files: Sequence[LegacyFile], report: MigrationReport) -> None:
        keys = {*tree.patients, *(file.key for file in files if file.key is not None)}
        report.patients = len(keys)
        with self._door.store.read():
            for key in keys:
                try:
                    draft = _draft(tree, key)
                    known = self._door.store.legacy.patient_of(str(tree.root), key) or self._same_person(draft)
                except UserError as error:
                    report.exceptions.append(Problem(key.removeprefix(_FOLDER), error.code, dict(error.facts)))
                    continue
                report.patients_made += known is None
        report.inbox = sum(file.key is None for file in files)
        report.treatments = len(tree.treatments)
        report.links = sum(len(tree.treatments_of(file)) for file in files)

    def _bring_patient(
        self,
        actor: Actor,
        tree: LegacyTree,
        key: str,
        files: list[LegacyFile],
        report: MigrationReport,
        ctx: JobContext,
        done: int,
        total: int,
    ) -> int:
        """Bring one patient in: the person, the images, then what belongs to them; return the files done so far."""
        report.patients += 1
        try:
            patient_id = self._person(actor, tree, key, report)
        except UserError as error:
            # Somebody else has this number here: a person decides, file by file.
            report.exceptions.append(Problem(key.removeprefix(_FOLDER), error.code, dict(error.facts)))
            patient_id = None
        items = self._import(actor, files, patient_id, ctx, done, total)
        images = self._note(tree, files, items, report)
        if patient_id is not None:
            self._finish_patient(actor, tree, key, patient_id, files, images, report)
        return done + len(files)

    def _person(self, actor: Actor, tree: LegacyTree, key: str, report: MigrationReport) -> str:
        """Return who a legacy patient is here, adding them where they are nobody yet."""
        source = str(tree.root)
        with self._door.writing(actor, Action.LIBRARY_MIGRATE) as unit:
            known = unit.store.legacy.patient_of(source, key)
            if known is not None:
                return unit.living_patient(known).id
            draft = _draft(tree, key)
            same = self._same_person(draft)
            patient = same or add_patient(unit, draft)
            report.patients_made += same is None
            unit.store.legacy.set_patient(source, key, patient.id)
            return patient.id

    def _same_person(self, draft: PatientDraft) -> Patient | None:
        """Return the patient here whom a draft means. Raises ``migrate.contradicts`` for another of that number."""
        patients = self._door.store.patients
        if draft.chart_number:
            found = patients.by_chart_number(draft.chart_number)
            if found and compare(identity_of(draft), found[0]):
                raise UserError("migrate.contradicts", chart_number=draft.chart_number)
            if found:
                return found[0]
        same = [
            patient
            for patient in patients.by_name(draft.family_name, draft.given_name)
            if draft.birth_date is not None
            and patient.birth_date == draft.birth_date
            and not compare(identity_of(draft), patient)
        ]
        return same[0] if len(same) == 1 else None

    def _import(
        self,
        actor: Actor,
        files: Sequence[LegacyFile],
        patient_id: str | None,
        ctx: JobContext,
        done: int,
        total: int,
    ) -> dict[str, ImportItem]:
        items: dict[str, ImportItem] = {}
        if not files:
            return items
        args = ImportArgs(
            tuple(file.path for file in files),
            filings={str(file.path): Filing(patient_id, file.tooth, None, file.image_type) for file in files},
            may_make_patients=patient_id is None,
            trigger=KIND,
        )
        inner = JobContext(ctx.token, lambda p: ctx.report(Progress(done + p.done, total, "files", p.item)))
        report = self._imports.run_as(
            actor,
            Action.LIBRARY_MIGRATE,
            args,
            inner,
            lambda item: items.__setitem__(item.path, item),
            "migration-files",
            keep_empty=False,
        )
        if report.stopped == "cancelled":
            raise Cancelled
        if report.stopped is not None:
            raise EnvironmentFault(report.stopped, **report.stop_facts)
        return items

    def _note(
        self, tree: LegacyTree, files: Sequence[LegacyFile], items: dict[str, ImportItem], report: MigrationReport
    ) -> dict[str, str]:
        """Write down what became of files and return the image of each by its path in the tree."""
        lines, images = [], {}
        for file in files:
            item = items.get(str(file.path))
            if item is None:
                continue
            image_id = item.image_id if item.status in _HERE else None
            lines.append(
                LegacyLine(file.relative, file.size, file.mtime_ns, item.status.value, item.code, item.image_id)
            )
            if image_id is None:
                report.exceptions.append(Problem(file.relative, item.code or "import.failed", dict(item.facts)))
                continue
            images[file.relative] = image_id
            report.arrived += 1
            report.inbox += item.status is ItemStatus.INBOX
        self._door.store.legacy.note(str(tree.root), lines)
        return images

    def _finish_patient(
        self,
        actor: Actor,
        tree: LegacyTree,
        key: str,
        patient_id: str,
        files: Sequence[LegacyFile],
        images: dict[str, str],
        report: MigrationReport,
    ) -> None:
        """Write captions, treatments and links of one patient, all or nothing; what people changed since stays."""
        wanted: dict[str, list[str]] = {item.id: [] for item in tree.treatments.values() if item.key == key}
        for file in files:
            for treatment in tree.treatments_of(file):
                if file.relative in images and treatment in wanted:
                    wanted[treatment].append(images[file.relative])
        source = str(tree.root)
        with self._door.writing(actor, Action.LIBRARY_MIGRATE) as unit:
            is_done = unit.store.legacy.is_done(source, key)
            for file in files:
                record = unit.store.images.get(images.get(file.relative, ""))
                if record is not None and file.caption and not record.caption and not is_done:
                    _caption(unit, record, file.caption)
            for legacy_id, image_ids in wanted.items():
                known = unit.store.treatments.by_legacy_id(patient_id, legacy_id)
                here = [image_id for image_id in image_ids if _is_of(unit, image_id, patient_id)]
                if known is None:
                    draft = tree.treatments[legacy_id].draft
                    self._treatments.add_in(unit, patient_id, draft, here, legacy_id)
                elif not is_done:
                    unit.store.treatments.link(known.id, here)
                report.treatments += 1
                report.links += len(here)
                missed = len(image_ids) - len(here)
                if missed:
                    report.exceptions.append(Problem(legacy_id, "migrate.links_wait", {"count": missed}))
            unit.store.legacy.finish_patient(source, key)

    def _missing_bytes(self, tree: LegacyTree, files: Sequence[LegacyFile]) -> int:
        with self._door.store.read():
            here = self._door.store.legacy.lines(str(tree.root))
        return sum(file.size for file in files if file.relative not in here)

    def _back_up(self, actor: Actor, tree: LegacyTree, ctx: JobContext) -> Path | None:
        """Back up what is here before the first run of a source; an empty library has nothing to lose."""
        state_key = f"migrate.backup:{tree.root}"
        with self._door.store.read():
            made = self._door.store.state.get(state_key)
            is_empty = self._door.store.images.count(None) == 0 and self._door.store.patients.count() == 0
        if is_empty or made is not None:
            return Path(made) if made else None
        folder = Path(self._settings.clinic().backup_folder or "")
        usable = bool(self._settings.clinic().backup_folder) and folder.is_dir()
        place = folder if usable else self._paths.root.parent
        report = self._backups.create(actor, place / f"before-migration-{scheduled_name(utc_now())}", ctx, trigger=KIND)
        self._door.store.state.set(state_key, report.record.path)
        return Path(report.record.path)

    def _is_safe(self, path: Path, image_id: str) -> bool:
        """Whether the library holds the very bytes of a legacy file, read on both sides now."""
        with self._door.store.read():
            record = self._door.store.images.get(image_id)
        if record is None or record.deleted_at is not None:
            return False
        own = self._paths.root / record.path
        try:
            return not own.samefile(path) and sha256_file(own)[0] == sha256_file(path)[0] == record.sha256
        except OSError:
            return False


def _draft(tree: LegacyTree, key: str) -> PatientDraft:
    """Return a legacy patient; one who is only a folder gets its name as the chart number."""
    known = tree.patients.get(key)
    return known if known is not None else PatientDraft(chart_number=key.removeprefix(_FOLDER)[:64])


def _caption(unit: Unit, record: ImageRecord, caption: str) -> None:
    saved = save(unit, replace(record, caption=caption[:CAPTION_LIMIT]))
    unit.audit_as(Action.IMAGE_EDIT, Entity.IMAGE, saved.id, fields=["caption"])
    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, saved.id, saved.patient_id)


def _is_of(unit: Unit, image_id: str, patient_id: str) -> bool:
    record = unit.store.images.get(image_id)
    return record is not None and record.patient_id == patient_id and record.placement is Placement.FILED


def _remove_empty(root: Path) -> None:
    for folder in sorted((path for path in root.rglob("*") if path.is_dir() and not path.is_symlink()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
