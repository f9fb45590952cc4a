"""Where the parts stand: three columns with splitters, the status strip below, remembered between starts."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtWidgets import QMainWindow, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from app.core.files import write_atomically
from app.core.paths import state_directory
from app.ui.theme.stylesheet import UNIT

LEFT_PX, RIGHT_PX = 296, 272
SCHEMA = 1


@dataclass
class Parts:
    """The window's widgets that the layout places."""

    top: QWidget
    tree: QWidget
    chart: QWidget
    header: QWidget
    expected: QWidget
    table: QWidget
    panels: QWidget
    status: QWidget


class WindowLayout:
    """Builds the columns and remembers their widths. GUI thread only."""

    def __init__(self, window: QMainWindow, parts: Parts) -> None:
        self._window = window
        self.left = QWidget()
        self.left.setObjectName("sidePane")
        column = QVBoxLayout(self.left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(parts.tree, 1)
        column.addWidget(parts.chart)
        self.centre = QStackedWidget()
        patient_page = QWidget()
        page = QVBoxLayout(patient_page)
        page.setContentsMargins(0, 0, 0, 0)
        page.setSpacing(0)
        page.addWidget(parts.header)
        page.addWidget(parts.expected)
        page.addWidget(parts.table, 1)
        self._patient_page = patient_page
        self._inbox: QWidget | None = None
        self.centre.addWidget(patient_page)
        self.right = parts.panels
        self._right_before = True
        self.columns = QSplitter(Qt.Orientation.Horizontal)
        for widget in (self.left, self.centre, self.right):
            self.columns.addWidget(widget)
        self.columns.setStretchFactor(1, 1)
        self.columns.setChildrenCollapsible(False)
        self.columns.setSizes([LEFT_PX, 800, RIGHT_PX])
        self.left.setMinimumWidth(224)
        self.right.setMinimumWidth(208)
        self.centre.setMinimumWidth(360)
        ground = QWidget()
        ground.setObjectName("page")
        whole = QVBoxLayout(ground)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(parts.top)
        whole.addWidget(self.columns, 1)
        whole.addWidget(parts.status)
        window.setCentralWidget(ground)

    def add_inbox(self, inbox: QWidget) -> None:
        """Take the inbox in, once it was built."""
        self._inbox = inbox
        self.centre.addWidget(inbox)

    def show_inbox(self, *, on: bool) -> None:
        """Show the inbox in the middle, or the patient; the panels speak of the patient's image and go meanwhile."""
        if on and not self.inbox_shown:
            self._right_before = not self.right.isHidden()
            self.right.hide()
        elif not on and self.inbox_shown:
            self.right.setVisible(self._right_before)
        self.centre.setCurrentWidget(self._inbox if on and self._inbox else self._patient_page)

    @property
    def inbox_shown(self) -> bool:
        """Whether the inbox stands in the middle."""
        return self.centre.currentWidget() is not self._patient_page

    def remember(self) -> None:
        """Keep the window's size and columns for the next start on this computer."""
        values = {
            "schema": SCHEMA,
            "geometry": _text(self._window.saveGeometry()),
            "columns": _text(self.columns.saveState()),
            "left": not self.left.isHidden(),
            "right": self._right_before if self.inbox_shown else not self.right.isHidden(),
        }
        folder = state_directory()
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(_file(folder), json.dumps(values).encode("utf-8"))

    def recall(self) -> None:
        """Bring back what :meth:`remember` kept; damaged or foreign values are ignored."""
        try:
            values = json.loads(_file(state_directory()).read_text("utf-8"))
            if values["schema"] != SCHEMA:
                return
            self._window.restoreGeometry(QByteArray(base64.b64decode(values["geometry"])))
            self.columns.restoreState(QByteArray(base64.b64decode(values["columns"])))
            self.left.setVisible(bool(values["left"]))
            self.right.setVisible(bool(values["right"]))
        except (OSError, ValueError, KeyError, TypeError, binascii.Error):
            return


def chart_box(caption: QWidget, chart: QWidget) -> QWidget:
    """Return the tooth chart with its caption, set apart from the tree."""
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
    column.setSpacing(UNIT // 2)
    column.addWidget(caption)
    column.addWidget(chart)
    return box


def _file(folder: Path) -> Path:
    return folder / "window.json"


def _text(data: QByteArray) -> str:
    return base64.b64encode(bytes(data.data())).decode("ascii")
