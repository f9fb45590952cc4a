"""A larger picture of the waiting image, from its thumbnail; a calm placeholder where there is none."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.domain.image import ImageRecord
from app.ui.session import Session
from app.ui.theme import palette
from app.ui.theme.stylesheet import UNIT
from app.words import t


class Preview(QWidget):
    """Paints one thumbnail, never larger than its own pixels times two."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._picture: QImage | None = None
        self._text = ""
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(UNIT * 16)

    def sizeHint(self) -> QSize:
        """Return a landscape picture's size."""
        return QSize(480, 280)

    def show_image(self, image: ImageRecord) -> None:
        """Fetch and show an image's thumbnail."""
        self._picture, self._text = None, t("Loading…")
        self.update()
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            "inbox-preview",
            lambda: library.images.thumbnail(actor, image.id),
            self._on_arrived,
            lambda _error: self._on_arrived(None),
        )

    def _on_arrived(self, data: bytes | None) -> None:
        picture = QImage.fromData(data) if data else QImage()
        self._picture = None if picture.isNull() else picture
        self._text = "" if self._picture else t("No picture to show")
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the picture on the light table's ground."""
        colours = palette.active()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.colour("table"))
        painter.drawRoundedRect(self.rect(), 8, 8)
        if self._picture is None:
            painter.setPen(colours.colour("table_muted"))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._text)
            return
        room = self.rect().adjusted(UNIT, UNIT, -UNIT, -UNIT).size().boundedTo(self._picture.size() * 2)
        fitted = self._picture.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        target = QRect(0, 0, fitted.width(), fitted.height())
        target.moveCenter(self.rect().center())
        painter.drawImage(target, self._picture)
