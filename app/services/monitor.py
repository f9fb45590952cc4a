"""The folder monitor as a use case: rules from the settings, imports through the one importer, what it says.

Files are handed to the importer as any others, so that identity, duplicates, inbox and quarantine are the same.
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.identity import FileIdentity, compare
from app.domain.image import Filing
from app.domain.patient import Patient
from app.domain.roles import Action, Actor
from app.domain.watch_rules import After, NamedParts, WatchRule, parse_rule
from app.services.door import Door
from app.services.events import EventLog
from app.services.imports import ImportsService
from app.services.settings import SettingsService
from app.storage.events import Level
from app.storage.lease import Lease
from app.storage.monitor import HandledFile
from app.sync.filing import FATAL_CODES
from app.sync.monitor.after import put_away
from app.sync.monitor.engine import Handled, Mark, Monitor, Ripe
from app.sync.monitor.listing import FolderAway, look
from app.sync.report import ImportArgs, ImportItem, ItemStatus

log = logging.getLogger(__name__)

TOPIC = "monitor"
BROUGHT = (ItemStatus.IMPORTED.value, ItemStatus.INBOX.value)
_IN_LIBRARY = frozenset({ItemStatus.IMPORTED, ItemStatus.INBOX, ItemStatus.DUPLICATE})
_PREVIEW = 20
OpenPatient = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """How a watched folder stands."""

    rule: WatchRule
    present: bool
    today: int
    last_look: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class FolderTest:
    """What trying a folder found; ``names`` are the first files in it with what the rule reads from them."""

    files: int
    writable: bool
    names: tuple[tuple[str, NamedParts | None], ...]


@dataclass(slots=True)
class MonitorReport:
    """What a run did, by status; ``failed`` are the files that could not be taken yet, with the reason's code."""

    counts: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    away: tuple[str, ...] = ()
    failed: dict[str, str] = field(default_factory=dict)


class MonitorService:
    """Watches the folders of this workstation. Any thread; one run at a time holds the library's lease."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, imports: ImportsService, events: EventLog
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._imports = imports
        self._events = events
        self._running: Monitor | None = None

    def rules(self) -> list[WatchRule]:
        """Return the rules of the settings. Raises ``monitor.bad_rule``."""
        return [parse_rule(entry) for entry in self._settings.workstation().monitor_folders]

    def run(
        self,
        actor: Actor,
        ctx: JobContext,
        *,
        once: bool = False,
        open_patient: OpenPatient | None = None,
        lease: Lease | None = None,
    ) -> MonitorReport:
        """Watch until cancelled, or with ``once`` until everything that is there was handled.

        ``lease`` is the library's lease where the caller holds it already.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``monitor.no_folders``, ``monitor.bad_rule``, ``monitor.bad_folder``.
        EnvironmentFault
            ``library.busy`` (facts ``kind``, ``pid``) when another process does the background work.
        """
        self._door.require(actor, Action.MONITOR_RUN)
        rules = self._usable_rules(actor)
        own = Lease(self._paths.root, "watch") if lease is None else None
        if own is not None:
            own.take()
        report = MonitorReport()
        interval_s = self._settings.workstation().monitor_interval_s
        monitor = Monitor(rules, _Port(self, actor, report, open_patient), interval_s)
        self._running = monitor
        try:
            monitor.run(ctx, once=once)
        finally:
            self._running = None
            report.waiting = sum(len(folder.waiting) for folder in monitor.folders)
            report.away = tuple(str(folder.root) for folder in monitor.folders if folder.away)
            for folder in monitor.folders:
                report.failed |= {str(folder.root / path): code for path, code in folder.failed.items()}
            if own is not None:
                own.give()
        return report

    def _usable_rules(self, actor: Actor) -> list[WatchRule]:
        """Return the rules that can be followed; one that cannot is said and does not stop the others."""
        entries = self._settings.workstation().monitor_folders
        if not entries:
            raise UserError("monitor.no_folders")
        rules: list[WatchRule] = []
        refused: list[UserError] = []
        for entry in entries:
            try:
                rule = parse_rule(entry)
                self._require_outside(rule, rules)
            except UserError as error:
                refused.append(error)
            else:
                rules.append(rule)
        if not rules:
            raise refused[0]
        for refusal in refused:
            self.tell(actor, Level.ERROR, refusal.code, **{name: str(fact) for name, fact in refusal.facts.items()})
        return rules

    def status(self, actor: Actor) -> list[FolderStatus]:
        """Return how each folder stands."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            midnight = _midnight()
            running = {folder.rule.path: folder for folder in self._running.folders} if self._running else {}
            found = []
            for rule in self.rules():
                watch = running.get(rule.path)
                found.append(
                    FolderStatus(
                        rule,
                        Path(rule.path).is_dir(),
                        store.monitor_files.count_since(rule.path, midnight, BROUGHT),
                        _moment(store.state.get(f"monitor.looked:{rule.path}")),
                        len(watch.waiting) if watch else 0,
                    )
                )
            return found

    def history(self, actor: Actor, folder: str, limit: int = 200) -> list[HandledFile]:
        """Return what was handled last in a folder. Raises ``role.refused``."""
        with self._door.reading(actor, Action.LOG_VIEW) as store:
            return store.monitor_files.recent(folder, limit)

    def test(self, actor: Actor, rule: WatchRule) -> FolderTest:
        """Look through a folder once and say what the rule would read from its names.

        Raises
        ------
        UserError
            ``monitor.bad_folder`` (facts ``path``, ``why``).
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        root = Path(rule.path)
        self._require_outside(rule, ())
        if not root.is_dir():
            raise UserError("monitor.folder_missing", path=rule.path)
        names: list[tuple[str, NamedParts | None]] = []
        count = 0
        try:
            for path, _seen in look(root):
                count += 1
                if len(names) < _PREVIEW:
                    names.append((path, rule.parts_of(path)))
        except FolderAway as error:
            raise UserError("monitor.folder_missing", path=rule.path) from error
        return FolderTest(count, _is_writable(root) if rule.after is not After.LEAVE else True, tuple(names))

    def _require_outside(self, rule: WatchRule, others: Sequence[WatchRule]) -> None:
        """Refuse a folder that is in the library or holds it, or that another watched one holds."""
        root, library = Path(rule.path).resolve(), self._paths.root.resolve()
        if root == library or root.is_relative_to(library) or library.is_relative_to(root):
            raise UserError("monitor.bad_folder", path=rule.path)
        for other in others:
            held = Path(other.path).resolve()
            if other is not rule and (root == held or root.is_relative_to(held) or held.is_relative_to(root)):
                raise UserError("monitor.overlapping", path=rule.path, other=other.path)

    def tell(self, actor: Actor, level: Level, code: str, **facts: str) -> None:
        """Write to the log page."""
        self._events.say(actor, level, TOPIC, code, **facts)

    def looked(self, folder: str) -> None:
        """Remember that a folder was looked through, for the status: now and then, not every time."""
        self._door.store.state.set(f"monitor.looked:{folder}", utc_now().isoformat())

    def import_files(
        self, actor: Actor, rule: WatchRule, files: Sequence[Ripe], filings: dict[str, Filing], ctx: JobContext
    ) -> dict[str, ImportItem]:
        """Import a batch and return what became of each file, by its path as handed over."""
        root, items = Path(rule.path), {}
        whole = {str(root / file.path) for file in files if not file.is_last_call}
        # The name was to say whose they are and did not: the file alone is not believed. And who is open in the
        # window may have changed since the picture was taken: a person says so.
        doubt = "monitor.confirm_open" if rule.kind == "open" else "monitor.name_unknown"
        doubtful = [path for path, filing in filings.items() if rule.kind != "dicom" and filing.patient_id is None]
        args = ImportArgs(
            tuple(root / file.path for file in files),
            filings=filings,
            trigger=TOPIC,
            unripe=frozenset(whole),
            to_inbox=dict.fromkeys(doubtful, doubt),
        )

        def hear(item: ImportItem) -> None:
            items[item.path] = item

        # What is tried again every minute is no news: only runs that brought something stay in the job log.
        report = self._imports.run_as(actor, Action.IMAGE_IMPORT, args, ctx, hear, keep_empty=False)
        if report.stopped in FATAL_CODES:
            self.tell(actor, Level.ERROR, "monitor.stopped", cause=report.stopped)
        return items

    def note(self, rule: WatchRule, handled: Sequence[HandledFile]) -> None:
        """Write the ledger."""
        self._door.store.monitor_files.note(rule.path, handled)
        self._door.publish(ChangeSet((Change(Entity.FOLDER, ChangeKind.CHANGED, rule.path),)))

    def marks(self, rule: WatchRule) -> dict[str, Mark]:
        """Return the ledger of a folder."""
        with self._door.store.read():
            return self._door.store.monitor_files.marks(rule.path)

    def forget(self, rule: WatchRule, paths: Sequence[str]) -> None:
        """Take files that are gone out of the ledger."""
        self._door.store.monitor_files.forget(rule.path, paths)

    def stored_file(self, image_id: str | None) -> Path | None:
        """Return an image's file in the library, if it is there."""
        with self._door.store.read():
            record = self._door.store.images.get(image_id) if image_id else None
        path = None if record is None else self._paths.root / record.path
        return path if path is not None and path.is_file() else None

    def patients_named(self, parts: NamedParts) -> list[Patient]:
        """Return the patients whom a name means."""
        with self._door.store.read():
            patients = self._door.store.patients
            if not parts.chart:
                return list(patients.by_name(parts.family, parts.given))
            said = FileIdentity(parts.chart, parts.family, parts.given)
            return [patient for patient in patients.by_chart_number(parts.chart) if not compare(said, patient)]


class _Port:
    """What the loop is given: one run of one actor."""

    def __init__(
        self, service: MonitorService, actor: Actor, report: MonitorReport, open_patient: OpenPatient | None
    ) -> None:
        self._service = service
        self._actor = actor
        self._report = report
        self._open_patient = open_patient or (lambda: None)
        self._said: set[tuple[str, str]] = set()

    def marks(self, rule: WatchRule) -> dict[str, Mark]:
        self._service.looked(rule.path)
        return self._service.marks(rule)

    def forget(self, rule: WatchRule, paths: Sequence[str]) -> None:
        self._service.forget(rule, paths)

    def told(self, rule: WatchRule, code: str) -> None:
        level = Level.WARNING if code == "monitor.away" else Level.INFO
        self._service.tell(self._actor, level, code, folder=rule.path)

    def take(self, rule: WatchRule, files: Sequence[Ripe], ctx: JobContext) -> list[Handled]:
        root = Path(rule.path)
        filings = {str(root / file.path): self._filing(rule, file.path) for file in files}
        try:
            items = self._service.import_files(self._actor, rule, files, filings, ctx)
        except EnvironmentFault as error:
            self._say_once(rule, error.code)
            return [Handled(file.path, file.seen, False, code=error.code, failed=True) for file in files]
        answers, ledger = [], []
        for file in files:
            handled, line = self._one(rule, file, items.get(str(root / file.path)))
            answers.append(handled)
            if line is not None:
                ledger.append(line)
        try:
            self._service.note(rule, ledger)
            self._service.looked(rule.path)
        except EnvironmentFault as error:
            # Next time these files are known by their bytes.
            self._say_once(rule, error.code)
        if all(handled.settled for handled in answers):
            self._said = {said for said in self._said if said[0] != rule.path}
        return answers

    def _one(self, rule: WatchRule, file: Ripe, item: ImportItem | None) -> tuple[Handled, HandledFile | None]:
        if item is None:
            # The run was stopped before it came to this file.
            return Handled(file.path, file.seen, False, code="monitor.not_reached", failed=True), None
        if item.status is ItemStatus.FAILED or (item.code is not None and _is_unripe(item, file)):
            code = item.code or "import.failed"
            if Path(rule.path).is_dir():
                self._say_once(rule, code)
            return Handled(file.path, file.seen, False, code=code, failed=item.status is ItemStatus.FAILED), None
        self._report.counts[item.status.value] += 1
        gone = self._put_away(rule, file, item)
        seen = file.seen
        line = HandledFile(
            file.path,
            seen.size,
            seen.mtime_ns,
            item.status.value,
            item.code,
            item.image_id,
            ctime_ns=seen.ctime_ns,
        )
        return Handled(file.path, file.seen, True, gone=gone), line

    def _put_away(self, rule: WatchRule, file: Ripe, item: ImportItem) -> bool:
        if item.status not in _IN_LIBRARY or rule.after is After.LEAVE or item.code == "image.in_trash":
            return False
        try:
            proof = self._service.stored_file(item.image_id)
            return put_away(Path(rule.path), file.path, file.seen, rule.after, proof)
        except OSError as error:
            self._say_once(rule, translate_os_error(error).code)
            return False

    def _filing(self, rule: WatchRule, relative: str) -> Filing:
        """Return whose a file is and what it shows, as far as the rule says; the importer checks the rest."""
        filing = Filing(tooth=rule.tooth, image_type=rule.image_type)
        readings = rule.readings_of(relative)
        if not readings or rule.kind not in {"folder", "file"}:
            return filing
        found = {patient.id for parts in readings for patient in self._service.patients_named(parts)}
        parts = readings[0]
        return replace(
            filing,
            # Two of the same name, or two ways to read a name, are nobody: the inbox asks.
            patient_id=next(iter(found)) if len(found) == 1 else None,
            tooth=parts.tooth or filing.tooth,
            image_type=parts.image_type or filing.image_type,
        )

    def _say_once(self, rule: WatchRule, code: str) -> None:
        """Say why files of a folder wait: once, until all of it comes in again."""
        if (rule.path, code) in self._said:
            return
        self._said.add((rule.path, code))
        self._service.tell(self._actor, Level.WARNING, "monitor.waits", cause=code, folder=rule.path)


def _is_unripe(item: ImportItem, file: Ripe) -> bool:
    return item.status is ItemStatus.SKIPPED and not file.is_last_call and item.facts.get("unripe") is True


def _is_writable(root: Path) -> bool:
    return os.access(root, os.W_OK | os.X_OK)


def _midnight() -> datetime:
    local = utc_now().astimezone()
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
