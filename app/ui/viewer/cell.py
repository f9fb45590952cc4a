"""One cell of the light table: a canvas, the state and history of its image, its frames, its failures.

Follows the newest request only; keeps the last picture while the next frame of the same image is on its way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QTimer, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.viewer.busy import busy_notice
from app.ui.viewer.canvas import Canvas
from app.ui.viewer.corner_text import CornerTexts, corner_texts
from app.ui.viewer.drops import ImageDrops
from app.ui.viewer.frame_bar import FrameBar
from app.ui.viewer.gestures import Gestures
from app.ui.viewer.lazy import pixels
from app.ui.viewer.loader import FrameLoader
from app.ui.viewer.overlay_paint import Notice
from app.ui.viewer.sources import ViewerItem
from app.ui.viewer.tools import Tool
from app.ui.viewer.view_history import ViewHistory
from app.ui.viewer.view_state import Level, ViewState
from app.words import t

if TYPE_CHECKING:
    from app.core.errors import BitewingError
    from app.imaging.frame import DisplayFrame

BUSY_AFTER_MS = 150
PREVIEW_ABOVE_PIXELS = 3_000_000

Explain = Callable[["BitewingError"], tuple[str, str]]
"""Turns an error into a title and a sentence of what to do."""


class ViewerCell(QWidget):
    """Shows one image. Signals carry the cell itself where the receiver needs it."""

    chosen = Signal(object)
    state_changed = Signal(object)
    frame_shown = Signal(object)
    failed = Signal(str, object)
    step_requested = Signal(object, int)
    maximise_requested = Signal(object)
    menu_requested = Signal(object, QPoint)
    images_dropped = Signal(object, list)

    def __init__(self, loader: FrameLoader, explain: Explain, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = loader
        self._explain = explain
        self.item: ViewerItem | None = None
        self.history = ViewHistory()
        self.frame: DisplayFrame | None = None
        self._state = ViewState()
        self.tool = Tool.WINDOW
        self._preview = False
        self._corner_text = True
        self._thumbnail: QImage | None = None
        self.preview_above = PREVIEW_ABOVE_PIXELS
        self.canvas = Canvas(self)
        self.canvas.resized.connect(self._write_texts)
        self.bar = FrameBar(self)
        self.bar.frame_chosen.connect(self.go_to_frame)
        self.gestures = Gestures(self)
        self.gestures.pressed.connect(self.chosen)
        self.gestures.stepped.connect(self.step)
        self.gestures.maximise_requested.connect(self.maximise_requested)
        self.gestures.menu_requested.connect(self.menu_requested)
        self._drops = ImageDrops(self)
        self._drops.dropped.connect(self._on_drops_dropped)
        self._drops.hovered.connect(self.canvas.set_receiving)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.canvas, 1)
        column.addWidget(self.bar)
        self._busy = QTimer(self)
        self._busy.setSingleShot(True)
        self._busy.setInterval(BUSY_AFTER_MS)
        self._busy.timeout.connect(self._on_busy_timeout)
        self.clear()

    @property
    def state(self) -> ViewState:
        """The state on show."""
        return self._state

    @property
    def has_picture(self) -> bool:
        """Whether there is something to adjust."""
        return self.frame is not None

    def clear(self) -> None:
        """Show the empty cell."""
        self._loader.forget(self)
        self._busy.stop()
        self.item, self.frame, self._preview = None, None, False
        self.history, self._state = ViewHistory(), ViewState()
        self.bar.set_frames(1, None)
        self.canvas.set_frame(None)
        self.canvas.set_texts(CornerTexts())
        self.canvas.set_notice(Notice(t("No image here"), t("Choose one in the filmstrip or drag it in.")))
        self.canvas.setAccessibleName(t("Empty cell"))
        self.state_changed.emit(self)

    def update_item(self, item: ViewerItem) -> None:
        """Take newer texts of the image on show; fetch it again only where the file is another."""
        if self.item is None or item == self.item:
            return
        if item.sha256 != self.item.sha256 or not self.has_picture:
            self.show_item(item, self.history)
        else:
            self.item = item
            self._write_texts()

    def show_item(self, item: ViewerItem, history: ViewHistory | None = None, thumbnail: QImage | None = None) -> None:
        """Show an image, with the adjustments it had when it was last looked at.

        ``thumbnail`` stands dimly in its place until the picture is there.
        """
        self.item, self.history = item, history or ViewHistory()
        self._state = self.history.current
        self.frame, self._preview = None, False
        self.bar.set_frames(item.frames, None)
        self.canvas.set_frame(None)
        self.canvas.set_state(self._state)
        self.canvas.set_texts(CornerTexts())
        self._thumbnail = None if self._state.is_turned else thumbnail
        self.canvas.set_notice(None, self._thumbnail)
        self.canvas.setAccessibleName(" ".join(part for part in (item.patient, item.tooth, item.kind, item.date)))
        self._busy.start()
        self._request(self._state.frame)

    @Slot()
    def reload(self) -> None:
        """Fetch the image again, for instance after it was repaired."""
        if self.item is not None:
            self._loader.cache.drop_image(self.item.sha256)
            self.show_item(self.item, self.history)

    def set_corner_text(self, shown: bool) -> None:
        """Show or hide the texts over the picture; badges stay."""
        self._corner_text = shown
        self._write_texts()

    def level(self) -> Level:
        """Return the window in force."""
        if self.frame is None:
            return Level(127.5, 255.0)
        level: Level = pixels().level_of(self.frame, self._state)
        return level

    def level_span(self) -> float:
        """Return the width of the file's own window."""
        return self.frame.default_window.width if self.frame is not None else 255.0

    def show_state(self, state: ViewState) -> None:
        """Show a state without recording it (a gesture in progress)."""
        self._apply(state, moving=True)

    def commit(self, state: ViewState) -> None:
        """Show and record a state."""
        self.history.record(state)
        self._apply(state, moving=False)

    def step_history(self, *, back: bool) -> None:
        """Take the last adjustment back, or make it again."""
        frame = self._state.frame
        self._apply(self.history.undo(frame) if back else self.history.redo(frame), moving=False)

    @Slot(int)
    def go_to_frame(self, index: int) -> None:
        """Show another frame of the image."""
        if self.item is None:
            return
        state = self._state.at_frame(index, self.item.frames)
        if state.frame == self._state.frame and self.frame is not None:
            return
        self._request(state.frame)

    @Slot(int)
    def step(self, steps: int) -> None:
        """Go to another frame of an image that has several, else ask for another image."""
        if self.item is not None and self.item.frames > 1:
            self.go_to_frame(self._state.frame + steps)
        else:
            self.step_requested.emit(self, steps)

    @Slot(list)
    def _on_drops_dropped(self, image_ids: list[str]) -> None:
        self.images_dropped.emit(self, image_ids)

    def _request(self, index: int) -> None:
        item = self.item
        if item is None:
            return
        preview = None
        if self.frame is None and (item.rows or 0) * (item.columns or 0) > self.preview_above:
            ratio = self.canvas.devicePixelRatioF()
            preview = round(self.canvas.width() * ratio), round(self.canvas.height() * ratio)
        arrived = partial(self._on_frame_arrived, item, index)
        self._loader.request(self, item, index, preview, arrived, partial(self._on_frame_failed, item))

    def _on_frame_arrived(self, item: ViewerItem, index: int, frame: DisplayFrame, preview: bool) -> None:
        if item is not self.item:
            return
        self._busy.stop()
        first = self.frame is None or self._preview
        self.frame, self._preview = frame, preview
        full = (item.columns, item.rows) if item.columns and item.rows and preview else None
        self.canvas.set_frame(frame, full)
        self.canvas.set_notice(None)
        if first:
            self.bar.set_frames(frame.frames, frame.frame_time_ms)
        self.bar.show_frame(index)
        # Coming back to the image means coming back to this frame; that is no step to undo.
        self.history.record(replace(self.history.current, frame=index))
        self._apply(self._state.at_frame(index, max(frame.frames, item.frames)), moving=False)
        self.frame_shown.emit(self)

    def _on_frame_failed(self, item: ViewerItem, error: BitewingError) -> None:
        if item is not self.item:
            return
        self._busy.stop()
        self.bar.stop()
        self.frame = None
        self.canvas.set_frame(None)
        self.canvas.set_notice(Notice(*self._explain(error), tone="danger"))
        self.failed.emit(item.image_id, error)
        self.state_changed.emit(self)

    @Slot()
    def _on_busy_timeout(self) -> None:
        if self.frame is None and self.item is not None:
            came = self._loader.fetching(self.item.image_id)
            self.canvas.set_notice(busy_notice(came), self._thumbnail)
            # Looked at again for as long as the picture is not there.
            self._busy.start()

    def _apply(self, state: ViewState, *, moving: bool) -> None:
        self._state = state
        self.canvas.set_state(state, moving=moving)
        self._write_texts()
        self.state_changed.emit(self)

    @Slot()
    def _write_texts(self) -> None:
        if self.frame is None or self.item is None:
            return
        geometry = self.canvas.view_geometry()
        texts = corner_texts(
            self.item,
            self._state,
            self.frame,
            self.level(),
            geometry.scale,
            self.canvas.devicePixelRatioF(),
            self._preview,
        )
        self.canvas.set_texts(texts if self._corner_text else CornerTexts(badges=texts.badges))
