"""One piece of work at a time off the window's thread, for dialogs that stand without an open library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from app.core.errors import BitewingError
from app.jobs.calls import Calls

_LANE = "work"


class Background(QObject):
    """Only the newest answer is delivered. GUI thread only."""

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._calls = Calls(1, self)

    def start(self, work: Callable[[], Any]) -> None:
        """Begin; an answer still awaited is dropped."""
        self._calls.ask(_LANE, work, self._on_done, self._on_failed)

    def stop(self) -> None:
        """Deliver nothing more and wait for what has begun."""
        self._calls.shutdown()

    def _on_done(self, answer: Any) -> None:
        self.done.emit(answer)

    def _on_failed(self, error: BitewingError) -> None:
        self.failed.emit(error)
