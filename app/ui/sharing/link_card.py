"""A link that was made: to copy, to open, to read with a telephone, and how long it works."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.core.clock import utc_now
from app.ui.formats import joined, moment, remaining
from app.ui.sharing.qr import qr_pixmap
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import t

if TYPE_CHECKING:
    from app.services.sharing.model import Shared

QR_SIDE = UNIT * 34
_TICK_MS = 5_000


class LinkCard(QWidget):
    """Shows one link. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._expires_at: datetime | None = None
        self.qr = QLabel()
        self.qr.setAccessibleName(t("The link as a QR code"))
        self.address = QLineEdit()
        self.address.setReadOnly(True)
        self.address.setAccessibleName(t("Link"))
        self.title, self.until = plain_label("", "title", wrap=True), plain_label("", wrap=True)
        self.says = plain_label("", "muted", wrap=True)
        self.copy = QPushButton(t("Copy the link"))
        self.copy.setProperty("role", "primary")
        self.copy.clicked.connect(self._on_copy_clicked)
        self.open = QPushButton(t("Open in the browser"))
        self.open.clicked.connect(self._on_open_clicked)
        for button in (self.copy, self.open):
            button.setAutoDefault(False)
        self.said = plain_label("", "good")
        self.code = plain_label("", "big", selectable=True)
        self.code.setAccessibleName(t("The code that opens it"))
        self.code_says = plain_label(
            t("It opens with this code. Tell it another way than the link, now: it is kept nowhere."), "warn", wrap=True
        )
        frame = QFrame()
        frame.setProperty("role", "card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(UNIT, UNIT, UNIT, UNIT)
        inside.addWidget(self.qr)
        column = QVBoxLayout()
        column.setSpacing(UNIT + 4)
        for label in (self.title, self.until):
            column.addWidget(label)
        column.addWidget(self.address)
        buttons = QHBoxLayout()
        buttons.setSpacing(UNIT)
        for widget in (self.copy, self.open, self.said):
            buttons.addWidget(widget)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addWidget(self.code)
        column.addWidget(self.code_says)
        column.addWidget(self.says)
        column.addStretch(1)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(UNIT * 3)
        grid.addWidget(frame, 0, 0, Qt.AlignmentFlag.AlignTop)
        grid.addLayout(column, 0, 1)
        grid.setColumnStretch(1, 1)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._show_time)

    def show_link(self, shared: Shared, code: str = "") -> None:
        """Show a link that works; with the code that opens what it leads to, just this once."""
        self.code.setText(code)
        for widget in (self.code, self.code_says):
            widget.setVisible(bool(code))
        url, share = shared.page or shared.url or "", shared.share
        is_upload = share.kind.value == "upload"
        self.title.setText(t("Ready for images to come in") if is_upload else t("Ready to share"))
        self.address.setText(url)
        self.address.setCursorPosition(0)
        self.qr.setPixmap(qr_pixmap(url, QR_SIDE, self.devicePixelRatioF()))
        self.says.setText(
            t("Whoever has this link can send images to your inbox until then; nothing else can be seen by it.")
            if is_upload
            else t("Whoever has this link can fetch the copy until then. Under Links it can be ended before.")
        )
        self._expires_at = share.expires_at
        self._show_time()
        self._tick.start()

    @Slot()
    def _show_time(self) -> None:
        if self._expires_at is None:
            return
        left = (self._expires_at - utc_now()).total_seconds()
        how_long = remaining(left) if left > 0 else t("expired")
        self.until.setText(joined(t("Works until {when}", when=moment(self._expires_at)), how_long))

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.address.text())
        self.said.setText(t("Copied"))

    @Slot()
    def _on_open_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl(self.address.text()))
