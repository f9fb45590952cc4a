"""Mouse, wheel and touch over one canvas, turned into states. Watches events; paints nothing.

Right-drag levels, middle-drag pans, the left button does what the chosen tool says. A right click without
movement asks for the context menu.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, cast

from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QGestureEvent, QPinchGesture

from app.ui.viewer.canvas import Canvas
from app.ui.viewer.sources import ViewerItem
from app.ui.viewer.tools import Tool, level_dragged, pan_dragged, toggled_fit, zoom_dragged, zoom_stepped
from app.ui.viewer.view_state import Level, ViewState

NOTCH = 120
STILL = 4


class GestureTarget(Protocol):
    """The cell whose state the gestures change."""

    canvas: Canvas
    item: ViewerItem | None
    tool: Tool

    @property
    def state(self) -> ViewState:
        """The state on show."""

    @property
    def has_picture(self) -> bool:
        """Whether there is something to adjust."""

    def level(self) -> Level:
        """Return the window in force."""

    def level_span(self) -> float:
        """Return the width of the file's own window."""

    def show_state(self, state: ViewState) -> None:
        """Show a state without recording it."""

    def commit(self, state: ViewState) -> None:
        """Show and record a state."""


@dataclass
class _Drag:
    tool: Tool
    button: Qt.MouseButton
    start: QPointF
    state: ViewState
    level: Level
    moved: bool = False


class Gestures(QObject):
    """Installs itself on a cell's canvas.

    Signals: ``pressed(cell)`` for any button or wheel, ``stepped(steps)`` by the wheel,
    ``maximise_requested(cell)``, ``menu_requested(item, place)``.
    """

    pressed = Signal(object)
    stepped = Signal(int)
    maximise_requested = Signal(object)
    menu_requested = Signal(object, QPoint)

    def __init__(self, target: GestureTarget, wheel_zooms: bool = False) -> None:
        super().__init__(target.canvas)
        self._target = target
        self._drag: _Drag | None = None
        self._wheel = 0
        self._pinch_start: ViewState | None = None
        self.wheel_zooms = wheel_zooms
        target.canvas.grabGesture(Qt.GestureType.PinchGesture)
        target.canvas.installEventFilter(self)

    def begin_pinch(self) -> None:
        """Take the state from which a pinch scales."""
        self._pinch_start, self._drag = self._target.state, None

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        handler = {
            QEvent.Type.MouseButtonPress: self._pressed,
            QEvent.Type.MouseMove: self._moved,
            QEvent.Type.MouseButtonRelease: self._released,
            QEvent.Type.MouseButtonDblClick: self._double_clicked,
            QEvent.Type.Wheel: self._wheeled,
            QEvent.Type.Gesture: self._pinched,
            QEvent.Type.NativeGesture: self._pad_pinched,
        }.get(event.type())
        return handler(event) if handler else False

    def _device(self, point: QPointF) -> tuple[float, float]:
        ratio = self._target.canvas.devicePixelRatioF()
        return point.x() * ratio, point.y() * ratio

    def _pressed(self, event: QEvent) -> bool:
        mouse = cast("QMouseEvent", event)
        self.pressed.emit(self._target)
        tools = {
            Qt.MouseButton.RightButton: Tool.WINDOW,
            Qt.MouseButton.MiddleButton: Tool.PAN,
            Qt.MouseButton.LeftButton: self._target.tool,
        }
        tool = tools.get(mouse.button())
        if tool is None or self._drag is not None or not self._target.has_picture:
            return False
        self._drag = _Drag(tool, mouse.button(), mouse.position(), self._target.state, self._target.level())
        return True

    def _moved(self, event: QEvent) -> bool:
        drag = self._drag
        if drag is None:
            return False
        position = cast("QMouseEvent", event).position()
        change = position - drag.start
        if not drag.moved and change.manhattanLength() < STILL:
            return True
        drag.moved = True
        geometry = self._target.canvas.view_geometry(drag.state)
        ratio = self._target.canvas.devicePixelRatioF()
        if drag.tool is Tool.WINDOW:
            state = level_dragged(drag.state, drag.level, self._target.level_span(), change.x(), change.y())
        elif drag.tool is Tool.PAN:
            state = pan_dragged(geometry, change.x() * ratio, change.y() * ratio)
        else:
            state = zoom_dragged(geometry, self._device(drag.start), change.y())
        self._target.show_state(state)
        return True

    def _released(self, event: QEvent) -> bool:
        mouse, drag = cast("QMouseEvent", event), self._drag
        if drag is None or mouse.button() != drag.button:
            return False
        self._drag = None
        if drag.moved:
            self._target.commit(self._target.state)
        elif drag.button == Qt.MouseButton.RightButton:
            self.menu_requested.emit(self._target.item, mouse.globalPosition().toPoint())
        return True

    def _double_clicked(self, event: QEvent) -> bool:
        mouse = cast("QMouseEvent", event)
        if mouse.button() == Qt.MouseButton.LeftButton:
            self.maximise_requested.emit(self._target)
            return True
        if mouse.button() == Qt.MouseButton.MiddleButton and self._target.has_picture:
            self._target.commit(toggled_fit(self._target.canvas.view_geometry(), self._device(mouse.position())))
            return True
        return False

    def _wheeled(self, event: QEvent) -> bool:
        wheel = cast("QWheelEvent", event)
        self.pressed.emit(self._target)
        turn = wheel.angleDelta().y() or wheel.angleDelta().x()
        zooms = bool(wheel.modifiers() & Qt.KeyboardModifier.ControlModifier) != self.wheel_zooms
        if zooms:
            if self._target.has_picture:
                geometry = self._target.canvas.view_geometry()
                self._target.commit(zoom_stepped(geometry, turn / NOTCH, self._device(wheel.position())))
            return True
        # Fine wheels and pads send parts of a notch; a step is a whole one.
        self._wheel += turn
        steps = int(self._wheel / NOTCH)
        if steps:
            self._wheel -= steps * NOTCH
            self.stepped.emit(-steps)
        return True

    def _pinched(self, event: QEvent) -> bool:
        pinch = cast("QGestureEvent", event).gesture(Qt.GestureType.PinchGesture)
        if not isinstance(pinch, QPinchGesture) or not self._target.has_picture:
            return False
        if pinch.state() == Qt.GestureState.GestureStarted:
            self.begin_pinch()
        if self._pinch_start is None:
            return False
        geometry = self._target.canvas.view_geometry(self._pinch_start)
        centre = QPointF(self._target.canvas.mapFromGlobal(pinch.centerPoint().toPoint()))
        state = geometry.zoom_at(geometry.scale * pinch.totalScaleFactor(), *self._device(centre))
        if pinch.state() == Qt.GestureState.GestureFinished:
            self._pinch_start = None
            self._target.commit(state)
        else:
            self._target.show_state(state)
        return True

    def _pad_pinched(self, event: QEvent) -> bool:
        native = cast("QNativeGestureEvent", event)
        if native.gestureType() != Qt.NativeGestureType.ZoomNativeGesture or not self._target.has_picture:
            return False
        geometry = self._target.canvas.view_geometry()
        zoom = geometry.scale * (1 + native.value())
        self._target.commit(geometry.zoom_at(zoom, *self._device(native.position())))
        return True
