"""Choosing a patient inside a dialog: a search line and the matches under it."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListView, QVBoxLayout, QWidget

from app.domain.patient import PatientSummary
from app.ui.search.line import SearchLine
from app.ui.search.results import SUMMARY_ROLE, ResultDelegate, ResultModel
from app.ui.session import Session
from app.ui.theme.stylesheet import UNIT
from app.words import t

LIMIT = 30


class PatientPicker(QWidget):
    """Says ``chosen(PatientSummary | None)`` as the choice moves. GUI thread only."""

    chosen = Signal(object)
    confirmed = Signal()

    def __init__(self, session: Session, *, without: str | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._without = without
        self._lane = ("picker", id(self))
        self._model = ResultModel()
        self._model.setParent(self)
        self.line = SearchLine()
        self.line.setPlaceholderText(t("Search by name, number, phone or birth date"))
        self.line.setAccessibleName(t("Search patients"))
        self.line.textEdited.connect(self.search)
        self.list = QListView()
        self.list.setProperty("role", "boxed")
        self.list.setModel(self._model)
        self.list.setItemDelegate(ResultDelegate(self.list))
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setMinimumHeight(UNIT * 22)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setAccessibleName(t("Patients found"))
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        self.list.doubleClicked.connect(self._on_double_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.line)
        column.addWidget(self.list, 1)
        self.setFocusProxy(self.line)

    @property
    def current(self) -> PatientSummary | None:
        """The patient marked now."""
        index = self.list.currentIndex()
        return index.data(SUMMARY_ROLE) if index.isValid() else None

    @Slot(str)
    def search(self, text: str = "") -> None:
        """Ask for matches; for an empty line, the recent patients."""
        library, actor, asked = self._session.library, self._session.actor, text.strip()

        def work() -> list[PatientSummary]:
            if asked:
                return library.patients.search(actor, asked, LIMIT)
            return library.patients.recent(actor, LIMIT) or library.patients.page(actor, None, LIMIT)

        self._session.calls.ask(self._lane, work, self.offer)

    def offer(self, rows: list[PatientSummary]) -> None:
        """List patients, the first one marked."""
        kept = [row for row in rows if row.patient.id != self._without]
        self._model.set_rows(kept)
        if kept:
            self.list.setCurrentIndex(self._model.index(0))
        else:
            self.chosen.emit(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Steer the list from the search line."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        row = min(max(self.list.currentIndex().row() + step, 0), self._model.rowCount() - 1)
        self.list.setCurrentIndex(self._model.index(row))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _before: QModelIndex) -> None:
        self.chosen.emit(current.data(SUMMARY_ROLE) if current.isValid() else None)

    @Slot(QModelIndex)
    def _on_double_clicked(self, _index: QModelIndex) -> None:
        self.confirmed.emit()
