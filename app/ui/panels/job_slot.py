"""A place in a dialog for the job that was started there: its progress while it runs, nothing otherwise."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.jobs.handle import JobHandle
from app.ui.panels.activity import RunningCard

_TICK_MS = 250


class JobSlot(QWidget):
    """Empty, or with one running job. GUI thread only; the job goes on without it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card: RunningCard | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._on_tick_timeout)
        self.hide()

    def show_job(self, handle: JobHandle) -> None:
        """Show a job until it ends, in the place of an earlier one."""
        self.clear()
        self._card = RunningCard(handle)
        self._column.addWidget(self._card)
        self.show()
        self._tick.start()

    def clear(self) -> None:
        """Show nothing."""
        self._tick.stop()
        self.hide()
        if self._card is not None:
            self._card.hide()
            self._card.deleteLater()
            self._card = None

    @Slot()
    def _on_tick_timeout(self) -> None:
        if self._card is None or not self._card.handle.running:
            self.clear()
        else:
            self._card.refresh()
