"""The dashboard: what came in, where images go, backups, the library; sending and backing up now."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.changes import ChangeSet
from app.domain.roles import Action
from app.ui.controls import push_button
from app.ui.dashboard import lines
from app.ui.dashboard.card import Card
from app.ui.dashboard.lines import Figures
from app.ui.dialogs.frame import DialogFrame
from app.ui.main_window.backups import Backups
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.status.chip import Dot
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

_SOON_MS = 800
_EVERY_MS = 30_000


class DashboardDialog(DialogFrame):
    """Stays open beside the work and keeps itself current. GUI thread only."""

    destinations_requested = Signal()
    backups_requested = Signal()
    inbox_requested = Signal()
    settings_requested = Signal(str)

    def __init__(self, session: Session, backups: Backups, parent: QWidget | None = None) -> None:
        super().__init__(t("Overview"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._backups = session, backups
        self._lane = ("dashboard", id(self))
        self._destinations: tuple[str, ...] = ()
        self._lamp, self.summary = Dot(), plain_label("", "title", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(UNIT)
        head.addWidget(self._lamp)
        head.addWidget(self.summary, 1)
        self.body.addLayout(head)
        self.cards = {
            "arrivals": Card(t("What came in")),
            "destinations": Card(
                t("Where images go"), t("They stay here alone. Set up an archive or a mirror in the settings.")
            ),
            "backups": Card(t("Backups")),
            "library": Card(t("This library")),
        }
        self.send_button = self._button(t("Send now"), self.send, Action.ARCHIVE_PUSH)
        # Until it is known whether there is anywhere to send to.
        self.send_button.setEnabled(False)
        self.back_up_button = self._button(t("Back up now"), self.back_up, Action.BACKUP_CREATE)
        for name, buttons in (
            ("arrivals", (self._button(t("Inbox…"), self.inbox_requested.emit, Action.IMAGE_VIEW),)),
            (
                "destinations",
                (self.send_button, self._button(t("Details…"), self.destinations_requested.emit, Action.STATUS_VIEW)),
            ),
            (
                "backups",
                (self.back_up_button, self._button(t("Details…"), self.backups_requested.emit, Action.STATUS_VIEW)),
            ),
            ("library", (self._button(t("Settings…"), self._on_settings_clicked, Action.SETTINGS_VIEW),)),
        ):
            for button in buttons:
                self.cards[name].add_button(button)
            self.cards[name].end_buttons()
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(UNIT * 2)
        for place, card in enumerate(self.cards.values()):
            grid.addWidget(card, place // 2, place % 2)
            grid.setColumnStretch(place % 2, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inner)
        self.body.addWidget(scroll, 1)
        self._job = JobSlot()
        self.body.addWidget(self._job)
        self.add_cancel(t("Close"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SOON_MS)
        self._later.timeout.connect(self.reload)
        self._clock = QTimer(self)
        self._clock.setInterval(_EVERY_MS)
        self._clock.timeout.connect(self.reload)
        self._clock.start()
        session.bus.changed.connect(self._on_bus_changed)
        backups.changed.connect(self.reload)
        self.resize(UNIT * 120, UNIT * 72)
        self.reload()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._clock.stop()
        self._later.stop()
        self._session.bus.changed.disconnect(self._on_bus_changed)
        self._backups.changed.disconnect(self.reload)
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def reload(self) -> None:
        """Ask for the figures."""
        self._session.calls.ask(self._lane, self._figures, self._on_read, self._on_failed)

    @Slot()
    def send(self) -> None:
        """Send what waits to every destination."""
        library, actor, names = self._session.library, self._session.actor, self._destinations

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sending.send(actor, ctx, names)

        self.say_problem("")
        handle = self._session.runner.start(("send", "all"), t("Sending what waits"), engine)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.reload)
        self._job.show_job(handle)

    @Slot()
    def back_up(self) -> None:
        """Back up where the settings say; without a place there, go where one is chosen."""
        if self._session.library.settings.clinic().backup_folder:
            self._job.show_job(self._backups.create())
        else:
            self.backups_requested.emit()

    def _figures(self) -> Figures:
        library, actor = self._session.library, self._session.actor
        last, silent = library.watchdog.arrivals(actor)
        return Figures(
            library.status.snapshot(actor),
            library.watchdog.destinations(actor),
            library.monitor.status(actor) if self._session.workstation.monitor_enabled else (),
            last,
            silent,
            self._session.workstation.receive_enabled,
        )

    def _on_read(self, figures: Figures) -> None:
        self._destinations = tuple(one.queue.name for one in figures.destinations if one.queue.enabled)
        shown = {
            "arrivals": lines.arrivals(figures),
            "destinations": lines.destinations(figures),
            "backups": lines.backups(figures),
            "library": lines.library(figures),
        }
        for name, found in shown.items():
            self.cards[name].show_lines(found)
        health, words = lines.summary([line for found in shown.values() for line in found])
        self._lamp.set_health(health)
        self.summary.setText(words)
        self.send_button.setEnabled(bool(shown["destinations"]) and self._session.may(Action.ARCHIVE_PUSH))

    def _button(self, text: str, slot: Any, action: Action) -> QPushButton:
        return push_button(text, slot, enabled=self._session.may(action))

    def _on_settings_clicked(self) -> None:
        self.settings_requested.emit("storage")

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    @Slot(object)
    def _on_bus_changed(self, _changes: ChangeSet) -> None:
        if not self._later.isActive():
            self._later.start()
