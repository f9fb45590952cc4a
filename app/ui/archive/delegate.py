"""Paints whose study it is: a picture, the name, and below it what tells namesakes apart."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.ui.archive.results import PICTURE_ROLE, STUDY_ROLE
from app.ui.archive.study_words import line_of, name_of
from app.ui.formats import isolated
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT

ROW_PX, SIDE_PX = 52, 44
AnyIndex = QModelIndex | QPersistentModelIndex


class WhoDelegate(QStyledItemDelegate):
    """For the first column; the others are plain texts."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:
        """Return one height for all rows."""
        return QSize(UNIT * 26, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint a cell."""
        study = index.data(STUDY_ROLE)
        if study is None:
            return
        colours = palette.active()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        rect = option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, colours.colour("accent_soft"))
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        left = rect.right() - SIDE_PX - UNIT // 2 if mirrored else rect.left() + UNIT // 2
        frame = QRect(left, rect.top() + (rect.height() - SIDE_PX) // 2, SIDE_PX, SIDE_PX)
        _paint_picture(painter, frame, index.data(PICTURE_ROLE))
        room = SIDE_PX + UNIT + UNIT // 2
        words = rect.adjusted(UNIT, 0, -room, 0) if mirrored else rect.adjusted(room, 0, -UNIT, 0)
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        metrics = QFontMetrics(option.font)
        line = metrics.height() + 2
        top = words.center().y() - line + 1
        for place, (text, role) in enumerate(((name_of(study.found), "text"), (line_of(study.found), "muted"))):
            box = QRect(words.left(), top + place * line, words.width(), line)
            painter.setPen(colours.colour(role))
            fitting = metrics.elidedText(text, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(box, flags, isolated(fitting))
        painter.restore()


def _paint_picture(painter: QPainter, frame: QRect, picture: QImage | None) -> None:
    colours = palette.active()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colours.colour("table"))
    painter.drawRoundedRect(frame, 4, 4)
    if picture is None:
        side = SIDE_PX // 2
        corner = frame.center()
        painter.drawPixmap(
            corner.x() - side // 2, corner.y() - side // 2, side, side, pixmap("image", colours.table_muted, side)
        )
        return
    fitted = picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio)
    target = QRect(0, 0, fitted.width(), fitted.height())
    target.moveCenter(frame.center())
    painter.drawImage(target, picture)
