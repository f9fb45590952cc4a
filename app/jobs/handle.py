"""What the window holds of a job: its state, progress, remaining time, and the wish to cancel it.

Lives in the window's thread; the worker's signals arrive here queued.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.cancel import CancelToken
from app.core.clock import utc_now
from app.core.errors import BitewingError
from app.core.progress import Progress
from app.jobs.pace import Pace


class JobState(StrEnum):
    """Where a job stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobHandle(QObject):
    """One run of one job as seen from the window. GUI thread only."""

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()
    thread_ended = Signal(object)

    def __init__(self, key: object, title: str, args: Any = None) -> None:
        super().__init__()
        self.key = key
        self.title = title
        self.args = args
        self.token = CancelToken()
        self.state = JobState.RUNNING
        self.progress = Progress(0, None)
        self.report: Any = None
        self.error: BitewingError | None = None
        self.started_at = utc_now()
        self._pace = Pace()

    @property
    def running(self) -> bool:
        """Whether the engine has not yet met its fate."""
        return self.state is JobState.RUNNING

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start, standing still once ended."""
        return self._pace.elapsed_s

    @property
    def remaining_s(self) -> float | None:
        """Estimated seconds to go; ``None`` while nobody can know."""
        return self._pace.remaining_s(self.progress) if self.running else None

    def cancel(self) -> None:
        """Ask the engine to stop at its next check. Any thread."""
        self.token.cancel()

    @Slot(object)
    def on_progressed(self, progress: Progress) -> None:
        """Take a report, never letting progress of one total run backwards."""
        if progress.total == self.progress.total and progress.done < self.progress.done:
            return
        self.progress = progress
        self._pace.note(progress)
        self.progressed.emit(progress)

    @Slot(object)
    def on_succeeded(self, report: Any) -> None:
        """Take the engine's report."""
        self.report = report
        self._end(JobState.SUCCEEDED)
        self.succeeded.emit(report)

    @Slot(object)
    def on_failed(self, error: BitewingError) -> None:
        """Take the engine's failure."""
        self.error = error
        self._end(JobState.FAILED)
        self.failed.emit(error)

    @Slot()
    def on_cancelled(self) -> None:
        """Take the news that the engine stopped as asked."""
        self._end(JobState.CANCELLED)
        self.cancelled.emit()

    @Slot()
    def on_finished(self) -> None:
        """Pass on that no more signals will come."""
        self.finished.emit()

    @Slot()
    def on_thread_ended(self) -> None:
        """Pass on that the thread has ended and may be dropped."""
        self.thread_ended.emit(self)

    def _end(self, state: JobState) -> None:
        self.state = state
        self._pace.stop()
