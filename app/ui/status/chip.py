"""One background service as a dot and a few words; a click opens Activity."""

from __future__ import annotations

from enum import StrEnum

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget

from app.ui.states import plain_label
from app.ui.theme import palette
from app.ui.theme.stylesheet import UNIT


class Health(StrEnum):
    """How a service is; the value is a colour role of the palette."""

    OFF = "muted"
    GOOD = "green"
    WAITING = "amber"
    FAILED = "red"


class Dot(QWidget):
    """A small round lamp."""

    def __init__(self, health: Health = Health.OFF, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._health = health
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_health(self, health: Health) -> None:
        """Change the colour."""
        self._health = health
        self.update()

    def sizeHint(self) -> QSize:
        """Return 8 by 8."""
        return QSize(UNIT, UNIT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the lamp."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.active().colour(self._health.value))
        painter.drawEllipse(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1))


class Chip(QPushButton):
    """Name, lamp and state of one service."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "quiet")
        self._name_text = name
        self._dot = Dot()
        self._name = plain_label(name)
        self._state = plain_label("", "muted")
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT, 0, UNIT, 0)
        row.setSpacing(UNIT - 2)
        row.addWidget(self._dot)
        row.addWidget(self._name)
        row.addWidget(self._state)
        for part in (self._dot, self._name, self._state):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the room that the words need."""
        layout = self.layout()
        return (layout.sizeHint() if layout else QSize()).expandedTo(QSize(0, UNIT * 3))

    def minimumSizeHint(self) -> QSize:
        """Return the same: chips are never cut."""
        return self.sizeHint()

    def set_state(self, health: Health, text: str, reason: str = "") -> None:
        """Say how the service is; ``reason`` is for the tool tip."""
        self._dot.set_health(health)
        self._state.setText(text)
        self.setToolTip(reason or f"{self._name_text}: {text}")
        self.setAccessibleName(f"{self._name_text}: {text}")
        self.updateGeometry()
