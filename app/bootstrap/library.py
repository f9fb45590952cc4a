"""Opens a library: paths → settings → database, migrated → recovery → services. Nothing heavy is imported.

The window, the command line and the agent all get the same :class:`Library`.
"""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import UserError
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.domain.changes import ChangeSet
from app.domain.roles import Actor, owner
from app.services.activity import ActivityService
from app.services.check import CheckService
from app.services.decoders import Decoders
from app.services.demo import DemoService
from app.services.door import Door, Publish
from app.services.export.service import ExportService
from app.services.images import ImagesService
from app.services.imports import ImportsService
from app.services.inbox import InboxService
from app.services.jobs import JobLog
from app.services.locating import Locator
from app.services.merging import Merging
from app.services.moving import Mover
from app.services.patient_import import PatientImport
from app.services.patients import PatientsService
from app.services.settings import SettingsService
from app.services.shelf import Shelf
from app.services.status import StatusService
from app.services.thumbnails import Thumbnails
from app.services.viewing import ViewingService
from app.services.views import ViewLog
from app.storage.catalogue import Catalogue, open_catalogue
from app.sync.report import Examiner

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Library:
    """One open library: everything that can be done with it, by topic."""

    paths: LibraryPaths
    workstation: str
    patients: PatientsService
    images: ImagesService
    imports: ImportsService
    inbox: InboxService
    check: CheckService
    export: ExportService
    settings: SettingsService
    status: StatusService
    activity: ActivityService
    viewing: ViewingService
    demo: DemoService
    decoders: Decoders
    store: Catalogue
    views: ViewLog

    def owner(self) -> Actor:
        """Return the built-in owner, who acts while a library has no accounts."""
        return owner(self.workstation)

    def changes_since(self, seq: int | None) -> ChangeSet:
        """Return what other processes changed after number ``seq``; ``None`` asks for the present number."""
        with self.store.read():
            if seq is None:
                return ChangeSet((), self.store.changes.last())
            return self.store.changes.set_since(seq, other_than=self.store.changes.origin)

    def close(self) -> None:
        """Write what waits, end the decoding children, close the catalogue."""
        self.views.close()
        self.decoders.close()
        self.store.close()

    def __enter__(self) -> Library:
        """Return the library."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close it."""
        self.close()


def workstation_name() -> str:
    """Return what this computer is called in the audit log."""
    return platform.node() or "workstation"


def open_library(
    root: Path,
    *,
    create: bool,
    publish: Publish | None = None,
    examiner: Examiner | None = None,
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

    Raises
    ------
    UserError
        ``library.none`` when there is none and none is to be made; ``database.network_drive`` and kin.
    EnvironmentFault
        ``database.newer``, ``database.corrupt``, ``disk.permission``, …
    """
    paths = LibraryPaths(root.expanduser().absolute())
    if not create and not paths.exists():
        raise UserError("library.none", path=str(root))
    try:
        store = open_catalogue(paths, make=create)
    except OSError as error:
        raise translate_os_error(error, path=str(root)) from error
    try:
        return _build(paths, store, publish, examiner)
    except BaseException:
        store.close()
        raise


def _build(paths: LibraryPaths, store: Catalogue, publish: Publish | None, examiner: Examiner | None) -> Library:
    workstation = workstation_name()
    recovered = store.recover(workstation)
    if recovered.finished or recovered.cleared:
        log.warning("recovery: %d images finished, %d intents cleared", len(recovered.finished), recovered.cleared)
    door, decoders = Door(store, publish), Decoders()
    shelf, jobs, views = Shelf(door), JobLog(door), ViewLog(door)
    settings, locator = SettingsService(door, paths), Locator(door, paths, workstation)
    thumbnails, mover = Thumbnails(paths, locator, decoders), Mover(door, shelf)
    imports = ImportsService(door, paths, shelf, thumbnails, settings, decoders, jobs, examiner)
    return Library(
        paths=paths,
        workstation=workstation,
        patients=PatientsService(door, Merging(door, mover), PatientImport(door)),
        images=ImagesService(door, mover, locator, thumbnails, views),
        imports=imports,
        inbox=InboxService(door, mover),
        check=CheckService(door, paths, jobs),
        export=ExportService(door, locator, decoders, settings, jobs),
        settings=settings,
        status=StatusService(door, paths, settings),
        activity=ActivityService(door),
        viewing=ViewingService(door, locator, decoders),
        demo=DemoService(door, imports),
        decoders=decoders,
        store=store,
        views=views,
    )
