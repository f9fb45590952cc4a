"""Paints one thumbnail of the filmstrip with its caption and states. Paints only."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.filmstrip.model import ITEM_ROLE, SHOWN_ROLE, STATE_ROLE, THUMBNAIL_ROLE, StripItem
from app.ui.formats import joined
from app.ui.viewer.look import Look, look

PICTURE = QSize(124, 82)
PAD = 6
CAPTION_GAP = 4
CAPTION_SIZE = 0.9
RADIUS = 4


class ThumbnailDelegate(QStyledItemDelegate):
    """A dark picture box with a caption under it; the chosen one has the accent around it."""

    def sizeHint(self, option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        caption = 2 * QFontMetrics(caption_font(option.font)).height()
        return QSize(PICTURE.width() + 2 * PAD, PICTURE.height() + 2 * PAD + CAPTION_GAP + caption)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        colours = look()
        item: StripItem = index.data(ITEM_ROLE)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        box = QRect(option.rect.left() + PAD, option.rect.top() + PAD, PICTURE.width(), PICTURE.height())
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(box), RADIUS, RADIUS)
        painter.fillPath(shape, colours.surround)
        picture = index.data(THUMBNAIL_ROLE)
        if picture is not None:
            painter.setClipPath(shape)
            _picture(painter, box, picture)
            painter.setClipping(False)
        else:
            _placeholder(painter, box, item, colours, failed=index.data(STATE_ROLE) == "none")
        if item.frames > 1:
            _count(painter, box, item.frames, colours)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if selected:
            painter.setPen(QPen(colours.accent, 2))
            painter.drawRoundedRect(QRectF(box).adjusted(-2, -2, 2, 2), RADIUS + 2, RADIUS + 2)
        elif index.data(SHOWN_ROLE):
            faint = QColor(colours.accent)
            faint.setAlpha(130)
            painter.setPen(QPen(faint, 1))
            painter.drawRoundedRect(QRectF(box).adjusted(-1.5, -1.5, 1.5, 1.5), RADIUS + 1, RADIUS + 1)
        elif hovered:
            painter.setPen(QPen(colours.muted, 1))
            painter.drawRoundedRect(QRectF(box).adjusted(-1, -1, 1, 1), RADIUS + 1, RADIUS + 1)
        if option.state & QStyle.StateFlag.State_HasFocus and not selected:
            painter.setPen(QPen(colours.muted, 1, Qt.PenStyle.DotLine))
            painter.drawRoundedRect(QRectF(box).adjusted(-3, -3, 3, 3), RADIUS + 3, RADIUS + 3)
        self._caption(painter, option, box, index, selected)
        painter.restore()

    def _caption(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        box: QRect,
        index: QModelIndex | QPersistentModelIndex,
        selected: bool,
    ) -> None:
        colours = look()
        item: StripItem = index.data(ITEM_ROLE)
        font = caption_font(option.font)
        if selected:
            font.setWeight(QFont.Weight.Medium)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = int(side | Qt.AlignmentFlag.AlignAbsolute | Qt.AlignmentFlag.AlignVCenter)
        painter.setLayoutDirection(Qt.LayoutDirection.LayoutDirectionAuto)
        below = joined(item.kind, item.tooth)
        place = QRect(box.left(), box.bottom() + CAPTION_GAP, box.width(), metrics.height())
        for text, colour in ((item.date, colours.text if selected else colours.muted), (below, colours.muted)):
            painter.setPen(colour)
            painter.drawText(place, flags, metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width()))
            place.translate(0, metrics.height())


def caption_font(font: QFont) -> QFont:
    """Return the smaller font of captions."""
    smaller = QFont(font)
    if font.pixelSize() > 0:
        smaller.setPixelSize(max(round(font.pixelSize() * CAPTION_SIZE), 8))
    else:
        smaller.setPointSizeF(font.pointSizeF() * CAPTION_SIZE)
    return smaller


def _picture(painter: QPainter, box: QRect, picture: QImage) -> None:
    size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRect(box.topLeft(), size)
    place.moveCenter(box.center())
    painter.drawImage(place, picture)


def _placeholder(painter: QPainter, box: QRect, item: StripItem, colours: Look, *, failed: bool) -> None:
    centre = QPointF(box.center())
    pen = QPen(colours.on_image_muted, 1.4)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if item.is_document:
        sheet = QRectF(centre.x() - 12, centre.y() - 16, 24, 32)
        painter.drawRoundedRect(sheet, 3, 3)
        for line in (10, 16, 22):
            y = sheet.top() + line
            painter.drawLine(QPointF(sheet.left() + 5, y), QPointF(sheet.right() - 5, y))
        return
    if failed:
        frame = QRectF(centre.x() - 18, centre.y() - 13, 36, 26)
        painter.drawRoundedRect(frame, 5, 5)
        painter.drawLine(frame.topLeft() + QPointF(6, 5), frame.bottomRight() - QPointF(6, 5))
        return
    painter.setPen(Qt.PenStyle.NoPen)
    dim = colours.on_image_muted
    for step in (-1, 0, 1):
        painter.setBrush(dim)
        painter.setOpacity(0.5)
        painter.drawEllipse(centre + QPointF(step * 9, 0), 2, 2)
    painter.setOpacity(1)


def _count(painter: QPainter, box: QRect, frames: int, colours: Look) -> None:
    text = str(frames)
    metrics = QFontMetrics(painter.font())
    pill = QRectF(0, 0, metrics.horizontalAdvance(text) + 10, metrics.height())
    pill.moveBottomRight(QPointF(box.right() - 3, box.bottom() - 3))
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.shade)
    painter.drawRoundedRect(pill, pill.height() / 2, pill.height() / 2)
    painter.setPen(colours.on_image)
    painter.drawText(pill, Qt.AlignmentFlag.AlignCenter, text)
