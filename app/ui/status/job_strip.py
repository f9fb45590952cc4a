"""The job under way in one line: what, how far, how long still, stop."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QToolButton, QWidget

from app.jobs.handle import JobHandle
from app.jobs.runner import JobRunner
from app.ui.formats import joined, number, remaining
from app.ui.states import plain_label
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import t

BAR_PX = 120


def progress_text(handle: JobHandle) -> str:
    """Return ``Importing files: 1,000 of 1,247 · 34 s left``."""
    progress = handle.progress
    parts = [handle.title]
    if progress.total:
        parts = [
            t("{job}: {done} of {total}", job=handle.title, done=number(progress.done), total=number(progress.total))
        ]
    elif progress.done:
        parts = [t("{job}: {done}", job=handle.title, done=number(progress.done))]
    left = handle.remaining_s
    if left is not None:
        parts.append(remaining(left))
    return joined(*parts)


def show_progress(bar: QProgressBar, handle: JobHandle) -> None:
    """Put a job's progress on a bar, in thousandths: Qt counts in 32 bits and jobs count bytes."""
    total = handle.progress.total
    if total:
        bar.setRange(0, 1000)
        bar.setValue(min(1000, handle.progress.done * 1000 // total))
    else:
        bar.setRange(0, 0)


class JobStrip(QWidget):
    """Shows the oldest running job; hidden while nothing runs."""

    activity_requested = Signal()

    def __init__(self, runner: JobRunner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._text = plain_label("")
        self._bar = QProgressBar()
        self._bar.setFixedWidth(BAR_PX)
        self._bar.setTextVisible(False)
        self._stop = QToolButton()
        self._stop.setIcon(icon("close"))
        self._stop.setToolTip(t("Stop this job"))
        self._stop.setAccessibleName(t("Stop this job"))
        self._stop.clicked.connect(self._on_stop_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        row.addWidget(self._text)
        row.addWidget(self._bar)
        row.addWidget(self._stop)
        self._tick = QTimer(self)
        self._tick.setInterval(250)
        self._tick.timeout.connect(self._refresh)
        runner.started.connect(self._on_runner_changed)
        runner.ended.connect(self._on_runner_changed)
        self._refresh()

    @Slot(object)
    def _on_runner_changed(self, _handle: JobHandle) -> None:
        self._refresh()

    @Slot()
    def _on_stop_clicked(self) -> None:
        running = self._runner.running()
        if running:
            running[0].cancel()
            self._text.setText(t("Stopping…"))

    @Slot()
    def _refresh(self) -> None:
        running = self._runner.running()
        self.setVisible(bool(running))
        if not running:
            self._tick.stop()
            return
        if not self._tick.isActive():
            self._tick.start()
        handle = running[0]
        if handle.token.cancelled:
            self._text.setText(t("Stopping…"))
        else:
            more = t(" and {count} more", count=number(len(running) - 1)) if len(running) > 1 else ""
            self._text.setText(progress_text(handle) + more)
        show_progress(self._bar, handle)
