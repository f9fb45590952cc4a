"""What goes out, exactly: each copy in turn, with its size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.ui.formats import joined, ltr, number, size
from app.ui.states import ElidedLabel
from app.ui.theme import palette
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import is_right_to_left, t

if TYPE_CHECKING:
    from app.services.outgoing.model import OutgoingCopy

_NAMES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "application/dicom": "DICOM",
    "image/tiff": "TIFF",
    "application/pdf": "PDF",
}


class _Picture(QWidget):
    """A picture as large as there is room, on the light table's ground."""

    def __init__(self) -> None:
        super().__init__()
        self._pixmap = QPixmap()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(UNIT * 40, UNIT * 30))

    def set_picture(self, pixmap: QPixmap) -> None:
        self._pixmap = pixmap
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it in the middle."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(self.rect(), palette.active().colour("table"))
        if self._pixmap.isNull():
            return
        fitted = self._pixmap.size().scaled(self.size() - QSize(UNIT, UNIT), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - fitted.width()) // 2, (self.height() - fitted.height()) // 2
        painter.drawPixmap(left, top, fitted.width(), fitted.height(), self._pixmap)


class PreviewPane(QWidget):
    """Goes through copies. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._copies: tuple[OutgoingCopy, ...] = ()
        self._at = 0
        self._picture = _Picture()
        self._picture.setAccessibleName(t("What goes out"))
        self.caption = ElidedLabel("muted")
        back, onwards = ("next", "previous") if is_right_to_left() else ("previous", "next")
        self._back = self._step(back, t("The one before"), -1)
        self._on = self._step(onwards, t("The next one"), 1)
        foot = QHBoxLayout()
        foot.setSpacing(UNIT)
        foot.addWidget(self._back)
        foot.addWidget(self.caption, 1)
        foot.addWidget(self._on)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self._picture, 1)
        column.addLayout(foot)

    def show_copies(self, copies: tuple[OutgoingCopy, ...]) -> None:
        """Show these, first the first that wants to be looked at."""
        self._copies = copies
        self._at = next((place for place, copy in enumerate(copies) if copy.to_look_at), 0)
        self._show()

    def clear(self) -> None:
        """Show nothing; the files are about to go."""
        self._copies = ()
        self._picture.set_picture(QPixmap())

    def _step(self, name: str, text: str, by: int) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setProperty("by", by)
        button.clicked.connect(self._on_step_clicked)
        return button

    @Slot()
    def _on_step_clicked(self) -> None:
        button = self.sender()
        if isinstance(button, QToolButton) and self._copies:
            self._at = (self._at + int(button.property("by"))) % len(self._copies)
            self._show()

    def _show(self) -> None:
        several = len(self._copies) > 1
        for button in (self._back, self._on):
            button.setVisible(several)
        if not self._copies:
            return
        copy = self._copies[self._at]
        self._picture.set_picture(QPixmap(str(copy.picture)))
        place = t("{number} of {count}", number=self._at + 1, count=len(self._copies)) if several else ""
        pixels = t("{columns} × {rows}", columns=number(copy.columns), rows=number(copy.rows))
        kind = _NAMES.get(copy.mime_type, copy.mime_type)
        self.caption.setText(joined(place, ltr(copy.path.name), kind, pixels, size(copy.size_bytes)))
