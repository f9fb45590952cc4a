"""An image's public copies in the details: how far each is, and its address to be copied or opened."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.domain.publication import PublicState
from app.ui.formats import ltr
from app.ui.states import ElidedLabel, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import publishing as public_words
from app.words import t

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.storage.publications import PublicEntry


class PublicLine(QWidget):
    """GUI thread only."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(UNIT // 2)

    def show_copies(self, copies: Sequence[PublicEntry]) -> bool:
        """Show what is or may be public; whether there is anything."""
        while (item := self._column.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        for entry in copies:
            self._add(entry)
        return bool(copies)

    def _add(self, entry: PublicEntry) -> None:
        copy = entry.publication
        role = "warn" if copy.state is not PublicState.WAITING or entry.code else ""
        self._column.addWidget(plain_label(public_words.state(copy.state), role, wrap=True))
        if entry.code:
            self._column.addWidget(plain_label(error_words.reason(entry.code, entry.facts), "muted", wrap=True))
        if copy.url is None:
            return
        address = ElidedLabel("muted")
        address.setText(ltr(copy.url))
        self._column.addWidget(address)
        holder = QWidget()
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        for text, act in ((t("Copy"), partial(_copy, copy.url)), (t("Open"), partial(_open, copy.url))):
            button = QPushButton(text)
            button.setToolTip(copy.url)
            button.clicked.connect(act)
            row.addWidget(button)
        row.addStretch(1)
        self._column.addWidget(holder)


def _copy(address: str, _checked: bool = False) -> None:
    QGuiApplication.clipboard().setText(address)


def _open(address: str, _checked: bool = False) -> None:
    QDesktopServices.openUrl(QUrl(address))
