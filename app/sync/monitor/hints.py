"""Native notifications as hints: they say "look now", never what is there. Their loss costs only time (A15)."""

from __future__ import annotations

import contextlib
import logging
import threading
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class Hints:
    """One observer for all watched folders, started anew when it dies. One thread asks; any thread notifies."""

    def __init__(self, ring: threading.Event) -> None:
        """``ring`` is set whenever something may have happened."""
        self._ring = ring
        self._observer: Any = None
        self._watched: dict[str, tuple[Any, tuple[int, int]]] = {}
        self._rung: set[str] = set()
        self._removed: set[str] = set()
        self._guard = threading.Lock()

    def watch(self, root: Path) -> None:
        """Watch a folder, if the system can; otherwise the regular look through it has to do."""
        key = str(root)
        if self._observer is not None and not self._observer.is_alive():
            self.close()
        try:
            status = root.stat()
        except OSError:
            return
        identity = (status.st_dev, status.st_ino)
        if key in self._watched and not self._is_deaf(key, identity):
            return
        self.forget(root)
        try:
            self._watched[key] = self._started().schedule(self._handler(key), key, recursive=True), identity
        except (OSError, RuntimeError) as error:
            log.info("no notifications for a folder: %s", type(error).__name__)

    def forget(self, root: Path) -> None:
        """Stop watching a folder: it went away, and what comes back is another one."""
        watch, _identity = self._watched.pop(str(root), (None, None))
        if watch is not None and self._observer is not None:
            with contextlib.suppress(KeyError, OSError, RuntimeError):
                self._observer.unschedule(watch)

    def take(self) -> set[str]:
        """Return the folders that rang since the last time."""
        with self._guard:
            rung, self._rung = self._rung, set()
            return rung

    def close(self) -> None:
        """Stop observing."""
        observer, self._observer = self._observer, None
        self._watched.clear()
        if observer is not None:
            observer.stop()
            observer.join(5.0)

    def _is_deaf(self, key: str, identity: tuple[int, int]) -> bool:
        """Whether a folder was made anew since: notifications of the old one say nothing about it."""
        watch, watched = self._watched[key]
        alive = {emitter.watch for emitter in self._observer.emitters if emitter.is_alive()}
        with self._guard:
            removed = key in self._removed
            self._removed.discard(key)
        return removed or watched != identity or watch not in alive

    def _started(self) -> Any:
        if self._observer is None:
            from watchdog.observers import Observer

            self._observer = Observer()
            self._observer.start()
        return self._observer

    def _handler(self, key: str) -> Any:
        from watchdog.events import FileSystemEventHandler

        hints = self

        class Handler(FileSystemEventHandler):
            def on_any_event(self, event: Any) -> None:
                # Our own reading opens and closes files: that is no news.
                if event.event_type not in {"opened", "closed_no_write"}:
                    hints._heard(key, removed=event.event_type == "deleted" and event.src_path == key)

        return Handler()

    def _heard(self, key: str, *, removed: bool) -> None:
        with self._guard:
            self._rung.add(key)
            if removed:
                self._removed.add(key)
        self._ring.set()
