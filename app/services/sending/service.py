"""Sending as a use case: one round on request, for ever in the background; each round with something to do is a row.

Knows queues and connectors only; what a destination is, is its connector's business.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, RefusedError, TransientFault
from app.core.file_lock import FileLock
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.domain.publication import is_public
from app.domain.roles import Action, Actor, allowed
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog, RunningJob
from app.services.sending.connector import Connection, Connector
from app.services.sending.queue import DestinationQueue
from app.storage.outbox import Wish
from app.sync.outbox import PROBE_S, Drainer, DrainReport

_ASIDE_S = 5.0
# What the facts of a block say that came before anything was sent: it goes when connecting succeeds.
CONNECTING = "connecting"
# What a run is called in the history, by the kind of its destination.
KINDS = {"orthanc": "push", "dimse": "push", "mirror": "mirror", "public": "publish"}
ARCHIVES = ("orthanc", "dimse")


@dataclass(frozen=True, slots=True)
class SendReport:
    """What one round did; ``queued`` counts what waits still, ``by_destination`` has a report for each."""

    drained: DrainReport
    queued: int
    by_destination: Mapping[str, DrainReport] = field(default_factory=dict)


class SendingService:
    """The queues of one library, emptied. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        jobs: JobLog,
        events: EventLog,
        connectors: Mapping[str, Connector],
    ) -> None:
        self._door = door
        self._paths = paths
        self._jobs = jobs
        self._events = events
        self._connectors = connectors

    def enabled(self, kinds: Iterable[str]) -> list[str]:
        """Return the destinations of these kinds that images go to."""
        wanted = frozenset(kinds)
        with self._door.store.read():
            return [
                queue.name for queue in self._door.store.destinations.queues() if queue.enabled and queue.kind in wanted
            ]

    def send(
        self,
        actor: Actor,
        ctx: JobContext,
        destinations: Iterable[str],
        trigger: str = "user",
        action: Action = Action.ARCHIVE_PUSH,
        *,
        recalls_only: bool = False,
    ) -> SendReport:
        """Send what is queued (or carry out recalls alone), once; what was parked or blocked is tried again.

        While another process is sending nothing is done here but counting.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            When by the settings nothing can be sent to the only one; of several it is reported as blocked.
        """
        self._door.require(actor, action)
        wanted, reports, waiting = list(destinations), {}, 0
        for destination in wanted:
            try:
                # What somebody wanted public is sent by who may publish, never because others sent what waits.
                only = recalls_only or (is_public(destination) and not allowed(actor.role, Action.IMAGE_PUBLISH))
                reports[destination] = self._send_to(actor, ctx, destination, trigger, only)
            except (Cancelled, RefusedError):
                raise
            except BitewingError as error:
                if len(wanted) == 1:
                    raise
                # The others are not to suffer for it.
                self._door.store.destinations.block(destination, error.code, error.facts)
                reports[destination] = DrainReport(blocked=error.code)
            with self._door.store.read():
                waiting += self._door.store.outbox.waiting(destination)
        return SendReport(_sum(reports.values()), waiting, reports)

    def run(self, actor: Actor, ctx: JobContext, destination: str) -> None:
        """Send for ever; while another process is sending, wait for it. Raises Cancelled, and as :meth:`send`."""
        self._door.require(actor, Action.ARCHIVE_PUSH)
        while True:
            pause_s = _ASIDE_S
            try:
                with self._drainer(actor, ctx, destination) as found:
                    if found is not None:
                        drainer, connection = found
                        pause_s = connection.pause_s
                        drain = partial(self._round, actor, drainer, connection, destination)
                        if pause_s <= _ASIDE_S:
                            drainer.run(ctx, pause_s, drain)
                        # Whoever wants to send now finds the queue free during a longer pause.
                        drainer.round(ctx, drain)
            except (Cancelled, RefusedError):
                raise
            except TransientFault as fault:
                # A drive that is not connected, say: the queue shows it, and it is looked for again.
                self._door.store.outbox.note_away(destination, fault.code)
                pause_s = PROBE_S
            except BitewingError as error:
                # By the settings, or without a key, nothing can be sent: said where the queue is looked at.
                self._door.store.destinations.block(destination, error.code, {**error.facts, CONNECTING: True})
                raise
            ctx.wait(pause_s)

    def _send_to(
        self, actor: Actor, ctx: JobContext, destination: str, trigger: str, recalls_only: bool
    ) -> DrainReport:
        # Whoever is sending just now takes these up.
        self._door.store.outbox.release(destination, Wish.REMOVE if recalls_only else None)
        try:
            with self._drainer(actor, ctx, destination, recalls_only=recalls_only) as found:
                if found is None:
                    return DrainReport()
                with self._row(actor, destination, trigger) as job:
                    report = _counted(found[0].drain(ctx), job)
                    _look_after(found[1], report, actor, trigger, ctx)
                    return report
        except TransientFault as fault:
            # A drive that is not connected, say: nothing is lost, and it is waited for.
            self._door.store.outbox.note_away(destination, fault.code)
            return DrainReport(away=fault.code)

    def _round(
        self, actor: Actor, drainer: Drainer, connection: Connection, destination: str, ctx: JobContext
    ) -> DrainReport:
        """One round in the background: a row only where there is something to do."""
        with self._door.store.read():
            is_idle = not self._has_work(destination, connection)
        if is_idle:
            ctx.check()
            report = DrainReport()
        else:
            with self._row(actor, destination, "schedule") as job:
                report = _counted(drainer.drain(ctx), job)
                # Turns that have not come yet are no run.
                job.keep_empty = any(job.counts.values()) or job.stopped is not None
        _look_after(connection, report, actor, "schedule", ctx)
        return report

    def _has_work(self, destination: str, connection: Connection) -> bool:
        store, now = self._door.store, utc_now()
        if store.destinations.is_blocked(destination):
            return connection.insists and store.recalls.is_due(destination, now)
        return store.outbox.is_due(destination, now)

    def _row(self, actor: Actor, destination: str, trigger: str) -> contextlib.AbstractContextManager[RunningJob]:
        kind = KINDS[destination.split(".")[0]]
        return self._jobs.running(actor, kind, {"destination": destination}, trigger)

    @contextlib.contextmanager
    def _drainer(
        self, actor: Actor, ctx: JobContext, destination: str, *, recalls_only: bool = False
    ) -> Iterator[tuple[Drainer, Connection] | None]:
        """Give the one drainer of a destination and its connection; ``None`` while another process has it.

        Raises ``disk.permission`` and its kin where the library takes no lock, and as connecting.
        """
        connector = self._connectors[destination.split(".")[0]]
        with connector.connect(destination, ctx) as connection:
            lock = FileLock(self._paths.root / lock_name(destination))
            try:
                is_ours = lock.acquire()
            except OSError as error:
                raise translate_os_error(error, path=str(lock.path)) from error
            if not is_ours:
                yield None
                return
            try:
                self._door.store.destinations.connected(destination, CONNECTING)
                self._door.store.outbox.recover(destination)
                if connection.insists:
                    self._door.store.recalls.wake(destination)
                while self._door.store.destinations.fill(destination):
                    ctx.check()
                yield self._drainer_of(actor, destination, connection, recalls_only), connection
            finally:
                lock.release()

    def _drainer_of(self, actor: Actor, destination: str, connection: Connection, recalls_only: bool) -> Drainer:
        return Drainer(
            DestinationQueue(self._door, self._events, actor, destination, connection, recalls_only=recalls_only),
            connection.sender,
            connection.blocking,
            connections=connection.connections,
            insists=connection.insists,
            waited_out=connection.waited_out,
        )


def _look_after(connection: Connection, report: DrainReport, actor: Actor, trigger: str, ctx: JobContext) -> None:
    if connection.after is not None and report.away is None and report.blocked is None:
        connection.after(actor, trigger, ctx)


def _counted(report: DrainReport, job: RunningJob) -> DrainReport:
    job.counts = {
        "sent": report.sent,
        "already_there": report.already_there,
        "removed": report.removed,
        "failed": report.failed,
        "bytes": report.bytes,
    }
    # An absence is waited out and nobody's fault: the queue says it, in amber, and no run has failed for it.
    job.stopped = report.blocked
    return report


def _sum(reports: Iterable[DrainReport]) -> DrainReport:
    total = DrainReport()
    for report in reports:
        for name in ("sent", "already_there", "removed", "conflicts", "failed", "bytes"):
            setattr(total, name, getattr(total, name) + getattr(report, name))
        total.away = total.away or report.away
        total.blocked = total.blocked or report.blocked
        total.faults.update(report.faults)
    return total


def lock_name(destination: str) -> str:
    """Return the name of a destination's lock: one of its own also where capitals make no difference to files.

    Libraries may have destinations called NAS and nas from before such pairs were refused.
    """
    if destination == destination.casefold():
        return f".outbox-{destination}.lock"
    return f".outbox-{destination.casefold()}-{hashlib.sha256(destination.encode('ascii')).hexdigest()[:8]}.lock"
