"""Short background calls: ask, and get the newest answer back in the window's thread.

Requests of one lane supersede each other: only the newest answer is delivered, and one that has not
begun is never begun. Long work belongs to :mod:`app.jobs.runner`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, Signal, Slot

from app.core.errors import BitewingError, Cancelled
from app.jobs.worker import as_fault

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Answer:
    lane: Hashable
    number: int
    result: Any = None
    error: BitewingError | None = None


@dataclass(frozen=True)
class _Asked:
    number: int
    then: Callable[[Any], None]
    failed: Callable[[BitewingError], None] | None


class Calls(QObject):
    """A small thread pool whose answers arrive in the thread this object lives in. GUI thread only."""

    failed = Signal(object)
    _arrived = Signal(object)

    def __init__(self, threads: int = 2, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="call")
        self._lock = threading.Lock()
        self._waiting: dict[Hashable, _Asked] = {}
        self._number = 0
        self._closed = False
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)

    def ask(
        self,
        lane: Hashable,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[BitewingError], None] | None = None,
    ) -> None:
        """Run ``work`` on a pool thread; ``then(result)`` or ``failed(error)`` runs here, for the newest only.

        Without ``failed`` the error goes out on the signal of that name. ``work`` must touch no widget.
        """
        if self._closed:
            return
        with self._lock:
            self._number += 1
            self._waiting[lane] = _Asked(self._number, then, failed)
            number = self._number
        self._pool.submit(self._run, lane, number, work)

    def drop(self, lane: Hashable) -> None:
        """Forget the lane's request: its answer will not be delivered."""
        with self._lock:
            self._waiting.pop(lane, None)

    def drop_all(self) -> None:
        """Forget every request: whoever asked is going."""
        with self._lock:
            self._waiting.clear()

    def busy(self, lane: Hashable) -> bool:
        """Whether the lane waits for an answer."""
        with self._lock:
            return lane in self._waiting

    def waiting(self, *, besides: Hashable = None) -> bool:
        """Whether any lane waits for an answer, one that always comes back (a poll) left aside."""
        with self._lock:
            return any(lane != besides for lane in self._waiting)

    def shutdown(self) -> None:
        """Deliver nothing more and wait for what has begun."""
        self._closed = True
        with self._lock:
            self._waiting.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _wanted(self, lane: Hashable, number: int) -> bool:
        with self._lock:
            asked = self._waiting.get(lane)
            return asked is not None and asked.number == number

    def _run(self, lane: Hashable, number: int, work: Callable[[], Any]) -> None:
        if not self._wanted(lane, number):
            return
        try:
            answer = _Answer(lane, number, result=work())
        except Exception as error:
            if not isinstance(error, BitewingError):
                log.exception("background call failed")
            answer = _Answer(lane, number, error=as_fault(error))
        if not self._closed:
            self._arrived.emit(answer)

    @Slot(object)
    def _on_arrived(self, answer: _Answer) -> None:
        with self._lock:
            asked = self._waiting.get(answer.lane)
            if asked is None or asked.number != answer.number:
                return
            del self._waiting[answer.lane]
        if answer.error is None:
            asked.then(answer.result)
        elif isinstance(answer.error, Cancelled):
            return
        elif asked.failed is not None:
            asked.failed(answer.error)
        else:
            self.failed.emit(answer.error)
