"""Activity: each running job with progress, remaining time and a stop button, and what ran before.

Jobs of this window come from the runner; earlier and other processes' jobs from the job log.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BitewingError
from app.jobs.handle import JobHandle, JobState
from app.ui.formats import clock, moment
from app.ui.session import Session
from app.ui.states import StatePage, plain_label, set_margins
from app.ui.status.chip import Dot, Health
from app.ui.status.job_strip import progress_text, show_progress
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import log as log_words
from app.words import t

HISTORY_ROWS = 50
_HEALTH = {
    "running": Health.WAITING,
    "succeeded": Health.GOOD,
    "failed": Health.FAILED,
    "interrupted": Health.WAITING,
}
_RESUMABLE = frozenset({"interrupted", "cancelled", "failed"})


class RunningCard(QFrame):
    """One running job."""

    def __init__(self, handle: JobHandle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.handle = handle
        self._text = plain_label("", wrap=True)
        self._item = plain_label("", "muted", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        stop = QToolButton()
        stop.setIcon(icon("close"))
        stop.setToolTip(t("Stop this job"))
        stop.setAccessibleName(t("Stop this job"))
        stop.clicked.connect(handle.cancel)
        top = QHBoxLayout()
        top.addWidget(self._text, 1)
        top.addWidget(stop, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        set_margins(column, UNIT + 4, UNIT, UNIT, UNIT + 4)
        column.setSpacing(UNIT // 2)
        column.addLayout(top)
        column.addWidget(self._item)
        column.addWidget(self._bar)
        self.refresh()

    def refresh(self) -> None:
        """Show the present progress."""
        stopping = self.handle.token.cancelled and self.handle.running
        self._text.setText(t("Stopping…") if stopping else progress_text(self.handle))
        self._item.setText(self.handle.progress.item)
        self._item.setVisible(bool(self.handle.progress.item))
        show_progress(self._bar, self.handle)


class ActivityPanel(QWidget):
    """Running jobs above, the log below."""

    retry_requested = Signal(object)
    resume_requested = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._cards: list[RunningCard] = []
        self._running = QVBoxLayout()
        self._running.setSpacing(UNIT)
        self._past = QVBoxLayout()
        self._past.setSpacing(UNIT // 2)
        self._empty = StatePage("activity", t("Nothing has run yet"), t("Imports and other jobs appear here."))
        page = QWidget()
        column = QVBoxLayout(page)
        set_margins(column, 0, UNIT, UNIT, UNIT)
        column.setSpacing(UNIT * 2)
        column.addLayout(self._running)
        column.addWidget(self._empty)
        column.addLayout(self._past)
        column.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(page)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(scroll)
        self._tick = QTimer(self)
        self._tick.setInterval(250)
        self._tick.timeout.connect(self._on_tick_timeout)
        session.runner.started.connect(self._on_runner_changed)
        session.runner.ended.connect(self._on_runner_changed)

    @Slot()
    def refresh(self) -> None:
        """Show what runs, and ask for the log."""
        _clear(self._running)
        self._cards = [RunningCard(handle) for handle in self._session.runner.running()]
        for card in self._cards:
            self._running.addWidget(card)
        if self._cards:
            self._tick.start()
        else:
            self._tick.stop()
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            "activity", lambda: library.activity.jobs(actor, HISTORY_ROWS), self._on_log, self._on_log_failed
        )

    def showEvent(self, event: Any) -> None:
        """Bring the list up to date when it comes into view."""
        super().showEvent(event)
        self.refresh()

    @Slot(object)
    def _on_runner_changed(self, _handle: JobHandle) -> None:
        if self.isVisible():
            self.refresh()

    @Slot()
    def _on_tick_timeout(self) -> None:
        for card in self._cards:
            card.refresh()

    def _on_log(self, rows: list[Any]) -> None:
        _clear(self._past)
        seen = [handle for handle in self._session.runner.history() if handle.state is JobState.FAILED]
        for handle in seen[:3]:
            self._past.addWidget(self._failed_row(handle))
        for row in rows:
            line = _log_row(row)
            if str(row.kind) == "import" and str(row.state) in _RESUMABLE:
                self._add_button(line, t("Go on"), partial(self.resume_requested.emit, row.id))
            self._past.addWidget(line)
        self._empty.setVisible(not rows and not self._cards and not seen)

    def _on_log_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self._empty.set_words(words.title, words.what_to_do)
        self._empty.show()

    def _failed_row(self, handle: JobHandle) -> QWidget:
        words = error_words.words_for(handle.error) if handle.error else None
        row = _row(Health.FAILED, handle.title, words.title if words else "", moment(handle.started_at))
        self._add_button(row, t("Try again"), partial(self.retry_requested.emit, handle))
        return row

    @staticmethod
    def _add_button(row: QWidget, text: str, act: Callable[[], None]) -> None:
        button = QPushButton(text)
        button.clicked.connect(lambda _checked=False: act())
        layout = row.layout()
        if isinstance(layout, QVBoxLayout):
            layout.addWidget(button, 0, Qt.AlignmentFlag.AlignLeading)


def _log_row(row: Any) -> QWidget:
    state = str(row.state)
    health = _HEALTH.get(state, Health.OFF)
    when = moment(row.started_at)
    if row.ended_at is not None:
        when = t("{start} · took {time}", start=when, time=clock((row.ended_at - row.started_at).total_seconds()))
    return _row(health, log_words.kind_words(str(row.kind)), log_words.state_words(state), when)


def _row(health: Health, title: str, state: str, when: str) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, UNIT // 2, 0, UNIT // 2)
    column.setSpacing(2)
    top = QHBoxLayout()
    top.setSpacing(UNIT)
    top.addWidget(Dot(health), 0, Qt.AlignmentFlag.AlignVCenter)
    top.addWidget(plain_label(title), 1)
    top.addWidget(plain_label(state, "muted"))
    column.addLayout(top)
    column.addWidget(plain_label(when, "muted"))
    return box


def _clear(layout: QVBoxLayout) -> None:
    while layout.count():
        item = layout.takeAt(0)
        widget = item.widget() if item is not None else None
        if widget is not None:
            widget.setParent(None)
            widget.deleteLater()
