"""Adding and changing a treatment. Refusals stay in the form; Cancel changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QComboBox, QFormLayout, QLineEdit, QPlainTextEdit, QWidget

from app.core.clock import utc_now
from app.core.errors import BitewingError, UserError
from app.domain.patient import PatientSummary, parse_birth_date
from app.domain.treatment import Treatment, TreatmentDraft, TreatmentStatus
from app.ui.dialogs.frame import DialogFrame
from app.ui.header.patient_header import HeaderForDialog
from app.ui.panels.details import parse_shown
from app.ui.session import Session
from app.ui.states import add_field, plain_label
from app.ui.theme.stylesheet import UNIT
from app.ui.treatments.words import teeth_text
from app.words import errors as error_words
from app.words import t, terms, tn


class TreatmentDialog(DialogFrame):
    """Accepted with :attr:`saved` set. GUI thread only."""

    def __init__(
        self,
        session: Session,
        summary: PatientSummary,
        treatment: Treatment | None,
        parent: QWidget | None = None,
        *,
        teeth: Sequence[str] = (),
        image_ids: Sequence[str] = (),
    ) -> None:
        title = t("Edit treatment") if treatment else t("New treatment")
        super().__init__(title, parent, header=HeaderForDialog(summary))
        self._session, self._patient_id, self._treatment = session, summary.patient.id, treatment
        self._image_ids = tuple(image_ids)
        self.saved: Treatment | None = None
        self.procedure, self.code, self.teeth = QLineEdit(), QLineEdit(), QLineEdit()
        self.performed_on, self.dentist = QLineEdit(), QLineEdit()
        self.procedure.setPlaceholderText(t("Such as root canal filling"))
        self.code.setPlaceholderText(t("Of your list of procedures, if you use one"))
        self.teeth.setPlaceholderText(t("Such as {example}; empty for the whole mouth", example="11, 12"))
        self.performed_on.setPlaceholderText(t("YYYY-MM-DD"))
        self.status = QComboBox()
        for status in TreatmentStatus:
            self.status.addItem(terms.treatment_status(status), status.value)
        self.notes = QPlainTextEdit()
        self.notes.setFixedHeight(UNIT * 12)
        self.notes.setTabChangesFocus(True)
        form = QFormLayout()
        form.setHorizontalSpacing(UNIT * 2)
        form.setVerticalSpacing(UNIT)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        for words, field in (
            (t("Procedure"), self.procedure),
            (t("Code"), self.code),
            (t("Teeth"), self.teeth),
            (t("Date"), self.performed_on),
            (t("Dentist"), self.dentist),
            (t("Status"), self.status),
            (t("Notes"), self.notes),
        ):
            add_field(form, words, field)
        self.body.addLayout(form)
        if image_ids:
            said = tn("{n} chosen image will belong to it.", "{n} chosen images will belong to it.", len(image_ids))
            self.body.addWidget(plain_label(said, "muted"))
        self.add_cancel()
        self.save_button = self.add_button(t("Save"), "primary", default=True)
        self.save_button.clicked.connect(self.save)
        self.setMinimumWidth(UNIT * 68)
        today = utc_now().astimezone().date()
        self._fill(treatment.draft if treatment else TreatmentDraft(teeth=tuple(teeth), performed_on=today))
        self.procedure.setFocus()

    def draft(self) -> TreatmentDraft:
        """Return what the form says. Raises ``tooth.unknown``."""
        teeth = self.teeth.text().strip()
        return TreatmentDraft(
            self.procedure.text(),
            self.code.text(),
            parse_shown(teeth, self._session.notation),
            self._day(),
            self.dentist.text(),
            TreatmentStatus(self.status.currentData()),
            self.notes.toPlainText(),
        )

    @Slot()
    def save(self) -> None:
        """Save and close, or say what is wrong."""
        if self.performed_on.text().strip() and self._day() is None:
            self.say_problem(t("The date is not a date. Write it as {example}.", example="2026-03-14"))
            self.performed_on.setFocus()
            return
        try:
            draft = self.draft()
        except UserError as error:
            self._on_refused(error)
            return
        treatments, actor, before = self._session.library.treatments, self._session.actor, self._treatment

        def work() -> Treatment:
            made: Treatment = (
                treatments.add(actor, self._patient_id, draft, self._image_ids)
                if before is None
                else treatments.edit(actor, before.id, draft, before.version)
            )
            return made

        self.save_button.setEnabled(False)
        self._session.calls.ask(("treatment-dialog", id(self)), work, self._on_saved, self._on_refused)

    def _day(self) -> date | None:
        return parse_birth_date(self.performed_on.text())

    def _fill(self, draft: TreatmentDraft) -> None:
        self.procedure.setText(draft.procedure)
        self.code.setText(draft.code)
        self.teeth.setText(teeth_text(draft.teeth, self._session.notation))
        self.performed_on.setText(draft.performed_on.isoformat() if draft.performed_on else "")
        self.dentist.setText(draft.dentist)
        self.status.setCurrentIndex(self.status.findData(draft.status.value))
        self.notes.setPlainText(draft.notes)

    def _on_saved(self, saved: Treatment) -> None:
        self.saved = saved
        self.accept()

    def _on_refused(self, error: BitewingError) -> None:
        self.save_button.setEnabled(True)
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))
