"""One picture of a copy: as large as there is room, or pixel by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.services.outgoing.looking import Look
from app.ui.theme import palette
from app.ui.theme.stylesheet import UNIT


class CloserView(QWidget):
    """Shows a :class:`Look` on the light table's ground. GUI thread only; nothing is decoded here."""

    clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._look: Look | None = None
        self._text = ""
        self._closer = False
        # Where the middle of the view is in the whole picture, in pixels.
        self._middle = QPoint()
        self._pressed: QPoint | None = None
        self._dragged = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(QSize(UNIT * 40, UNIT * 30))

    @property
    def look(self) -> Look | None:
        """What is shown."""
        return self._look

    def set_look(self, look: Look | None, text: str = "") -> None:
        """Show a picture, or a text where there is none."""
        before = self._look
        self._look, self._text = look, text
        if look is not None and (before is None or before.whole.shape != look.whole.shape):
            rows, columns = look.whole.shape[:2]
            self._middle = QPoint(columns // 2, rows // 2)
        self.update()

    def set_closer(self, closer: bool) -> None:
        """Show one pixel of the picture on each of the screen, or all of it."""
        self._closer = closer
        self.setCursor(Qt.CursorShape.OpenHandCursor if closer else Qt.CursorShape.ArrowCursor)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint it in the middle."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), palette.active().colour("table"))
        if self._look is None:
            painter.setPen(palette.active().colour("table_text"))
            room = self.rect().adjusted(UNIT * 2, UNIT * 2, -UNIT * 2, -UNIT * 2)
            painter.drawText(room, int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap), self._text)
            return
        if self._closer:
            self._paint_pixels(painter, self._look.whole)
        else:
            self._paint_all(painter, self._look.fitted)

    def _paint_all(self, painter: QPainter, pixels: Any) -> None:
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        rows, columns = pixels.shape[:2]
        fitted = QSize(columns, rows).scaled(self.size() - QSize(UNIT, UNIT), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - fitted.width()) // 2, (self.height() - fitted.height()) // 2
        painter.drawImage(QRectF(left, top, fitted.width(), fitted.height()), _image(pixels))

    def _paint_pixels(self, painter: QPainter, pixels: Any) -> None:
        ratio = self.devicePixelRatioF()
        rows, columns = pixels.shape[:2]
        width, height = min(columns, round(self.width() * ratio)), min(rows, round(self.height() * ratio))
        left = max(0, min(columns - width, self._middle.x() - width // 2))
        top = max(0, min(rows - height, self._middle.y() - height // 2))
        # Only what is in view is made a picture of.
        cut = np.ascontiguousarray(pixels[top : top + height, left : left + width])
        beside, above = (self.width() - width / ratio) // 2, (self.height() - height / ratio) // 2
        painter.drawImage(QRectF(beside, above, width / ratio, height / ratio), _image(cut))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of it."""
        self._pressed, self._dragged = event.position().toPoint(), False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move it along."""
        if self._pressed is None or not self._closer or self._look is None:
            return
        at, ratio = event.position().toPoint(), self.devicePixelRatioF()
        moved = self._pressed - at
        self._dragged = self._dragged or moved.manhattanLength() > UNIT // 2
        rows, columns = self._look.whole.shape[:2]
        middle = self._middle + QPoint(round(moved.x() * ratio), round(moved.y() * ratio))
        self._middle = QPoint(max(0, min(columns, middle.x())), max(0, min(rows, middle.y())))
        self._pressed = at
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Look closer at what was clicked, or at all of it again."""
        if self._pressed is not None and not self._dragged and self._look is not None:
            if not self._closer:
                self._middle = self._under(event.position().toPoint())
            self.clicked.emit()
        self._pressed = None

    def _under(self, at: QPoint) -> QPoint:
        """Return which pixel of the whole picture is under a point while all of it is shown."""
        rows, columns = self._look.whole.shape[:2] if self._look is not None else (1, 1)
        scale = min((self.width() - UNIT) / columns, (self.height() - UNIT) / rows)
        x, y = (at.x() - self.width() / 2) / scale + columns / 2, (at.y() - self.height() / 2) / scale + rows / 2
        return QPoint(max(0, min(columns, round(x))), max(0, min(rows, round(y))))


def _image(pixels: Any) -> QImage:
    """Return an image that reads an array; the array must outlive it."""
    rows, columns = pixels.shape[:2]
    form = QImage.Format.Format_Grayscale8 if pixels.ndim == 2 else QImage.Format.Format_RGB888
    return QImage(pixels.data, columns, rows, pixels.strides[0], form)
