"""A library's storage put together: one database, its repositories, its files. Opens, migrates, recovers."""

from __future__ import annotations

import logging
import os
import threading
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, TypeVar

from app.core.clock import epoch_ms, utc_now
from app.core.errors import EnvironmentFault
from app.core.lazily import Lazy
from app.core.paths import LibraryPaths
from app.domain.audit import AuditEntry
from app.domain.changes import Change, ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action
from app.storage.audit import Audit
from app.storage.changes import Changes
from app.storage.copies import Copies
from app.storage.database import Database
from app.storage.destinations import Destinations
from app.storage.events import Events
from app.storage.filing import Filing
from app.storage.image_store import ImageStore
from app.storage.images import Images
from app.storage.intents import Intents
from app.storage.jobs import Jobs
from app.storage.migrating import known_migrations, migrate, schema_number
from app.storage.outbox import Outbox
from app.storage.owner import Owner
from app.storage.patients import Patients
from app.storage.presence import Presence
from app.storage.recovery import Recovery, RecoveryReport
from app.storage.settings import SealedSecrets, Settings
from app.storage.state import State
from app.storage.volume import require_safe_place

if TYPE_CHECKING:
    from app.storage.backups import Backups
    from app.storage.cases import Cases
    from app.storage.decisions import Decisions
    from app.storage.drive import DriveBackups
    from app.storage.expected import Expected
    from app.storage.ledger import Ledger
    from app.storage.legacy import Legacy
    from app.storage.monitor import MonitorFiles
    from app.storage.publications import Publications
    from app.storage.recalls import Recalls
    from app.storage.renditions import Renditions
    from app.storage.schedule import ScheduleRuns
    from app.storage.shares import Shares
    from app.storage.studies import Studies
    from app.storage.treatments import Treatments

log = logging.getLogger(__name__)

Part = TypeVar("Part")

# Faults with which a library that is only to be looked at opens for reading.
_READABLE_DESPITE = frozenset(
    {"database.corrupt", "database.failed", "disk.full", "disk.failed", "disk.read_only", "disk.permission"}
)
_CHECKED_AT_OPEN_BYTES = 64 << 20


class _Later(Lazy["Catalogue", Part]):
    """A repository that is not needed to open a library, by its module in this room."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(f"app.storage.{module}", name, lambda make, its: make(its.database))


class Catalogue:
    """Everything stored of one library. Any thread; ``close()`` when all threads are done."""

    state: State
    studies: _Later[Studies] = _Later("studies", "Studies")
    cases: _Later[Cases] = _Later("cases", "Cases")
    treatments: _Later[Treatments] = _Later("treatments", "Treatments")
    backups: _Later[Backups] = _Later("backups", "Backups")
    drive_backups: _Later[DriveBackups] = _Later("drive", "DriveBackups")
    schedule_runs: _Later[ScheduleRuns] = _Later("schedule", "ScheduleRuns")
    monitor_files: _Later[MonitorFiles] = _Later("monitor", "MonitorFiles")
    legacy: _Later[Legacy] = _Later("legacy", "Legacy")
    decisions: _Later[Decisions] = _Later("decisions", "Decisions")
    recalls: _Later[Recalls] = _Later("recalls", "Recalls")
    ledger: _Later[Ledger] = _Later("ledger", "Ledger")
    renditions: _Later[Renditions] = _Later("renditions", "Renditions")
    publications: _Later[Publications] = _Later("publications", "Publications")
    shares: _Later[Shares] = _Later("shares", "Shares")
    expected: Lazy[Catalogue, Expected] = Lazy("app.storage.expected", "Expected", lambda make, its: make(its.state))

    def __init__(self, paths: LibraryPaths, database: Database, library_id: str, presence: Presence) -> None:
        self.building = threading.RLock()
        self.paths = paths
        self.presence = presence
        self.database = database
        self.library_id = library_id
        self.owner = Owner(paths.incoming)
        self.patients = Patients(database)
        self.images = Images(database)
        self.audit = Audit(database)
        self.settings = Settings(database)
        self.secrets = SealedSecrets(database)
        self.state = State(database)
        self.outbox = Outbox(database)
        self.destinations = Destinations(database)
        self.copies = Copies(database)
        self.events = Events(database)
        self.jobs = Jobs(database, self.owner)
        self.changes = Changes(database, self.owner.name)
        self.intents = Intents(database, self.owner)
        self.files = ImageStore(paths, self.owner)
        self.filing = Filing(self.files, self.images, self.intents)

    def read(self) -> AbstractContextManager[None]:
        """The reading door."""
        return self.database.read()

    def write(self) -> AbstractContextManager[None]:
        """The writing door: one transaction."""
        return self.database.write()

    def recover(self, writer: str, actor_id: str = "owner") -> RecoveryReport:
        """Finish or clear what dead processes left behind, with audit rows in ``writer``'s chain."""

        def finish(record: ImageRecord, write_rows: Callable[[], None]) -> None:
            entry = AuditEntry(
                writer,
                0,
                utc_now(),
                actor_id,
                Action.IMAGE_IMPORT.value,
                Entity.IMAGE.value,
                record.id,
                details={"recovered": True, "placement": record.placement.value},
            )
            with self.write():
                write_rows()
                self.audit.append(entry)
                self.changes.append((Change(Entity.IMAGE, ChangeKind.ADDED, record.id, record.patient_id),))

        if self.database.read_only:
            return RecoveryReport()
        report = Recovery(self.files, self.images, self.intents, self.owner).run(finish)
        try:
            self.jobs.interrupt_dead(self.owner.is_alive)
        except (EnvironmentFault, OSError) as error:
            # What is there can still be looked at; the next start tries again.
            log.warning("runs of dead processes not marked: %s", error)
        return report

    def close_thread(self) -> None:
        """Close this thread's connection now rather than when the thread ends."""
        self.database.close_thread()

    def close(self) -> None:
        """Close all connections and stop owning unfinished work."""
        self.database.close()
        self.owner.close()
        self.presence.leave()


def open_catalogue(paths: LibraryPaths, *, make: bool = False, kind: str = "command") -> Catalogue:
    """Open a library's storage, migrated; with ``make`` its folders and database are made when missing.

    Without ``make``, a library that is damaged or that cannot be written is opened for reading alone, if
    anything can be read: ``database.read_only`` holds the code of why. ``kind`` says to others what opened it:
    ``window``, ``command`` or ``agent``.

    Raises
    ------
    UserError
        ``database.network_drive``, ``database.cloud_folder``.
    EnvironmentFault
        ``library.restoring`` while that goes on; ``library.catalogue_lost`` (fact ``path``) when images are there
        and the catalogue is not; ``database.newer``, ``database.corrupt``, ``database.migration_failed``,
        ``disk.full``, …
    """
    require_safe_place(paths.root)
    if paths.has_lost_its_catalogue():
        raise EnvironmentFault("library.catalogue_lost", path=str(paths.root))
    if make:
        paths.make()
    presence = Presence(paths.root, kind)
    presence.enter()
    try:
        return _open(paths, presence, make=make)
    except BaseException:
        presence.leave()
        raise


def _open(paths: LibraryPaths, presence: Presence, *, make: bool) -> Catalogue:
    database = Database(paths.database)
    try:
        _require_writable(paths)
        _require_sound(database)
        migrate(database)
        return Catalogue(paths, database, _library_id(database), presence)
    except EnvironmentFault as fault:
        database.close()
        if make or fault.code not in _READABLE_DESPITE:
            raise
        return _open_for_reading(paths, fault, presence)
    except BaseException:
        database.close()
        raise


def _open_for_reading(paths: LibraryPaths, fault: EnvironmentFault, presence: Presence) -> Catalogue:
    """Open what can be read despite ``fault``; raise that where it is too little."""
    database = Database(paths.database, read_only=fault.code)
    try:
        newest = known_migrations()[-1].number
        library_id = database.value("SELECT id FROM library") if schema_number(database) == newest else None
    except EnvironmentFault:
        library_id = None
    except BaseException:
        database.close()
        raise
    if library_id is None:
        database.close()
        raise fault
    log.warning("the library is open for reading alone: %s", fault.code)
    return Catalogue(paths, database, str(library_id), presence)


def _require_writable(paths: LibraryPaths) -> None:
    """Notice a closed library now: beside files left by another process SQLite reads on and says nothing."""
    if not all(os.access(place, os.W_OK) for place in (paths.root, paths.database) if place.exists()):
        raise EnvironmentFault("disk.read_only")


def _require_sound(database: Database) -> None:
    """Find damage before anything is built upon it (RELIABILITY A3); 64 MB take about 40 ms.

    Larger files have to wait for ``check``: a start may not.
    """
    if database.path.exists() and database.path.stat().st_size > _CHECKED_AT_OPEN_BYTES:
        return
    if not database.quick_check():
        raise EnvironmentFault("database.corrupt")


def _library_id(database: Database) -> str:
    found = database.value("SELECT id FROM library")
    if found is not None:
        return str(found)
    with database.write():
        database.execute(
            "INSERT OR IGNORE INTO library (only_row, id, created_at) VALUES (1, ?, ?)",
            (str(uuid.uuid4()), epoch_ms(utc_now())),
        )
        return str(database.value("SELECT id FROM library"))
