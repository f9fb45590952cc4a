"""The waiting images as a list with thumbnails, fetched for what is in sight."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QFontMetrics, QImage, QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.domain.image import ImageRecord
from app.ui.formats import isolated, moment
from app.ui.session import Session
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t

RECORD_ROLE = Qt.ItemDataRole.UserRole + 1
PICTURE_ROLE = Qt.ItemDataRole.UserRole + 2
ROW_PX, SIDE_PX = 72, 56
AnyIndex = QModelIndex | QPersistentModelIndex


class InboxModel(QAbstractListModel):
    """Rows are :class:`ImageRecord`. GUI thread only."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._rows: list[ImageRecord] = []
        self._pictures: dict[str, QImage | None] = {}

    def set_rows(self, rows: list[ImageRecord]) -> None:
        """Replace the list, keeping thumbnails."""
        self.beginResetModel()
        self._rows = rows
        known = {row.id for row in rows}
        self._pictures = {key: value for key, value in self._pictures.items() if key in known}
        self.endResetModel()

    def record(self, row: int) -> ImageRecord | None:
        """Return a row's image."""
        return self._rows[row] if 0 <= row < len(self._rows) else None

    def row_of(self, image_id: str) -> int:
        """Return an image's row, -1 when it is not there."""
        return next((row for row, image in enumerate(self._rows) if image.id == image_id), -1)

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008
        """Return how many wait."""
        return 0 if parent.isValid() else len(self._rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return an image, its thumbnail or its words."""
        image = self.record(index.row()) if index.isValid() else None
        if image is None:
            return None
        if role == RECORD_ROLE:
            return image
        if role == PICTURE_ROLE:
            return self._picture(image.id)
        if role == Qt.ItemDataRole.DisplayRole:
            return isolated(image.original_name)
        if role in {Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole}:
            return t("{file}: {reason}", file=isolated(image.original_name), reason=reason_of(image))
        return None

    def _picture(self, image_id: str) -> QImage | None:
        if image_id in self._pictures:
            return self._pictures[image_id]
        self._pictures[image_id] = None
        library, actor = self._session.library, self._session.actor

        def arrived(data: bytes | None) -> None:
            image = QImage.fromData(data) if data else QImage()
            self._pictures[image_id] = None if image.isNull() else image
            row = self.row_of(image_id)
            if row >= 0:
                self.dataChanged.emit(self.index(row), self.index(row), [PICTURE_ROLE])

        self._session.calls.ask(
            ("inbox-thumbnail", image_id),
            lambda: library.images.thumbnail(actor, image_id),
            arrived,
            lambda _error: None,
        )
        return None


def reason_of(image: ImageRecord) -> str:
    """Return why an image waits, in words."""
    return error_words.reason(image.reason, image.reason_facts) if image.reason else ""


class InboxDelegate(QStyledItemDelegate):
    """Paints a waiting image: thumbnail, file name, why it waits, when it came."""

    def sizeHint(self, _option: QStyleOptionViewItem, _index: AnyIndex) -> QSize:
        """Return one height for all rows."""
        return QSize(200, ROW_PX)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint a row."""
        image: ImageRecord | None = index.data(RECORD_ROLE)
        if image is None:
            return
        colours = palette.active()
        painter.save()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        rect = option.rect.adjusted(2, 2, -2, -2)
        if option.state & (QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver):
            painter.setPen(Qt.PenStyle.NoPen)
            selected = option.state & QStyle.StateFlag.State_Selected
            painter.setBrush(colours.colour("accent_soft" if selected else "hover"))
            painter.drawRoundedRect(rect, 6, 6)
        mirrored = option.direction == Qt.LayoutDirection.RightToLeft
        left = rect.right() - SIDE_PX - UNIT // 2 if mirrored else rect.left() + UNIT // 2
        frame = QRect(left, rect.center().y() - SIDE_PX // 2 + 1, SIDE_PX, SIDE_PX)
        self._paint_picture(painter, frame, index.data(PICTURE_ROLE))
        words = (
            rect.adjusted(UNIT, 0, -SIDE_PX - UNIT * 2, 0)
            if mirrored
            else rect.adjusted(SIDE_PX + UNIT * 2, 0, -UNIT, 0)
        )
        side = Qt.AlignmentFlag.AlignRight if mirrored else Qt.AlignmentFlag.AlignLeft
        flags = side | Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute | Qt.TextFlag.TextSingleLine
        line = QFontMetrics(option.font).height() + 2
        top = words.center().y() - line * 3 // 2
        lines = (
            (isolated(image.original_name), "text"),
            (reason_of(image), "amber"),
            (moment(image.imported_at), "muted"),
        )
        for number, (text, role) in enumerate(lines):
            box = QRect(words.left(), top + number * line, words.width(), line)
            painter.setPen(colours.colour(role))
            painter.drawText(
                box, flags, QFontMetrics(option.font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
            )
        painter.restore()

    @staticmethod
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
