"""All background work of a library: one lease, the folder monitor, the archive, the listener, the schedule.

Used by the window and by the agent alike. Whoever does not get the lease does nothing and asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Slot

from app.bootstrap.library import Library
from app.bootstrap.standing import StandingJob
from app.core.context import JobContext
from app.core.destinations import DIMSE, MIRROR
from app.core.errors import BitewingError
from app.domain.changes import ChangeSet, Entity
from app.domain.publication import public_destination
from app.domain.roles import Actor
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.jobs.scheduler import Scheduler
from app.services.receive_report import ReceiveReport
from app.services.schedule import Task
from app.services.settings import ORTHANC
from app.storage.lease import Lease
from app.words import t

log = logging.getLogger(__name__)

MONITOR = "monitor"
ARCHIVE = "archive"
LISTENER = "listener"
NEWS = "archive-news"
WATCHDOG = "watchdog"
SHARES = "shares"
_LEASE_MS = 5_000
NAMED = (MIRROR, DIMSE)


class Background(QObject):
    """Owns the lease and what runs under it. GUI thread only.

    Parameters
    ----------
    runner
        Runs scheduled work, which people see in Activity. The monitor has a runner of its own: it always runs.
    open_patient
        Returns the patient open in the window, for folders whose images are theirs.
    """

    def __init__(
        self,
        library: Library,
        actor: Actor,
        runner: JobRunner,
        calls: Calls,
        bus: ChangeBus,
        kind: str,
        open_patient: Callable[[], str | None] = lambda: None,
    ) -> None:
        super().__init__()
        self._library, self._actor, self._runner = library, actor, runner
        self._open_patient = open_patient
        self._lease = Lease(library.paths.root, kind)
        self._watching = JobRunner(self, leave=library.close_thread)
        self._scheduler = Scheduler(calls, self._due, self._start_task, self)
        self._again = QTimer(self)
        self._again.setInterval(_LEASE_MS)
        self._again.timeout.connect(self._try)
        self._standing = (
            self._stand(MONITOR, lambda: t("Watching folders"), "monitor.", self._monitor, self._wants_monitor),
            self._stand(ARCHIVE, lambda: t("Sending to the archive"), "orthanc.", self._archive, self._wants_archive),
            self._stand(NEWS, lambda: t("Looking for new studies"), "orthanc.", self._news, self._wants_archive),
            self._stand(
                WATCHDOG,
                lambda: t("Looking after destinations"),
                ("orthanc.", f"{DIMSE}."),
                self._watch,
                self._wants_watchdog,
            ),
            self._stand(SHARES, lambda: t("Looking after links"), "share.", self._keep_shares, self._wants_shares),
            self._stand(LISTENER, lambda: t("Receiving"), "receive.", self._receive, self._wants_listener),
        )
        self._named: dict[str, StandingJob] = {}
        bus.changed.connect(self._on_bus_changed)
        self._bus = bus

    @property
    def active(self) -> bool:
        """Whether this process does the background work."""
        return self._lease.held

    def start(self) -> None:
        """Take the lease, now or when it is free."""
        self._try()

    def stop(self, timeout_s: float) -> bool:
        """Stop everything; ``False`` when the monitor is still busy (ask again)."""
        self._again.stop()
        for job in self._jobs():
            job.stop()
        self._scheduler.stop()
        quiet = self._watching.shutdown(timeout_s)
        if quiet:
            self._lease.give()
        return quiet

    @Slot()
    def _try(self) -> None:
        try:
            taken = self._lease.try_take()
        except BitewingError as error:
            log.warning("no background work: %s", error.code)
            taken = False
        if not taken:
            self._again.start()
            return
        self._again.stop()
        self._meet_destinations()
        for job in self._jobs():
            job.start()
        self._scheduler.start()

    def _stand(
        self,
        name: str,
        title: Callable[[], str],
        settings: str | tuple[str, ...],
        engine: Callable[[Any, JobContext], object],
        is_wanted: Callable[[], bool],
    ) -> StandingJob:
        return StandingJob(name, title, settings, self._watching, engine, is_wanted, lambda: self._lease.held, self)

    def _wants_monitor(self) -> bool:
        local = self._library.settings.workstation()
        return bool(local.monitor_enabled and local.monitor_folders)

    def _wants_archive(self) -> bool:
        clinic = self._library.settings.clinic()
        return bool(clinic.orthanc_enabled and clinic.orthanc_url)

    def _wants_watchdog(self) -> bool:
        archives = self._library.settings.dimse_archives()
        return self._wants_archive() or any(archive.enabled and archive.host for archive in archives)

    def _wants_listener(self) -> bool:
        return self._library.settings.workstation().receive_enabled

    def _wants_shares(self) -> bool:
        with self._library.store.read():
            return bool(self._library.settings.clinic().share_destination) or self._library.store.shares.any_open()

    def _keep_shares(self, _args: Any, ctx: JobContext) -> None:
        self._library.share_keeping.run(self._actor, ctx)

    def _receive(self, _args: Any, ctx: JobContext) -> None:
        self._library.receiving.run(self._actor, ctx, ReceiveReport())

    def _archive(self, _args: Any, ctx: JobContext) -> None:
        self._library.sending.run(self._actor, ctx, ORTHANC)

    def _news(self, _args: Any, ctx: JobContext) -> None:
        library, actor = self._library, self._actor
        wants_all = library.settings.clinic().orthanc_fetch_new
        library.news.run(actor, ctx, (lambda uids: library.keeping.bring(actor, ctx, uids)) if wants_all else None)

    def _watch(self, _args: Any, ctx: JobContext) -> None:
        self._library.watchdog.run(self._actor, ctx)

    def _monitor(self, _args: Any, ctx: JobContext) -> object:
        return self._library.monitor.run(self._actor, ctx, open_patient=self._open_patient, lease=self._lease)

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        settings = changes.of(Entity.SETTING)
        if self.active and any(change.id.startswith(tuple(f"{topic}." for topic in NAMED)) for change in settings):
            self._meet_destinations()
        for job in self._jobs():
            job.hear(changes)

    def _jobs(self) -> list[StandingJob]:
        return [*self._standing, *self._named.values()]

    def _meet_destinations(self) -> None:
        """Have a job for every mirror and every archive that was named; forgotten ones are not wanted any more."""
        settings = self._library.settings
        found = [mirror.destination for mirror in settings.mirrors()]
        found += [archive.destination for archive in settings.dimse_archives()]
        for destination in found:
            if destination not in self._named:
                self._named[destination] = self._stand(
                    destination,
                    lambda: t("Sending to a mirror or an archive"),
                    f"{destination}.",
                    partial(self._send_to, destination),
                    partial(self._is_enabled, destination),
                )
        for mirror in settings.mirrors():
            destination = public_destination(mirror.name)
            if destination not in self._named:
                self._named[destination] = self._stand(
                    destination,
                    lambda: t("Publishing, and taking back"),
                    f"{mirror.destination}.",
                    partial(self._send_to, destination),
                    partial(_is_public, self._library, destination),
                )

    def _send_to(self, destination: str, _args: Any, ctx: JobContext) -> None:
        self._library.sending.run(self._actor, ctx, destination)

    def _is_enabled(self, destination: str) -> bool:
        settings = self._library.settings
        mirrors = {mirror.destination for mirror in settings.mirrors() if mirror.enabled and not mirror.paused}
        archives = {archive.destination for archive in settings.dimse_archives() if archive.enabled and archive.host}
        return destination in mirrors | archives

    def _due(self) -> list[str]:
        return [task.value for task in self._library.schedule.due()]

    def _start_task(self, name: str) -> None:
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
        title, engine = work[Task(name)]
        self._runner.start(f"schedule:{name}", title, engine)


def _is_public(library: Library, destination: str) -> bool:
    """Whether images are published there, or are still to be taken back."""
    # Asked while the window opens: whoever really publishes brings the network with them.
    if any(mirror.publish and public_destination(mirror.name) == destination for mirror in library.settings.mirrors()):
        return True
    with library.store.read():
        return library.store.publications.open_at(destination) > 0
