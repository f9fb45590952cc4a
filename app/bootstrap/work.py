"""What background work there is: what is wanted by the settings of now, and the engines that do it. Any thread.

Who does it, and when, is :mod:`app.bootstrap.background`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.publication import public_destination
from app.domain.roles import Actor
from app.services.receive_report import ReceiveReport
from app.services.schedule import Task
from app.services.settings import ORTHANC
from app.storage.lease import Lease
from app.words import t


class Work:
    """The work of one library. ``lease`` is held by whoever starts an engine."""

    def __init__(self, library: Library, actor: Actor, lease: Lease, open_patient: Callable[[], str | None]) -> None:
        self._library, self._actor = library, actor
        self._lease, self._open_patient = lease, open_patient

    def wants_monitor(self) -> bool:
        """Whether there are folders to watch."""
        local = self._library.settings.workstation()
        return bool(local.monitor_enabled and local.monitor_folders)

    def wants_archive(self) -> bool:
        """Whether there is an Orthanc to look after."""
        clinic = self._library.settings.clinic()
        return bool(clinic.orthanc_enabled and clinic.orthanc_url)

    def syncs(self) -> bool:
        """Whether this computer sends at all."""
        return self._library.settings.workstation().background_sync

    def syncs_archive(self) -> bool:
        """Whether this computer sends to the Orthanc."""
        return self.syncs() and self.wants_archive()

    def wants_watchdog(self) -> bool:
        """Whether there is an archive whose clock and certificate can be looked at."""
        archives = self._library.settings.dimse_archives()
        return self.wants_archive() or any(archive.enabled and archive.host for archive in archives)

    def wants_shares(self) -> bool:
        """Whether there are links to look after: what was sent by them, and what has expired."""
        with self._library.store.read():
            has_open = self._library.store.shares.any_open()
        return self.syncs() and (has_open or bool(self._library.settings.clinic().share_destination))

    def keep_shares(self, _args: Any, ctx: JobContext) -> None:
        """Look after links."""
        self._library.share_keeping.run(self._actor, ctx)

    def wants_listener(self) -> bool:
        """Whether sensors may send to this computer."""
        return self._library.settings.workstation().receive_enabled

    def receive(self, _args: Any, ctx: JobContext) -> None:
        """Listen."""
        self._library.receiving.run(self._actor, ctx, ReceiveReport())

    def archive(self, _args: Any, ctx: JobContext) -> None:
        """Send to the Orthanc."""
        self._library.sending.run(self._actor, ctx, ORTHANC)

    def news(self, _args: Any, ctx: JobContext) -> None:
        """Look for studies that came from elsewhere."""
        library, actor = self._library, self._actor
        wants_all = library.settings.clinic().orthanc_fetch_new
        library.news.run(actor, ctx, (lambda uids: library.keeping.bring(actor, ctx, uids)) if wants_all else None)

    def watch(self, _args: Any, ctx: JobContext) -> None:
        """Look after destinations."""
        self._library.watchdog.run(self._actor, ctx)

    def monitor(self, _args: Any, ctx: JobContext) -> object:
        """Watch folders."""
        return self._library.monitor.run(self._actor, ctx, open_patient=self._open_patient, lease=self._lease)

    def send_to(self, destination: str, _args: Any, ctx: JobContext) -> None:
        """Send to one named destination."""
        self._library.sending.run(self._actor, ctx, destination)

    def is_enabled(self, destination: str) -> bool:
        """Whether this computer sends to a named destination."""
        settings = self._library.settings
        if not self.syncs():
            return False
        mirrors = {mirror.destination for mirror in settings.mirrors() if mirror.enabled and not mirror.paused}
        archives = {archive.destination for archive in settings.dimse_archives() if archive.enabled and archive.host}
        return destination in mirrors | archives

    def is_public(self, destination: str) -> bool:
        """Whether images are published there, or are still to be taken back."""
        library = self._library
        if not self.syncs():
            return False
        # Asked while the window opens: whoever really publishes brings the network with them.
        if any(one.publish and public_destination(one.name) == destination for one in library.settings.mirrors()):
            return True
        with library.store.read():
            return library.store.publications.open_at(destination) > 0

    def due(self) -> list[str]:
        """Return the names of what should have begun by now and has not."""
        backs_up = self._library.settings.workstation().background_backup
        return [task.value for task in self._library.schedule.due() if backs_up or task is Task.PROOF]

    def task(self, name: str) -> tuple[str, Callable[[Any, JobContext], object]]:
        """Return title and engine of regular work."""
        library, actor = self._library, self._actor

        def backup(_args: Any, ctx: JobContext) -> object:
            with library.schedule.claimed(Task.BACKUP) as mine:
                return library.backups.run_scheduled(actor, ctx) if mine else None

        def drive(_args: Any, ctx: JobContext) -> object:
            with library.schedule.claimed(Task.DRIVE) as mine:
                return library.drive.run_scheduled(actor, ctx) if mine else None

        def proof(_args: Any, ctx: JobContext) -> object:
            with library.schedule.claimed(Task.PROOF) as mine:
                return library.proof.run(actor, ctx) if mine else None

        def drill(_args: Any, ctx: JobContext) -> object:
            with library.schedule.claimed(Task.DRILL) as mine:
                return library.drill.run(actor, ctx, trigger="schedule") if mine else None

        work = {
            Task.BACKUP: (t("Backing up"), backup),
            Task.DRIVE: (t("Backing up to Google Drive"), drive),
            Task.PROOF: (t("Reading the library again"), proof),
            Task.DRILL: (t("Trying to restore"), drill),
        }
        return work[Task(name)]
