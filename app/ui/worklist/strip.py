"""The line under the patient's header that says what their next image will be filed as, and gives that up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.domain.changes import ChangeSet
from app.domain.roles import Action
from app.ui.formats import joined, ltr
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t, terms

if TYPE_CHECKING:
    from app.domain.expectation import Expectation

_LANE = "expected"


class ExpectedStrip(QWidget):
    """Shown only while something is expected of the open patient's next image. GUI thread only."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("expectedStrip")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session = session
        self._patient_id: str | None = None
        self.text = plain_label("", wrap=True)
        self.forget_button = QPushButton(t("Not this"))
        self.forget_button.setAutoDefault(False)
        self.forget_button.setToolTip(t("The next image is filed like any other."))
        self.forget_button.setEnabled(session.may(Action.WORKLIST_USE))
        self.forget_button.clicked.connect(self._on_forget_clicked)
        row = QHBoxLayout(self)
        row.setContentsMargins(UNIT * 2, UNIT // 2, UNIT * 2, UNIT // 2)
        row.setSpacing(UNIT)
        row.addWidget(self.text, 1)
        row.addWidget(self.forget_button)
        self.hide()
        session.bus.changed.connect(self._on_bus_changed)

    def show_patient(self, patient_id: str | None) -> None:
        """Show what is expected of a patient; ``None`` when nobody is open."""
        if patient_id != self._patient_id:
            self.hide()
        self._patient_id = patient_id
        if patient_id is None:
            self._session.calls.drop(_LANE)
        else:
            self._ask(patient_id)

    def _ask(self, patient_id: str) -> None:
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(_LANE, lambda: library.expecting.of_next(actor, patient_id), self._on_read)

    def _on_read(self, expected: Expectation | None) -> None:
        if expected is not None and expected.patient_id == self._patient_id:
            number = t("accession number {number}", number=ltr(expected.accession_number))
            what = joined(
                terms.modality(expected.modality) or expected.modality,
                expected.procedure,
                number if expected.accession_number else "",
            )
            self.text.setText(t("The next image of today is filed as: {what}", what=what))
        self.setVisible(expected is not None)

    @Slot()
    def _on_forget_clicked(self) -> None:
        library, actor, patient_id = self._session.library, self._session.actor, self._patient_id
        if patient_id is not None:
            self._session.calls.ask(
                _LANE, lambda: library.expecting.forget(actor, patient_id), lambda _done: self._ask(patient_id)
            )

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if self._patient_id is not None and self._patient_id in changes.patients():
            self._ask(self._patient_id)
