"""What every dialog shares: margins, a heading, one row of buttons, Escape cancels."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.header.patient_header import HeaderForDialog
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t


class DialogFrame(QDialog):
    """A dialog with a body to fill and buttons at the foot. GUI thread only."""

    def __init__(self, title: str, parent: QWidget | None = None, *, header: HeaderForDialog | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.setWindowFlag(Qt.WindowType.WindowContextHelpButtonHint, on=False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        if header is not None:
            whole.addWidget(header)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(UNIT * 3, UNIT * 2, UNIT * 3, UNIT * 2)
        self.body.setSpacing(UNIT + 4)
        whole.addLayout(self.body, 1)
        line = QFrame()
        line.setProperty("role", "line")
        whole.addWidget(line)
        self.problem = plain_label("", "bad", wrap=True)
        self.problem.hide()
        self.feet = QHBoxLayout()
        self.feet.setContentsMargins(UNIT * 3, UNIT + 4, UNIT * 3, UNIT + 4)
        self.feet.setSpacing(UNIT)
        # Nearly all of the room: beside it is only what keeps the buttons apart where nothing is wrong.
        self.feet.addWidget(self.problem, 4)
        self.feet.addStretch(1)
        whole.addLayout(self.feet)

    def add_button(self, text: str, role: str = "", *, default: bool = False) -> QPushButton:
        """Add a button at the foot; ``role`` is ``primary``, ``danger`` or plain."""
        button = QPushButton(text)
        button.setAutoDefault(default)
        button.setDefault(default)
        if role:
            button.setProperty("role", role)
        self.feet.addWidget(button)
        return button

    def add_cancel(self, text: str = "") -> QPushButton:
        """Add the button that leaves without doing anything."""
        button = self.add_button(text or t("Cancel"))
        button.clicked.connect(self.reject)
        return button

    def say_problem(self, text: str) -> None:
        """Say in the dialog what is wrong; empty takes it away."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
