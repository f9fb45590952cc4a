"""The shell in which every engine runs on its own thread, written once.

Emits exactly one of ``succeeded``, ``failed`` and ``cancelled`` and then always ``finished``. It never
deletes itself and never touches a widget; :mod:`app.jobs.runner` is its only owner.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.core.progress import Progress

log = logging.getLogger(__name__)

Engine = Callable[[Any, JobContext], Any]


class JobWorker(QObject):
    """Runs one engine once, in whatever thread it was moved to."""

    progressed = Signal(object)
    succeeded = Signal(object)
    failed = Signal(object)
    cancelled = Signal()
    finished = Signal()

    def __init__(self, engine: Engine, args: Any, token: CancelToken, leave: Callable[[], None] | None = None) -> None:
        super().__init__()
        self._leave = leave
        self._engine = engine
        self._args = args
        self._token = token

    @Slot()
    def run(self) -> None:
        """Run the engine and report its one fate. Worker thread only."""
        context = JobContext(self._token, self._on_progress)
        try:
            context.check()
            report = self._engine(self._args, context)
        except Cancelled:
            self.cancelled.emit()
        except BitewingError as error:
            log.warning("job failed: %s", error.code)
            self.failed.emit(error)
        except Exception as error:
            log.exception("job ended with a fault of ours")
            self.failed.emit(as_fault(error))
        else:
            self.succeeded.emit(report)
        finally:
            self._let_go()
            self.finished.emit()

    def _let_go(self) -> None:
        # The thread ends after this: what it holds (a database connection) nobody else could close.
        if self._leave is None:
            return
        try:
            self._leave()
        except Exception:
            log.exception("a job's thread could not let go of what it held")

    def _on_progress(self, progress: Progress) -> None:
        # Already at most ten a second: JobContext.report lets no more through.
        self.progressed.emit(progress)


def as_fault(error: BaseException) -> BitewingError:
    """Return any exception as one that carries a code; ours pass unchanged."""
    if isinstance(error, BitewingError):
        return error
    fault = BitewingError("program.fault", kind=type(error).__name__)
    fault.__cause__ = error
    return fault
