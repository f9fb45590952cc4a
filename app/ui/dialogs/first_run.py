"""The first start: where images live, language, tooth numbers, theme, and a demonstration clinic if wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.core.files import free_bytes
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import size
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import set_language, t

_LANGUAGES = (("en", "English"), ("ar", "العربية"))


@dataclass(frozen=True)
class FirstChoices:
    """What a person chose at the first start."""

    library: Path
    language: str
    tooth_numbers: str
    theme: str
    demo: bool


class FirstRunDialog(DialogFrame):
    """One page, everything already answered sensibly. GUI thread only."""

    def __init__(
        self, library: Path, language: str, *, fixed_place: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(t("Welcome to Bitewing"), parent)
        self.relaunch_language: str | None = None
        self.body.addWidget(plain_label(t("Welcome to Bitewing"), "big"))
        self.body.addWidget(
            plain_label(t("Five answers, and images have a place. All of it can be changed later."), "muted", wrap=True)
        )
        self.folder = QLineEdit(str(library))
        self.folder.setReadOnly(fixed_place)
        self.folder.textChanged.connect(self._on_folder_changed)
        browse = QPushButton(t("Choose…"))
        browse.setEnabled(not fixed_place)
        browse.clicked.connect(self._on_browse_clicked)
        place = QHBoxLayout()
        place.setSpacing(UNIT)
        place.addWidget(self.folder, 1)
        place.addWidget(browse)
        self._space = plain_label("", "muted", wrap=True)
        where = QVBoxLayout()
        where.setSpacing(UNIT // 2)
        where.addLayout(place)
        where.addWidget(self._space)
        self.language = _box(_LANGUAGES, language)
        self.language.activated.connect(self._on_language_activated)
        self.numbers = _box(
            (
                ("fdi", t("FDI (11 to 48)")),
                ("universal", t("Universal (1 to 32)")),
                ("palmer", t("Palmer (UR1 to LR8)")),
            ),
            "fdi",
        )
        self.theme = _box((("dark", t("Dark")), ("light", t("Light")), ("system", t("As the system"))), "dark")
        self.demo = QCheckBox(t("Explore with a demonstration clinic of made-up patients"))
        form = QFormLayout()
        form.setHorizontalSpacing(UNIT * 3)
        form.setVerticalSpacing(UNIT * 2)
        form.addRow(t("Where images live"), where)
        add_field(form, t("Language"), self.language)
        add_field(form, t("Tooth numbers"), self.numbers)
        add_field(form, t("Theme"), self.theme)
        form.addRow("", self.demo)
        self.body.addLayout(form)
        use = t("Bitewing is an image library and viewer, not a certified diagnostic device.")
        self.body.addWidget(plain_label(use, "muted", wrap=True))
        self.body.addStretch(1)
        self.add_cancel(t("Quit"))
        start = self.add_button(t("Start"), "primary", default=True)
        start.clicked.connect(self._on_start_clicked)
        self.setMinimumWidth(UNIT * 84)
        self._on_folder_changed(str(library))
        start.setFocus()

    def choices(self) -> FirstChoices:
        """Return the answers."""
        return FirstChoices(
            Path(self.folder.text()).expanduser(),
            self.language.currentData(),
            self.numbers.currentData(),
            self.theme.currentData(),
            self.demo.isChecked(),
        )

    @Slot()
    def _on_browse_clicked(self) -> None:
        name = QFileDialog.getExistingDirectory(self, t("Where images live"), self.folder.text())
        if name:
            self.folder.setText(name)

    @Slot(str)
    def _on_folder_changed(self, text: str) -> None:
        path = Path(text).expanduser() if text.strip() else Path.home()
        while not path.exists() and path != path.parent:
            path = path.parent
        self._space.setText(t("{size} free on this disk", size=size(free_bytes(path))))

    @Slot(int)
    def _on_language_activated(self, _row: int) -> None:
        self.relaunch_language = self.language.currentData()
        set_language(self.relaunch_language or "")
        self.done(RELAUNCH)

    @Slot()
    def _on_start_clicked(self) -> None:
        if not self.folder.text().strip():
            self.say_problem(t("Choose a folder for the images."))
            return
        self.accept()


RELAUNCH = 2


def _box(rows: tuple[tuple[str, str], ...], value: str) -> QComboBox:
    box = QComboBox()
    for key, words in rows:
        box.addItem(words, key)
    box.setCurrentIndex(max(0, box.findData(value)))
    return box
