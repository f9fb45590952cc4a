"""Before a library is restored: what the backup is, what will happen, its password, and a plain yes.

Opens the backup to say so, in the background; changes nothing. The restore runs when the window has closed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLineEdit, QWidget

from app.backup.folder_reading import read_snapshot_heading, snapshots_of
from app.backup.manifest import Heading, Manifest
from app.core.errors import BitewingError, UserError
from app.core.paths import LibraryPaths
from app.services.backups import open_archive
from app.services.restoring import is_of_another_library
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, moment, number, size
from app.ui.safekeeping.background import Background
from app.ui.safekeeping.wishes import RestoreWish
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn


class RestoreDialog(DialogFrame):
    """Accepted with :attr:`wish` set, or nothing happens. GUI thread only."""

    def __init__(self, path: Path, root: Path, parent: QWidget | None = None, *, known: str | None = None) -> None:
        """``known``: the password that the library itself seals with; asked for when it is another."""
        super().__init__(t("Restore the library"), parent)
        self._root, self._known = root, known
        self.wish: RestoreWish | None = None
        self._manifest: Manifest | None = None
        self._work = Background(self)
        self._work.done.connect(self._on_opened)
        self._work.failed.connect(self._on_failed)
        self._headline = plain_label(t("Looking…"), "title", wrap=True)
        self.body.addWidget(self._headline)
        self._facts = plain_label("", wrap=True)
        self.body.addWidget(self._facts)
        self._where = plain_label(ltr(str(path)), "muted", wrap=True, selectable=True)
        self.body.addWidget(self._where)
        form = QFormLayout()
        self._which = QComboBox()
        self._password = QLineEdit()
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._password.editingFinished.connect(self._open)
        if snapshots := snapshots_of(path):
            for snapshot in snapshots:
                heading = read_snapshot_heading(snapshot)
                self._which.addItem(moment(heading.created_at) if heading else snapshot.name, snapshot)
            self._which.currentIndexChanged.connect(self._open)
            add_field(form, t("Backup of"), self._which)
        else:
            self._which.addItem(path.name, path)
        add_field(form, t("Password of the backup"), self._password)
        self._form = form
        form.setRowVisible(self._password, False)
        self.body.addLayout(form)
        self._foreign = QCheckBox(t("Yes, put this other library in the place of mine"))
        self._foreign.toggled.connect(self._refresh)
        self._foreign.hide()
        self.body.addWidget(self._foreign)
        self.body.addWidget(
            plain_label(
                t(
                    "The backup is unpacked beside the present library and verified first. Only then the two change "
                    "places; the present library stays beside it, with everything that was added since. The window "
                    "closes for it and opens again."
                ),
                "muted",
                wrap=True,
            )
        )
        self.body.addStretch(1)
        self.add_cancel()
        self.restore_button = self.add_button(t("Restore"), "primary")
        self.restore_button.clicked.connect(self._on_restore_clicked)
        self.setMinimumWidth(UNIT * 76)
        self._refresh()
        self._open()

    @property
    def path(self) -> Path:
        """The backup chosen: a zip, or one snapshot of a folder."""
        return Path(self._which.currentData(Qt.ItemDataRole.UserRole))

    def done(self, code: int) -> None:
        """Wait for what is being read."""
        self._work.stop()
        super().done(code)

    @Slot()
    def _open(self) -> None:
        self._manifest = None
        self.say_problem("")
        self._refresh()
        path, password = self.path, self._password.text() or self._known

        def look() -> tuple[Manifest, bool]:
            archive = open_archive(path, password)
            try:
                foreign = is_of_another_library(LibraryPaths(self._root), archive.manifest.heading)
                return archive.manifest, foreign
            finally:
                archive.close()

        self._work.start(look)

    @Slot(object)
    def _on_opened(self, answer: Any) -> None:
        self._manifest, is_foreign = answer
        assert self._manifest is not None
        heading = self._manifest.heading
        self._headline.setText(t("Backup of {date}", date=moment(heading.created_at)))
        self._facts.setText(_facts(heading, self._manifest))
        self._foreign.setVisible(is_foreign)
        if is_foreign:
            self.say_problem(error_words.words_for(UserError("backup.foreign", clinic=heading.clinic)).explanation)
        self._refresh()

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        if error.code == "backup.wrong_password" and not self._password.text():
            # Nobody has typed one yet: it was sealed with another than today's.
            error = UserError("backup.password_needed")
        sealed = error.code in {"backup.password_needed", "backup.wrong_password"}
        if sealed:
            self._form.setRowVisible(self._password, True)
            self._password.setFocus()
            self._headline.setText(t("This backup is sealed"))
        else:
            self._headline.setText(t("This cannot be restored"))
        words = error_words.words_for(error)
        asked = error.code == "backup.password_needed"
        self._facts.setText(words.explanation if not sealed or asked else "")
        self.say_problem("" if asked or not sealed else words.explanation)

    @Slot()
    def _refresh(self) -> None:
        agreed = self._foreign.isHidden() or self._foreign.isChecked()
        self.restore_button.setEnabled(self._manifest is not None and agreed)

    @Slot()
    def _on_restore_clicked(self) -> None:
        if self._manifest is not None:
            self.wish = RestoreWish(self.path, self._password.text() or self._known, self._foreign.isChecked())
            self.accept()


def _facts(heading: Heading, manifest: Manifest) -> str:
    counts = manifest.counts
    holds = (
        heading.clinic,
        tn("{n} patient", "{n} patients", counts.get("patients", 0)),
        tn("{n} image", "{n} images", counts.get("images", 0)),
        size(manifest.total_bytes()),
    )
    gaps = len(manifest.absent) + len(manifest.damaged)
    only = t("The catalogue only: images that are not in the library now cannot be brought back.")
    lines = [joined(*holds)]
    if heading.contents == "database":
        lines.append(only)
    if gaps:
        lines.append(t("{n} files were missing or damaged when it was made.", n=number(gaps)))
    return "\n".join(lines)
