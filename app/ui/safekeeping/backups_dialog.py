"""Backups: how safe the library is, making one now, and what to do with each that was made.

The work itself is jobs: closing the dialog stops nothing.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QMessageBox,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.clock import utc_now
from app.core.errors import BitewingError
from app.domain.roles import Action
from app.ui.controls import push_button
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import isolated, moment
from app.ui.later import part
from app.ui.main_window.backups import Backups
from app.ui.panels.job_slot import JobSlot
from app.ui.safekeeping.backup_list import BackupList
from app.ui.safekeeping.drive_panel import DrivePanel
from app.ui.safekeeping.health_card import HealthCard
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

log = logging.getLogger(__name__)


class BackupsDialog(DialogFrame):
    """Shows, starts, and asks before anything is lost. GUI thread only."""

    settings_requested = Signal(str)
    restore_chosen = Signal(object)

    def __init__(self, session: Session, backups: Backups, parent: QWidget | None = None) -> None:
        super().__init__(t("Backups"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._backups = session, backups
        self._lane = ("backups", id(self))
        here = QWidget()
        column = QVBoxLayout(here)
        column.setContentsMargins(0, UNIT, 0, 0)
        column.setSpacing(UNIT + 4)
        self.health = HealthCard()
        column.addWidget(self.health)
        column.addLayout(self._start_row())
        self._job = JobSlot()
        column.addWidget(self._job)
        self.list = BackupList()
        self.list.itemSelectionChanged.connect(self._on_selection_changed)
        self._empty = plain_label(
            t("No backup was made yet. Plug in a drive that is not the library's own, and make the first one now."),
            "muted",
            wrap=True,
        )
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeading)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        column.addWidget(self._stack, 1)
        column.addLayout(self._row_row())
        self.drive = DrivePanel(session, backups.drive)
        self.drive.settings_requested.connect(self.settings_requested)
        self.drive.restore_requested.connect(self._ask_restore)
        self.tabs = QTabWidget()
        self.tabs.addTab(here, t("Drives and folders"))
        self.tabs.addTab(self.drive, t("Google Drive"))
        self.body.addWidget(self.tabs, 1)
        self.add_cancel(t("Close"))
        backups.changed.connect(self.reload)
        self.resize(UNIT * 108, UNIT * 72)
        self._on_selection_changed()
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask for the list and for how safe the library is."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane,
            lambda: (library.backups.list(actor), library.status.backup_health(actor)),
            self._on_found,
            self._on_failed,
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        self.drive.leave()
        super().done(result)

    # -- parts ---------------------------------------------------------------------------------------

    def _start_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        may = self._session.may
        for text, slot, action, role in (
            (t("Back up now"), self.back_up, Action.BACKUP_CREATE, "primary"),
            (t("Back up to a file…"), self._on_to_file_clicked, Action.BACKUP_CREATE, ""),
            (t("Try restoring"), self.drill, Action.BACKUP_DRILL, ""),
            (t("Settings…"), self._on_settings_clicked, Action.SETTINGS_VIEW, ""),
        ):
            row.addWidget(push_button(text, slot, role, enabled=may(action)))
        row.addStretch(1)
        return row

    def _row_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        self._verify = push_button(t("Verify"), self._on_verify_clicked)
        self._restore = push_button(t("Restore…"), self._on_restore_clicked)
        self._one = push_button(t("One patient…"), self._on_one_clicked)
        self._one.setToolTip(t("Bring one patient back into the library as it is now"))
        self._delete = push_button(t("Delete…"), self._on_delete_clicked, "danger")
        for button in (self._verify, self._restore, self._one, self._delete):
            row.addWidget(button)
        row.addStretch(1)
        may = self._session.may(Action.BACKUP_RESTORE)
        row.addWidget(push_button(t("Restore from another file…"), self._on_other_clicked, enabled=may))
        row.addWidget(push_button(t("…or folder"), self._on_other_folder_clicked, enabled=may))
        return row

    # -- what it does ----------------------------------------------------------------------------------

    @Slot()
    def back_up(self) -> None:
        """Make a backup where the settings say; without a place there, ask for one."""
        if self._session.library.settings.clinic().backup_folder:
            self._job.show_job(self._backups.create())
        else:
            self._on_to_file_clicked()

    @Slot()
    def drill(self) -> None:
        """Try restoring the newest backup."""
        self._job.show_job(self._backups.drill())

    @Slot()
    def _on_settings_clicked(self) -> None:
        self.settings_requested.emit("backup")

    @Slot()
    def _on_to_file_clicked(self) -> None:
        name, _kind = QFileDialog.getSaveFileName(self, t("Back up to a file"), suggested_name(), t("Backups (*.zip)"))
        if name:
            self._job.show_job(self._backups.create(name if name.casefold().endswith(".zip") else f"{name}.zip"))

    @Slot()
    def _on_verify_clicked(self) -> None:
        record = self.list.chosen()
        if record is not None:
            self._job.show_job(self._backups.verify(Path(record.path)))

    @Slot()
    def _on_restore_clicked(self) -> None:
        record = self.list.chosen()
        if record is not None:
            self._ask_restore(Path(record.path))

    @Slot()
    def _on_one_clicked(self) -> None:
        record = self.list.chosen()
        if record is None:
            return
        dialog = part("PatientRestoreDialog")(self._session, Path(record.path), self)
        if dialog.exec() and dialog.wish is not None:
            self._job.show_job(self._backups.restore_patient(dialog.wish))

    @Slot()
    def _on_other_clicked(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self, t("Choose a backup"), "", t("Backups (*.zip);;All files (*)"))
        if name:
            self._ask_restore(Path(name))

    @Slot()
    def _on_other_folder_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, t("Choose a backup folder"))
        if name:
            self._ask_restore(Path(name))

    @Slot(object)
    def _ask_restore(self, path: Path) -> None:
        library = self._session.library
        dialog = part("RestoreDialog")(path, library.paths.root, self, known=self._own_password())
        if dialog.exec() and dialog.wish is not None:
            self.restore_chosen.emit(dialog.wish)

    def _own_password(self) -> str | None:
        """Return what this library seals with; ``None`` where this account cannot read it, and it is asked for."""
        try:
            password: str | None = self._session.library.settings.secret("backup.password")
        except BitewingError as error:
            log.info("the password of the backups is not at hand: %s", error.code)
            return None
        return password

    @Slot()
    def _on_delete_clicked(self) -> None:
        record = self.list.chosen()
        if record is None or not record.id:
            return
        ask = QMessageBox(self)
        ask.setIcon(QMessageBox.Icon.NoIcon)
        ask.setWindowTitle(t("Delete a backup"))
        ask.setText(t("Delete the backup of {date}?", date=isolated(moment(record.created_at))))
        ask.setInformativeText(t("It cannot be brought back. The library and the other backups stay."))
        yes = ask.addButton(t("Delete"), QMessageBox.ButtonRole.DestructiveRole)
        ask.setDefaultButton(ask.addButton(t("Keep"), QMessageBox.ButtonRole.RejectRole))
        ask.exec()
        if ask.clickedButton() is yes:
            self._backups.delete(record.id)

    # -- answers -----------------------------------------------------------------------------------------

    def _on_found(self, found: Any) -> None:
        records, health = found
        self.health.show_health(health)
        self.list.show_records(records)
        self._stack.setCurrentWidget(self.list if records else self._empty)
        self._on_selection_changed()

    def _on_failed(self, error: BitewingError) -> None:
        self.say_problem(error_words.words_for(error).explanation)

    @Slot()
    def _on_selection_changed(self) -> None:
        record, may = self.list.chosen(), self._session.may
        there = record is not None and record.state.value != "missing"
        self._verify.setEnabled(there and may(Action.BACKUP_VIEW))
        self._restore.setEnabled(there and may(Action.BACKUP_RESTORE))
        has_images = record is not None and record.contents != "database"
        self._one.setEnabled(there and has_images and may(Action.BACKUP_RESTORE))
        self._delete.setEnabled(record is not None and bool(record.id) and may(Action.BACKUP_DELETE))


def suggested_name() -> str:
    """Return a name for a backup made by hand now."""
    return f"bitewing-{utc_now().astimezone():%Y-%m-%d-%H%M}.zip"
