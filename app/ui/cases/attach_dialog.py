"""Attaching chosen images to a case: one of the patient's, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QCompleter, QLineEdit, QWidget

from app.core.errors import BitewingError
from app.domain.image import ImageRecord
from app.domain.patient import PatientSummary
from app.domain.sharing import LONGEST_CASE
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.cases import Case


class AttachDialog(DialogFrame):
    """GUI thread only; closes by itself when it is done."""

    def __init__(
        self, session: Session, summary: PatientSummary, images: list[ImageRecord], parent: QWidget | None = None
    ) -> None:
        super().__init__(t("Case or appointment"), parent, header=HeaderForDialog(summary))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._ids = session, [image.id for image in images]
        self._lane = ("attach", id(self))
        words = tn(
            "{n} image is to belong to this case. Empty takes it out of its case.",
            "{n} images are to belong to this case. Empty takes them out of theirs.",
            len(images),
        )
        self.body.addWidget(plain_label(words, wrap=True))
        self.reference = QLineEdit()
        self.reference.setAccessibleName(t("Case reference"))
        self.reference.setPlaceholderText(t("Case reference, such as {example}", example="2026-0142"))
        self.reference.setMaxLength(LONGEST_CASE)
        given = {image.case_reference for image in images}
        self.reference.setText(given.pop() if len(given) == 1 else "")
        self.body.addWidget(self.reference)
        self.body.addStretch(1)
        self.add_cancel()
        self.save_button = self.add_button(t("Save"), "primary", default=True)
        self.save_button.clicked.connect(self._on_save_clicked)
        self.setMinimumWidth(UNIT * 56)
        library, actor, patient_id = session.library, session.actor, summary.patient.id
        session.calls.ask(self._lane, lambda: library.cases.list(actor, patient_id), self._on_known)
        self.reference.setFocus()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    def _on_known(self, cases: list[Case]) -> None:
        completer = QCompleter([case.row.reference for case in cases], self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.reference.setCompleter(completer)

    @Slot()
    def _on_save_clicked(self) -> None:
        library, actor, ids, text = self._session.library, self._session.actor, self._ids, self.reference.text()
        self.save_button.setEnabled(False)
        self.say_problem("")
        self._session.calls.ask(
            (*self._lane, "save"),
            lambda: library.cases.attach(actor, ids, text),
            lambda _saved: self.accept(),
            self._on_failed,
        )

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(joined(words.explanation, words.what_to_do, between=" "))
        self.save_button.setEnabled(True)
