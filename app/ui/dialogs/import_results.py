"""Each file's result with the reason in words, filtered by what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.sync.report import ImportItem, ItemStatus
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import isolated, ltr, number
from app.ui.states import plain_label
from app.ui.theme import palette
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

AnyIndex = QModelIndex | QPersistentModelIndex
FILE, STATUS, REASON = range(3)
_COLOURS = {
    ItemStatus.IMPORTED: "green",
    ItemStatus.INBOX: "amber",
    ItemStatus.DUPLICATE: "muted",
    ItemStatus.SKIPPED: "muted",
    ItemStatus.QUARANTINED: "red",
    ItemStatus.FAILED: "red",
}


def status_word(status: ItemStatus) -> str:
    """Return what became of a file, in words."""
    return {
        ItemStatus.IMPORTED: t("imported"),
        ItemStatus.INBOX: t("in the inbox"),
        ItemStatus.DUPLICATE: t("already there"),
        ItemStatus.SKIPPED: t("not an image"),
        ItemStatus.QUARANTINED: t("kept aside"),
        ItemStatus.FAILED: t("failed"),
    }[status]


class ResultTable(QAbstractTableModel):
    """Rows of results that grow while an import runs. GUI thread only."""

    def __init__(self, items: list[ImportItem]) -> None:
        super().__init__()
        self._items = items
        self._read = 0
        self._only: ItemStatus | None = None
        self._rows: list[int] = []

    def grow(self) -> None:
        """Take up what was finished since."""
        fresh = range(self._read, len(self._items))
        rows = [row for row in fresh if self._only is None or self._items[row].status is self._only]
        self._read = fresh.stop
        if rows:
            self.beginInsertRows(QModelIndex(), len(self._rows), len(self._rows) + len(rows) - 1)
            self._rows.extend(rows)
            self.endInsertRows()

    def show_only(self, status: ItemStatus | None) -> None:
        """Filter by status; ``None`` shows all."""
        self.beginResetModel()
        self._only, self._read, self._rows = status, 0, []
        self.endResetModel()
        self.grow()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return the number of rows shown."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return file, status and reason."""
        return 3

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the column titles."""
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return (t("File"), t("Result"), t("Reason"))[section]
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell."""
        if not index.isValid():
            return None
        item = self._items[self._rows[index.row()]]
        if role == Qt.ItemDataRole.DisplayRole:
            return (isolated(Path(item.path).name), status_word(item.status), _reason(item))[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return ltr(item.path) if index.column() == FILE else _reason(item)
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == STATUS:
            return palette.active().colour(_COLOURS[item.status])
        return None


def _reason(item: ImportItem) -> str:
    return error_words.reason(item.code, item.facts) if item.code else ""


class ResultsView(QWidget):
    """The table with its filter; grows by itself while ``live``."""

    inbox_requested = Signal()

    def __init__(self, items: list[ImportItem], *, live: bool = False) -> None:
        super().__init__()
        self._items = items
        self._shown = -1
        self.model = ResultTable(items)
        self.model.setParent(self)
        self._filter = QComboBox()
        self._filter.setAccessibleName(t("Show only"))
        self._filter.addItem(t("All results"), None)
        for status in ItemStatus:
            self._filter.addItem(status_word(status), status.value)
        self._filter.activated.connect(self._on_filter_activated)
        self._inbox = QPushButton(t("Go to the inbox"))
        self._inbox.clicked.connect(self.inbox_requested)
        self._inbox.hide()
        self._table = QTableView()
        self._table.setModel(self.model)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setShowGrid(False)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setDefaultSectionSize(UNIT * 3 + 4)
        self._table.setWordWrap(False)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(FILE, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(STATUS, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(REASON, QHeaderView.ResizeMode.Stretch)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.resizeSection(FILE, UNIT * 26)
        row = QHBoxLayout()
        row.addWidget(self._filter)
        self._line = plain_label("", "muted")
        row.addWidget(self._line, 1)
        row.addWidget(self._inbox)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addLayout(row)
        column.addWidget(self._table, 1)
        self._tick = QTimer(self)
        self._tick.setInterval(300)
        self._tick.timeout.connect(self.refresh)
        if live:
            self._tick.start()
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """Take up new results and count them in the filter."""
        self.model.grow()
        if len(self._items) == self._shown:
            return
        self._shown = len(self._items)
        counts = dict.fromkeys(ItemStatus, 0)
        for item in self._items[: self._shown]:
            counts[item.status] += 1
        self._filter.setItemText(0, t("All results: {count}", count=number(self._shown)))
        for row, status in enumerate(ItemStatus, start=1):
            text = t("{status}: {count}", status=status_word(status), count=number(counts[status]))
            self._filter.setItemText(row, text)
        self._inbox.setVisible(counts[ItemStatus.INBOX] > 0)

    def stop(self) -> None:
        """Grow no more."""
        self._tick.stop()
        self.refresh()

    @Slot(int)
    def _on_filter_activated(self, row: int) -> None:
        value = self._filter.itemData(row)
        self.model.show_only(ItemStatus(value) if value else None)


class ImportResultsDialog(DialogFrame):
    """The list of one finished import."""

    inbox_requested = Signal()

    def __init__(self, items: list[ImportItem], parent: QWidget | None = None) -> None:
        super().__init__(t("Import results"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        view = ResultsView(items)
        view.inbox_requested.connect(self._on_view_inbox_requested)
        self.body.addWidget(view, 1)
        self.add_button(t("Close"), default=True).clicked.connect(self.accept)
        self.resize(UNIT * 110, UNIT * 64)

    @Slot()
    def _on_view_inbox_requested(self) -> None:
        self.inbox_requested.emit()
        self.accept()
