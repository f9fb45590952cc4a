"""Asks every so often whether regular work is due, and starts it; the work itself is services'.

Due is what the wall clock says; how often is asked, and that a computer slept meanwhile, the timer sees by itself:
the first tick after waking asks at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from PySide6.QtCore import QObject, QTimer, Slot

from app.core.errors import BitewingError
from app.jobs.calls import Calls

log = logging.getLogger(__name__)

TICK_MS = 20_000


class Scheduler(QObject):
    """Ticks. GUI thread only.

    Parameters
    ----------
    due
        Returns the names of what is due; called off the GUI thread.
    start
        Starts the work of a name, unless it runs already.
    """

    def __init__(
        self,
        calls: Calls,
        due: Callable[[], Sequence[str]],
        start: Callable[[str], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._calls, self._due, self._start_work = calls, due, start
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self.ask)

    def start(self) -> None:
        """Begin, with a first question soon: what was missed while the program did not run."""
        self._timer.start()
        QTimer.singleShot(0, self.ask)

    def stop(self) -> None:
        """Ask no more."""
        self._timer.stop()

    @Slot()
    def ask(self) -> None:
        """Ask now."""
        if self._timer.isActive():
            self._calls.ask("schedule", self._due, self._on_due, self._on_failed)

    def _on_due(self, names: Sequence[str]) -> None:
        if self._timer.isActive():
            for name in names:
                self._start_work(name)

    def _on_failed(self, error: BitewingError) -> None:
        log.warning("schedule not read: %s", error.code)
