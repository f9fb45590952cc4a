"""Choosing another place for images: another tooth or type, or another patient."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QWidget

from app.domain.image import ImageRecord
from app.domain.patient import PatientSummary
from app.ui.dialogs.frame import DialogFrame
from app.ui.dialogs.patient_picker import PatientPicker
from app.ui.dialogs.place_form import PlaceForm
from app.ui.header.patient_header import HeaderForDialog
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.place import Place
from app.words import t, tn


class MoveDialog(DialogFrame):
    """Says where to; :class:`Filer` does it, and asks once when the patient changes."""

    def __init__(
        self, session: Session, summary: PatientSummary, count: int, image: ImageRecord | None, parent: QWidget
    ) -> None:
        super().__init__(t("Move images"), parent, header=HeaderForDialog(summary))
        self._own = summary.patient.id
        self.place: Place | None = None
        self.body.addWidget(
            plain_label(tn("Where does {n} image belong?", "Where do {n} images belong?", count), "title")
        )
        self._form = PlaceForm(session.notation, keep=count > 1)
        if image is not None and count == 1:
            self._form.set_values(image.tooth, image.image_type.value)
        self.body.addWidget(self._form)
        self._other = QCheckBox(t("To another patient"))
        self._other.clicked.connect(self._on_other_clicked)
        self.body.addWidget(self._other)
        self._picker = PatientPicker(session, without=self._own)
        self._picker.hide()
        self.body.addWidget(self._picker, 1)
        self.add_cancel()
        move = self.add_button(t("Move"), "primary", default=True)
        move.clicked.connect(self._on_move_clicked)
        self.setMinimumWidth(UNIT * 72)

    @Slot(bool)
    def _on_other_clicked(self, on: bool) -> None:
        self._picker.setVisible(on)
        if on:
            self._picker.search("")
            self._picker.setFocus()
        self.adjustSize()

    @Slot()
    def _on_move_clicked(self) -> None:
        patient_id = self._own
        if self._other.isChecked():
            chosen = self._picker.current
            if chosen is None:
                self.say_problem(t("Choose the patient to move to."))
                return
            patient_id = chosen.patient.id
        kind = self._form.image_type
        self.place = Place(patient_id, self._form.tooth, kind.value if kind else None)
        self.accept()
