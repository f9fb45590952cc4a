"""One receiver of shared images: which copy they get, and what must be known before it goes."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QLocale
from PySide6.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QFormLayout, QLineEdit, QVBoxLayout, QWidget

from app.core.errors import UserError
from app.domain.profiles import BUILT_IN, NEEDS, Profile, parse_profile, to_setting
from app.ui.dialogs.frame import DialogFrame
from app.ui.states import add_field
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import sharing as words
from app.words import t

_MB = 1_000_000
# The most that the clinic can let a link hold.
_MOST_MB = 500


class ReceiverForm(DialogFrame):
    """Accepted with :attr:`profile` set, or nothing happens. GUI thread only."""

    def __init__(self, profile: Profile | None, taken: frozenset[str], parent: QWidget | None = None) -> None:
        super().__init__(t("Receiver"), parent)
        self.profile: Profile | None = None
        self._taken = taken
        known = profile or Profile("")
        self._name = known.name
        is_built_in = known.name in {one.name for one in BUILT_IN}
        self.name = QLineEdit(words.receiver(known.name))
        self.name.setMaxLength(40)
        self.name.setEnabled(not is_built_in)
        self.form = QComboBox()
        self.form.addItem(t("A smaller picture (JPEG)"), "optimised")
        self.form.addItem(t("All of the picture"), "original")
        self.form.setCurrentIndex(self.form.findData(known.form))
        self.identified, self.strip = QCheckBox(t("Say whose it is")), QCheckBox(t("A line of text below"))
        self.strip.setToolTip(t("Date, tooth and side, and whose it is where that is said; on JPEG only."))
        self.identified.setChecked(known.identified)
        self.strip.setChecked(known.strip)
        pixels, megabytes = t("pixels"), t("MB")
        self.longest = _number(known.longest_px, 16, 20_000, pixels)
        self.shortest = _number(known.shortest_px, 0, 20_000, pixels)
        self.file = _number(known.file_bytes / _MB, 0, _MOST_MB, megabytes, decimals=1)
        self.total = _number(min(known.total_bytes / _MB, _MOST_MB), 0.1, _MOST_MB, megabytes, decimals=1)
        self.months = _number(known.newest_months, 0, 600, t("months"))
        self.needs = {need: QCheckBox(words.need(need)) for need in NEEDS}
        for need, check in self.needs.items():
            check.setChecked(need in known.needs)
        copy, asked = _column(self.identified, self.strip), _column(*self.needs.values())
        fields = QFormLayout()
        fields.setHorizontalSpacing(UNIT * 2)
        fields.setVerticalSpacing(UNIT)
        for title, widget in (
            (t("Name"), self.name),
            (t("The copy"), self.form),
            ("", copy),
            (t("Longer side at most"), self.longest),
            (t("Longer side at least"), self.shortest),
            (t("One image at most"), self.file),
            (t("All together at most"), self.total),
            (t("Not older than"), self.months),
            (t("Must be known"), asked),
        ):
            add_field(fields, title, widget)
        self.body.addLayout(fields)
        self.body.addStretch(1)
        self.add_cancel()
        self.ok = self.add_button(t("Use"), "primary", default=True)
        self.ok.clicked.connect(self._on_ok_clicked)
        self.resize(UNIT * 64, UNIT * 70)

    def _on_ok_clicked(self) -> None:
        name = self.name.text().strip() if self.name.isEnabled() else self._name
        said = Profile(
            name,
            str(self.form.currentData()),
            self.identified.isChecked(),
            self.strip.isChecked(),
            round(self.longest.value()),
            round(self.shortest.value()),
            round(self.file.value() * _MB),
            round(self.total.value() * _MB),
            round(self.months.value()),
            tuple(need for need, check in self.needs.items() if check.isChecked()),
        )
        if name in self._taken:
            self.say_problem(t("There is a receiver of this name already."))
            return
        try:
            self.profile = replace(parse_profile(to_setting(said)), name=name)
        except UserError as error:
            self.say_problem(error_words.words_for(error).explanation)
            return
        self.accept()


def _column(*widgets: QWidget) -> QWidget:
    box = QWidget()
    column = QVBoxLayout(box)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    for widget in widgets:
        column.addWidget(widget)
    return box


def _number(value: float, least: float, most: float, unit: str, *, decimals: int = 0) -> QDoubleSpinBox:
    spin = QDoubleSpinBox()
    spin.setDecimals(decimals)
    # The padding of the style sheet does not reach this line.
    spin.lineEdit().setTextMargins(UNIT, 0, UNIT, 0)
    # Figures are written the same in both languages.
    spin.setLocale(QLocale(QLocale.Language.English))
    spin.setRange(least, most)
    if not least:
        spin.setSpecialValueText(t("any"))
    spin.setValue(value)
    spin.setSuffix(f" {unit}")
    return spin
