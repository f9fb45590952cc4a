"""The drainer of one destination's queue: sends what is due, settles every entry, and waits out what passes.

Delivery is at least once; whoever sends makes it idempotent. Several patients are served at once, each in the order
of their entries.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from threading import Event, Lock
from typing import Protocol

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault
from app.core.progress import Progress
from app.domain.backoff import delay_s
from app.storage.outbox import Entry, EntryState, Wish

BATCH = 256
# Confirmations are written so many at a time: each time costs an fsync. What a crash takes is sent again and found.
TOGETHER = 24
# How often a destination that is away is asked for a sign of life, and how often the queue is looked at.
PROBE_S = 10.0
IDLE_S = 2.0
CONFLICT = "pacs.conflict"
# What says that the destination cannot be reached at all, whatever is sent.
AWAY = frozenset({"pacs.unreachable", "pacs.slow", "pacs.cut_off"})
# An entry that fails so often while the destination answers is for a person to look at.
MOST_TRIES = 8


@dataclass(frozen=True, slots=True)
class Sent:
    """Proof that an image lies somewhere (or no longer does): its name and digest there, and how that was found."""

    remote_id: str
    digest: str = ""
    how: str = ""
    was_there: bool = False


class Sender(Protocol):
    """Whoever talks to the destination. Any thread."""

    def probe(self) -> None:
        """Ask for a sign of life. Raises BitewingError."""

    def send(self, entry: Entry) -> Sent | None:
        """Bring an image there and prove it; ``None`` when it is not to go any more. Raises BitewingError."""

    def remove(self, entry: Entry) -> Sent | None:
        """Call an image back and prove it. Raises BitewingError."""


class Queue(Protocol):
    """The destination's own queue. Any thread."""

    def take(self, now: datetime, limit: int) -> list[Entry]:
        """Claim what is due."""

    def confirm(self, done: Sequence[tuple[Entry, Sent]]) -> None:
        """Write down that these are done, together."""

    def settle(self, entry: Entry, state: EntryState, fault: BitewingError | None, due: datetime | None) -> None:
        """Write down that an entry waits again or is parked."""

    def block(self, fault: BitewingError) -> None:
        """Send nothing more until a person acts."""

    def is_blocked(self) -> bool:
        """Whether that is so."""

    def hurry(self) -> None:
        """Let everything that backs off be due."""

    def waiting(self) -> int:
        """Return how many entries wait."""


@dataclass(slots=True)
class DrainReport:
    """What one round did. ``away`` is why the destination could not be reached, ``blocked`` why nothing is sent."""

    sent: int = 0
    already_there: int = 0
    removed: int = 0
    conflicts: int = 0
    failed: int = 0
    away: str | None = None
    blocked: str | None = None
    faults: dict[str, str] = field(default_factory=dict)


class Drainer:
    """Empties one queue, over several connections at once."""

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        blocking: Collection[str],
        *,
        connections: int = 4,
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._blocking = frozenset(blocking)
        self._connections = connections
        self._lock = Lock()
        self._stop = Event()
        self._done: list[tuple[Entry, Sent]] = []

    def drain(self, ctx: JobContext) -> DrainReport:
        """Send what is due until nothing is, the destination is away or blocks, or the job is stopped."""
        report = DrainReport()
        self._stop.clear()
        total = self._queue.waiting()
        with ThreadPoolExecutor(self._connections, thread_name_prefix="outbox") as pool:
            while not self._stop.is_set():
                ctx.check()
                batch = self._queue.take(utc_now(), BATCH)
                if not batch:
                    break
                try:
                    list(pool.map(lambda row: self._patient(row, report, ctx), _by_patient(batch)))
                finally:
                    self._confirm(at_least=1)
                done = report.sent + report.already_there + report.removed + report.failed
                ctx.report(Progress(done, max(total, done), "images", ""))
        return report

    def run(self, ctx: JobContext) -> None:
        """Drain for ever. While the destination is away only a light probe asks for it. Raises Cancelled."""
        while True:
            report = self.drain(ctx)
            if report.away is not None:
                self._wait_for_it(ctx)
            ctx.wait(IDLE_S)

    def _wait_for_it(self, ctx: JobContext) -> None:
        while True:
            ctx.wait(PROBE_S)
            try:
                self._sender.probe()
            except TransientFault:
                continue
            except EnvironmentFault as fault:
                if fault.code in self._blocking:
                    self._queue.block(fault)
            self._queue.hurry()
            return

    def _patient(self, entries: Iterable[Entry], report: DrainReport, ctx: JobContext) -> None:
        """Work through one patient's entries in order; after a failure the rest waits its turn."""
        is_held_up = False
        for entry in entries:
            if is_held_up or self._stop.is_set():
                self._queue.settle(entry, EntryState.WAITING, None, None)
                continue
            try:
                ctx.check()
                sent = self._sender.remove(entry) if entry.wish is Wish.REMOVE else self._sender.send(entry)
            except Cancelled:
                self._stop.set()
                self._queue.settle(entry, EntryState.WAITING, None, None)
            except BitewingError as fault:
                is_held_up = self._failed(entry, fault, report)
            except BaseException:
                # Ours to fix; the entry must not stay claimed for it.
                self._queue.settle(entry, EntryState.WAITING, None, utc_now() + timedelta(seconds=60))
                raise
            else:
                if sent is None:
                    self._queue.settle(entry, EntryState.CANCELLED, None, None)
                    continue
                self._confirm((entry, sent))
                with self._lock:
                    report.removed += entry.wish is Wish.REMOVE
                    report.sent += entry.wish is Wish.PUT and not sent.was_there
                    report.already_there += entry.wish is Wish.PUT and sent.was_there

    def _confirm(self, *done: tuple[Entry, Sent], at_least: int = TOGETHER) -> None:
        with self._lock:
            self._done += done
            if len(self._done) < at_least:
                return
            together, self._done = self._done, []
        self._queue.confirm(together)

    def _is_silent(self) -> bool:
        """Whether the destination gives no sign of life: then it is not this one entry's fault."""
        try:
            self._sender.probe()
        except BitewingError:
            return True
        return False

    def _failed(self, entry: Entry, fault: BitewingError, report: DrainReport) -> bool:
        """Settle an entry that failed; whether what comes after it must wait."""
        is_away = isinstance(fault, TransientFault) and (fault.code in AWAY or self._is_silent())
        with self._lock:
            if isinstance(fault, TransientFault) and (is_away or entry.tries + 1 < MOST_TRIES):
                # The jitter is no secret.
                delay = max(delay_s(entry.tries, random.random()), fault.retry_after_s)
                self._queue.settle(entry, EntryState.WAITING, fault, utc_now() + timedelta(seconds=delay))
                if is_away:
                    report.away = fault.code
                    self._stop.set()
                return True
            report.failed += 1
            report.conflicts += fault.code == CONFLICT
            report.faults[entry.image_id] = fault.code
            self._queue.settle(entry, EntryState.PARKED, fault, None)
            if fault.code in self._blocking:
                report.blocked = fault.code
                self._queue.block(fault)
                self._stop.set()
            return False


def _by_patient(batch: list[Entry]) -> list[list[Entry]]:
    """Group entries by patient, each group in order, the groups by their first."""
    rows = sorted(batch, key=lambda entry: (entry.patient_id or "", entry.number))
    groups = [list(group) for _patient, group in groupby(rows, key=lambda entry: entry.patient_id or "")]
    return sorted(groups, key=lambda group: group[0].number)
