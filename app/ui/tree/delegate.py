"""Paints the tree's rows: label, quieter detail, count at the far end; mirrored right-to-left."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.ui.formats import isolated
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.labels import Labels
from app.ui.tree.node_model import DETAIL_ROLE, NODE_ROLE
from app.ui.tree.nodes import NodeKind

ROW_PX = 28
TOUCH_ROW_PX = 40
_ICON = 16


class TreeDelegate(QStyledItemDelegate):
    """Draws one row; never wraps, elides the detail before the label. Text is plain, always."""

    def __init__(self, parent: QWidget, *, touch: bool = False) -> None:
        super().__init__(parent)
        self._height = TOUCH_ROW_PX if touch else ROW_PX

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        """Return one height for all rows."""
        return QSize(120, self._height)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint a row."""
        node = index.data(NODE_ROLE)
        if node is None:
            return
        colours = palette.active()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = option.rect.adjusted(0, 1, -4, -1)
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        self._paint_ground(painter, option, rect, selected=selected)
        box = rect.adjusted(UNIT // 2, 0, -UNIT, 0)
        if node.kind is NodeKind.INBOX:
            waiting = node.count > 0
            colour = colours.amber if waiting else colours.muted
            box = self._paint_icon(painter, option, box, colour)
        box = self._paint_count(painter, option, box, node, selected=selected)
        self._paint_words(painter, option, box, index, node, selected=selected)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, rect: QRect, *, selected: bool) -> None:
        colours = palette.active()
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        enabled = bool(option.state & QStyle.StateFlag.State_Enabled)
        if selected or (hovered and enabled):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colours.colour("accent_soft" if selected else "hover"))
            painter.drawRoundedRect(rect, 6, 6)
        if selected and option.state & QStyle.StateFlag.State_HasFocus:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(colours.colour("accent"))
            painter.drawRoundedRect(rect.adjusted(0, 0, -1, -1), 6, 6)

    def _paint_icon(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, colour: str) -> QRect:
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        left = box.right() - _ICON if mirrored else box.left()
        top = box.center().y() - _ICON // 2 + 1
        painter.drawPixmap(QRect(left, top, _ICON, _ICON), pixmap("inbox", colour, _ICON))
        shift = _ICON + UNIT
        return box.adjusted(0, 0, -shift, 0) if mirrored else box.adjusted(shift, 0, 0, 0)

    def _paint_count(
        self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, node: Any, *, selected: bool
    ) -> QRect:
        text = "" if node.kind is NodeKind.HEADING else Labels.count(node.count)
        if not text:
            return box
        colours = palette.active()
        role = "amber" if node.kind is NodeKind.INBOX else "accent" if selected else "muted"
        painter.setPen(colours.colour(role))
        painter.setFont(option.font)
        width = QFontMetrics(option.font).horizontalAdvance(text) + UNIT
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        align = Qt.AlignmentFlag.AlignLeft if mirrored else Qt.AlignmentFlag.AlignRight
        flags = align | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
        painter.drawText(box, flags, text)
        return box.adjusted(width, 0, 0, 0) if mirrored else box.adjusted(0, 0, -width, 0)

    def _paint_words(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        box: QRect,
        index: QModelIndex | QPersistentModelIndex,
        node: Any,
        *,
        selected: bool,
    ) -> None:
        colours = palette.active()
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        font = QFont(option.font)
        if node.kind is NodeKind.HEADING:
            font.setPointSizeF(font.pointSizeF() * 0.9)
            painter.setPen(colours.colour("muted"))
        else:
            painter.setPen(colours.colour("accent" if selected else "text"))
            if selected or node.kind is NodeKind.INBOX:
                font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        metrics = QFontMetrics(font)
        label = metrics.elidedText(index.data() or "", Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, flags, isolated(label))
        used = metrics.horizontalAdvance(label) + UNIT + 2
        rest = box.adjusted(0, 0, -used, 0) if mirrored else box.adjusted(used, 0, 0, 0)
        detail = index.data(DETAIL_ROLE) or ""
        if detail and rest.width() > UNIT * 4:
            painter.setFont(option.font)
            painter.setPen(colours.colour("muted"))
            text = QFontMetrics(option.font).elidedText(detail, Qt.TextElideMode.ElideRight, rest.width())
            painter.drawText(rest, flags, text)
