"""Starts jobs, one per key, and owns their threads until they have ended.

A ``QThread`` that is dropped while running aborts the whole process, so thread and worker stay in one
dictionary here, are waited for before they go, and nobody else deletes them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QThread, Signal, Slot

from app.jobs.handle import JobHandle
from app.jobs.worker import Engine, JobWorker

log = logging.getLogger(__name__)

HISTORY_LIMIT = 100


@dataclass(frozen=True)
class _Run:
    thread: QThread
    worker: JobWorker
    handle: JobHandle


class JobRunner(QObject):
    """Runs engines on threads of their own. GUI thread only."""

    started = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None, leave: Callable[[], None] | None = None) -> None:
        """``leave`` is called in each job's own thread when its engine has ended."""
        super().__init__(parent)
        self._leave = leave
        self._told = False
        self._runs: dict[object, _Run] = {}
        self._history: list[JobHandle] = []
        self._closed = False

    def start(self, key: object, title: str, engine: Engine, args: Any = None) -> JobHandle:
        """Start ``engine(args, ctx)`` on its own thread; a key that is running returns its running job.

        ``title`` is shown to people. After :meth:`shutdown` nothing starts: the handle comes back cancelled.
        """
        if key in self._runs:
            return self._runs[key].handle
        handle = JobHandle(key, title, args)
        if self._closed:
            handle.cancel()
            handle.on_cancelled()
            return handle
        thread, worker = QThread(), JobWorker(engine, args, handle.token, self._leave)
        thread.setObjectName(f"job {key}")
        worker.moveToThread(thread)
        self._connect(thread, worker, handle)
        self._runs[key] = _Run(thread, worker, handle)
        thread.start()
        self.started.emit(handle)
        return handle

    def running(self) -> list[JobHandle]:
        """Return the jobs under way, oldest first."""
        return [run.handle for run in self._runs.values()]

    def history(self) -> list[JobHandle]:
        """Return the jobs that ended since the start of the program, newest first."""
        return list(reversed(self._history))

    def find(self, key: object) -> JobHandle | None:
        """Return the running job of that key."""
        run = self._runs.get(key)
        return run.handle if run else None

    def cancel(self, key: object) -> None:
        """Ask a running job to stop; unknown keys are nothing to stop."""
        if key in self._runs:
            self._runs[key].handle.cancel()

    def shutdown(self, timeout_s: float = 5.0) -> bool:
        """Cancel every job and wait; ``False`` when a thread is still busy afterwards (keep the process)."""
        self._closed = True
        for run in self._runs.values():
            run.handle.cancel()
        deadline = time.monotonic() + timeout_s
        quiet = True
        for key, run in list(self._runs.items()):
            left_ms = max(0, int((deadline - time.monotonic()) * 1000))
            if run.thread.wait(left_ms):
                del self._runs[key]
            else:
                quiet = False
        if not quiet and not self._told:
            self._told = True
            log.warning("a job did not stop in time")
        return quiet

    def _connect(self, thread: QThread, worker: JobWorker, handle: JobHandle) -> None:
        queued = Qt.ConnectionType.QueuedConnection
        thread.started.connect(worker.run)
        worker.progressed.connect(handle.on_progressed, queued)
        worker.succeeded.connect(handle.on_succeeded, queued)
        worker.failed.connect(handle.on_failed, queued)
        worker.cancelled.connect(handle.on_cancelled, queued)
        worker.finished.connect(handle.on_finished, queued)
        # Direct: quit() may be called from any thread, and the window's loop may already be gone.
        worker.finished.connect(thread.quit, Qt.ConnectionType.DirectConnection)
        thread.finished.connect(handle.on_thread_ended, queued)
        handle.thread_ended.connect(self._on_handle_thread_ended)

    @Slot(object)
    def _on_handle_thread_ended(self, handle: JobHandle) -> None:
        run = self._runs.get(handle.key)
        if run is None or run.handle is not handle:
            return
        run.thread.wait()
        del self._runs[handle.key]
        self._history.append(handle)
        del self._history[:-HISTORY_LIMIT]
        self.ended.emit(handle)
