"""The filmstrip widget: a horizontal, virtualised list that follows the viewer and can be dragged from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import (
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetrics, QImage, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QListView, QWidget

from app.ui.filmstrip.delegate import CAPTION_GAP, PAD, PICTURE, ThumbnailDelegate, caption_font
from app.ui.filmstrip.model import FilmstripModel, StripItem
from app.ui.viewer.look import look
from app.ui.viewer.sources import BackgroundCalls, ThumbnailSource
from app.words import t

LOOK_DELAY_MS = 30


class Filmstrip(QListView):
    """Signals: ``image_chosen(image_id)`` by a click or key, ``image_activated(image_id)`` by double click or
    Enter, ``selection_changed(image_ids)``, ``menu_requested(image_ids, place)``."""

    image_chosen = Signal(str)
    image_activated = Signal(str)
    selection_changed = Signal(list)
    menu_requested = Signal(list, QPoint)

    def __init__(self, calls: BackgroundCalls, source: ThumbnailSource, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strip = FilmstripModel(calls, source)
        self._strip.setParent(self)
        self._following = False
        self._pressed = False
        self._untold = False
        self._empty_text = t("No images yet")
        self.setModel(self._strip)
        self.setItemDelegate(ThumbnailDelegate(self))
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragEnabled(True)
        self.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setMouseTracking(True)
        self.setAccessibleName(t("Images of this patient"))
        self.setFixedHeight(self.comfortable_height())
        self.activated.connect(self._on_activated)
        self.customContextMenuRequested.connect(self._on_menu_requested)
        self._look = QTimer(self)
        self._look.setSingleShot(True)
        self._look.setInterval(LOOK_DELAY_MS)
        self._look.timeout.connect(self._on_look_timeout)
        self._tell = QTimer(self)
        self._tell.setSingleShot(True)
        self._tell.setInterval(0)
        self._tell.timeout.connect(self._on_tell_timeout)
        self.horizontalScrollBar().valueChanged.connect(self._on_scrolled)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        self.selectionModel().currentChanged.connect(self._on_current_changed)

    def comfortable_height(self) -> int:
        """Return the height one row of thumbnails and the scroll bar need."""
        bar = self.horizontalScrollBar().sizeHint().height()
        caption = 2 * QFontMetrics(caption_font(self.font())).height()
        return PICTURE.height() + 2 * PAD + CAPTION_GAP + caption + bar + 6

    def set_items(self, items: Iterable[StripItem], empty_text: str = "") -> None:
        """Take a patient's images; the chosen ones stay chosen where they are still there."""
        kept = self.selected_ids()
        self._empty_text = empty_text or t("No images yet")
        self._following = True
        self._strip.set_items(items)
        self._following = False
        if kept:
            self._select(kept)
        self._look.start()

    def order(self) -> list[str]:
        """Return the image ids as shown, newest first."""
        return [self._strip.item(row).image_id for row in range(self._strip.rowCount())]

    def selected_ids(self) -> list[str]:
        """Return the chosen images in the order of the strip."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return [self._strip.item(row).image_id for row in rows]

    def follow(self, image_ids: Sequence[str], chosen: str | None = None) -> None:
        """Mark what the viewer shows and choose the image of its chosen cell, without telling the viewer again.

        A choice of several made here stays when the chosen image is among them.
        """
        self._strip.set_shown(image_ids)
        selected = self.selected_ids()
        target = chosen or next((image_id for image_id in image_ids if image_id in selected), None)
        target = target or next(iter(image_ids), None)
        if target is not None and target not in selected:
            self._select([target])
        row = self._strip.row_of(target) if target else -1
        if row >= 0:
            self.scrollTo(self._strip.index(row))

    def _select(self, image_ids: Sequence[str]) -> None:
        rows = [row for row in (self._strip.row_of(image_id) for image_id in image_ids) if row >= 0]
        self._following = True
        chosen = QItemSelection()
        for row in rows:
            index = self._strip.index(row)
            chosen.select(index, index)
        self.selectionModel().select(chosen, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        if rows:
            first = self._strip.index(rows[0])
            self.selectionModel().setCurrentIndex(first, QItemSelectionModel.SelectionFlag.NoUpdate)
        self._following = False

    def thumbnail_of(self, image_id: str) -> QImage | None:
        """Return an image's thumbnail when it is already here."""
        return self._strip.thumbnail(image_id)

    def refresh_thumbnail(self, image_id: str) -> None:
        """Fetch one image's thumbnail again."""
        self._strip.forget_thumbnail(image_id)
        self._look.start()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self.setFixedHeight(self.comfortable_height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._look.start()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed = True
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        self._pressed = False
        if self._untold:
            self._tell.start()

    def startDrag(self, actions: Qt.DropAction) -> None:
        # What is carried to another cell must not open in the chosen one first.
        self._untold = self._pressed = False
        super().startDrag(actions)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y() or event.angleDelta().x()
        bar = self.horizontalScrollBar()
        forward = -turn if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else turn
        bar.setValue(bar.value() + round(forward))
        event.accept()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._strip.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(look().muted)
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignCenter, self._empty_text)
            painter.end()

    @Slot(int)
    def _on_scrolled(self, _value: int) -> None:
        # Not connected to QTimer.start itself: that would take the value for milliseconds.
        self._look.start()

    @Slot()
    def _on_look_timeout(self) -> None:
        self._strip.want(_rows_in_sight(self))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        # Qt changes the selection only after this: told now, the viewer's answer would be toggled off again.
        if current.isValid() and not self._following:
            self._untold = True
            if not self._pressed:
                self._tell.start()

    @Slot()
    def _on_tell_timeout(self) -> None:
        current = self.currentIndex()
        if self._untold and current.isValid():
            self._untold = False
            self.image_chosen.emit(self._strip.item(current.row()).image_id)

    @Slot()
    def _on_selection_changed(self) -> None:
        if not self._following:
            self.selection_changed.emit(self.selected_ids())

    @Slot(QModelIndex)
    def _on_activated(self, index: QModelIndex) -> None:
        self.image_activated.emit(self._strip.item(index.row()).image_id)

    @Slot(QPoint)
    def _on_menu_requested(self, place: QPoint) -> None:
        self.menu_requested.emit(self.selected_ids(), self.viewport().mapToGlobal(place))


def _rows_in_sight(strip: QListView) -> list[int]:
    """Return the rows to fetch: what is in sight first, then a screen ahead, then a few behind."""
    model = strip.model()
    count = model.rowCount()
    if not count:
        return []
    sight = strip.viewport().rect()
    forward = strip.layoutDirection() == Qt.LayoutDirection.LeftToRight
    edge = QPoint(sight.left() + PAD if forward else sight.right() - PAD, sight.center().y())
    first = max(strip.indexAt(edge).row(), 0)
    step = max(strip.sizeHintForIndex(model.index(0, 0)).width(), 1)
    shown = sight.width() // step + 2
    ahead = list(range(first, min(first + 2 * shown, count)))
    return ahead + list(range(first - 1, max(first - 1 - shown // 2, -1), -1))
