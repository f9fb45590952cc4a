"""The library cannot be opened: what happened and the ways out, before there is a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from app.core.errors import BitewingError
from app.storage.backups import BackupRecord
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, moment, size
from app.ui.later import part
from app.ui.safekeeping.wishes import RestoreWish
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t


class LibraryFailedDialog(DialogFrame):
    """One message, and a backup to restore, a look at what can be read, or quitting. GUI thread only.

    Parameters
    ----------
    backups
        Those within reach, newest first; ``None`` where a backup would not help.
    can_read
        Whether the library may be opened for reading alone.
    """

    def __init__(
        self,
        error: BitewingError,
        root: Path,
        backups: Sequence[BackupRecord] | None = None,
        *,
        can_read: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("Bitewing", parent)
        self._root = root
        self.wish: RestoreWish | None = None
        self.wants_reading = False
        words = error_words.words_for(error)
        self.body.addWidget(plain_label(t("The library cannot be opened"), "title"))
        self.body.addWidget(plain_label(words.title, "heading", wrap=True))
        self.body.addWidget(plain_label(words.explanation, wrap=True, selectable=True))
        if words.what_to_do:
            self.body.addWidget(plain_label(words.what_to_do, wrap=True))
        self.body.addWidget(plain_label(ltr(str(root)), "muted", wrap=True, selectable=True))
        self.quit_button = self.add_button(t("Quit"), default=not backups)
        self.quit_button.clicked.connect(self.reject)
        if can_read:
            self.read_button = self.add_button(t("Open for reading only"))
            self.read_button.clicked.connect(self._on_read_clicked)
        if backups is not None:
            self._offer(backups)
        self.body.addStretch(1)
        self.setMinimumWidth(UNIT * 84)

    def _offer(self, backups: Sequence[BackupRecord]) -> None:
        if backups:
            newest = backups[0]
            self._newest = Path(newest.path)
            text = t("Newest backup within reach: {date}", date=moment(newest.created_at))
            self.body.addWidget(plain_label(text, "heading", wrap=True))
            what = t("catalogue only") if newest.contents == "database" else t("catalogue and images")
            facts = joined(what, size(newest.bytes) if newest.bytes else "", ltr(newest.path))
            self.body.addWidget(plain_label(facts, "muted", wrap=True, selectable=True))
            self.restore_button = self.add_button(t("Restore the newest backup…"), "primary", default=True)
            self.restore_button.clicked.connect(self._on_restore_clicked)
            self.restore_button.setFocus()
        else:
            none = t("No backup is within reach. If one lies on another drive, connect it.")
            self.body.addWidget(plain_label(none, wrap=True))
        row = QHBoxLayout()
        for text, asked in (
            (t("Choose a backup…"), self._on_file_clicked),
            (t("Choose a backup folder…"), self._on_folder_clicked),
        ):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(asked)
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)

    @Slot()
    def _on_restore_clicked(self) -> None:
        self._ask(self._newest)

    @Slot()
    def _on_file_clicked(self) -> None:
        name, _kind = QFileDialog.getOpenFileName(self, t("Choose a backup"), "", t("Backups (*.zip);;All files (*)"))
        if name:
            self._ask(Path(name))

    @Slot()
    def _on_folder_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, t("Choose a backup folder"))
        if name:
            self._ask(Path(name))

    def _ask(self, path: Path) -> None:
        dialog = part("RestoreDialog")(path, self._root, self)
        if dialog.exec() and dialog.wish is not None:
            self.wish = dialog.wish
            self.accept()

    @Slot()
    def _on_read_clicked(self) -> None:
        self.wants_reading = True
        self.accept()
