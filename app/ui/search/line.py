"""A line to type a search into, with its glass; Qt's own leading icon sits askew under a style sheet."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QWidget

from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT

_GLASS_PX = 16


class SearchLine(QLineEdit):
    """A line edit with a search glass at its near end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._glass = QLabel(self)
        self._glass.setPixmap(pixmap("search", palette.active().muted, _GLASS_PX))
        self._glass.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._glass.resize(_GLASS_PX, _GLASS_PX)
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        room = _GLASS_PX + UNIT // 2
        self.setTextMargins(0 if mirrored else room, 0, room if mirrored else 0, 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the glass in the middle of the near end."""
        super().resizeEvent(event)
        mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
        left = self.width() - _GLASS_PX - UNIT if mirrored else UNIT
        self._glass.move(left, (self.height() - _GLASS_PX) // 2)
