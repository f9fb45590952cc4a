"""Where images go beside the library: every destination with a lamp, and what is not everywhere yet."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QIcon, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QStackedWidget, QWidget

from app.core.errors import BitewingError
from app.domain.changes import ChangeSet, Entity
from app.domain.roles import Action
from app.ui.destinations.lacking_pane import LackingPane
from app.ui.destinations.queue_pane import QueuePane
from app.ui.destinations.states import destination_state
from app.ui.dialogs.frame import DialogFrame
from app.ui.session import Session
from app.ui.states import StatePage
from app.ui.theme.icons import icon, pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms

if TYPE_CHECKING:
    from app.services.watchdog import DestinationHealth

_SOON_MS = 500
_NAME = Qt.ItemDataRole.UserRole
ALL = ""


class DestinationsDialog(DialogFrame):
    """Stays open beside the work; sending goes on without it. GUI thread only."""

    settings_requested = Signal(str)
    image_requested = Signal(str, str)
    browse_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None, *, first: str = ALL) -> None:
        """``first``: the destination, or the kind of destinations, to show first."""
        super().__init__(t("Where images go"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("destinations", id(self))
        self._wanted = first
        self._found: dict[str, DestinationHealth] = {}
        self.names = QListWidget()
        self.names.setFixedWidth(UNIT * 26)
        self.names.setAccessibleName(t("Destinations"))
        self.names.currentRowChanged.connect(self._on_row_changed)
        self.queue, self.lacking = QueuePane(session), LackingPane(session)
        self.queue.settings_requested.connect(self.settings_requested)
        self.queue.browse_requested.connect(self.browse_requested)
        self.queue.sent.connect(self.reload)
        self.lacking.image_requested.connect(self.image_requested)
        for pane in (self.queue, self.lacking):
            pane.problem_said.connect(self.say_problem)
        self._none = StatePage(
            "export",
            t("Images stay here alone"),
            t("Set up an archive or a mirror: every filed image then goes there too, and you see here that it did."),
        )
        for text, page in ((t("Set up an archive…"), "orthanc"), (t("Set up a mirror…"), "mirror")):
            button = self._none.add_button(text, partial(self.settings_requested.emit, page))
            button.setAutoDefault(False)
            button.setEnabled(session.may(Action.SETTINGS_CHANGE))
        self._panes = QStackedWidget()
        for widget in (self.queue, self.lacking, self._none):
            self._panes.addWidget(widget)
        halves = QHBoxLayout()
        halves.setSpacing(UNIT * 2)
        halves.addWidget(self.names)
        halves.addWidget(self._panes, 1)
        self.body.addLayout(halves, 1)
        self.add_cancel(t("Close"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SOON_MS)
        self._later.timeout.connect(self.reload)
        session.bus.changed.connect(self._on_bus_changed)
        self.resize(UNIT * 128, UNIT * 76)
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask how the destinations stand."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane, lambda: library.watchdog.destinations(actor), self._on_read, self._on_failed
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._later.stop()
        self._session.bus.changed.disconnect(self._on_bus_changed)
        for pane in (self.queue, self.lacking):
            pane.leave()
        self._session.calls.drop(self._lane)
        super().done(result)

    def _on_read(self, found: list[DestinationHealth]) -> None:
        self._found = {one.queue.name: one for one in found}
        item = self.names.currentItem()
        chosen = item.data(_NAME) if item is not None else self._first()
        self.names.blockSignals(True)
        self.names.clear()
        if found:
            self._add(ALL, t("Not everywhere yet"), "", icon("search"))
        for one in found:
            colour, text, _reason = destination_state(one)
            lamp = pixmap("dot", getattr(active(), colour.value), UNIT * 2)
            self._add(one.queue.name, terms.destination(one.queue.name), text, lamp)
        names = [self.names.item(row).data(_NAME) for row in range(self.names.count())]
        self.names.setCurrentRow(names.index(chosen) if chosen in names else min(1, len(names) - 1))
        self.names.blockSignals(False)
        self.names.setVisible(bool(found))
        self._show_chosen()

    def _first(self) -> str:
        """Return the destination to begin with: the one that was asked for, or the first of the kind."""
        kinds = [name for name, one in self._found.items() if self._wanted in {name, one.queue.kind}]
        return kinds[0] if kinds else self._wanted

    def _add(self, name: str, title: str, text: str, picture: QIcon | QPixmap) -> None:
        item = QListWidgetItem(f"{title}\n{text}" if text else title)
        item.setIcon(picture)
        item.setData(_NAME, name)
        item.setSizeHint(QSize(0, UNIT * 6 if text else UNIT * 5))
        self.names.addItem(item)

    @Slot(int)
    def _on_row_changed(self, _row: int) -> None:
        self.say_problem("")
        self._show_chosen()

    def _show_chosen(self) -> None:
        item = self.names.currentItem()
        if item is None:
            self._panes.setCurrentWidget(self._none)
        elif item.data(_NAME) == ALL:
            self._panes.setCurrentWidget(self.lacking)
            self.lacking.reload()
        else:
            self._panes.setCurrentWidget(self.queue)
            self.queue.show_destination(self._found[item.data(_NAME)])

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if (changes.of(Entity.OUTBOX) or changes.of(Entity.SETTING)) and not self._later.isActive():
            self._later.start()
