"""The surface that shows one picture. It is given a frame, a state and texts, and paints; it decides nothing.

What is visible is cut out and scaled once per geometry; a window/level drag then only looks levels up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QElapsedTimer, QPointF, QRect, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.ui.viewer.corner_text import CornerTexts
from app.ui.viewer.geometry import Placement, ViewGeometry
from app.ui.viewer.lazy import pixels
from app.ui.viewer.look import look
from app.ui.viewer.overlay_paint import Notice, paint_corners, paint_notice
from app.ui.viewer.view_state import ViewState

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame

SETTLE_MS = 120
SPIN_MS = 40


class Canvas(QWidget):
    """One picture on a dark surround, or the notice that says why there is none."""

    resized = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame: DisplayFrame | None = None
        self._full = (1, 1)
        self._state = ViewState()
        self._texts = CornerTexts()
        self._notice: Notice | None = None
        self._backdrop: QImage | None = None
        self._selected = False
        self._receiving = False
        self._raster: Any = None
        self._painter: Any = None
        self._cut_key: tuple[object, ...] | None = None
        self._cut: Any = None
        self._overlays: Any = None
        self._drawn_key: tuple[object, ...] | None = None
        self._drawn: Any = None
        self._quick = False
        self._settle = QTimer(self)
        self._settle.setSingleShot(True)
        self._settle.setInterval(SETTLE_MS)
        self._settle.timeout.connect(self._on_settle_timeout)
        self._spin = QTimer(self)
        self._spin.setInterval(SPIN_MS)
        self._spin.timeout.connect(self.update)
        self._clock = QElapsedTimer()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(80, 80)
        self.setMouseTracking(True)

    @property
    def texts(self) -> CornerTexts:
        """The texts over the picture."""
        return self._texts

    @property
    def notice(self) -> Notice | None:
        """What stands in the place of a picture."""
        return self._notice

    def set_frame(self, frame: DisplayFrame | None, full: tuple[int, int] | None = None) -> None:
        """Take another picture; ``full`` is (columns, rows) where the frame is a smaller preview."""
        if frame is not None and frame is not self._frame:
            self._raster = pixels().Raster(frame)
            self._painter = pixels().Painter(frame)
        self._frame = frame
        self._full = full or ((frame.columns, frame.rows) if frame is not None else (1, 1))
        self._cut_key = self._drawn_key = None
        if frame is None:
            self._raster = self._painter = self._cut = self._drawn = None
        self.update()

    def set_state(self, state: ViewState, *, moving: bool = False) -> None:
        """Show another state; ``moving`` trades averaging for speed until the hand rests."""
        geometry_moves = (state.zoom, state.pan) != (self._state.zoom, self._state.pan)
        self._state = state
        if moving and geometry_moves:
            self._quick = True
            self._settle.start()
        self.update()

    def set_texts(self, texts: CornerTexts) -> None:
        """Take the corner texts."""
        if texts != self._texts:
            self._texts = texts
            self.update()

    def set_notice(self, notice: Notice | None, backdrop: QImage | None = None) -> None:
        """Show a notice instead of, or (loading) over, a picture; ``backdrop`` is a dim thumbnail behind it."""
        self._notice, self._backdrop = notice, backdrop
        if notice is not None and notice.tone == "busy":
            self._clock.start()
            self._spin.start()
        else:
            self._spin.stop()
        self.update()

    def set_selected(self, selected: bool) -> None:
        """Show the frame of the chosen cell."""
        if selected != self._selected:
            self._selected = selected
            self.update()

    @Slot(bool)
    def set_receiving(self, receiving: bool) -> None:
        """Show that letting go now would put an image here."""
        if receiving != self._receiving:
            self._receiving = receiving
            self.update()

    def view_geometry(self, state: ViewState | None = None) -> ViewGeometry:
        """Return the map between stored and device pixels now in force, or for another state."""
        ratio = self.devicePixelRatioF()
        aspect = self._frame.pixel_aspect if self._frame is not None else (1.0, 1.0)
        size = round(self.width() * ratio), round(self.height() * ratio)
        return ViewGeometry(self._full[0], self._full[1], *size, state or self._state, aspect)

    def _on_settle_timeout(self) -> None:
        self._quick = False
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        drawn = self._paint_picture(painter) if self._frame is not None else QRect()
        for rest in _around(self.rect(), drawn):
            painter.fillRect(rest, look().surround)
        if self._frame is not None:
            painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
            mirrored = self.layoutDirection() == Qt.LayoutDirection.RightToLeft
            paint_corners(painter, self.rect(), self._texts, look(), mirrored=mirrored)
        elif self._backdrop is not None:
            self._paint_backdrop(painter, self._backdrop)
        if self._notice is not None:
            phase = (self._clock.elapsed() % 1000) / 1000 if self._clock.isValid() else 0.0
            paint_notice(painter, self.rect(), self._notice, look(), phase)
        if self._receiving:
            veil = QColor(look().table_accent)
            veil.setAlpha(50)
            painter.fillRect(self.rect(), veil)
        if self._selected or self._receiving:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(look().table_accent, 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()

    def _paint_picture(self, painter: QPainter) -> QRect:
        """Draw the picture and return what it covers for sure, so that nothing is painted twice."""
        place = self.view_geometry().placement()
        if place is None:
            return QRect()
        drawn = self._pixels_for(place)
        height, width = drawn.shape[:2]
        # The array is kept in self._drawn for as long as the image may read it.
        form = QImage.Format.Format_Grayscale8 if drawn.ndim == 2 else QImage.Format.Format_RGB32
        image = QImage(drawn.data, width, height, drawn.strides[0], form)
        ratio = self.devicePixelRatioF()
        image.setDevicePixelRatio(ratio)
        if ratio != 1.0:
            painter.fillRect(self.rect(), look().surround)
        painter.drawImage(QPointF(place.x / ratio, place.y / ratio), image)
        return QRect(place.x, place.y, width, height) if ratio == 1.0 else self.rect()

    def _pixels_for(self, place: Placement) -> Any:
        state = self._state
        cut_key = (place, state.rotation, state.flip_horizontal, state.smooth, self._quick)
        if cut_key != self._cut_key:
            self._cut = self._raster.cut(place, state, self._full, quick=self._quick, smooth=state.smooth)
            self._overlays = self._raster.cut_overlays(place, state, self._full)
            self._cut_key, self._drawn_key = cut_key, None
        drawn_key = (state.level, state.voi_lut, state.invert, state.gamma)
        if drawn_key != self._drawn_key:
            self._drawn = self._painter.paint(self._cut, state, self._overlays)
            self._drawn_key = drawn_key
        return self._drawn

    def _paint_backdrop(self, painter: QPainter, backdrop: QImage) -> None:
        target = backdrop.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        box = QRect(self.rect().topLeft(), target)
        box.moveCenter(self.rect().center())
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(box, backdrop)
        veil = QColor(look().surround)
        veil.setAlpha(150)
        painter.fillRect(self.rect(), veil)


def _around(whole: QRect, part: QRect) -> tuple[QRect, ...]:
    """Return what of ``whole`` lies outside ``part``: above, below, left, right."""
    part = part & whole
    if part.isEmpty():
        return (whole,)
    above = QRect(whole.left(), whole.top(), whole.width(), part.top() - whole.top())
    below = QRect(whole.left(), part.bottom() + 1, whole.width(), whole.bottom() - part.bottom())
    left = QRect(whole.left(), part.top(), part.left() - whole.left(), part.height())
    right = QRect(part.right() + 1, part.top(), whole.right() - part.right(), part.height())
    return above, below, left, right
