"""The one question asked before images go from one patient to another: both identities, side by side."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from app.domain.patient import Patient
from app.ui.dialogs.frame import DialogFrame
from app.ui.header.identity_card import IdentityCard
from app.ui.states import plain_label
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn


class MoveConfirmDialog(DialogFrame):
    """Says who loses and who gets the images."""

    def __init__(self, source: Patient, target: Patient, count: int, parent: QWidget | None = None) -> None:
        super().__init__(t("Move to another patient?"), parent)
        question = tn("Move {n} image to another patient?", "Move {n} images to another patient?", count)
        self.body.addWidget(plain_label(question, "title", wrap=True))
        row = QHBoxLayout()
        row.setSpacing(UNIT * 2)
        left, right = IdentityCard(t("From")), IdentityCard(t("To"))
        left.show_patient(source)
        right.show_patient(target)
        right.setProperty("active", "true")
        row.addWidget(left, 1)
        row.addWidget(_arrow(self), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(right, 1)
        self.body.addLayout(row)
        note = t("The move is written into the audit log. You can take it back with {key}.", key="Ctrl+Z")
        self.body.addWidget(plain_label(note, "muted", wrap=True))
        self.add_cancel()
        move = self.add_button(t("Move"), "primary", default=True)
        move.clicked.connect(self.accept)
        self.setMinimumWidth(UNIT * 80)


def _arrow(owner: QWidget) -> QLabel:
    mirrored = owner.layoutDirection() == Qt.LayoutDirection.RightToLeft
    label = QLabel()
    label.setPixmap(pixmap("chevron-left" if mirrored else "chevron-right", palette.active().accent, UNIT * 4))
    return label
