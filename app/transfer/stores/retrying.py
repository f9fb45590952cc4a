"""Tries again what may pass by itself (``TransientFault``), a few times, with back-off; anything else at once fails.

For a hiccup in the middle of a run. Waiting for a server that is away is the queue's work (RELIABILITY A9).
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.domain.backoff import delay_s
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.store import Capabilities, Entry, OnBlock, Stat, Store, System

_log = logging.getLogger(__name__)
_T = TypeVar("_T")
ATTEMPTS = 5


def usual_delay_s(tries: int) -> float:
    """Return the seconds to wait after so many failures."""
    return delay_s(tries - 1, random.random())


class RetryingStore:
    """A store whose calls are tried up to ``attempts`` times. Keeps :class:`app.transfer.stores.store.Store`.

    ``ctx`` is whose cancelling ends the waits of calls that bring none of their own.
    """

    def __init__(
        self,
        store: Store,
        ctx: JobContext | None = None,
        attempts: int = ATTEMPTS,
        delay: Callable[[int], float] = usual_delay_s,
    ) -> None:
        self._store, self._attempts, self._delay = store, attempts, delay
        self._ctx = ctx or JobContext.silent()

    @property
    def capabilities(self) -> Capabilities:
        """What the store can do."""
        return self._store.capabilities

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Store a file. See the protocol."""
        once = _CountedOnce(on_block)
        return self._tried(lambda _tries: self._store.put(source, name, ctx, once.attempt()), ctx)

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Fetch a file. See the protocol."""
        once = _CountedOnce(on_block)
        return self._tried(lambda _tries: self._store.get(name, target, ctx, once.attempt()), ctx)

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file. See the protocol."""
        return self._tried(lambda _tries: self._store.stat(name))

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder, read whole first: half a listing cannot be gone on with. See the protocol."""
        yield from self._tried(lambda _tries: tuple(self._store.list(folder, recursive=recursive)))

    def delete(self, name: str) -> bool:
        """Delete a file; true also when an attempt whose answer was lost may have done it. See the protocol."""
        return self._tried(lambda tries: self._store.delete(name) or tries > 0)

    def rename(self, old: str, new: str) -> None:
        """Rename a file; one that was renamed by an attempt whose answer was lost is renamed. See the protocol."""

        def once(tries: int) -> None:
            try:
                self._store.rename(old, new)
            except EnvironmentFault as fault:
                if not tries or fault.code != "store.not_there" or self._store.stat(new) is None:
                    raise

        self._tried(once)

    def probe(self) -> None:
        """Ask for a sign of life, once: whoever asks wants to know it now. See the protocol."""
        self._store.probe()

    def check(self, ctx: JobContext) -> System:
        """Try it out, once. See the protocol."""
        return self._store.check(ctx)

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished. See the protocol."""
        return self._tried(lambda _tries: self._store.sweep(older_than))

    def lets_strangers_read(self, name: str) -> bool:
        """Whether anybody can fetch a file at the store's own address; only buckets give anything away like that."""
        store = self._store
        return isinstance(store, S3Store) and self._tried(lambda _tries: store.lets_strangers_read(name))

    def close(self) -> None:
        """Let go of connections. See the protocol."""
        self._store.close()

    def _tried(self, action: Callable[[int], _T], ctx: JobContext | None = None) -> _T:
        ctx = ctx or self._ctx
        for tries in range(1, self._attempts):
            try:
                return action(tries - 1)
            except TransientFault as fault:
                if fault.code == "store.other_drive":
                    # Nobody puts the right one back within a second; that it is the wrong one is to be said at once.
                    raise
                _log.info("attempt %d of %d: %s", tries, self._attempts, fault.code)
                # Only one that is busy has a say in how long it is left alone.
                ctx.wait(max(self._delay(tries), fault.retry_after_s if fault.code == "store.busy" else 0.0))
        return action(self._attempts - 1)


class _CountedOnce:
    """Passes on only blocks that go beyond what an earlier attempt had counted, so that progress never goes back."""

    def __init__(self, on_block: OnBlock | None) -> None:
        self._on_block, self._furthest = on_block, 0

    def attempt(self) -> OnBlock | None:
        if self._on_block is None:
            return None
        passed = 0

        def count(size: int) -> None:
            nonlocal passed
            passed += size
            if passed > self._furthest and self._on_block is not None:
                new, self._furthest = passed - self._furthest, passed
                self._on_block(new)

        return count
