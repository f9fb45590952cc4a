"""Every key in one searchable list (F1), made from the same tables as the commands."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.ui.dialogs.frame import DialogFrame
from app.ui.search.line import SearchLine
from app.ui.states import plain_label, set_margins
from app.ui.theme.stylesheet import UNIT
from app.words import t


class ShortcutsDialog(DialogFrame):
    """Rows of (group, command, key)."""

    def __init__(self, rows: list[tuple[str, str, str]], parent: QWidget | None = None) -> None:
        super().__init__(t("Keyboard shortcuts"), parent)
        self._rows = [row for row in rows if row[2]]
        line = SearchLine()
        line.setPlaceholderText(t("Find a command"))
        line.textChanged.connect(self._on_text_changed)
        self.body.addWidget(line)
        self._scroll = QScrollArea()
        self._scroll.setWidgetResizable(True)
        self.body.addWidget(self._scroll, 1)
        self.add_button(t("Close"), default=True).clicked.connect(self.accept)
        self.resize(UNIT * 76, UNIT * 76)
        self._fill("")

    @Slot(str)
    def _on_text_changed(self, text: str) -> None:
        self._fill(text.casefold())

    def _fill(self, asked: str) -> None:
        page = QWidget()
        whole = QVBoxLayout(page)
        set_margins(whole, 0, 0, UNIT, 0)
        grid = QGridLayout()
        grid.setColumnStretch(0, 1)
        grid.setHorizontalSpacing(UNIT * 3)
        grid.setVerticalSpacing(UNIT // 2)
        group_shown = ""
        line = 0
        for group, command, key in self._rows:
            if asked and asked not in f"{group} {command} {key}".casefold():
                continue
            if group != group_shown:
                title = plain_label(group, "heading")
                title.setContentsMargins(0, UNIT * 2 if line else 0, 0, UNIT // 2)
                grid.addWidget(title, line, 0, 1, 2)
                group_shown, line = group, line + 1
            grid.addWidget(plain_label(command.rstrip("…")), line, 0)
            grid.addWidget(_key(key), line, 1, Qt.AlignmentFlag.AlignTrailing)
            line += 1
        if not line:
            grid.addWidget(plain_label(t("No such command"), "muted"), 0, 0)
        whole.addLayout(grid)
        whole.addStretch(1)
        self._scroll.setWidget(page)


def _key(text: str) -> QLabel:
    label = plain_label(text, "key")
    # Keys are read left to right in every language.
    label.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
    return label
