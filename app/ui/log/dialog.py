"""The log page for admins: jobs and events, filtered, page by page, exported. Holds no patient data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.services.logbook import LogEntry, LogFilter, LogTopic, since_days
from app.storage.events import Level
from app.ui.controls import row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import clock, joined, ltr, moment
from app.ui.notices import NoticeKind
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import log as log_words
from app.words import t, tn

PAGE = 200
_LOOKS = {"info": ("info", "muted"), "warning": ("warning", "amber"), "error": ("warning", "red")}
_LEVELS = {"": None, "warning": ("warning", "error"), "error": ("error",)}


class LogDialog(DialogFrame):
    """Newest first; more is fetched when asked. GUI thread only."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Log"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("log", id(self))
        self._last: LogEntry | None = None
        self.topic, self.level, self.days = QComboBox(), QComboBox(), QComboBox()
        self.body.addLayout(self._filters())
        self.list = row_list((t("When"), t("What"), t("Details")), t("Log"))
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.state = StatePage("history", t("Looking…"))
        self._stack = QStackedWidget()
        for page in (self.state, self.list):
            self._stack.addWidget(page)
        self.body.addWidget(self._stack, 1)
        self.more = QPushButton(t("Show older entries"))
        self.more.setAutoDefault(False)
        self.more.clicked.connect(self._fetch)
        self.more.hide()
        self.body.addWidget(self.more, 0, Qt.AlignmentFlag.AlignHCenter)
        self._detail = plain_label("", wrap=True, selectable=True)
        self._detail.setMinimumHeight(UNIT * 5)
        self._detail.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.body.addWidget(self._detail)
        export = self.add_button(t("Export…"))
        export.clicked.connect(self._on_export_clicked)
        self.add_cancel(t("Close"))
        self.resize(UNIT * 116, UNIT * 80)
        self.reload()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def reload(self, *_value: object) -> None:
        """Begin anew with the newest entries."""
        self._last = None
        self.list.clear()
        self._detail.setText("")
        self._fetch()

    def _filters(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        topics = [(t("Everything"), ""), *((log_words.topic_words(topic.value), topic.value) for topic in LogTopic)]
        levels = [(t("All entries"), ""), (t("Warnings and errors"), "warning"), (t("Errors only"), "error")]
        days = [(t("Any time"), 0), (t("Today and yesterday"), 2), (t("Last 7 days"), 7), (t("Last 30 days"), 30)]
        for box, title, choices in (
            (self.topic, t("About"), topics),
            (self.level, t("How serious"), levels),
            (self.days, t("When"), days),
        ):
            for words, value in choices:
                box.addItem(words, value)
            box.setAccessibleName(title)
            box.currentIndexChanged.connect(self.reload)
            row.addWidget(box, 1)
        row.addStretch(1)
        return row

    def wanted(self) -> LogFilter:
        """Return what the boxes ask for."""
        levels = _LEVELS[self.level.currentData()]
        topic, days = self.topic.currentData(), self.days.currentData()
        return LogFilter(
            LogTopic(topic) if topic else None,
            None if levels is None else tuple(map(Level, levels)),
            since_days(days) if days else None,
        )

    @Slot()
    def _fetch(self) -> None:
        library, actor, wanted, last = self._session.library, self._session.actor, self.wanted(), self._last
        self._session.calls.ask(
            self._lane, lambda: library.logbook.page(actor, wanted, PAGE, last), self._on_found, self._on_failed
        )

    def _on_found(self, entries: list[LogEntry]) -> None:
        for entry in entries:
            title, text = log_words.describe(entry)
            row = QTreeWidgetItem([moment(entry.at), title, text])
            name, colour = _LOOKS[entry.level.value]
            row.setIcon(1, pixmap(name, getattr(active(), colour), UNIT * 2))
            row.setData(0, Qt.ItemDataRole.UserRole, entry)
            self.list.addTopLevelItem(row)
        self._last = entries[-1] if entries else self._last
        self.more.setVisible(len(entries) == PAGE)
        if self.list.topLevelItemCount():
            self._stack.setCurrentWidget(self.list)
        else:
            self.state.set_words(t("Nothing of this kind"), t("Jobs, recoveries, warnings and errors appear here."))
            self._stack.setCurrentWidget(self.state)

    def _on_failed(self, error: BitewingError) -> None:
        self.state.set_fault(error)
        self._stack.setCurrentWidget(self.state)

    @Slot(object, object)
    def _on_current_changed(self, row: QTreeWidgetItem | None, _before: object) -> None:
        entry: LogEntry | None = row.data(0, Qt.ItemDataRole.UserRole) if row is not None else None
        if entry is None:
            return
        title, text = log_words.describe(entry)
        took = ""
        if entry.ended_at is not None:
            took = t("took {time}", time=clock((entry.ended_at - entry.at).total_seconds()))
        facts = joined(moment(entry.at), took, entry.actor_id, entry.workstation, ltr(entry.code or ""))
        self._detail.setText("\n".join(line for line in (f"{title}. {text}".strip(), facts) if line))

    @Slot()
    def _on_export_clicked(self) -> None:
        name, _kind = QFileDialog.getSaveFileName(
            self, t("Export the log"), "bitewing-log.csv", "CSV (*.csv);;JSON (*.json)"
        )
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Write what the filters show to a file, as a job."""
        library, actor, wanted = self._session.library, self._session.actor, self.wanted()

        def engine(where: Path, ctx: JobContext) -> Any:
            return library.logbook.export(actor, where, log_words.describe, ctx, wanted)

        handle = self._session.runner.start(("export-log", path), t("Exporting the log"), engine, path)
        handle.succeeded.connect(self._on_exported)
        handle.failed.connect(self._session.notices.fault)

    @Slot(object)
    def _on_exported(self, count: int) -> None:
        said = tn("{n} entry written.", "{n} entries written.", count)
        self._session.notices.say(t("Log exported"), said, kind=NoticeKind.DONE)
