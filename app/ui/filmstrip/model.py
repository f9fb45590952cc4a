"""The images of the filmstrip as a list model: newest first, thumbnails fetched for what is in sight.

Thumbnails are JPEG bytes from the background; the picture is made here, in the GUI thread.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from PySide6.QtCore import QAbstractListModel, QMimeData, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QImage

from app.core.errors import BitewingError
from app.ui.viewer.sources import MIME_IMAGES, BackgroundCalls, ThumbnailSource

THUMBNAIL_ROLE = int(Qt.ItemDataRole.UserRole) + 1
ITEM_ROLE = THUMBNAIL_ROLE + 1
STATE_ROLE = THUMBNAIL_ROLE + 2
SHOWN_ROLE = THUMBNAIL_ROLE + 3
KEPT_THUMBNAILS = 600
# Few, because pictures for the viewer wait in the same queue.
AT_ONCE = 2

AnyIndex = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class StripItem:
    """One image of the strip; texts are ready to read. ``taken_at`` orders the strip."""

    image_id: str
    taken_at: datetime | None
    date: str
    kind: str
    tooth: str = ""
    frames: int = 1
    is_document: bool = False


class FilmstripModel(QAbstractListModel):
    """Rows are :class:`StripItem`; ``THUMBNAIL_ROLE`` is a QImage or ``None``, ``STATE_ROLE`` says why
    not, ``SHOWN_ROLE`` whether the image lies in a cell of the viewer."""

    def __init__(self, calls: BackgroundCalls, source: ThumbnailSource) -> None:
        super().__init__()
        self._calls = calls
        self._source = source
        self._items: list[StripItem] = []
        self._rows: dict[str, int] = {}
        self._thumbnails: OrderedDict[str, QImage] = OrderedDict()
        self._without: set[str] = set()
        self._shown: frozenset[str] = frozenset()
        self._wanted: list[str] = []
        self._underway: set[str] = set()
        self._fetching = False

    def set_items(self, items: Iterable[StripItem]) -> None:
        """Take the images, newest first; images already known keep their thumbnails."""
        self.beginResetModel()
        self._items = sorted(items, key=_newest_first)
        self._rows = {item.image_id: row for row, item in enumerate(self._items)}
        self._without &= self._rows.keys()
        for image_id in self._underway - self._rows.keys():
            self._calls.drop(("thumbnail", id(self), image_id))
        self._underway &= self._rows.keys()
        self._wanted = []
        self.endResetModel()

    def item(self, row: int) -> StripItem:
        """Return the image of a row."""
        return self._items[row]

    def row_of(self, image_id: str) -> int:
        """Return the row of an image, -1 when it is not in the strip."""
        return self._rows.get(image_id, -1)

    def set_shown(self, image_ids: Iterable[str]) -> None:
        """Mark what lies in the viewer's cells."""
        before, self._shown = self._shown, frozenset(image_ids)
        for image_id in before ^ self._shown:
            self._changed(image_id)

    def thumbnail(self, image_id: str) -> QImage | None:
        """Return an image's thumbnail when it is there."""
        return self._thumbnails.get(image_id)

    def forget_thumbnail(self, image_id: str) -> None:
        """Fetch an image's thumbnail again when it is next in sight."""
        self._thumbnails.pop(image_id, None)
        self._without.discard(image_id)
        self._changed(image_id)

    def want(self, rows: Sequence[int]) -> None:
        """Fetch thumbnails for these rows, in this order, and no longer for others not yet begun."""
        self._wanted = [
            image_id
            for image_id in (self._items[row].image_id for row in rows if 0 <= row < len(self._items))
            if image_id not in self._thumbnails and image_id not in self._without and image_id not in self._underway
        ]
        self._fetch()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._items)

    def data(self, index: AnyIndex, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        if not index.isValid() or index.row() >= len(self._items):
            return None
        item = self._items[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return " · ".join(part for part in (item.date, item.kind) if part)
        if role in (Qt.ItemDataRole.AccessibleTextRole, Qt.ItemDataRole.ToolTipRole):
            return " · ".join(part for part in (item.date, item.tooth, item.kind) if part)
        if role == THUMBNAIL_ROLE:
            return self._thumbnails.get(item.image_id)
        if role == STATE_ROLE:
            return "none" if item.image_id in self._without else "waiting"
        if role == SHOWN_ROLE:
            return item.image_id in self._shown
        return item if role == ITEM_ROLE else None

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        return flags | Qt.ItemFlag.ItemIsDragEnabled if index.isValid() else flags

    def mimeTypes(self) -> list[str]:
        return [MIME_IMAGES]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        data = QMimeData()
        rows = sorted({index.row() for index in indexes if index.isValid()})
        data.setData(MIME_IMAGES, "\n".join(self._items[row].image_id for row in rows).encode())
        return data

    def _fetch(self) -> None:
        # An answer may come before ``ask`` returns; the loop goes on then, it does not nest.
        if self._fetching:
            return
        self._fetching = True
        while self._wanted and len(self._underway) < AT_ONCE:
            image_id = self._wanted.pop(0)
            self._underway.add(image_id)
            self._calls.ask(
                ("thumbnail", id(self), image_id),
                partial(self._source.thumbnail, image_id),
                partial(self._on_thumbnail_arrived, image_id),
                partial(self._on_thumbnail_failed, image_id),
            )
        self._fetching = False

    def _on_thumbnail_arrived(self, image_id: str, jpeg: bytes | None) -> None:
        self._underway.discard(image_id)
        picture = QImage.fromData(jpeg) if jpeg else QImage()
        if picture.isNull():
            self._without.add(image_id)
        else:
            self._thumbnails[image_id] = picture
            while len(self._thumbnails) > KEPT_THUMBNAILS:
                self._thumbnails.popitem(last=False)
        self._changed(image_id)
        self._fetch()

    def _on_thumbnail_failed(self, image_id: str, _error: BitewingError) -> None:
        self._on_thumbnail_arrived(image_id, None)

    def _changed(self, image_id: str) -> None:
        row = self._rows.get(image_id, -1)
        if row >= 0:
            index = self.index(row)
            self.dataChanged.emit(index, index, [THUMBNAIL_ROLE, STATE_ROLE, SHOWN_ROLE])


def _newest_first(item: StripItem) -> tuple[bool, float, str]:
    moment = item.taken_at.timestamp() if item.taken_at else 0.0
    return item.taken_at is None, -moment, item.image_id
