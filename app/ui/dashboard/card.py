"""A card of the dashboard: a heading and lines with lamps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.dashboard.lines import Line
from app.ui.states import plain_label
from app.ui.status.chip import Dot
from app.ui.theme.stylesheet import UNIT


class Card(QFrame):
    """Shows lines anew each time; buttons stay. GUI thread only."""

    def __init__(self, title: str, nothing: str = "", parent: QWidget | None = None) -> None:
        """``nothing``: what stands there when there are no lines."""
        super().__init__(parent)
        self.setProperty("role", "card")
        self._nothing = nothing
        column = QVBoxLayout(self)
        column.setContentsMargins(UNIT * 2, UNIT * 2, UNIT * 2, UNIT * 2)
        column.setSpacing(UNIT)
        column.addWidget(plain_label(title, "heading"))
        self._place = QVBoxLayout()
        column.addLayout(self._place)
        column.addStretch(1)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(UNIT)
        column.addLayout(self._buttons)
        self._grid: QWidget | None = None

    def add_button(self, button: QPushButton) -> None:
        """Add a button at the foot."""
        self._buttons.addWidget(button)

    def end_buttons(self) -> None:
        """Keep the buttons at the near side."""
        self._buttons.addStretch(1)

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show these."""
        if self._grid is not None:
            self._place.removeWidget(self._grid)
            self._grid.deleteLater()
        self._grid = QWidget()
        grid = QGridLayout(self._grid)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT)
        grid.setVerticalSpacing(UNIT // 2)
        grid.setColumnStretch(2, 1)
        row = 0
        for line in lines:
            grid.addWidget(Dot(line.health), row, 0, Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(plain_label(line.title, "muted"), row, 1)
            grid.addWidget(plain_label(line.text, wrap=True), row, 2)
            row += 1
            if line.reason:
                grid.addWidget(plain_label(line.reason, "muted", wrap=True), row, 2)
                row += 1
        if not lines:
            grid.addWidget(plain_label(self._nothing, "muted", wrap=True), 0, 0, 1, 3)
        self._place.addWidget(self._grid)
