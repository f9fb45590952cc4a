"""Buttons and lists as every window has them: one look, one way to be reached by keys and screen readers."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QPushButton, QTreeWidget


def push_button(text: str, slot: Callable[[], object], role: str = "", *, enabled: bool = True) -> QPushButton:
    """Return a button that Return does not press by itself; ``role`` is ``primary``, ``danger`` or plain."""
    made = QPushButton(text)
    made.setAutoDefault(False)
    if role:
        made.setProperty("role", role)
    made.setEnabled(enabled)
    made.clicked.connect(lambda _checked=False: slot())
    return made


def row_list(titles: tuple[str, ...], name: str) -> QTreeWidget:
    """Return an empty list of rows; its last column takes what room is left."""
    made = QTreeWidget()
    made.setProperty("role", "boxed")
    made.setRootIsDecorated(False)
    made.setUniformRowHeights(True)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setHeaderLabels(list(titles))
    made.setAccessibleName(name)
    for number in range(len(titles) - 1):
        made.header().setSectionResizeMode(number, QHeaderView.ResizeMode.ResizeToContents)
    made.header().setStretchLastSection(True)
    made.setTextElideMode(Qt.TextElideMode.ElideRight)
    return made
