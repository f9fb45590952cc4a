"""One watched folder: where it is, whose its images are, what becomes of its files; tried out as one types."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import (
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.core.errors import BitewingError, UserError
from app.domain.image import ImageType
from app.domain.tooth import format_tooth
from app.domain.watch_rules import After, NamedParts, WatchRule, parse_rule
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, number
from app.ui.session import Session
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms

_PAUSE_MS = 300
_PARTS = "{chart} {family} {given} {tooth} {type}"
_EXAMPLES = {"folder": "{family}_{given}", "file": "{chart}_{any}"}


class FolderRuleDialog(DialogFrame):
    """Accepted with :attr:`rule` set, or nothing happens. GUI thread only."""

    def __init__(self, session: Session, rule: WatchRule | None, parent: QWidget | None = None) -> None:
        super().__init__(t("Watched folder"), parent)
        self._session = session
        self._lane = ("folder-rule", id(self))
        self.rule: WatchRule | None = None
        self.path = QLineEdit(rule.path if rule else "")
        self.kind, self.after, self.image_type = QComboBox(), QComboBox(), QComboBox()
        self.pattern = QLineEdit(rule.pattern if rule else "")
        for box, choices in (
            (self.kind, _kinds()),
            (self.after, _afters()),
            (self.image_type, _types()),
        ):
            for value, words in choices:
                box.addItem(words, value)
        if rule is not None:
            for box, value in ((self.kind, rule.kind), (self.after, rule.after.value)):
                box.setCurrentIndex(box.findData(value))
            self.image_type.setCurrentIndex(max(0, self.image_type.findData(str(rule.image_type or ""))))
        self._form = QFormLayout()
        self._form.setHorizontalSpacing(UNIT * 2)
        self._fill_form()
        self.body.addLayout(self._form)
        self._warning = plain_label("", "warn", wrap=True)
        self.body.addWidget(self._warning)
        self._found = plain_label("", "heading", wrap=True)
        self.body.addWidget(self._found)
        self.preview = QTreeWidget()
        self.preview.setProperty("role", "boxed")
        self.preview.setRootIsDecorated(False)
        self.preview.setHeaderLabels([t("File"), t("What the rule reads")])
        self.preview.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.preview.header().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self.preview.setAccessibleName(t("Preview"))
        self.body.addWidget(self.preview, 1)
        self.add_cancel()
        self.ok = self.add_button(t("Use this folder"), "primary", default=True)
        self.ok.clicked.connect(self._on_ok_clicked)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE_MS)
        self._pause.timeout.connect(self.try_out)
        for line in (self.path, self.pattern):
            line.textChanged.connect(self._on_changed)
        for box in (self.kind, self.after, self.image_type):
            box.currentIndexChanged.connect(self._on_changed)
        self.resize(UNIT * 88, UNIT * 70)
        self._show_kind()
        self.try_out()

    def done(self, code: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(code)

    def _fill_form(self) -> None:
        place = QWidget()
        row = QHBoxLayout(place)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(UNIT)
        row.addWidget(self.path, 1)
        browse = QPushButton(t("Choose…"))
        browse.setAutoDefault(False)
        browse.clicked.connect(self._on_browse_clicked)
        row.addWidget(browse)
        add_field(self._form, t("Folder"), place)
        add_field(self._form, t("Whose are the images?"), self.kind)
        add_field(self._form, t("Pattern"), self.pattern)
        self._help = plain_label(
            t("{parts} stand for parts of the name, {any} for the rest.", parts=ltr(_PARTS), any=ltr("{any}")),
            "muted",
            wrap=True,
        )
        self._form.addRow("", self._help)
        add_field(self._form, t("Type of the images"), self.image_type)
        add_field(self._form, t("After the import"), self.after)

    @Slot()
    def _on_browse_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, t("Choose a folder to watch"), self.path.text())
        if name:
            self.path.setText(name)

    @Slot()
    def _on_changed(self, *_value: object) -> None:
        # What was tried out is not what stands there now.
        self.rule = None
        self.ok.setEnabled(False)
        self._show_kind()
        self._pause.start()

    def _show_kind(self) -> None:
        kind = self.kind.currentData()
        for row in (self.pattern, self._help):
            self._form.setRowVisible(row, kind in _EXAMPLES)
        if kind in _EXAMPLES:
            self.pattern.setPlaceholderText(ltr(_EXAMPLES[kind]))
        deletes = self.after.currentData() == After.DELETE.value
        self._warning.setText(
            t("Each file is deleted from the folder once its copy in the library was compared byte for byte.")
            if deletes
            else ""
        )
        self._warning.setVisible(deletes)

    def _entry(self) -> dict[str, Any]:
        kind = self.kind.currentData()
        rule = f"{kind}:{self.pattern.text().strip()}" if kind in _EXAMPLES else kind
        entry = {"path": self.path.text().strip(), "rule": rule, "after": self.after.currentData()}
        return {**entry, "type": self.image_type.currentData()} if self.image_type.currentData() else entry

    @Slot()
    def try_out(self) -> None:
        """Look into the folder and show what the rule reads from its names."""
        self.rule = None
        self.ok.setEnabled(False)
        self.preview.clear()
        if not self.path.text().strip():
            self._found.setText(t("Choose the folder that your device or another program writes to."))
            self.say_problem("")
            return
        try:
            rule = parse_rule(self._entry())
        except UserError as error:
            self._found.setText("")
            self.say_problem(_words(error))
            return
        self.say_problem("")
        self._found.setText(t("Looking…"))
        self.rule = rule
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane, lambda: library.monitor.test(actor, rule), self._on_tested, self._on_test_failed
        )

    def _on_tested(self, found: Any) -> None:
        writable = "" if found.writable else t("its files cannot be moved or deleted")
        self._found.setText(joined(t("{n} files there now", n=number(found.files)), writable))
        for name, parts in found.names:
            self.preview.addTopLevelItem(QTreeWidgetItem([ltr(name), self._reading(parts)]))
        self.ok.setEnabled(True)

    def _on_test_failed(self, error: BitewingError) -> None:
        # A folder that is away now may be watched all the same: it is looked for until it comes.
        may_come = error.code == "monitor.folder_missing"
        self.ok.setEnabled(may_come)
        self._found.setText(t("It is not there now; it is looked for until it comes.") if may_come else "")
        self.say_problem("" if may_come else _words(error))

    def _reading(self, parts: NamedParts | None) -> str:
        if self.rule is not None and self.rule.kind == "dicom":
            return t("the file itself says it")
        if self.rule is not None and self.rule.kind == "open":
            return t("whoever is open; confirmed in the inbox")
        if parts is None:
            return t("does not fit: waits in the inbox")
        tooth = format_tooth(parts.tooth, self._session.notation) if parts.tooth else ""
        return joined(
            t("No. {number}", number=parts.chart) if parts.chart else "",
            ", ".join(name for name in (parts.family, parts.given) if name),
            t("tooth {tooth}", tooth=tooth) if tooth else "",
            terms.image_type(parts.image_type) if parts.image_type is not None else "",
        )

    @Slot()
    def _on_ok_clicked(self) -> None:
        if self.rule is not None:
            self.accept()


def _kinds() -> tuple[tuple[str, str], ...]:
    return (
        ("dicom", t("The files say it (DICOM)")),
        ("folder", t("The name of the folder they lie in")),
        ("file", t("The name of each file")),
        ("open", t("The patient who is open in the window")),
    )


def _types() -> tuple[tuple[str, str], ...]:
    return (("", t("As the file says")), *((kind.value, terms.image_type(kind)) for kind in ImageType))


def _afters() -> tuple[tuple[str, str], ...]:
    return (
        (After.LEAVE.value, t("Leave the files where they are")),
        (After.MOVE.value, t("Move them to a folder “imported”")),
        (After.DELETE.value, t("Delete them once they are safe")),
    )


def _words(error: BitewingError) -> str:
    return error_words.words_for(error).explanation
