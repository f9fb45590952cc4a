"""Backups on Google Drive: how the account stands, what lies there, sending one now, bringing one back."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.changes import ChangeSet, Entity
from app.domain.roles import Action
from app.ui.controls import push_button, row_list
from app.ui.formats import joined, ltr, moment, size
from app.ui.main_window.drive_jobs import DriveJobs
from app.ui.panels.job_slot import JobSlot
from app.ui.safekeeping.drive_words import REVOKED, fault_words, last_words, standing_words
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.status.chip import Dot, Health
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

# What app.services.drive.account says when somebody connected, disconnected, or Google ended it.
CONNECTION = "drive.connection"
_BACKUP = Qt.ItemDataRole.UserRole


class DrivePanel(QWidget):
    """Asks Google when it is first seen, and again when something was sent. GUI thread only."""

    settings_requested = Signal(str)
    restore_requested = Signal(object)

    def __init__(self, session: Session, jobs: DriveJobs, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session, self._jobs = session, jobs
        self._lane, self._near_lane = ("drive", id(self)), ("drive-near", id(self))
        self._asked = self._usable = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, UNIT, 0, 0)
        column.setSpacing(UNIT + 4)
        column.addWidget(self._card())
        column.addLayout(self._start_row())
        self._job = JobSlot()
        column.addWidget(self._job)
        self.list = row_list((t("Made"), t("Holds"), t("Of"), t("File")), t("Backups on Google Drive"))
        self.list.itemSelectionChanged.connect(self._refresh)
        self.page = StatePage("cloud", t("Looking on Google Drive…"))
        self._connect = self.page.add_button(
            t("Connect Google Drive…"), partial(self.settings_requested.emit, "drive"), primary=True
        )
        self._connect.setAutoDefault(False)
        self._connect.setEnabled(session.may(Action.SETTINGS_CHANGE))
        self._stack = QStackedWidget()
        for widget in (self.list, self.page):
            self._stack.addWidget(widget)
        self._stack.setCurrentWidget(self.page)
        column.addWidget(self._stack, 1)
        foot = QHBoxLayout()
        foot.setSpacing(UNIT)
        self._restore = push_button(t("Fetch and restore…"), self._on_restore_clicked)
        foot.addWidget(self._restore)
        foot.addStretch(1)
        column.addLayout(foot)
        jobs.changed.connect(self.reload)
        session.bus.changed.connect(self._on_bus_changed)
        jobs.fetched.connect(self._on_jobs_fetched)
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:
        """Ask Google the first time that somebody looks."""
        super().showEvent(event)
        if not self._asked:
            self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask how it stands here, then what lies there."""
        if not self.isVisible():
            self._asked = False
            return
        self._asked = True
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._near_lane,
            lambda: (library.drive.standing(actor), library.drive.history(actor)),
            self._on_standing,
            self._on_failed,
        )

    def leave(self) -> None:
        """Ask for nothing more."""
        for lane in (self._lane, self._near_lane):
            self._session.calls.drop(lane)

    # -- parts ---------------------------------------------------------------------------------------

    def _card(self) -> QFrame:
        card = QFrame()
        card.setProperty("role", "card")
        grid = QGridLayout(card)
        grid.setContentsMargins(UNIT * 2, UNIT + 4, UNIT * 2, UNIT + 4)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        grid.setColumnStretch(1, 1)
        self._lines = []
        for row in range(2):
            lamp, text = Dot(), plain_label("–", wrap=True)
            grid.addWidget(lamp, row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(text, row, 1)
            self._lines.append((lamp, text))
        return card

    def _start_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        self._now = push_button(t("Back up to Google Drive"), self._on_now_clicked, "primary")
        settings = push_button(t("Settings…"), partial(self.settings_requested.emit, "drive"))
        settings.setEnabled(self._session.may(Action.SETTINGS_VIEW))
        for button in (self._now, settings, push_button(t("Refresh"), self.reload)):
            row.addWidget(button)
        row.addStretch(1)
        return row

    # -- what it does ----------------------------------------------------------------------------------

    def _on_now_clicked(self) -> None:
        self._job.show_job(self._jobs.back_up())

    def _on_restore_clicked(self) -> None:
        row = self.list.currentItem()
        if row is not None:
            self._job.show_job(self._jobs.fetch(row.data(0, _BACKUP).id))

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if any(change.id == CONNECTION for change in changes.of(Entity.SETTING)):
            self.reload()

    @Slot(object)
    def _on_jobs_fetched(self, path: Path) -> None:
        if self.isVisible():
            self.restore_requested.emit(path)

    # -- answers -----------------------------------------------------------------------------------------

    def _on_standing(self, found: Any) -> None:
        standing, history = found
        self._usable = standing.is_connected and not standing.is_revoked
        self._show_line(0, *standing_words(standing, briefly=True))
        self._show_line(1, *last_words(next((one for one in history if one.state.value != "deleted"), None)))
        self._connect.setVisible(not self._usable)
        self._refresh()
        if not standing.is_connected:
            self._show_page(
                t("Keep backups away from the clinic"),
                t("Sealed backups can go to the clinic's own Google Drive, by hand or at a fixed time."),
            )
            return
        if standing.is_revoked:
            self.page.set_fault(EnvironmentFault(REVOKED))
            self._stack.setCurrentWidget(self.page)
            return
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane,
            lambda: (library.store.library_id, library.drive.list(actor, JobContext.silent())),
            self._on_listed,
            self._on_failed,
        )

    def _on_listed(self, found: Any) -> None:
        library_id, backups = found
        self.list.clear()
        for one in backups:
            mine = one.is_of(library_id)
            what = t("catalogue only") if one.contents == "database" else tn("{n} image", "{n} images", one.images)
            holds = joined(what, size(one.bytes), t("sealed") if one.encrypted else t("not sealed"))
            whose = t("this library") if mine else t("another library")
            row = QTreeWidgetItem([moment(one.made_at), holds, whose, ltr(one.file_name)])
            row.setData(0, _BACKUP, one)
            name, colour = ("check", active().green) if mine else ("help", active().muted)
            row.setIcon(2, pixmap(name, colour, UNIT * 2))
            self.list.addTopLevelItem(row)
        first = self.list.topLevelItem(0)
        if first is not None:
            self.list.setCurrentItem(first)
            self._stack.setCurrentWidget(self.list)
        else:
            self._show_page(t("Nothing lies there yet"), t("“Back up to Google Drive” sends the first one."))
        self._refresh()

    def _on_failed(self, error: BitewingError) -> None:
        health, said = fault_words(error, briefly=True)
        self._show_line(0, health, said)
        self.page.set_fault(error)
        if error.code == REVOKED:
            self._usable = False
        self._connect.setVisible(error.code == REVOKED)
        self._stack.setCurrentWidget(self.page)
        self._refresh()

    def _show_line(self, row: int, health: Health, text: str) -> None:
        lamp, label = self._lines[row]
        lamp.set_health(health)
        label.setText(text)

    def _show_page(self, title: str, text: str) -> None:
        self.page.set_words(title, text)
        self._stack.setCurrentWidget(self.page)

    @Slot()
    def _refresh(self) -> None:
        may = self._session.may
        shown = self._stack.currentWidget() is self.list and self.list.currentItem() is not None
        self._now.setEnabled(self._usable and may(Action.BACKUP_CREATE))
        self._restore.setEnabled(shown and self._usable and may(Action.BACKUP_RESTORE))
