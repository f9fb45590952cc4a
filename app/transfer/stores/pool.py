"""Several connections to one store as a single store for any thread: each call borrows one and gives it back.

For stores that one thread at a time may use (FTP, SFTP). The one used last is lent first, so that few stay warm.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from app.core.context import JobContext
from app.transfer.stores.names import checked_folder
from app.transfer.stores.store import Capabilities, Entry, OnBlock, Stat, Store, System

_LOOK_S = 0.2


class PooledStore:
    """At most ``connections`` stores, made when needed. Any thread. Keeps :class:`app.transfer.stores.store.Store`.

    Raises what the stores raise; a thread that waits for a free one hears its own cancelling.
    """

    def __init__(self, make: Callable[[], Store], connections: int) -> None:
        self._stores = [make() for _ in range(connections)]
        self._idle = list(self._stores)
        self._freed = threading.Condition()

    @property
    def capabilities(self) -> Capabilities:
        """What the stores can do, from any thread."""
        return replace(self._stores[0].capabilities, any_thread=True)

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Store a file. See the protocol."""
        with self._borrowed(ctx) as store:
            return store.put(source, name, ctx, on_block)

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Fetch a file. See the protocol."""
        with self._borrowed(ctx) as store:
            return store.get(name, target, ctx, on_block)

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file. See the protocol."""
        with self._borrowed() as store:
            return store.stat(name)

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder; no connection is held while the caller looks at it. See the protocol."""
        waiting = [checked_folder(folder)]
        while waiting:
            current = waiting.pop()
            with self._borrowed() as store:
                found = tuple(store.list(current))
            for entry in found:
                if entry.is_folder and recursive:
                    waiting.append(entry.name)
                else:
                    yield entry

    def delete(self, name: str) -> bool:
        """Delete a file. See the protocol."""
        with self._borrowed() as store:
            return store.delete(name)

    def rename(self, old: str, new: str) -> None:
        """Rename a file. See the protocol."""
        with self._borrowed() as store:
            store.rename(old, new)

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._borrowed() as store:
            store.probe()

    def check(self, ctx: JobContext) -> System:
        """Try it out. See the protocol."""
        with self._borrowed(ctx) as store:
            return store.check(ctx)

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished. See the protocol."""
        with self._borrowed() as store:
            return store.sweep(older_than)

    def close(self) -> None:
        """Hang up on every connection that is not in use; those that are end their call first."""
        with self._freed:
            idle = list(self._idle)
            for store in idle:
                store.close()

    @contextmanager
    def _borrowed(self, ctx: JobContext | None = None) -> Iterator[Store]:
        with self._freed:
            while not self._idle:
                self._freed.wait(_LOOK_S)
                if ctx is not None:
                    ctx.check()
            store = self._idle.pop()
        try:
            yield store
        finally:
            with self._freed:
                self._idle.append(store)
                self._freed.notify()
