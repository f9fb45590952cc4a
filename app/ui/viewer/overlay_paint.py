"""Paints texts, badges and the scale bar over a picture, and the designed states of a cell without one.

Text stays readable on white enamel by a soft dark edge instead of boxes over the picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen

from app.ui.viewer.corner_text import Badge, CornerTexts
from app.ui.viewer.look import Look
from app.ui.viewer.scale_bar import ScaleBar

MARGIN = 8
NARROW = 240
_EDGE = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (1, -1), (-1, 1))


@dataclass(frozen=True, slots=True)
class Notice:
    """A cell without a picture: empty, loading or failed. ``tone`` is ``plain``, ``busy`` or ``danger``."""

    title: str
    detail: str = ""
    tone: str = "plain"


def paint_corners(painter: QPainter, area: QRect, texts: CornerTexts, look: Look, *, mirrored: bool) -> None:
    """Paint the corner texts, badges and scale bar of one cell."""
    # Each text runs in its own direction: a Latin name in an Arabic window keeps its order.
    painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
    font = QFont(painter.font())
    narrow = area.width() < NARROW
    # A quarter of a narrow cell is too little for two columns: then only the start corners speak.
    half = area.width() - 2 * MARGIN if narrow else (area.width() - 3 * MARGIN) / 2
    metrics = QFontMetricsF(font)
    line = metrics.height()
    _column(painter, area, texts.top_start, look, half, at_end=mirrored, top=area.top() + MARGIN)
    if not narrow:
        _column(painter, area, texts.top_end, look, half, at_end=not mirrored, top=area.top() + MARGIN)
    bar = texts.bar if texts.bar and not narrow and texts.bar.length < half else None
    room = float(area.width() - 2 * MARGIN)
    if bar:
        room -= max(bar.length, metrics.horizontalAdvance(bar.caption)) + 2 * MARGIN
    bottom = area.bottom() - MARGIN - line * len(texts.bottom_start)
    _column(painter, area, texts.bottom_start, look, room, at_end=mirrored, top=bottom)
    if bar:
        _bar(painter, area, bar, look, at_end=not mirrored)
    rows = max(len(texts.top_start), 0 if narrow else len(texts.top_end))
    _badges(painter, area, texts.badges, look, area.top() + MARGIN * 1.5 + line * rows, mirrored=mirrored)


def edged_text(painter: QPainter, position: QPointF, text: str, colour: QColor, edge: QColor) -> None:
    """Draw ``text`` at a baseline with a soft dark edge."""
    painter.setPen(edge)
    for x, y in _EDGE:
        painter.drawText(position + QPointF(x, y), text)
    painter.setPen(colour)
    painter.drawText(position, text)


def _column(
    painter: QPainter, area: QRect, lines: tuple[str, ...], look: Look, room: float, *, at_end: bool, top: float
) -> None:
    metrics = QFontMetricsF(painter.font())
    for number, text in enumerate(lines):
        shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        width = metrics.horizontalAdvance(shown)
        x = area.right() - MARGIN - width if at_end else area.left() + MARGIN
        colour = look.on_image if number == 0 else look.on_image_muted
        edged_text(painter, QPointF(x, top + metrics.ascent() + number * metrics.height()), shown, colour, look.shade)


def _bar(painter: QPainter, area: QRect, bar: ScaleBar, look: Look, *, at_end: bool) -> None:
    metrics = QFontMetricsF(painter.font())
    right = area.right() - MARGIN if at_end else area.left() + MARGIN + bar.length
    left, base = right - bar.length, area.bottom() - MARGIN
    path = QPainterPath(QPointF(left, base - 8))
    path.lineTo(left, base)
    path.lineTo(right, base)
    path.lineTo(right, base - 8)
    for tick in range(1, bar.ticks):
        x = left + bar.length * tick / bar.ticks
        path.moveTo(x, base)
        path.lineTo(x, base - 4)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(look.shade, 3))
    painter.drawPath(path)
    painter.setPen(QPen(look.on_image, 1))
    painter.drawPath(path)
    width = metrics.horizontalAdvance(bar.caption)
    x = right - width if at_end else left
    edged_text(painter, QPointF(x, base - 10 - metrics.descent()), bar.caption, look.on_image, look.shade)


def _badges(
    painter: QPainter, area: QRect, badges: tuple[Badge, ...], look: Look, top: float, *, mirrored: bool
) -> None:
    metrics = QFontMetricsF(painter.font())
    height = metrics.height() + 6
    x, y = float(MARGIN), top
    room = area.width() - 2 * MARGIN
    for badge in badges:
        shown = metrics.elidedText(badge.text, Qt.TextElideMode.ElideRight, room - 16)
        width = metrics.horizontalAdvance(shown) + 16
        if x > MARGIN and x + width > room + MARGIN:
            x, y = float(MARGIN), y + height + 4
        start = area.right() - x - width if mirrored else area.left() + x
        box = QRectF(start, y, width, height)
        fill, ink = _badge_colours(badge.tone, look)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawRoundedRect(box, height / 2, height / 2)
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)
        x += width + 6


def _badge_colours(tone: str, look: Look) -> tuple[QColor, QColor]:
    if tone == "danger":
        return look.danger, QColor(look.surround)
    if tone == "warning":
        return look.warning, QColor(look.surround)
    fill = QColor(look.surround)
    fill.setAlpha(200)
    return fill, look.on_image


def paint_notice(painter: QPainter, area: QRect, notice: Notice, look: Look, phase: float = 0.0) -> None:
    """Paint the state of a cell without a picture: a quiet drawing, a title and what to do."""
    centre = QPointF(area.center().x(), area.center().y() - 28)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = look.danger if notice.tone == "danger" else look.on_image_muted
    if notice.tone == "busy":
        _spinner(painter, centre, look, phase)
    else:
        _film(painter, centre, colour, broken=notice.tone == "danger")
    painter.setPen(look.on_image if notice.tone == "danger" else look.on_image_muted)
    font = QFont(painter.font())
    plain = QFont(font)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    room = min(area.width() - 4 * MARGIN, 420)
    flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
    box = QRectF(centre.x() - room / 2, centre.y() + 34, room, 200)
    used = painter.boundingRect(box, int(flags), notice.title)
    painter.drawText(box, int(flags), notice.title)
    painter.setFont(plain)
    painter.setPen(look.on_image_muted)
    painter.drawText(box.adjusted(0, used.height() + 4, 0, 100), int(flags), notice.detail)


def _film(painter: QPainter, centre: QPointF, colour: QColor, *, broken: bool) -> None:
    # An intra-oral film with its rounded corners and the dot.
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.6))
    box = QRectF(centre.x() - 28, centre.y() - 20, 56, 40)
    painter.drawRoundedRect(box, 7, 7)
    if broken:
        crack = QPainterPath(QPointF(centre.x() + 4, box.top()))
        for x, y in ((-4, 12), (5, 20), (-5, 30), (0, 40)):
            crack.lineTo(centre.x() + x, box.top() + y)
        painter.drawPath(crack)
    else:
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.drawEllipse(QPointF(box.right() - 9, box.bottom() - 9), 2.2, 2.2)


def _spinner(painter: QPainter, centre: QPointF, look: Look, phase: float) -> None:
    box = QRectF(centre.x() - 16, centre.y() - 16, 32, 32)
    track = QColor(look.on_image_muted)
    track.setAlpha(60)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(track, 3))
    painter.drawEllipse(box)
    painter.setPen(QPen(look.table_accent, 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    painter.drawArc(box, int(-phase * 360 * 16), 90 * 16)
