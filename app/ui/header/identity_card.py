"""One identity in a frame, for dialogs that compare or accept: name, birth date and age, chart number, sex."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QGridLayout, QVBoxLayout, QWidget

from app.domain.identity import Contradiction, FileIdentity
from app.domain.patient import Patient, Sex
from app.ui.formats import born, day, leading, sex_word
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t


class IdentityCard(QFrame):
    """Shows a patient or what a file says of one; parts that disagree stand out."""

    def __init__(self, heading: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._heading = plain_label(heading, "muted")
        self._name = plain_label("", "title", wrap=True, selectable=True)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(UNIT * 2)
        self._grid.setVerticalSpacing(UNIT // 2)
        self._grid.setColumnStretch(1, 1)
        self._parts = {}
        rows = (
            (Contradiction.BIRTH_DATE, t("Born")),
            (Contradiction.PATIENT_ID, t("Chart number")),
            (Contradiction.SEX, t("Sex")),
        )
        for row, (part, title) in enumerate(rows):
            value = plain_label("", selectable=True)
            self._grid.addWidget(plain_label(title, "muted"), row, 0)
            self._grid.addWidget(value, row, 1)
            self._parts[part] = value
        layout = QVBoxLayout(self)
        layout.setContentsMargins(UNIT * 2, UNIT, UNIT * 2, UNIT * 2)
        layout.setSpacing(UNIT)
        layout.addWidget(self._heading)
        layout.addWidget(self._name)
        layout.addLayout(self._grid)
        layout.addStretch(1)

    def set_heading(self, text: str) -> None:
        """Change the line above the name."""
        self._heading.setText(text)

    def show_patient(self, patient: Patient, contradictions: tuple[Contradiction, ...] = ()) -> None:
        """Show a patient of the library."""
        self._show(patient.name, born(patient.birth_date), patient.chart_number, sex_word(patient.sex), contradictions)

    def show_identity(self, identity: FileIdentity, contradictions: tuple[Contradiction, ...] = ()) -> None:
        """Show what a file says."""
        sex = sex_word(Sex(identity.sex)) if identity.sex in {"M", "F", "O"} else ""
        self._show(identity.name, day(identity.birth_date), identity.patient_id, sex, contradictions)

    def show_nobody(self, text: str) -> None:
        """Show that nobody is chosen."""
        self._show("", "", "", "", ())
        self._name.setText(leading(text))

    def _show(self, name: str, birth: str, chart: str, sex: str, contradictions: tuple[Contradiction, ...]) -> None:
        nothing = "–"
        self._name.setText(leading(name or t("No name")))
        mark(self._name, "bad" if Contradiction.NAME in contradictions else "", "title")
        values = {Contradiction.BIRTH_DATE: birth, Contradiction.PATIENT_ID: chart, Contradiction.SEX: sex}
        for part, value in values.items():
            self._parts[part].setText(leading(value or nothing))
            mark(self._parts[part], "bad" if part in contradictions else "")


def mark(widget: QWidget, kind: str, base: str = "") -> None:
    """Give a label a role and let the style sheet see it."""
    widget.setProperty("role", kind or base)
    if kind and base:
        font = widget.font()
        font.setBold(True)
        widget.setFont(font)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
