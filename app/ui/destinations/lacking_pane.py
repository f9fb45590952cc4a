"""Images that are not everywhere yet: whose, which, and where they lack; a double click opens the patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QStackedWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.ui.controls import row_list
from app.ui.destinations.queue_pane import SHOWN, say_more
from app.ui.formats import number, who
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.services.outbox import Lacking

_IMAGE = Qt.ItemDataRole.UserRole
_PATIENT = Qt.ItemDataRole.UserRole + 1


class LackingPane(QWidget):
    """GUI thread only."""

    image_requested = Signal(str, str)
    problem_said = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lane = ("lacking", id(self))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        self._title = plain_label("", "title", wrap=True)
        column.addWidget(self._title)
        self.list = row_list((t("Patient"), t("Image"), t("Lacks at")), t("Not everywhere yet"))
        self.list.itemActivated.connect(self._on_item_activated)
        self._empty = StatePage(
            "check", t("Everything is everywhere"), t("Every filed image is at every destination, proven to be there.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        column.addWidget(self._stack, 1)
        self._more = plain_label("", "muted")
        column.addWidget(self._more)

    def reload(self) -> None:
        """Ask which images lack somewhere."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(self._lane, lambda: library.outbox.lacking(actor, SHOWN), self._fill, self._on_failed)

    def leave(self) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)

    def _fill(self, found: tuple[tuple[int, bool], list[Lacking]]) -> None:
        (total, is_exact), rows = found
        words = tn("{n} image is not everywhere yet", "{n} images are not everywhere yet", total)
        self._title.setText(words if is_exact else t("At least {n} images are not everywhere yet", n=number(total)))
        self._title.setVisible(bool(total))
        self.list.clear()
        for row in rows:
            where = t(", ").join(map(terms.destination, row.destinations))
            item = QTreeWidgetItem([who(row.patient), row.image, where])
            item.setData(0, _IMAGE, row.image_id)
            item.setData(0, _PATIENT, row.patient.id if row.patient else None)
            self.list.addTopLevelItem(item)
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        say_more(self._more, total - len(rows))

    @Slot(QTreeWidgetItem, int)
    def _on_item_activated(self, item: QTreeWidgetItem, _column: int) -> None:
        patient = item.data(0, _PATIENT)
        if patient:
            self.image_requested.emit(patient, item.data(0, _IMAGE))

    def _on_failed(self, error: BitewingError) -> None:
        self.problem_said.emit(error_words.words_for(error).explanation)
