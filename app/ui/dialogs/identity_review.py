"""Another program asked for a patient but describes somebody else: a person decides, both in view."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from app.domain.identity import Contradiction, FileIdentity
from app.domain.patient import Patient
from app.ui.dialogs.frame import DialogFrame
from app.ui.header.identity_card import IdentityCard
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t


class IdentityReviewDialog(DialogFrame):
    """Accepted means: it is the same person, open the library's patient."""

    def __init__(
        self,
        asked: FileIdentity,
        patient: Patient,
        contradictions: tuple[Contradiction, ...],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(t("Is this the same person?"), parent)
        self.body.addWidget(plain_label(t("Is this the same person?"), "title"))
        text = t("Another program asked for this patient, but describes them differently in what is marked red.")
        self.body.addWidget(plain_label(text, "muted", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(UNIT * 2)
        left, right = IdentityCard(t("Asked for")), IdentityCard(t("In this library"))
        left.show_identity(asked, contradictions)
        right.show_patient(patient, contradictions)
        row.addWidget(left, 1)
        row.addWidget(right, 1)
        self.body.addLayout(row)
        self.add_cancel(t("Do not open"))
        same = self.add_button(t("The same person: open"), "primary")
        same.clicked.connect(self.accept)
        self.setMinimumWidth(UNIT * 80)
