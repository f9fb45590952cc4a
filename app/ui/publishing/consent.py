"""What publishing means, read and agreed to before it is switched on; who agreed stands in the audit log."""

from __future__ import annotations

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QCheckBox, QWidget

from app.ui.dialogs.frame import DialogFrame
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import publishing as public_words
from app.words import t


class PublishConsentDialog(DialogFrame):
    """Accepted only by somebody who said that they understood. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(t("Switch publishing on?"), parent)
        self.body.addWidget(
            plain_label(t("Publishing shows images to everybody who has their address."), "title", wrap=True)
        )
        for risk in public_words.risks():
            self.body.addWidget(plain_label(f"•  {risk}", wrap=True))
        note = t("Who switched it on, and when, is written into the audit log.")
        self.body.addWidget(plain_label(note, "muted", wrap=True))
        self.understood = QCheckBox(t("I understand this, and I take responsibility for the clinic."))
        self.understood.toggled.connect(self._on_understood_toggled)
        self.body.addWidget(self.understood)
        self.add_cancel(t("Leave it off"))
        self.ok = self.add_button(t("Switch on"), "danger")
        self.ok.setEnabled(False)
        self.ok.clicked.connect(self.accept)
        self.setMinimumWidth(UNIT * 84)
        self.resize(UNIT * 88, UNIT * 48)

    @Slot(bool)
    def _on_understood_toggled(self, on: bool) -> None:
        self.ok.setEnabled(on)
