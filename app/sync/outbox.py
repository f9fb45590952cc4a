"""The drainer of one destination's queue: sends what is due, settles every entry, and waits out what passes.

Delivery is at least once; whoever sends makes it idempotent. Several patients are served at once, each in the order
of their entries.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event, Lock
from typing import Any, Protocol

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault
from app.core.progress import Progress
from app.domain.backoff import delay_s
from app.storage.outbox import Entry, EntryState, Known, Wish
from app.sync.lines import Lines

log = logging.getLogger(__name__)

BATCH = 256
# So many are made ready while others are sent; that they are about to be sent is written down together.
AHEAD = 64
BACKLOG = 40
# Confirmations are written so many at a time: each time costs an fsync. What a crash takes is sent again and found.
TOGETHER = 24
# How often a destination that is away is asked for a sign of life, and how often the queue is looked at.
PROBE_S = 10.0
IDLE_S = 2.0
CONFLICT = "pacs.conflict"
CONFLICTS = frozenset({CONFLICT, "store.conflict"})
# What says that the destination cannot be reached at all, whatever is sent.
AWAY = frozenset(
    {f"{room}.{how}" for room in ("pacs", "dimse", "store") for how in ("unreachable", "slow", "cut_off")}
    | {"store.other_drive"}
)
# An entry that fails so often while the destination answers is for a person to look at.
MOST_TRIES = 8
# A recall that nothing but a person's act would help is tried after a quarter of a minute, then four times as long
# each time, at last every few hours.
_FIRST_AGAIN_S = 15.0
_LAST_AGAIN_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Ready:
    """An image about to be sent: what it will be called there, its digest, and whatever its sender needs.

    ``known``: whether it may be there already, so that it is asked for before it is sent, and through whom.
    """

    remote_id: str
    digest: str
    carried: Any = None
    known: Known = Known.NOT_AT_ALL


@dataclass(frozen=True, slots=True)
class Sent:
    """Proof that an image lies somewhere (or no longer does): its name and digest there, and how that was found."""

    remote_id: str
    digest: str = ""
    how: str = ""
    was_there: bool = False
    bytes: int = 0
    is_foreign: bool = False


class Sender(Protocol):
    """Whoever talks to the destination. Any thread."""

    def probe(self) -> None:
        """Ask for a sign of life. Raises BitewingError."""

    def prepare(self, entry: Entry) -> Ready | None:
        """Make ready what is to be sent; ``None`` when it is not to go any more. Raises BitewingError."""

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return which of these are there already through others. Raises BitewingError."""

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring an image there and prove it; ``None`` when it is not to go any more. Raises BitewingError."""

    def remove(self, entry: Entry) -> Sent | None:
        """Call an image back and prove it. Raises BitewingError."""


class Queue(Protocol):
    """The destination's own queue. Any thread."""

    def take(self, now: datetime, limit: int) -> list[Entry]:
        """Claim what is due."""

    def attempt(self, about: Sequence[tuple[Entry, Ready]]) -> None:
        """Write down that these are about to be sent, together."""

    def confirm(self, done: Sequence[tuple[Entry, Sent]]) -> None:
        """Write down that these are done, together."""

    def settle(self, entry: Entry, state: EntryState, fault: BitewingError | None, due: datetime | None) -> EntryState:
        """Write down that an entry waits again or is parked, and return how it stands: it may have been overtaken."""

    def block(self, fault: BitewingError, recalls_due: datetime | None = None) -> None:
        """Send nothing more until a person acts; recalls that go on all the same rest until they are due."""

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
    bytes: int = 0
    away: str | None = None
    blocked: str | None = None
    faults: dict[str, str] = field(default_factory=dict)


class Drainer:
    """Empties one queue, over several connections at once.

    ``insists``: what is to be called back is never parked but asked for again, whatever it met. ``waited_out`` are
    codes that never park anything either.
    """

    def __init__(
        self,
        queue: Queue,
        sender: Sender,
        blocking: Collection[str],
        *,
        connections: int = 4,
        insists: bool = False,
        waited_out: Collection[str] = (),
    ) -> None:
        self._queue = queue
        self._sender = sender
        self._blocking = frozenset(blocking)
        self._connections = connections
        self._insists = insists
        self._waited_out = frozenset(waited_out)
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
                round_ = _Round(report, ctx, pool, total)
                try:
                    self._send_batch(batch, round_)
                finally:
                    self._confirm(at_least=1)
                round_.say()
        return report

    def run(
        self, ctx: JobContext, pause_s: float = IDLE_S, drain: Callable[[JobContext], DrainReport] | None = None
    ) -> None:
        """Drain for ever. While the destination is away only a light probe asks for it. Raises Cancelled.

        Parameters
        ----------
        pause_s
            For how long a drained queue is left alone.
        drain
            Called instead of :meth:`drain`, by whoever keeps a history of rounds.
        """
        while True:
            self.round(ctx, drain or self.drain)
            ctx.wait(pause_s)

    def round(self, ctx: JobContext, drain: Callable[[JobContext], DrainReport]) -> None:
        """Drain once; where the destination is away, wait until it answers. Raises Cancelled."""
        if drain(ctx).away is not None:
            self._wait_for_it(ctx)

    def _send_batch(self, batch: list[Entry], round_: _Round) -> None:
        """Send in the pool's threads while this one makes the next ready."""
        lines = Lines[_Made](round_.pool, lambda made: self._send_one(made, round_), BACKLOG)
        try:
            batch = _in_turns(batch)
            for start in range(0, len(batch), AHEAD):
                for made in self._make_ready(batch[start : start + AHEAD], round_):
                    lines.feed(made.entry.patient_id, made)
                round_.say()
        finally:
            lines.join()

    def _make_ready(self, entries: list[Entry], round_: _Round) -> list[_Made]:
        made = [self._made(entry, round_) for entry in entries]
        unknown = [one.ready for one in made if one.ready is not None and one.ready.known is Known.NOT_AT_ALL]
        try:
            # Before anything is written down as ours, it is asked what others have put there.
            theirs = self._sender.survey(unknown) if unknown else frozenset()
        except BitewingError as fault:
            return [one if one.ready is None else _Made(one.entry, fault=fault) for one in made]
        made = [_told(one, theirs) for one in made]
        self._queue.attempt([(one.entry, one.ready) for one in made if one.ready is not None])
        return made

    def _made(self, entry: Entry, round_: _Round) -> _Made:
        if entry.wish is Wish.REMOVE or self._stop.is_set() or round_.ctx.token.cancelled:
            return _Made(entry)
        try:
            return _Made(entry, self._sender.prepare(entry))
        except Exception as fault:  # noqa: BLE001 - raised again where the entry is settled
            return _Made(entry, fault=fault)

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

    def _send_one(self, made: _Made, round_: _Round) -> None:
        """Carry out an entry; after a failure those of the same patient wait their turn."""
        entry, report = made.entry, round_.report
        if entry.patient_id in round_.held_up or self._stop.is_set():
            self._queue.settle(entry, EntryState.WAITING, None, None)
            return
        try:
            round_.ctx.check()
            sent = self._carry_out(made)
        except Cancelled:
            self._stop.set()
            self._queue.settle(entry, EntryState.WAITING, None, None)
        except BitewingError as fault:
            if self._failed(entry, fault, report):
                round_.held_up.add(entry.patient_id)
        except Exception as error:
            # Ours to fix; it counts as a try, and holds up nobody but this patient.
            log.exception("an image could not be sent")
            if self._failed(entry, TransientFault("program.fault", kind=type(error).__name__), report):
                round_.held_up.add(entry.patient_id)
        else:
            self._done_with(entry, sent, report)

    def _done_with(self, entry: Entry, sent: Sent | None, report: DrainReport) -> None:
        if sent is None:
            self._queue.settle(entry, EntryState.CANCELLED, None, None)
            return
        self._confirm((entry, sent))
        with self._lock:
            report.removed += entry.wish is Wish.REMOVE
            report.sent += entry.wish is Wish.PUT and not sent.was_there
            report.already_there += entry.wish is Wish.PUT and sent.was_there
            report.bytes += sent.bytes

    def _carry_out(self, made: _Made) -> Sent | None:
        if made.fault is not None:
            raise made.fault
        if made.entry.wish is Wish.REMOVE:
            return self._sender.remove(made.entry)
        return self._sender.send(made.entry, made.ready) if made.ready is not None else None

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
        is_in_time = is_away or entry.tries + 1 < MOST_TRIES or fault.code in self._waited_out
        insists = self._insists and entry.wish is Wish.REMOVE
        with self._lock:
            if insists or (isinstance(fault, TransientFault) and is_in_time):
                due = utc_now() + timedelta(seconds=_again_s(entry, fault))
                self._queue.settle(entry, EntryState.WAITING, fault, due)
                if is_away:
                    report.away = fault.code
                    self._stop.set()
                if insists and fault.code in self._blocking:
                    report.blocked = fault.code
                    self._queue.block(fault, due)
                    self._stop.set()
                # What somebody may still see holds up nothing else that is to be taken back.
                return not insists
            if self._queue.settle(entry, EntryState.PARKED, fault, None) is EntryState.PARKED:
                report.failed += 1
                report.conflicts += fault.code in CONFLICTS
                report.faults[entry.image_id] = fault.code
            if fault.code in self._blocking:
                report.blocked = fault.code
                self._queue.block(fault)
                self._stop.set()
            return False


def _again_s(entry: Entry, fault: BitewingError) -> float:
    """Return for how long an entry that failed is left alone."""
    if isinstance(fault, TransientFault):
        # The jitter is no secret.
        return max(delay_s(entry.tries, random.random()), fault.retry_after_s)
    return min(_FIRST_AGAIN_S * float(4 ** min(entry.tries, 10)), _LAST_AGAIN_S)


@dataclass(frozen=True, slots=True)
class _Made:
    """An entry made ready, or why it could not be; with neither it is not to go any more (or calls back)."""

    entry: Entry
    ready: Ready | None = None
    fault: Exception | None = None


def _in_turns(batch: list[Entry]) -> list[Entry]:
    """Let patients take turns, each keeping the order of their own: one with many images holds nobody up."""
    place: dict[str | None, int] = {}
    turns = []
    for entry in batch:
        place[entry.patient_id] = place.get(entry.patient_id, -1) + 1
        turns.append((place[entry.patient_id], entry.number, entry))
    return [entry for _turn, _number, entry in sorted(turns, key=lambda row: row[:2])]


def _told(made: _Made, theirs: Set[str]) -> _Made:
    if made.ready is None or made.ready.remote_id not in theirs:
        return made
    return replace(made, ready=replace(made.ready, known=Known.FOREIGN))


@dataclass(slots=True)
class _Round:
    """One round over what is due. ``held_up``: patients of whom an entry failed that must arrive first."""

    report: DrainReport
    ctx: JobContext
    pool: ThreadPoolExecutor
    total: int
    held_up: set[str | None] = field(default_factory=set)

    def say(self) -> None:
        report = self.report
        done = report.sent + report.already_there + report.removed + report.failed
        self.ctx.report(Progress(done, max(self.total, done), "images", ""))
