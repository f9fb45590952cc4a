"""What Bitewing is for, and what it is not."""

from __future__ import annotations

import platform

from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

import app
from app.ui.dialogs.frame import DialogFrame
from app.ui.states import plain_label
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT
from app.words import t


class AboutDialog(DialogFrame):
    """Name, version and intended use."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(t("About Bitewing"), parent)
        row = QHBoxLayout()
        row.setSpacing(UNIT * 2)
        mark = QLabel()
        mark.setPixmap(pixmap("tooth", palette.active().accent, UNIT * 6))
        row.addWidget(mark)
        row.addWidget(plain_label("Bitewing", "big"))
        row.addStretch(1)
        self.body.addLayout(row)
        self.body.addWidget(plain_label(t("An image library and viewer for dental and small medical clinics.")))
        version = t("Version {version}", version=app.__version__)
        self.body.addWidget(
            plain_label(
                f"{version}  ·  Qt {qVersion()}  ·  Python {platform.python_version()}", "muted", selectable=True
            )
        )
        self.body.addWidget(plain_label(t("Intended use"), "heading"))
        use = t(
            "Bitewing keeps, files and shows images. It is not a certified diagnostic device: a diagnosis "
            "must not rest on it alone. Sensors reach it through folders or DICOM."
        )
        self.body.addWidget(plain_label(use, wrap=True))
        self.body.addWidget(plain_label(t("Free software under the MIT licence."), "muted"))
        self.body.addStretch(1)
        self.add_button(t("Close"), default=True).clicked.connect(self.accept)
        self.setMinimumWidth(UNIT * 64)
