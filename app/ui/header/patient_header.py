"""The strip fixed above the viewer that says whose images these are.

A change of patient flashes the accent colour once, so that nobody goes on with the wrong person.
"""

from __future__ import annotations

from PySide6.QtCore import Property as QtProperty
from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.domain.patient import PatientSummary
from app.ui.formats import born, joined, leading, sex_word
from app.ui.header.portrait import Portrait
from app.ui.states import ElidedLabel, plain_label
from app.ui.theme import palette
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

FLASH_MS = 900
HEADER_PX = 56


class PatientHeader(QWidget):
    """Name, birth date and age, chart number, sex and portrait of one patient."""

    edit_requested = Signal()

    def __init__(self, parent: QWidget | None = None, *, editable: bool = True) -> None:
        super().__init__(parent)
        self.setObjectName("patientHeader")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEADER_PX)
        self._glow = 0.0
        self._patient_id: str | None = None
        self._portrait = Portrait(40)
        self._name = ElidedLabel("title")
        self._facts = ElidedLabel("muted")
        self._edit = QToolButton()
        self._edit.setIcon(icon("edit"))
        self._edit.setToolTip(t("Edit this patient ({key})", key="F2"))
        self._edit.setAccessibleName(t("Edit this patient"))
        self._edit.clicked.connect(self.edit_requested)
        self._editable = editable
        self._edit.setVisible(False)
        self._right = plain_label("", "muted")
        self._lay_out()
        self._flash = QPropertyAnimation(self, b"glow", self)
        self._flash.setDuration(FLASH_MS)
        self._flash.setStartValue(1.0)
        self._flash.setEndValue(0.0)
        self._flash.setEasingCurve(QEasingCurve.Type.InQuad)
        self.show_patient(None)

    def _lay_out(self) -> None:
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addStretch(1)
        words.addWidget(self._name)
        words.addWidget(self._facts)
        words.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT * 2, 0, UNIT * 2, 0)
        row.setSpacing(UNIT + UNIT // 2)
        row.addWidget(self._portrait)
        row.addLayout(words, 1)
        row.addWidget(self._right)
        row.addWidget(self._edit)

    def show_patient(self, summary: PatientSummary | None) -> None:
        """Show a patient, flashing when it is another one; ``None`` says that none is open."""
        before = self._patient_id
        self._portrait.setVisible(summary is not None)
        if summary is None:
            self._patient_id = None
            self._name.setText(t("No patient is open"))
            self._facts.setText(t("Find one with {key}", key="Ctrl+K"))
            self._right.setText("")
            self._edit.setVisible(False)
            return
        patient = summary.patient
        self._patient_id = patient.id
        self._name.setText(patient.name or t("No name"))
        self._facts.setText(joined(*facts_of(summary), between="   ·   "))
        self._right.setText(tn("{n} image", "{n} images", summary.images))
        self._edit.setVisible(self._editable)
        self.setAccessibleName(" · ".join([patient.name, *facts_of(summary)]))
        if before != patient.id:
            self._portrait.set_jpeg(None)
            self._flash.stop()
            self._flash.start()

    def show_archived(self, name: str, facts: str) -> None:
        """Show whose study of the archive is looked at, as the archive says: nobody of the library."""
        self.show_patient(None)
        self._name.setText(leading(name))
        self._facts.setText(facts)
        self._right.setText(t("From the archive, not in the library"))
        self.setAccessibleName(" · ".join(part for part in (name, facts, self._right.text()) if part))
        self._flash.stop()
        self._flash.start()

    def set_portrait(self, patient_id: str, jpeg: bytes | None) -> None:
        """Show the face, if the patient is still the same."""
        if patient_id == self._patient_id:
            self._portrait.set_jpeg(jpeg)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the ground and, for a moment after a change, the accent over it."""
        super().paintEvent(event)
        if self._glow <= 0:
            return
        painter = QPainter(self)
        painter.fillRect(self.rect(), palette.active().colour("accent", round(150 * self._glow)))

    def _get_glow(self) -> float:
        return self._glow

    def _set_glow(self, value: float) -> None:
        self._glow = value
        self.update()

    glow = QtProperty(float, _get_glow, _set_glow)


def facts_of(summary: PatientSummary) -> list[str]:
    """Return birth date and age, chart number and sex in words, leaving out what is unknown."""
    patient = summary.patient
    chart = t("No. {number}", number=patient.chart_number) if patient.chart_number else ""
    return [part for part in (born(patient.birth_date), chart, sex_word(patient.sex)) if part]


class HeaderForDialog(PatientHeader):
    """The same strip at the head of a dialog that shows or accepts images."""

    def __init__(self, summary: PatientSummary | None, parent: QWidget | None = None) -> None:
        super().__init__(parent, editable=False)
        self.show_patient(summary)
