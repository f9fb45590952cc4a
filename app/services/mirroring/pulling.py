"""Bringing files back from a mirror: those that the library lacks, each proven by its SHA-256, over several lines.

A good file here is never replaced; a bad one is kept aside. What was brought back stays when the run is stopped, so
that the next one goes on where this one ended. The catalogue must be here: :mod:`app.services.mirroring.rebuilding`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from app.backup.manifest import is_harmless
from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.core.files import require_space, sha256_file, translate_os_error
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.mirroring.remote import Remote, listed, names_of
from app.services.replacing import put_right
from app.services.settings import SettingsService
from app.services.workroom import private_folder
from app.storage.events import Level
from app.transfer.stores.store import Store

KIND = "mirror-pull"
NOT_THERE = "mirror.not_there"
# What ends a run: every further file would meet it too.
FATAL = frozenset(
    {f"store.{what}" for what in ("unreachable", "slow", "cut_off", "unauthorized", "forbidden", "missing")}
    | {f"store.{what}" for what in ("certificate", "host_key_unknown", "host_key_changed", "plain_refused")}
    | {"disk.full", "disk.reserve", "disk.read_only", "disk.failed", "library.away"}
)
_PAGE = 200
_TOGETHER = 50


@dataclass(slots=True)
class PullReport:
    """What bringing back did (CLI contract); ``faults`` has the code for each path that is not here still."""

    downloaded: int = 0
    unchanged: int = 0
    failed: int = 0
    bytes: int = 0
    extra: int = 0
    faults: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Lacking:
    """Images whose files are not here (or not whole), by id, and how much that is."""

    ids: list[str] = field(default_factory=list)
    bytes: int = 0
    unchanged: int = 0


class MirrorPull:
    """Brings files back to one library. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, jobs: JobLog, events: EventLog
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._jobs = jobs
        self._events = events

    def run(
        self,
        actor: Actor,
        ctx: JobContext,
        places: Sequence[tuple[MirrorSettings, Store]],
        *,
        deep: bool = False,
        trigger: str = "user",
    ) -> PullReport:
        """Bring back what is lacking from these mirrors, one after the other; ``deep`` reads every file here first.

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``library.away``, ``disk.reserve``; what a store says that every file would meet.
        Cancelled
            When stopped; what is here by then stays.
        """
        self._door.require(actor, Action.BACKUP_RESTORE)
        if not (self._paths.exists() and self._paths.marker.exists()):
            raise EnvironmentFault("library.away", path=str(self._paths.root))
        report = PullReport()
        destination = places[0][0].destination if places else MIRROR
        with self._jobs.running(actor, KIND, {"destination": destination}, trigger) as job:
            try:
                lacking = self._lacking(ctx, deep=deep)
                report.unchanged = lacking.unchanged
                if lacking.ids:
                    require_space(self._paths.root, lacking.bytes, self._settings.clinic().reserve_bytes)
                self._from_each(actor, places, lacking, report, ctx)
                report.failed = len(report.faults)
            finally:
                job.counts = {"downloaded": report.downloaded, "failed": len(report.faults), "bytes": report.bytes}
        level = Level.ERROR if report.failed else Level.WARNING
        if report.downloaded or report.failed:
            self._events.say(
                actor,
                level,
                MIRROR,
                "mirror.pulled",
                job_id=job.id,
                destination=destination,
                downloaded=report.downloaded,
                failed=report.failed,
            )
        return report

    def _from_each(
        self,
        actor: Actor,
        places: Sequence[tuple[MirrorSettings, Store]],
        lacking: Lacking,
        report: PullReport,
        ctx: JobContext,
    ) -> None:
        """Go from mirror to mirror while something is lacking; one that is away is only an error when it ends so."""
        met: EnvironmentFault | None = None
        for mirror, store in places:
            try:
                if lacking.ids:
                    self._from(actor, mirror, store, lacking, report, ctx)
            except EnvironmentFault as fault:
                if not fault.code.startswith("store."):
                    raise
                met = met or fault
                lacking.ids = [one for one in lacking.ids if not self._is_back(one, ctx)]
        if met is not None and lacking.ids:
            raise met

    def _is_back(self, image_id: str, ctx: JobContext) -> bool:
        with self._door.store.read():
            record = self._door.store.images.get(image_id)
        return record is None or self._is_here(record, ctx, deep=False)

    def _lacking(self, ctx: JobContext, *, deep: bool) -> Lacking:
        lacking = Lacking()
        with self._door.store.read():
            total = self._door.store.images.count(None)
        for number, record in enumerate(self._door.store.images.stream(), 1):
            ctx.check()
            if self._is_here(record, ctx, deep=deep):
                lacking.unchanged += 1
            else:
                lacking.ids.append(record.id)
                lacking.bytes += record.size_bytes
            ctx.report(Progress(min(number, total), max(total, number) + 1, "images"))
        return lacking

    def _is_here(self, record: ImageRecord, ctx: JobContext, *, deep: bool) -> bool:
        if not is_harmless(record.path):
            return False
        path = self._paths.root / record.path
        try:
            if path.is_symlink() or not path.is_file() or path.stat().st_size != record.size_bytes:
                return False
            return not deep or sha256_file(path, lambda _size: ctx.check())[0] == record.sha256
        except OSError:
            return False

    def _from(
        self,
        actor: Actor,
        mirror: MirrorSettings,
        store: Store,
        lacking: Lacking,
        report: PullReport,
        ctx: JobContext,
    ) -> None:
        """Bring back from one mirror what it has; what is lacking still is left in ``lacking``."""
        remote = listed(store, tuple(Layout), ctx)
        remote.set_apart(name for record in self._door.store.images.stream() for name in names_of(record))
        report.extra = max(report.extra, sum(map(len, remote.strangers.values())))
        left: list[str] = []
        with (
            private_folder(self._door.store) as work,
            ThreadPoolExecutor(mirror.connections, thread_name_prefix="pull") as pool,
        ):
            run = _Run(self._door, self._paths, mirror, store, remote, work, report, lacking.bytes, ctx)
            for start in range(0, len(lacking.ids), _PAGE):
                try:
                    for record, code in pool.map(run.bring, run.wishes(lacking.ids[start : start + _PAGE])):
                        if code is None:
                            report.faults.pop(record.path, None)
                        else:
                            left.append(record.id)
                            report.faults[record.path] = code
                except BaseException:
                    run.stop()
                    pool.shutdown()
                    raise
                finally:
                    self._write_down(actor, mirror, run.take_back())
        lacking.ids = left

    def _write_down(self, actor: Actor, mirror: MirrorSettings, back: Sequence[ImageRecord]) -> None:
        """Audit what came back, some at a time, and let views show it."""
        for start in range(0, len(back), _TOGETHER):
            with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
                for record in back[start : start + _TOGETHER]:
                    unit.audit(Entity.IMAGE, record.id, pulled_from=mirror.destination)
                    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, record.id, record.patient_id)


class _Run:
    """One mirror's turn. ``bring`` is called from several threads."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        mirror: MirrorSettings,
        store: Store,
        remote: Remote,
        work: Path,
        report: PullReport,
        total_bytes: int,
        ctx: JobContext,
    ) -> None:
        self._catalogue = door.store
        self._paths = paths
        self._mirror = mirror
        self._store = store
        self._remote = remote
        self._work = work
        self._report = report
        self._total_bytes = total_bytes
        self._ctx = ctx
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._back: list[ImageRecord] = []

    def take_back(self) -> list[ImageRecord]:
        """Return what came back since this was last asked."""
        with self._lock:
            back, self._back = self._back, []
        return back

    def stop(self) -> None:
        """Begin nothing more."""
        self._stopped.set()

    def wishes(self, ids: list[str]) -> Iterator[tuple[ImageRecord, tuple[str, ...]]]:
        """Yield images as they are catalogued now, with what they may be called at the mirror."""
        with self._catalogue.read():
            known = self._catalogue.ledger.known(self._mirror.destination, ids)
            records = [self._catalogue.images.get(one) for one in ids]
        for record in records:
            if record is not None:
                yield record, (*known[record.id].names, *names_of(record))

    def bring(self, wish: tuple[ImageRecord, tuple[str, ...]]) -> tuple[ImageRecord, str | None]:
        """Bring one image back; return it with the code of why it is not here, ``None`` when it is."""
        record, names = wish
        if self._stopped.is_set():
            raise Cancelled
        self._ctx.check()
        if not is_harmless(record.path):
            return record, "backup.hostile"
        code = NOT_THERE
        for name in self._remote.candidates(record, names):
            try:
                if self._fetch(record, name):
                    return record, None
                code = "store.altered"
            except Cancelled:
                raise
            except BitewingError as error:
                if error.code in FATAL:
                    self.stop()
                    raise
                code = error.code
        if code == NOT_THERE and record.placement is not Placement.FILED:
            code = "mirror.never_there"
        return record, code

    def _fetch(self, record: ImageRecord, name: str) -> bool:
        """Fetch a file, and give it its place when it has the image's very bytes."""
        target = self._work / record.id
        try:
            stat = self._store.get(name, target, self._ctx)
            if not has_bytes(target, record):
                return False
            settle(self._paths, record, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                target.unlink()
        with self._lock:
            self._back.append(record)
            self._report.downloaded += 1
            self._report.bytes += stat.size
            self._ctx.report(Progress(self._report.bytes, max(self._total_bytes, self._report.bytes), "bytes"))
        return True


def has_bytes(path: Path, record: ImageRecord) -> bool:
    """Whether a file that was fetched is the image, read back from the disk. Raises ``disk.failed`` and kin."""
    try:
        return sha256_file(path) == (record.sha256, record.size_bytes)
    except OSError as error:
        raise translate_os_error(error) from error


def settle(paths: LibraryPaths, record: ImageRecord, fetched: Path) -> None:
    """Give a proven file its place, unless a good one came there meanwhile; a bad one is kept aside.

    Raises
    ------
    EnvironmentFault
        ``backup.hostile`` for a place outside the library; ``disk.full`` and kin.
    """
    try:
        place = paths.inside(record.path)
    except ValueError as error:
        raise EnvironmentFault("backup.hostile", member=record.path[:200]) from error
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if not place.is_symlink() and place.is_file() and has_bytes(place, record):
            return
    put_right(paths, record, fetched)
