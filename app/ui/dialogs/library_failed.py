"""The library cannot be opened: what happened and what to do, before there is a window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget

from app.core.errors import BitewingError
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import ltr
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t


class LibraryFailedDialog(DialogFrame):
    """One message and a way out."""

    def __init__(self, error: BitewingError, root: Path, parent: QWidget | None = None) -> None:
        super().__init__("Bitewing", parent)
        words = error_words.words_for(error)
        self.body.addWidget(plain_label(t("The library cannot be opened"), "title"))
        self.body.addWidget(plain_label(words.title, "heading", wrap=True))
        self.body.addWidget(plain_label(words.explanation, wrap=True, selectable=True))
        if words.what_to_do:
            self.body.addWidget(plain_label(words.what_to_do, wrap=True))
        self.body.addWidget(plain_label(ltr(str(root)), "muted", wrap=True, selectable=True))
        self.body.addStretch(1)
        self.add_button(t("Quit"), default=True).clicked.connect(self.accept)
        self.setMinimumWidth(UNIT * 64)
