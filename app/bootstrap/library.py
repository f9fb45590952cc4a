"""Opens a library: paths → settings → database, migrated → recovery → services. Nothing heavy is imported.

The window, the command line and the agent all get the same :class:`Library`. A service is imported and built
by whoever asks for it first, so that nobody waits for what they do not use.
"""

from __future__ import annotations

import importlib
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

from app.core.errors import UserError
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.domain.changes import ChangeSet
from app.domain.roles import Actor, owner
from app.services.door import Door, Publish
from app.services.restore_start import settle_restore
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.events import Level

if TYPE_CHECKING:
    from app.core.context import JobContext
    from app.domain.image import ImageRecord
    from app.services.activity import ActivityService
    from app.services.answering import AnsweringService, Answers
    from app.services.archiving.asking import DimseAsking
    from app.services.archiving.browsing import BrowsingService
    from app.services.archiving.commitments import Commitments
    from app.services.archiving.connector import OrthancConnector
    from app.services.archiving.dimse_connector import DimseConnector
    from app.services.archiving.keeping import ArchiveKeeping
    from app.services.archiving.noticing import ArchiveNews
    from app.services.archiving.service import ArchiveService
    from app.services.audit_log import AuditLog
    from app.services.backups import BackupsService
    from app.services.check import CheckService
    from app.services.decoders import Decoders
    from app.services.demo import DemoService
    from app.services.drill import DrillService
    from app.services.drive.service import DriveService
    from app.services.events import EventLog
    from app.services.expecting import Expecting
    from app.services.export.service import ExportService
    from app.services.images import ImagesService
    from app.services.imports import ImportsService
    from app.services.inbox import InboxService
    from app.services.jobs import JobLog
    from app.services.locating import Locator
    from app.services.logbook import Logbook
    from app.services.merging import MergeReport, Merging
    from app.services.migration import MigrationService
    from app.services.mirroring.care import MirrorCare
    from app.services.mirroring.catalogue_copy import CatalogueKeeper
    from app.services.mirroring.connector import MirrorConnector
    from app.services.mirroring.fetching import CopyFetcher
    from app.services.mirroring.guard import RemovalGuard
    from app.services.mirroring.preview import MirrorPreview
    from app.services.mirroring.pulling import MirrorPull
    from app.services.mirroring.service import MirrorService
    from app.services.mirroring.verifying import MirrorVerification
    from app.services.monitor import MonitorService
    from app.services.moving import Mover
    from app.services.outbox import OutboxService
    from app.services.patient_import import CsvReport, PatientImport
    from app.services.patient_restore import PatientRestore
    from app.services.patients import PatientsService
    from app.services.proof import ProofService
    from app.services.receiving import ReceivingService
    from app.services.schedule import ScheduleService
    from app.services.sending.service import SendingService
    from app.services.settings import SettingsService
    from app.services.sharing.collecting import Collecting
    from app.services.sharing.keeping import ShareKeeping
    from app.services.sharing.places import SharePlaces
    from app.services.sharing.preparing import Preparing
    from app.services.sharing.service import SharingService
    from app.services.sharing.sweeping import Sweeping
    from app.services.shelf import Shelf
    from app.services.status import StatusService
    from app.services.thumbnails import Thumbnails
    from app.services.treatments import TreatmentsService
    from app.services.viewing import ViewingService
    from app.services.views import ViewLog
    from app.services.watchdog import Watchdog
    from app.services.worklist import WorklistService
    from app.sync.report import Examiner

log = logging.getLogger(__name__)

Built = TypeVar("Built")


class Lazy(Generic[Built]):
    """An attribute of :class:`Library` that is made when it is first read, once, whatever thread reads it.

    ``make`` gets the class, found by module and name only now, and the library.
    """

    def __init__(self, where: str, name: str, make: Callable[[Any, Library], Built]) -> None:
        self._where, self._class, self._make = where, name, make
        self._name = ""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, library: None, _owner: type) -> Self: ...

    @overload
    def __get__(self, library: Library, _owner: type) -> Built: ...

    def __get__(self, library: Library | None, _owner: type) -> Self | Built:
        """Return the service; from then on Python finds it on the library itself."""
        if library is None:
            return self
        # Outside the lock: importing takes a lock of its own, which another thread may hold while it waits for ours.
        kind = getattr(importlib.import_module(f"app.services.{self._where}"), self._class)
        with library.building:
            if self._name not in library.__dict__:
                library.__dict__[self._name] = self._make(kind, library)
            built: Built = library.__dict__[self._name]
            return built


class Library:
    """One open library: everything that can be done with it, by topic."""

    def __init__(
        self, paths: LibraryPaths, store: Catalogue, publish: Publish | None, examiner: Examiner | None
    ) -> None:
        self.paths = paths
        self.workstation = workstation_name()
        self.store = store
        self.door = Door(store, publish)
        self.examiner = examiner
        self.building = threading.RLock()

    patients: Lazy[PatientsService] = Lazy(
        "patients", "PatientsService", lambda make, its: make(its.door, _MergingLater(its), _ListImportLater(its))
    )
    images: Lazy[ImagesService] = Lazy(
        "images", "ImagesService", lambda make, its: make(its.door, its.mover, its.locator, its.thumbnails, its.views)
    )
    imports: Lazy[ImportsService] = Lazy(
        "imports",
        "ImportsService",
        lambda make, its: make(
            its.door, its.paths, its.shelf, its.thumbnails, its.settings, its.decoders, its.jobs, its.examiner
        ),
    )
    inbox: Lazy[InboxService] = Lazy("inbox", "InboxService", lambda make, its: make(its.door, its.mover))
    check: Lazy[CheckService] = Lazy("check", "CheckService", lambda make, its: make(its.door, its.paths, its.jobs))
    export: Lazy[ExportService] = Lazy(
        "export.service",
        "ExportService",
        lambda make, its: make(its.door, its.locator, its.decoders, its.settings, its.jobs),
    )
    settings: Lazy[SettingsService] = Lazy("settings", "SettingsService", lambda make, its: make(its.door, its.paths))
    status: Lazy[StatusService] = Lazy(
        "status", "StatusService", lambda make, its: make(its.door, its.paths, its.settings)
    )
    activity: Lazy[ActivityService] = Lazy("activity", "ActivityService", lambda make, its: make(its.door))
    viewing: Lazy[ViewingService] = Lazy(
        "viewing", "ViewingService", lambda make, its: make(its.door, its.locator, its.decoders)
    )
    demo: Lazy[DemoService] = Lazy(
        "demo", "DemoService", lambda make, its: make(its.door, its.imports, its.treatments, its.settings)
    )
    decoders: Lazy[Decoders] = Lazy("decoders", "Decoders", lambda make, _its: make())
    views: Lazy[ViewLog] = Lazy("views", "ViewLog", lambda make, its: make(its.door))
    shelf: Lazy[Shelf] = Lazy("shelf", "Shelf", lambda make, its: make(its.door))
    schedule: Lazy[ScheduleService] = Lazy(
        "schedule", "ScheduleService", lambda make, its: make(its.door, its.settings)
    )
    drill: Lazy[DrillService] = Lazy(
        "drill", "DrillService", lambda make, its: make(its.door, its.paths, its.jobs, its.events, its.backups)
    )
    proof: Lazy[ProofService] = Lazy(
        "proof",
        "ProofService",
        lambda make, its: make(its.door, its.paths, its.jobs, its.events, its.backups, its.locator),
    )
    treatments: Lazy[TreatmentsService] = Lazy("treatments", "TreatmentsService", lambda make, its: make(its.door))
    monitor: Lazy[MonitorService] = Lazy(
        "monitor",
        "MonitorService",
        lambda make, its: make(its.door, its.paths, its.settings, its.imports, its.events),
    )
    backups: Lazy[BackupsService] = Lazy(
        "backups", "BackupsService", lambda make, its: make(its.door, its.paths, its.settings, its.jobs, its.events)
    )
    drive: Lazy[DriveService] = Lazy(
        "drive.service",
        "DriveService",
        lambda make, its: make(its.door, its.paths, its.settings, its.jobs, its.events, its.backups),
    )
    patient_restore: Lazy[PatientRestore] = Lazy(
        "patient_restore", "PatientRestore", lambda make, its: make(its.door, its.paths, its.shelf, its.jobs)
    )
    receiving: Lazy[ReceivingService] = Lazy(
        "receiving",
        "ReceivingService",
        lambda make, its: make(
            its.door, its.paths, its.settings, its.imports, its.events, its.commitments, _AnsweringLater(its)
        ),
    )
    answering: Lazy[AnsweringService] = Lazy(
        "answering",
        "AnsweringService",
        lambda make, its: make(its.door, its.paths, its.settings, its.locator, its.decoders, its.events, its.dimse),
    )
    commitments: Lazy[Commitments] = Lazy("archiving.commitments", "Commitments", lambda make, _its: make())
    outbox: Lazy[OutboxService] = Lazy("outbox", "OutboxService", lambda make, its: make(its.door))
    orthanc: Lazy[OrthancConnector] = Lazy(
        "archiving.connector",
        "OrthancConnector",
        lambda make, its: make(its.door, its.paths, its.settings, its.locator, its.decoders),
    )
    dimse: Lazy[DimseConnector] = Lazy(
        "archiving.dimse_connector",
        "DimseConnector",
        lambda make, its: make(its.door, its.paths, its.settings, its.locator, its.decoders, its.commitments),
    )
    sending: Lazy[SendingService] = Lazy(
        "sending.service",
        "SendingService",
        lambda make, its: make(
            its.door,
            its.paths,
            its.jobs,
            its.events,
            {"orthanc": its.orthanc, "dimse": its.dimse, "mirror": its.mirror_places},
        ),
    )
    mirror_places: Lazy[MirrorConnector] = Lazy(
        "mirroring.connector",
        "MirrorConnector",
        lambda make, its: make(its.door, its.paths, its.settings, its.locator, its.mirror_care, its.removals),
    )
    mirror_care: Lazy[MirrorCare] = Lazy(
        "mirroring.care", "MirrorCare", lambda make, its: make(its.door, its.events, its.catalogue_keeper)
    )
    catalogue_keeper: Lazy[CatalogueKeeper] = Lazy(
        "mirroring.catalogue_copy", "CatalogueKeeper", lambda make, its: make(its.door, its.settings)
    )
    verification: Lazy[MirrorVerification] = Lazy(
        "mirroring.verifying",
        "MirrorVerification",
        lambda make, its: make(its.door, its.mirror_places, its.locator, its.jobs, its.events, its.catalogue_keeper),
    )
    mirror_preview: Lazy[MirrorPreview] = Lazy(
        "mirroring.preview", "MirrorPreview", lambda make, its: make(its.door, its.mirror_places, its.removals)
    )
    pulling: Lazy[MirrorPull] = Lazy(
        "mirroring.pulling",
        "MirrorPull",
        lambda make, its: make(its.door, its.paths, its.settings, its.jobs, its.events),
    )
    removals: Lazy[RemovalGuard] = Lazy("mirroring.guard", "RemovalGuard", lambda make, its: make(its.door))
    mirrors: Lazy[MirrorService] = Lazy(
        "mirroring.service", "MirrorService", lambda make, its: make(its.door, its.sending, its.mirror_places)
    )
    share_places: Lazy[SharePlaces] = Lazy(
        "sharing.places", "SharePlaces", lambda make, its: make(its.settings, its.mirror_places)
    )
    share_collecting: Lazy[Collecting] = Lazy(
        "sharing.collecting", "Collecting", lambda make, its: make(its.door, its.imports, its.events)
    )
    share_sweeping: Lazy[Sweeping] = Lazy(
        "sharing.sweeping", "Sweeping", lambda make, its: make(its.door, its.share_places, its.events)
    )
    share_keeping: Lazy[ShareKeeping] = Lazy(
        "sharing.keeping",
        "ShareKeeping",
        lambda make, its: make(
            its.door, its.settings, its.share_places, its.share_collecting, its.share_sweeping, its.events
        ),
    )
    share_preparing: Lazy[Preparing] = Lazy(
        "sharing.preparing", "Preparing", lambda make, its: make(its.door, its.locator, its.decoders, its.settings)
    )
    sharing: Lazy[SharingService] = Lazy(
        "sharing.service",
        "SharingService",
        lambda make, its: make(its.door, its.settings, its.share_preparing, its.share_places, its.share_keeping),
    )
    watchdog: Lazy[Watchdog] = Lazy(
        "watchdog", "Watchdog", lambda make, its: make(its.door, its.settings, _ObserversLater(its))
    )
    archive: Lazy[ArchiveService] = Lazy(
        "archiving.service", "ArchiveService", lambda make, its: make(its.door, its.sending, its.orthanc, its.dimse)
    )
    dimse_asking: Lazy[DimseAsking] = Lazy(
        "archiving.asking", "DimseAsking", lambda make, its: make(its.door, its.dimse)
    )
    expecting: Lazy[Expecting] = Lazy("expecting", "Expecting", lambda make, its: make(its.door))
    worklist: Lazy[WorklistService] = Lazy(
        "worklist", "WorklistService", lambda make, its: make(its.door, its.settings, its.dimse)
    )
    browsing: Lazy[BrowsingService] = Lazy(
        "archiving.browsing",
        "BrowsingService",
        lambda make, its: make(its.door, its.paths, its.settings, its.imports, its.decoders),
    )
    keeping: Lazy[ArchiveKeeping] = Lazy(
        "archiving.keeping", "ArchiveKeeping", lambda make, its: make(its.door, its.browsing, its.jobs, its.events)
    )
    news: Lazy[ArchiveNews] = Lazy("archiving.noticing", "ArchiveNews", lambda make, its: make(its.door, its.settings))
    events: Lazy[EventLog] = Lazy("events", "EventLog", lambda make, its: make(its.door))
    migration: Lazy[MigrationService] = Lazy(
        "migration",
        "MigrationService",
        lambda make, its: make(
            its.door, its.paths, its.imports, its.treatments, its.backups, its.settings, its.jobs, its.events
        ),
    )
    logbook: Lazy[Logbook] = Lazy("logbook", "Logbook", lambda make, its: make(its.door))
    audit_log: Lazy[AuditLog] = Lazy("audit_log", "AuditLog", lambda make, its: make(its.door))
    jobs: Lazy[JobLog] = Lazy("jobs", "JobLog", lambda make, its: make(its.door))
    locator: Lazy[Locator] = Lazy(
        "locating", "Locator", lambda make, its: make(its.door, its.paths, its.workstation, _FetcherLater(its))
    )
    fetcher: Lazy[CopyFetcher] = Lazy(
        "mirroring.fetching",
        "CopyFetcher",
        lambda make, its: make(its.door, its.settings, its.mirror_places, its.orthanc, its.events, its.workstation),
    )
    merging: Lazy[Merging] = Lazy("merging", "Merging", lambda make, its: make(its.door, its.mover))
    patient_import: Lazy[PatientImport] = Lazy("patient_import", "PatientImport", lambda make, its: make(its.door))
    mover: Lazy[Mover] = Lazy("moving", "Mover", lambda make, its: make(its.door, its.shelf))
    thumbnails: Lazy[Thumbnails] = Lazy(
        "thumbnails", "Thumbnails", lambda make, its: make(its.paths, its.locator, its.decoders)
    )

    @property
    def read_only(self) -> str | None:
        """The code of why nothing may be written; ``None`` where all is well."""
        return self.store.database.read_only

    def owner(self) -> Actor:
        """Return the built-in owner, who acts while a library has no accounts."""
        return owner(self.workstation)

    def changes_since(self, seq: int | None) -> ChangeSet:
        """Return what other processes changed after number ``seq``; ``None`` asks for the present number."""
        with self.store.read():
            if seq is None:
                return ChangeSet((), self.store.changes.last())
            return self.store.changes.set_since(seq, other_than=self.store.changes.origin)

    def close_thread(self) -> None:
        """Let go of what the calling thread holds, because it is about to end."""
        self.store.close_thread()

    def close(self) -> None:
        """Write what waits, close what is looked at, end the decoding children, close the catalogue."""
        for name in ("views", "browsing", "decoders"):
            if name in self.__dict__:
                self.__dict__[name].close()
        self.store.close()

    def __enter__(self) -> Library:
        """Return the library."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()


class _MergingLater:
    """Merging for the patients' service, imported when two patients are merged."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def merge(self, actor: Actor, keep_id: str, from_id: str) -> MergeReport:
        return self._library.merging.merge(actor, keep_id, from_id)


class _FetcherLater:
    """Who fetches missing files for the locator, imported when one is missing: it brings the network with it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def fetch(self, record: ImageRecord, ctx: JobContext) -> bool:
        return self._library.fetcher.fetch(record, ctx)


class _ObserversLater:
    """Who looks at destinations for the watchdog, imported when they look: they bring the network with them."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def get(self, kind: str) -> OrthancConnector | DimseConnector | None:
        if kind == "orthanc":
            return self._library.orthanc
        return self._library.dimse if kind == "dimse" else None


class _AnsweringLater:
    """Who answers peers, imported when they may ask: that brings decoding with it."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def begin(self, actor: Actor) -> Answers:
        return self._library.answering.begin(actor)


class _ListImportLater:
    """The import of patient lists, imported when there is one to read."""

    def __init__(self, library: Library) -> None:
        self._library = library

    def run(
        self, actor: Actor, path: Path, ctx: JobContext, *, dry_run: bool, encoding: str | None = None
    ) -> CsvReport:
        return self._library.patient_import.run(actor, path, ctx, dry_run=dry_run, encoding=encoding)


def workstation_name() -> str:
    """Return what this computer is called in the audit log."""
    return socket.gethostname() or "workstation"


def open_library(
    root: Path,
    *,
    create: bool,
    publish: Publish | None = None,
    examiner: Examiner | None = None,
    kind: str = "command",
) -> Library:
    """Open the library at ``root``, finishing what a crash left unfinished.

    Parameters
    ----------
    create
        Whether a missing library is made.
    publish
        Hears of every change made through this library, in the thread that made it.
    examiner
        Looks at files instead of the decoding children (tests).
    kind
        What opens it, for others to see: ``window``, ``command`` or ``agent``.

    Raises
    ------
    UserError
        ``library.none`` when there is none and none is to be made; ``database.network_drive`` and kin.
    EnvironmentFault
        ``library.catalogue_lost``, ``database.newer``, ``database.corrupt``, ``disk.permission``, …
    """
    paths = LibraryPaths(root.expanduser().absolute())
    settle_restore(paths.root)
    if not create and not paths.exists() and not paths.has_lost_its_catalogue():
        raise UserError("library.none", path=str(root))
    try:
        store = open_catalogue(paths, make=create, kind=kind)
    except OSError as error:
        raise translate_os_error(error, path=str(root)) from error
    try:
        return _build(paths, store, publish, examiner)
    except BaseException:
        store.close()
        raise


def _build(paths: LibraryPaths, store: Catalogue, publish: Publish | None, examiner: Examiner | None) -> Library:
    library = Library(paths, store, publish, examiner)
    recovered = store.recover(library.workstation)
    if recovered.finished or recovered.cleared:
        log.warning("recovery: %d images finished, %d intents cleared", len(recovered.finished), recovered.cleared)
        store.events.append(
            Level.WARNING,
            "recovery",
            "library.recovered",
            {"images": len(recovered.finished), "cleared": recovered.cleared},
            workstation=library.workstation,
        )
    return library
