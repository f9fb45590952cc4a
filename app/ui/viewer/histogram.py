"""The histogram with the window drawn over it and two handles to drag. Speaks in modality values."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.viewer.look import look
from app.words import t

HANDLE = 5.0
PAD = 8.0
REACH = 14.0


class Histogram(QWidget):
    """Signals: ``window_dragged(low, high)`` while a handle moves, ``window_set(low, high)`` when it rests."""

    window_dragged = Signal(float, float)
    window_set = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._heights: tuple[float, ...] = ()
        self._span = (0.0, 1.0)
        self._window = (0.0, 1.0)
        self._held = -1
        self._from: tuple[float, tuple[float, float]] = (0.0, (0.0, 1.0))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(104)
        self.setMouseTracking(True)
        self.setAccessibleName(t("Histogram with the brightness window"))

    @property
    def has_histogram(self) -> bool:
        """Whether there are grey levels to show."""
        return bool(self._heights)

    def set_histogram(self, heights: tuple[float, ...], low: float, high: float) -> None:
        """Take bin heights 0-1 over modality values ``low`` to ``high``; empty for no picture."""
        self._heights, self._span = heights, (low, high)
        self.update()

    def set_window(self, low: float, high: float) -> None:
        """Show where black and white lie."""
        if (low, high) != self._window:
            self._window = (low, high)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, 104)

    def paintEvent(self, _event: QPaintEvent) -> None:
        colours = look()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.raised)
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        if not self._heights:
            painter.setPen(colours.muted)
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, t("No grey levels to adjust"))
            painter.end()
            return
        base, top = self.height() - PAD - HANDLE, PAD
        painter.setBrush(QColor(colours.faint))
        painter.drawPath(self._hill(base, top))
        low, high = (self._x(value) for value in self._window)
        painter.setPen(QPen(colours.accent, 1.4))
        painter.setClipRect(self.rect())
        painter.drawLine(QPointF(low, base), QPointF(high, top))
        for x in (low, high):
            x = self._inside(x)
            painter.setPen(QPen(colours.accent, 1.4))
            painter.drawLine(QPointF(x, top), QPointF(x, base))
            painter.setPen(QPen(colours.raised, 1.5))
            painter.setBrush(colours.accent)
            painter.drawEllipse(QPointF(x, base), HANDLE, HANDLE)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(colours.accent, 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() != Qt.MouseButton.LeftButton or not self._heights:
            return
        x = event.position().x()
        gaps = [abs(self._inside(self._x(value)) - x) for value in self._window]
        nearest = gaps.index(min(gaps))
        # Away from both handles the whole window moves.
        self._held = nearest if gaps[nearest] <= REACH else 2
        self._from = (x, self._window)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        x = event.position().x()
        near = any(abs(self._inside(self._x(value)) - x) <= REACH for value in self._window)
        self.setCursor(Qt.CursorShape.SizeHorCursor if near or self._held >= 0 else Qt.CursorShape.ArrowCursor)
        if self._held < 0:
            return
        self._window = self._moved(x)
        self.update()
        self.window_dragged.emit(*self._window)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._held = -1
            if self._window != self._from[1]:
                self.window_set.emit(*self._window)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = (self._span[1] - self._span[0]) / 100
        moves = {Qt.Key.Key_Left: -step, Qt.Key.Key_Right: step}
        move = moves.get(Qt.Key(event.key()))
        if move is None or not self._heights:
            super().keyPressEvent(event)
            return
        low, high = self._window
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._window = (low, max(high + move, low + 1))
        else:
            self._window = (low + move, high + move)
        self.update()
        self.window_set.emit(*self._window)

    def _moved(self, x: float) -> tuple[float, float]:
        start, (low, high) = self._from
        change = (x - start) * (self._span[1] - self._span[0]) / max(self.width() - 2 * PAD, 1)
        if self._held == 0:
            return min(low + change, high - 1), high
        if self._held == 1:
            return low, max(high + change, low + 1)
        return low + change, high + change

    def _x(self, value: float) -> float:
        low, high = self._span
        return PAD + (value - low) / max(high - low, 1e-9) * (self.width() - 2 * PAD)

    def _inside(self, x: float) -> float:
        return min(max(x, PAD), self.width() - PAD)

    def _hill(self, base: float, top: float) -> QPainterPath:
        path = QPainterPath(QPointF(PAD, base))
        step = (self.width() - 2 * PAD) / len(self._heights)
        for number, height in enumerate(self._heights):
            path.lineTo(PAD + (number + 0.5) * step, base - height * (base - top))
        path.lineTo(self.width() - PAD, base)
        path.closeSubpath()
        return path
