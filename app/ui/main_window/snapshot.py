"""Saves a picture of the window once everything that was asked for is on screen (``--screenshot``)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Slot

if TYPE_CHECKING:
    from app.ui.main_window.window import MainWindow

LONGEST_MS = 30_000
SETTLE_MS = 1200
_LOOK_MS = 100


class Snapshot(QObject):
    """Waits for quiet, grabs, tells how it went. GUI thread only."""

    def __init__(self, window: MainWindow, path: Path, done: Callable[[bool], None]) -> None:
        super().__init__(window)
        self._window, self._path, self._done = window, path, done
        self._waited = self._quiet = 0
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._timer.start()

    @Slot()
    def _on_timer_timeout(self) -> None:
        self._waited += _LOOK_MS
        self._quiet = 0 if self._window.is_busy() else self._quiet + _LOOK_MS
        if self._quiet < SETTLE_MS and self._waited < LONGEST_MS:
            return
        self._timer.stop()
        saved = self._window.grab().save(str(self._path))
        self._done(saved and self._quiet >= SETTLE_MS)
