"""All cases, newest first: looked through by their reference, opened at their patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import QHeaderView, QLineEdit, QStackedWidget, QTreeWidgetItem, QWidget

from app.core.errors import BitewingError
from app.ui.controls import row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import isolated, moment, number, who
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.place import Place
from app.words import t

if TYPE_CHECKING:
    from app.services.cases import Case

# More than anybody reads; who looks for one types a part of its reference.
SHOWN = 500
_PLACE = Qt.ItemDataRole.UserRole
_TYPING_MS = 150


class CasesDialog(DialogFrame):
    """Stays open beside the work. GUI thread only."""

    place_requested = Signal(object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Cases and appointments"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("cases", id(self))
        self.filter = QLineEdit()
        self.filter.setPlaceholderText(t("Part of a case reference"))
        self.filter.setAccessibleName(self.filter.placeholderText())
        self.filter.setClearButtonEnabled(True)
        self.body.addWidget(self.filter)
        titles = (t("Case"), t("Patient"), t("Images"), t("Newest"))
        self.list = row_list(titles, t("Cases and appointments"))
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        header.resizeSection(0, UNIT * 24)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.list.itemActivated.connect(self._on_show_clicked)
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.state = StatePage("search", t("Looking…"))
        self._stack = QStackedWidget()
        for page in (self.state, self.list):
            self._stack.addWidget(page)
        self.body.addWidget(self._stack, 1)
        self._more = plain_label("", "muted", wrap=True)
        self.body.addWidget(self._more)
        self.add_cancel(t("Close"))
        self.show_button = self.add_button(t("Show the images"), "primary", default=True)
        self.show_button.clicked.connect(self._on_show_clicked)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(_TYPING_MS)
        self._typing.timeout.connect(self.reload)
        self.filter.textChanged.connect(lambda _text: self._typing.start())
        self.resize(UNIT * 100, UNIT * 60)
        self._on_current_changed()
        self.reload()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._typing.stop()
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def reload(self) -> None:
        """Ask which cases there are."""
        library, actor, text = self._session.library, self._session.actor, self.filter.text()
        self._session.calls.ask(
            self._lane, lambda: library.cases.list(actor, text=text, limit=SHOWN + 1), self._on_found, self._on_failed
        )

    def _on_found(self, cases: list[Case]) -> None:
        self.list.clear()
        items = [_item_of(case) for case in cases[:SHOWN]]
        self.list.addTopLevelItems(items)
        self._more.setText(t("More than {n}: type a part of the reference.", n=number(SHOWN)))
        self._more.setVisible(len(cases) > SHOWN)
        if items:
            self._stack.setCurrentWidget(self.list)
            self.list.setCurrentItem(items[0])
        elif self.filter.text().strip():
            self._say(t("No such case"), t("No image has a case reference with this in it."))
        else:
            self._say(t("No cases yet"), t("Give images a case reference in their details, or by their menu: “Case…”."))
        self._on_current_changed()

    def _say(self, title: str, text: str) -> None:
        self.state.set_words(title, text)
        self._stack.setCurrentWidget(self.state)

    def _on_failed(self, error: BitewingError) -> None:
        self.state.set_fault(error)
        self._stack.setCurrentWidget(self.state)

    @Slot()
    def _on_current_changed(self, *_items: object) -> None:
        is_there = self._stack.currentWidget() is self.list and self.list.currentItem() is not None
        self.show_button.setEnabled(is_there)

    @Slot()
    def _on_show_clicked(self, *_item: object) -> None:
        item = self.list.currentItem()
        if item is not None:
            self.place_requested.emit(item.data(0, _PLACE))


def _item_of(case: Case) -> QTreeWidgetItem:
    row = case.row
    texts = [isolated(row.reference), who(case.patient), number(row.images), moment(row.newest_at)]
    item = QTreeWidgetItem(texts)
    item.setData(0, _PLACE, Place(row.patient_id, case_reference=row.reference))
    return item
