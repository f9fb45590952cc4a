"""A list on a settings page with what is done to its entries below it: add, change, remove."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from app.ui.controls import push_button
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import t


class EditableList(QWidget):
    """Says what is asked for; what an entry is belongs to whoever listens. GUI thread only."""

    add_requested = Signal()
    edit_requested = Signal()
    remove_requested = Signal()

    def __init__(self, name: str, add_text: str, icon_name: str, height: int) -> None:
        """``height``: the least that the list gets, in pixels."""
        super().__init__()
        self._icon_name = icon_name
        self.list = QListWidget()
        self.list.setProperty("role", "boxed")
        self.list.setMinimumHeight(height)
        self.list.setAccessibleName(name)
        self.list.itemActivated.connect(self._on_item_activated)
        self.list.itemSelectionChanged.connect(self._on_selection_changed)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.list)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        self.add_button = push_button(add_text, self.add_requested.emit)
        self._edit = push_button(t("Change…"), self.edit_requested.emit)
        self._remove = push_button(t("Remove"), self.remove_requested.emit)
        for button in (self.add_button, self._edit, self._remove):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self._on_selection_changed()

    def append(self) -> QListWidgetItem:
        """Add an empty entry at the end and return it."""
        row = QListWidgetItem(icon(self._icon_name), "")
        row.setSizeHint(QSize(0, UNIT * 6))
        self.list.addItem(row)
        return row

    def take(self) -> QListWidgetItem | None:
        """Take the chosen entry out and return it."""
        taken = self.list.takeItem(self.list.currentRow())
        self._on_selection_changed()
        return taken

    def entries(self) -> list[QListWidgetItem]:
        """Return every entry in order."""
        rows = (self.list.item(number) for number in range(self.list.count()))
        return [row for row in rows if row is not None]

    @Slot()
    def _on_item_activated(self, _item: object) -> None:
        self.edit_requested.emit()

    @Slot()
    def _on_selection_changed(self) -> None:
        chosen = self.list.currentItem() is not None and bool(self.list.selectedItems())
        self._edit.setEnabled(chosen)
        self._remove.setEnabled(chosen)
