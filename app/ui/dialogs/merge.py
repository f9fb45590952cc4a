"""Merging two patients who are one: both identities side by side, which one stays, and a plain warning."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app.core.errors import BitewingError
from app.domain.identity import FileIdentity, compare
from app.domain.patient import Patient, PatientSummary
from app.ui.dialogs.frame import DialogFrame
from app.ui.dialogs.patient_picker import PatientPicker
from app.ui.header.identity_card import IdentityCard
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn


class MergeDialog(DialogFrame):
    """The open patient and another one become one."""

    def __init__(self, session: Session, summary: PatientSummary, parent: QWidget | None = None) -> None:
        super().__init__(t("Merge patients"), parent, header=HeaderForDialog(summary))
        self._session = session
        self._mine = summary
        self._other: PatientSummary | None = None
        self._keeps_mine = True
        self.kept: str | None = None
        self.picker = PatientPicker(session, without=summary.patient.id)
        self.picker.chosen.connect(self._on_picker_chosen)
        self.body.addWidget(plain_label(t("Who is the same person?"), "heading"))
        self.body.addWidget(self.picker, 1)
        self._left, self._right = IdentityCard(t("Stays")), IdentityCard(t("Goes into the other"))
        self._left.setProperty("active", "true")
        swap = QToolButton()
        swap.setIcon(icon("retry"))
        swap.setToolTip(t("Exchange who stays"))
        swap.setAccessibleName(t("Exchange who stays"))
        swap.clicked.connect(self._on_swap_clicked)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        row.addWidget(self._left, 1)
        row.addWidget(swap, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._right, 1)
        self.body.addLayout(row)
        self._warning = plain_label("", "warn", wrap=True)
        self.body.addWidget(self._warning)
        self.add_cancel()
        self.merge_button = self.add_button(t("Merge"), "primary")
        self.merge_button.clicked.connect(self._on_merge_clicked)
        self.setMinimumSize(UNIT * 88, UNIT * 72)
        self._show()
        self.picker.search(summary.patient.family_name)
        self.picker.setFocus()

    @Slot(object)
    def _on_picker_chosen(self, summary: PatientSummary | None) -> None:
        self._other = summary
        self._show()

    @Slot()
    def _on_swap_clicked(self) -> None:
        self._keeps_mine = not self._keeps_mine
        self._show()

    def _show(self) -> None:
        self.merge_button.setEnabled(self._other is not None)
        if self._other is None:
            self._left.show_patient(self._mine.patient)
            self._right.show_nobody(t("Choose a patient"))
            self._warning.setText("")
            return
        stays, goes = (self._mine, self._other) if self._keeps_mine else (self._other, self._mine)
        found = compare(identity_of(goes.patient), stays.patient)
        self._left.show_patient(stays.patient)
        self._right.show_patient(goes.patient, found)
        moved = tn("{n} image moves over.", "{n} images move over.", goes.images)
        differs = t("These two disagree in what is marked red. Merge them only if you are sure.") if found else ""
        self._warning.setText(" ".join(part for part in (moved, differs) if part))

    @Slot()
    def _on_merge_clicked(self) -> None:
        if self._other is None:
            return
        stays, goes = (self._mine, self._other) if self._keeps_mine else (self._other, self._mine)
        patients, actor = self._session.library.patients, self._session.actor
        keep_id, from_id = stays.patient.id, goes.patient.id
        self.merge_button.setEnabled(False)

        def merged(_report: Any) -> None:
            self.kept = keep_id
            self.accept()

        self._session.calls.ask(
            ("merge", id(self)), lambda: patients.merge(actor, keep_id, from_id), merged, self._on_refused
        )

    def _on_refused(self, error: BitewingError) -> None:
        self.merge_button.setEnabled(True)
        self.say_problem(error_words.words_for(error).explanation)


def identity_of(patient: Patient) -> FileIdentity:
    """Return a patient as an identity, to compare two patients by the same rules as files."""
    return FileIdentity(
        patient.chart_number, patient.family_name, patient.given_name, patient.birth_date, patient.sex.value
    )
