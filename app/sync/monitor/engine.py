"""The loop over all watched folders: looks, waits, hands over in small batches, until it is stopped.

A full look at each folder is the truth; notifications only make it come earlier. A folder that is away is
never taken for an empty one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from app.core.context import JobContext
from app.core.errors import Cancelled
from app.core.progress import Progress
from app.domain.watch_rules import WatchRule
from app.sync.monitor.hints import Hints
from app.sync.monitor.listing import FolderAway, Seen, look, look_at
from app.sync.monitor.settling import APART_S, Waiting

BATCH = 50
# How long one folder may hand over before the others have their turn.
TURN_S = 2.0
# How often an absent folder is looked for; how soon after a notification a folder is looked through.
AWAY_S = 2.0
HINT_S = 0.3
# Fewer known files than this are forgotten without asking whether the volume is really there.
_FEW = 10
_TICK_S = 0.2


@dataclass(frozen=True, slots=True)
class Ripe:
    """A file to hand over; ``is_last_call`` means that what cannot be decoded now is broken."""

    path: str
    seen: Seen
    is_last_call: bool


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a file; ``settled`` is false where it has to be looked at again later.

    ``failed`` says that this is not for the file to change: the disk is full, a right is missing.
    """

    path: str
    seen: Seen
    settled: bool
    gone: bool = False
    code: str | None = None
    failed: bool = False


Mark = tuple[int, int, int]


class MonitorPort(Protocol):
    """What the monitor needs of a library. Called from one thread."""

    def marks(self, rule: WatchRule) -> dict[str, Mark]:
        """Return size, time and change time (0: unknown) of the files that were handled before."""

    def take(self, rule: WatchRule, files: Sequence[Ripe], ctx: JobContext) -> list[Handled]:
        """Import files and write down what became of each."""

    def forget(self, rule: WatchRule, paths: Sequence[str]) -> None:
        """Forget files that are gone."""

    def told(self, rule: WatchRule, code: str) -> None:
        """Hear that a folder went away (``monitor.away``) or came back (``monitor.back``)."""


@dataclass(slots=True)
class FolderWatch:
    """One folder as the loop knows it."""

    rule: WatchRule
    root: Path
    known: dict[str, Mark] = field(default_factory=dict)
    waiting: dict[str, Waiting] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    has_more: bool = False
    away: bool = False
    looked_at: float | None = None
    due_at: float = 0.0

    def drop(self, path: str) -> None:
        """Expect nothing of a file any more."""
        self.waiting.pop(path, None)
        self.failed.pop(path, None)

    def next_at(self) -> float:
        """When something is to be done here."""
        if self.has_more:
            return 0.0
        return min((self.due_at, *(item.due_at() for item in self.waiting.values())))


class Monitor:
    """Watches folders. One thread; notifications come in others."""

    def __init__(
        self,
        rules: Sequence[WatchRule],
        port: MonitorPort,
        interval_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._port = port
        self._interval_s = interval_s
        self._clock = clock
        self._ring = threading.Event()
        self._hints = Hints(self._ring)
        self.folders = [FolderWatch(rule, Path(rule.path)) for rule in rules]

    def run(self, ctx: JobContext, *, once: bool = False) -> None:
        """Watch until cancelled; with ``once`` until every file that is there was handled or has to wait long."""
        try:
            for folder in self.folders:
                folder.known = self._port.marks(folder.rule)
            while True:
                self._step(ctx, use_hints=not once)
                if once and self._is_done():
                    return
                self._pause(ctx)
        except Cancelled:
            if once:
                raise
        finally:
            self._hints.close()

    def _step(self, ctx: JobContext, *, use_hints: bool) -> None:
        rung = self._hints.take()
        for folder in self.folders:
            ctx.check()
            now = self._clock()
            if str(folder.root) in rung and not folder.away:
                soonest = (folder.looked_at or 0.0) + HINT_S
                folder.due_at = min(folder.due_at, max(now, soonest))
            if now >= folder.due_at:
                self._look(folder, now)
                if use_hints and not folder.away:
                    self._hints.watch(folder.root)
            else:
                self._look_again(folder, now)
            self._hand_over(folder, ctx)

    def _look(self, folder: FolderWatch, now: float) -> None:
        """Look through a folder whole."""
        found: set[str] = set()
        unread: set[str] = set()
        try:
            for path, seen in look(folder.root, unread):
                found.add(_key(path))
                self._note(folder, path, seen, now)
        except FolderAway:
            self._went_away(folder, now)
            return
        if folder.away:
            folder.away = False
            self._port.told(folder.rule, "monitor.back")
        for path in [path for path in folder.waiting if _key(path) not in found]:
            folder.drop(path)
        self._forget(folder, found, tuple(map(_key, unread)))
        folder.looked_at = self._clock()
        folder.due_at = folder.looked_at + self._interval_s

    def _look_again(self, folder: FolderWatch, now: float) -> None:
        """Look only at those files that something is expected of."""
        for path, item in list(folder.waiting.items()):
            if now < item.due_at():
                continue
            seen = look_at(folder.root / path)
            if seen is not None:
                folder.waiting[path] = item.again(seen, now)
            elif folder.root.is_dir():
                folder.drop(path)
            else:
                self._went_away(folder, now)
                return

    def _note(self, folder: FolderWatch, path: str, seen: Seen, now: float) -> None:
        known = folder.known.get(_key(path))
        if known is not None and known[:2] == (seen.size, seen.mtime_ns) and known[2] in {0, seen.ctime_ns}:
            return
        item = folder.waiting.get(path)
        folder.waiting[path] = Waiting(seen, now, now) if item is None else item.again(seen, now)

    def _went_away(self, folder: FolderWatch, now: float) -> None:
        # Whatever rested before it went away is watched from the beginning: it may come back different.
        folder.waiting.clear()
        folder.failed.clear()
        folder.has_more = False
        folder.due_at = now + min(AWAY_S, self._interval_s)
        self._hints.forget(folder.root)
        if not folder.away:
            folder.away = True
            self._port.told(folder.rule, "monitor.away")

    def _forget(self, folder: FolderWatch, found: set[str], unread: tuple[str, ...]) -> None:
        gone = folder.known.keys() - found
        if unread:
            gone = {path for path in gone if not path.startswith(unread)}
        if not gone or (len(gone) >= _FEW and len(gone) > len(folder.known) // 2 and not found):
            # An empty mount point looks like this too; remembering costs nothing.
            return
        paths = sorted(gone)
        for path in paths:
            del folder.known[path]
        self._port.forget(folder.rule, paths)

    def _hand_over(self, folder: FolderWatch, ctx: JobContext) -> None:
        now = self._clock()
        folder.has_more = False
        ready = [(path, item) for path, item in folder.waiting.items() if _is_ready(item, now)]
        for batch in _batches(ready, BATCH):
            ctx.check()
            if self._clock() - now > TURN_S and len(self.folders) > 1:
                folder.has_more = True
                return
            files = [Ripe(path, item.seen, item.is_ripe(now)) for path, item in batch]
            answers = self._port.take(folder.rule, files, ctx)
            if not all(handled.settled for handled in answers) and not folder.root.is_dir():
                # Not the files are at fault. What did come in is known by its bytes when the folder is back.
                self._went_away(folder, self._clock())
                return
            for handled in answers:
                self._settle(folder, handled, self._clock())
            ctx.report(Progress(0, None, "files"))

    def _settle(self, folder: FolderWatch, handled: Handled, now: float) -> None:
        if handled.settled:
            folder.drop(handled.path)
            if not handled.gone:
                seen = handled.seen
                folder.known[_key(handled.path)] = (seen.size, seen.mtime_ns, seen.ctime_ns)
            return
        if handled.failed:
            folder.failed[handled.path] = handled.code or ""
        item = folder.waiting.get(handled.path)
        if item is not None and item.seen == handled.seen:
            # Not whole or not readable: it gets a minute without change from now, or from when it changes.
            since = now if item.code is None or item.is_ripe(now) else item.since
            folder.waiting[handled.path] = Waiting(item.seen, since, now, item.looks, handled.code)

    def _is_done(self) -> bool:
        now = self._clock()
        return all(folder.away or _is_at_rest(folder, now) for folder in self.folders)

    def _pause(self, ctx: JobContext) -> None:
        """Sleep until something is due, somebody rings, or the run is stopped."""
        wake_at = min((folder.next_at() for folder in self.folders), default=self._clock() + self._interval_s)
        while (left := wake_at - self._clock()) > 0:
            ctx.check()
            if self._ring.wait(min(left, _TICK_S)):
                self._ring.clear()
                ctx.wait(HINT_S)
                return


def _key(path: str) -> str:
    """Return a name as the ledger gives it back: what is no Unicode in it is spelt out."""
    return path if path.isascii() else path.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_ready(item: Waiting, now: float) -> bool:
    return item.is_settled(now) and (item.code is None or item.is_ripe(now))


def _is_at_rest(folder: FolderWatch, now: float) -> bool:
    return folder.looked_at is not None and not any(_is_soon(item, now) for item in folder.waiting.values())


def _is_soon(item: Waiting, now: float) -> bool:
    """Whether a run that looks once waits for this file."""
    return item.seen.size > 0 and (item.code is None or item.due_at() - now <= APART_S)


def _batches(items: Sequence[tuple[str, Waiting]], size: int) -> Iterator[Sequence[tuple[str, Waiting]]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
