"""A patient's face as a small round picture: an extraoral photo where there is one, else a figure."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.theme import palette
from app.ui.theme.icons import pixmap


class Portrait(QWidget):
    """Paints the photo filling a circle."""

    def __init__(self, side: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return a square."""
        return QSize(self._side, self._side)

    def set_jpeg(self, data: bytes | None) -> None:
        """Show a thumbnail, or the figure for ``None``."""
        image = QImage.fromData(data) if data else QImage()
        self._image = None if image.isNull() else image
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the circle."""
        colours = palette.active()
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        circle = QRectF(0.5, 0.5, self.width() - 1, self.height() - 1)
        path = QPainterPath()
        path.addEllipse(circle)
        painter.fillPath(path, colours.colour("raised"))
        if self._image is None:
            side = round(self._side * 0.6)
            place = (self._side - side) // 2
            painter.drawPixmap(place, place, side, side, pixmap("patient", colours.muted, side))
        else:
            painter.setClipPath(path)
            side = min(self._image.width(), self._image.height())
            # Faces stand in the upper part of a portrait photo.
            source = QRectF((self._image.width() - side) / 2, (self._image.height() - side) / 4, side, side)
            painter.drawImage(circle, self._image, source)
            painter.setClipping(False)
        painter.setPen(Qt.PenStyle.SolidLine)
        painter.setPen(colours.colour("border"))
        painter.drawEllipse(circle)
