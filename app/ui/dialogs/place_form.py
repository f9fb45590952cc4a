"""The fields that say where an image belongs: tooth, type and view, in the clinic's numbering."""

from __future__ import annotations

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from app.domain.image import ImageType, ImageView
from app.domain.tooth import GENERAL, PERMANENT, PRIMARY, Notation, format_tooth
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t, terms


class PlaceForm(QWidget):
    """Three boxes; with ``keep`` each offers to leave things as they are."""

    changed = Signal()

    def __init__(self, notation: Notation, *, keep: bool = False, views: bool = False) -> None:
        super().__init__()
        self._tooth, self._type, self._view = QComboBox(), QComboBox(), QComboBox()
        self._tooth.setMaxVisibleItems(20)
        if keep:
            for box in (self._tooth, self._type, self._view):
                box.addItem(t("Leave as it is"), None)
        self._tooth.addItem(t("General (no single tooth)"), GENERAL)
        for tooth in (*PERMANENT, *PRIMARY):
            self._tooth.addItem(f"{format_tooth(tooth, notation)}   {terms.tooth_name(tooth)}", tooth)
        for kind in ImageType:
            self._type.addItem(terms.image_type(kind), kind.value)
        for view in ImageView:
            self._view.addItem(terms.image_view(view), view.value)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT * 2)
        boxes = [(t("Tooth"), self._tooth, 3), (t("Type"), self._type, 2)]
        boxes += [(t("View"), self._view, 2)] if views else []
        for title, box, stretch in boxes:
            column = QVBoxLayout()
            column.setSpacing(UNIT // 2)
            column.addWidget(plain_label(title, "muted"))
            column.addWidget(box)
            row.addLayout(column, stretch)
            box.setAccessibleName(title)
            box.activated.connect(self._on_activated)

    def set_values(self, tooth: str | None, image_type: str | None, view: str | None = None) -> None:
        """Fill the boxes without saying so."""
        for box, value in ((self._tooth, tooth), (self._type, image_type), (self._view, view)):
            box.setCurrentIndex(max(0, box.findData(value)))

    @property
    def tooth(self) -> str | None:
        """The tooth chosen, ``None`` to leave it."""
        value: str | None = self._tooth.currentData()
        return value

    @property
    def image_type(self) -> ImageType | None:
        """The type chosen, ``None`` to leave it."""
        value = self._type.currentData()
        return ImageType(value) if value else None

    @property
    def view(self) -> ImageView | None:
        """The view chosen, ``None`` to leave it."""
        value = self._view.currentData()
        return ImageView(value) if value else None

    @Slot(int)
    def _on_activated(self, _row: int) -> None:
        self.changed.emit()
