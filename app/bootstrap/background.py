"""All background work of a library: one lease, the folder monitor, the archive, the listener, the schedule.

Used by the window and by the agent alike. Whoever does not get the lease does nothing and asks again. A window comes
first: the agent hands the work over to it, whole runs only, and takes it back when the window has closed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.bootstrap.library import Library
from app.bootstrap.standing import StandingJob
from app.bootstrap.work import Work
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
from app.storage.lease import Lease
from app.storage.presence import holders
from app.words import t

log = logging.getLogger(__name__)

MONITOR = "monitor"
ARCHIVE = "archive"
LISTENER = "listener"
NEWS = "archive-news"
WATCHDOG = "watchdog"
SHARES = "shares"
SCHEDULED = "schedule:"
SYNC_KEY = "background.sync"
WINDOW, AGENT = "window", "agent"
_LEASE_MS = 2_000
NAMED = (MIRROR, DIMSE)


class Background(QObject):
    """Owns the lease and what runs under it. GUI thread only.

    Parameters
    ----------
    runner
        Runs scheduled work, which people see in Activity. The monitor has a runner of its own: it always runs.
    open_patient
        Returns the patient open in the window, for folders whose images are theirs.

    ``turned(active)`` says when this process has begun or ended to do the work.
    """

    turned = Signal(bool)

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
        self._library, self._runner, self._calls = library, runner, calls
        self._kind = kind
        self._lease = Lease(library.paths.root, kind)
        work = self._work = Work(library, actor, self._lease, open_patient)
        self._handing_over = self._ending = False
        self._watching = JobRunner(self, leave=library.close_thread)
        self._scheduler = Scheduler(calls, self._work.due, self._start_task, self)
        self._again = QTimer(self)
        self._again.setInterval(_LEASE_MS)
        self._again.timeout.connect(self._look_round)
        self._watching.ended.connect(self._on_ended)
        runner.ended.connect(self._on_ended)
        self._standing = (
            self._stand(MONITOR, lambda: t("Watching folders"), "monitor.", work.monitor, work.wants_monitor),
            self._stand(
                ARCHIVE, lambda: t("Sending to the archive"), ("orthanc.", SYNC_KEY), work.archive, work.syncs_archive
            ),
            self._stand(
                NEWS, lambda: t("Looking for new studies"), ("orthanc.", SYNC_KEY), work.news, work.syncs_archive
            ),
            self._stand(
                WATCHDOG,
                lambda: t("Looking after destinations"),
                ("orthanc.", f"{DIMSE}."),
                work.watch,
                work.wants_watchdog,
            ),
            self._stand(
                SHARES, lambda: t("Looking after links"), ("share.", SYNC_KEY), work.keep_shares, work.wants_shares
            ),
            self._stand(LISTENER, lambda: t("Receiving"), "receive.", work.receive, work.wants_listener),
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
        self._look_round()
        self._again.start()

    def stop(self, timeout_s: float) -> bool:
        """Stop everything; ``False`` when the monitor is still busy (ask again)."""
        self._ending = True
        self._again.stop()
        self._stop_starting()
        quiet = self._watching.shutdown(timeout_s)
        if quiet:
            self._lease.give()
        return quiet

    @Slot()
    def _look_round(self) -> None:
        """Take the lease where it is free and nobody comes first; hand it over where somebody does."""
        if self.active:
            if not self._handing_over and self._comes_second():
                self._hand_over()
        elif not self._comes_second():
            self._take()

    def _comes_second(self) -> bool:
        """Whether this is the agent and a window has the library open."""
        return self._kind == AGENT and any(holder.kind == WINDOW for holder in holders(self._library.paths.root))

    def _take(self) -> None:
        try:
            if not self._lease.try_take():
                return
        except BitewingError as error:
            log.warning("no background work: %s", error.code)
            return
        self._handing_over = False
        self._meet_destinations()
        self._sweep()
        for job in self._jobs():
            job.start()
        self._scheduler.start()
        log.info("the background work is done here")
        self.turned.emit(True)

    def _hand_over(self) -> None:
        """Begin nothing more, end what always runs; a backup under way is finished first."""
        self._handing_over = True
        log.info("a window is open: the background work is handed over")
        self._scheduler.stop()
        self._give_when_quiet()

    @Slot(object)
    def _on_ended(self, _handle: object) -> None:
        if self._handing_over and not self._ending:
            self._give_when_quiet()

    def _give_when_quiet(self) -> None:
        if any(str(run.key).startswith(SCHEDULED) for run in self._runner.running()):
            return
        self._stop_starting()
        running = self._watching.running()
        for run in running:
            run.cancel()
        if not running and self.active:
            self._lease.give()
            self.turned.emit(False)

    def _stop_starting(self) -> None:
        self._scheduler.stop()
        for job in self._jobs():
            job.stop()

    def _stand(
        self,
        name: str,
        title: Callable[[], str],
        settings: str | tuple[str, ...],
        engine: Callable[[Any, JobContext], object],
        is_wanted: Callable[[], bool],
    ) -> StandingJob:
        return StandingJob(name, title, settings, self._watching, engine, is_wanted, self._may_start, self)

    def _may_start(self) -> bool:
        return self.active and not self._handing_over

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        settings = changes.of(Entity.SETTING)
        if self._may_start() and any(
            change.id.startswith(tuple(f"{topic}." for topic in NAMED)) for change in settings
        ):
            self._meet_destinations()
            self._sweep()
        for job in self._jobs():
            job.hear(changes)

    def _jobs(self) -> list[StandingJob]:
        return [*self._standing, *self._named.values()]

    def _sweep(self) -> None:
        """Put away what waited for destinations that were forgotten."""
        self._calls.ask("forgotten destinations", self._library.settings.sweep, _ignore, _ignore)

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
                    (f"{destination}.", SYNC_KEY),
                    partial(self._work.send_to, destination),
                    partial(self._work.is_enabled, destination),
                )
        for mirror in settings.mirrors():
            destination = public_destination(mirror.name)
            if destination not in self._named:
                self._named[destination] = self._stand(
                    destination,
                    lambda: t("Publishing, and taking back"),
                    (f"{mirror.destination}.", SYNC_KEY),
                    partial(self._work.send_to, destination),
                    partial(self._work.is_public, destination),
                )

    def _start_task(self, name: str) -> None:
        title, engine = self._work.task(name)
        self._runner.start(f"{SCHEDULED}{name}", title, engine)


def _ignore(_answer: object) -> None:
    """Take an answer that nobody waits for; what failed is tried again when the lease is taken."""
