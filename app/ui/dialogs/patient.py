"""Adding and editing a patient; refusals are shown beside the field, nothing is saved by Cancel."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from app.core.errors import BitewingError
from app.domain.patient import Patient, PatientDraft, PatientSummary, Sex, parse_birth_date
from app.ui.dialogs.frame import DialogFrame
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import add_field
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms


class PatientDialog(DialogFrame):
    """One form for a new patient and for an old one."""

    def __init__(self, session: Session, summary: PatientSummary | None, parent: QWidget | None = None) -> None:
        header = HeaderForDialog(summary) if summary else None
        super().__init__(t("Edit patient") if summary else t("New patient"), parent, header=header)
        self._session = session
        self._patient = summary.patient if summary else None
        self.saved: Patient | None = None
        self.family = QLineEdit()
        self.given = QLineEdit()
        self.chart = QLineEdit()
        self.birth = QLineEdit()
        self.birth.setPlaceholderText(t("YYYY-MM-DD"))
        self.birth.textEdited.connect(self._on_birth_edited)
        self.sex = QComboBox()
        for value in (Sex.UNKNOWN, Sex.FEMALE, Sex.MALE, Sex.OTHER):
            self.sex.addItem(terms.sex(value), value.value)
        self.phone = QLineEdit()
        self.notes = QPlainTextEdit()
        self.notes.setFixedHeight(UNIT * 9)
        self.notes.setTabChangesFocus(True)
        form = QFormLayout()
        form.setHorizontalSpacing(UNIT * 2)
        form.setVerticalSpacing(UNIT)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        for title, field in (
            (t("Family name"), self.family),
            (t("Given name"), self.given),
            (t("Chart number"), self.chart),
            (t("Birth date"), self.birth),
            (t("Sex"), self.sex),
            (t("Phone"), self.phone),
            (t("Notes"), self.notes),
        ):
            add_field(form, title, field)
        self.body.addLayout(form)
        self.add_cancel()
        self.save_button = self.add_button(t("Save") if summary else t("Add patient"), "primary", default=True)
        self.save_button.clicked.connect(self.save)
        self.setMinimumWidth(UNIT * 64)
        if self._patient is not None:
            self._fill(self._patient)
        self.family.setFocus()

    def fill_from(self, draft: PatientDraft) -> None:
        """Offer what a file or another program says about a new patient."""
        self.family.setText(draft.family_name)
        self.given.setText(draft.given_name)
        self.chart.setText(draft.chart_number)
        self.birth.setText(draft.birth_date.isoformat() if draft.birth_date else "")
        self.sex.setCurrentIndex(max(0, self.sex.findData(draft.sex.value)))
        self.phone.setText(draft.phone)
        self.notes.setPlainText(draft.notes)

    def draft(self) -> PatientDraft:
        """Return what the form says."""
        return PatientDraft(
            self.family.text(),
            self.given.text(),
            self.chart.text(),
            parse_birth_date(self.birth.text()),
            Sex(self.sex.currentData()),
            self.phone.text(),
            self.notes.toPlainText(),
        )

    @Slot()
    def save(self) -> None:
        """Save and close, or say what is wrong."""
        if self.birth.text().strip() and parse_birth_date(self.birth.text()) is None:
            self._mark_birth(invalid=True)
            self.say_problem(t("The birth date is not a date. Write it as {example}.", example="1985-03-14"))
            self.birth.setFocus()
            return
        patients, actor, draft, patient = (
            self._session.library.patients,
            self._session.actor,
            self.draft(),
            self._patient,
        )

        def work() -> Patient:
            if patient is None:
                return patients.add(actor, draft)
            return patients.edit(actor, patient.id, draft, patient.version)

        self.save_button.setEnabled(False)
        self._session.calls.ask(("patient-dialog", id(self)), work, self._on_saved, self._on_refused)

    def _fill(self, patient: Patient) -> None:
        self.fill_from(patient.draft())

    def _on_saved(self, saved: Patient) -> None:
        self.saved = saved
        self.accept()

    def _on_refused(self, error: BitewingError) -> None:
        self.save_button.setEnabled(True)
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    @Slot(str)
    def _on_birth_edited(self, _text: str) -> None:
        self._mark_birth(invalid=False)
        self.say_problem("")

    def _mark_birth(self, *, invalid: bool) -> None:
        self.birth.setProperty("invalid", "true" if invalid else "false")
        self.birth.style().unpolish(self.birth)
        self.birth.style().polish(self.birth)
