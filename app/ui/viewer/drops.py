"""Drops of images from the filmstrip or the tree onto a widget. Reads ids; decides nothing."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QMimeData, QObject, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from app.ui.viewer.sources import MIME_IMAGES


class ImageDrops(QObject):
    """Makes a widget take images. Signals: ``dropped(image_ids)``, ``hovered(over)`` while a drag is above it."""

    dropped = Signal(list)
    hovered = Signal(bool)

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DragLeave:
            self.hovered.emit(False)
            return False
        if not isinstance(event, QDropEvent) or not event.mimeData().hasFormat(MIME_IMAGES):
            return False
        event.acceptProposedAction()
        self.hovered.emit(event.type() != QEvent.Type.Drop)
        if event.type() == QEvent.Type.Drop:
            ids = dropped_ids(event.mimeData())
            if ids:
                self.dropped.emit(ids)
        return True


def dropped_ids(data: QMimeData) -> list[str]:
    """Return the image ids of a drag, in their order."""
    if not data.hasFormat(MIME_IMAGES):
        return []
    return [line for line in bytes(data.data(MIME_IMAGES).data()).decode("utf-8").splitlines() if line]
