"""The connection to Google Drive on its settings page: what it needs, what is asked, and how it stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import Action
from app.ui.controls import push_button
from app.ui.formats import isolated, joined, size
from app.ui.main_window.drive_jobs import CONNECT, DriveJobs
from app.ui.panels.job_slot import JobSlot
from app.ui.safekeeping.drive_words import fault_words, standing_words
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.status.chip import Dot, Health
from app.ui.theme.stylesheet import UNIT
from app.words import t


class DriveCard(QFrame):
    """Connects, disconnects and tries out. ``store_client`` stores what was typed into the two fields below.

    GUI thread only.
    """

    def __init__(self, session: Session, store_client: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._session, self._store_client = session, store_client
        self._jobs = DriveJobs(session, session.notices)
        self._lane = ("drive-card", id(self))
        self._lamp, self._state = Dot(), plain_label("–", wrap=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(UNIT * 2, UNIT + 4, UNIT * 2, UNIT + 4)
        column.setSpacing(UNIT)
        line = QHBoxLayout()
        line.setSpacing(UNIT)
        line.addWidget(self._lamp, 0, Qt.AlignmentFlag.AlignVCenter)
        line.addWidget(self._state, 1)
        column.addLayout(line)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        self.connect_button = push_button(t("Connect…"), self.connect_account)
        self.connect_button.setProperty("role", "primary")
        self.test_button = push_button(t("Test"), self.test)
        self.disconnect_button = push_button(t("Disconnect"), self._on_disconnect_clicked)
        for button in (self.connect_button, self.test_button, self.disconnect_button):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self._job = JobSlot()
        column.addWidget(self._job)
        for text in _explained():
            column.addWidget(plain_label(text, "muted", wrap=True))
        self._jobs.changed.connect(self.reload)
        self._show_buttons(connected=False)

    def showEvent(self, event: QShowEvent) -> None:
        """Ask how it stands; the network is not asked."""
        super().showEvent(event)
        if (running := self._session.runner.find(CONNECT)) is not None:
            self._job.show_job(running)
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask how the connection stands."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(self._lane, lambda: library.drive.standing(actor), self._on_standing, self._on_failed)

    def connect_account(self) -> None:
        """Store the client and open the browser."""
        try:
            self._store_client()
        except BitewingError as error:
            self._on_failed(error)
            return
        self._show(Health.WAITING, t("Sign in to Google in the browser, then come back here."))
        self._job.show_job(self._jobs.connect_account())

    def test(self) -> None:
        """Ask Google whose Drive it is."""
        library, actor = self._session.library, self._session.actor
        self._show(Health.WAITING, t("Asking Google…"))
        self._session.calls.ask(
            self._lane, lambda: library.drive.try_out(actor, JobContext.silent()), self._on_tried, self._on_failed
        )

    def leave(self) -> None:
        """Ask for nothing more; a sign-in that waits goes on."""
        self._session.calls.drop(self._lane)

    def _on_disconnect_clicked(self) -> None:
        self._job.show_job(self._jobs.disconnect_account())

    def _on_standing(self, standing: Any) -> None:
        self._show(*standing_words(standing))
        self._show_buttons(connected=standing.is_connected)
        self.connect_button.setText(t("Connect again…") if standing.is_connected else t("Connect…"))

    def _on_tried(self, account: Any) -> None:
        free = t("no limit") if account.free is None else t("{size} free", size=size(account.free))
        said = t("Google answered: the Drive of {account}", account=isolated(account.email))
        self._show(Health.GOOD, joined(said, free))

    def _on_failed(self, error: BitewingError) -> None:
        self._show(*fault_words(error))

    def _show(self, health: Health, text: str) -> None:
        self._lamp.set_health(health)
        self._state.setText(text)

    def _show_buttons(self, *, connected: bool) -> None:
        may = self._session.may(Action.SETTINGS_CHANGE)
        self.connect_button.setEnabled(may)
        self.disconnect_button.setEnabled(may and connected)
        self.test_button.setEnabled(connected)


def _explained() -> tuple[str, ...]:
    return (
        t(
            "In the Google Cloud console make a project for the clinic, enable the Google Drive API, and make an OAuth "
            "client of the type “Desktop app”. Enter its ID and its secret below; Connect stores both."
        ),
        t(
            "Google then asks whether Bitewing may see and change the files that it made itself. It sees nothing else "
            "of that Drive, and only sealed backups go there: set the password of the backups on the page Backup."
        ),
        t("Images go there only where an administrator sets up a mirror on Google Drive and allows it (page Mirrors)."),
        t(
            "While the project is in “Testing”, Google ends the access after seven days. Choose “Publish app” on its "
            "page “Audience” so that it lasts."
        ),
    )
