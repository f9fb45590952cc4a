"""Paints one tooth of the chart in its state. Colours from the palette; no knowledge of images."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QTransform

from app.domain.tooth import is_right
from app.ui.chart.placing import ToothPlace
from app.ui.chart.shapes import crown_path, root_path, shape_of
from app.ui.viewer.look import Look

FULL_COUNT = 6


@dataclass(frozen=True, slots=True)
class ToothLook:
    """The state of a tooth."""

    number: str
    number_px: int = 10
    count: int = 0
    chosen: bool = False
    hovered: bool = False
    focused: bool = False
    receiving: bool = False


def paint_tooth(painter: QPainter, place: ToothPlace, label_height: float, state: ToothLook, colours: Look) -> None:
    """Paint crown, roots and number."""
    shape = shape_of(place.tooth)
    transform = _transform(place)
    crown, roots = transform.map(crown_path(shape)), transform.map(root_path(shape))
    crown_fill, root_fill, line, width = _colours(state, colours)
    painter.setPen(QPen(line, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(root_fill)
    painter.drawPath(roots)
    painter.setBrush(crown_fill)
    painter.drawPath(crown)
    if state.focused or state.receiving:
        box = QRectF(place.x, min(place.y, place.label_y), place.width, place.height + label_height + 1)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        style = Qt.PenStyle.SolidLine if state.receiving else Qt.PenStyle.DotLine
        painter.setPen(QPen(colours.accent, 1.4, style))
        painter.drawRoundedRect(box, 3, 3)
    _number(painter, place, label_height, state, colours)


def paint_band(painter: QPainter, box: QRectF, colours: Look) -> None:
    """Paint the rubber band of a selection."""
    fill = QColor(colours.accent)
    fill.setAlpha(40)
    painter.setPen(QPen(colours.accent, 1))
    painter.setBrush(fill)
    painter.drawRect(box)


def _transform(place: ToothPlace) -> QTransform:
    """Unit box to the tooth's box; lower teeth stand upside down, left ones are mirrored at the midline."""
    # Shapes are drawn with the distal side to the right, as on the patient's left.
    mirror = -1.0 if is_right(place.tooth) else 1.0
    centre = place.x + place.width / 2
    wide = place.width * 0.96
    if place.upper:
        return QTransform(mirror * wide, 0, 0, place.height, centre, place.y)
    return QTransform(mirror * wide, 0, 0, -place.height, centre, place.y + place.height)


def _colours(state: ToothLook, colours: Look) -> tuple[QColor, QColor, QColor, float]:
    if state.chosen:
        soft = QColor(colours.accent)
        soft.setAlpha(170)
        return colours.accent, soft, colours.accent, 1.4
    if state.count:
        # The more images, the fuller: a panoramic alone touches every tooth and should not shout.
        weight = min(state.count, FULL_COUNT) / FULL_COUNT
        tint, root, line = QColor(colours.accent), QColor(colours.accent), QColor(colours.accent)
        lift = 40 if state.hovered else 0
        tint.setAlpha(round(36 + 84 * weight) + lift)
        root.setAlpha(round(16 + 40 * weight) + lift // 2)
        line.setAlpha(round(130 + 100 * weight))
        return tint, root, line, 1.1
    crown = colours.hover if state.hovered else colours.raised
    root = QColor(crown)
    root.setAlpha(110)
    return crown, root, colours.muted if state.hovered else colours.faint, 0.9


def _number(painter: QPainter, place: ToothPlace, label_height: float, state: ToothLook, colours: Look) -> None:
    font = QFont(painter.font())
    before = QFont(font)
    font.setPixelSize(state.number_px)
    if state.chosen or state.count:
        font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    painter.setPen(colours.text if state.chosen or state.count or state.hovered else colours.muted)
    box = QRectF(place.x - 4, place.label_y, place.width + 8, label_height)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, state.number)
    painter.setFont(before)
