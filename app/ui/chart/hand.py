"""Mouse, keyboard and drops over the tooth chart, turned into its wishes. Watches events; paints nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, cast

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, SignalInstance
from PySide6.QtGui import QDropEvent, QFocusEvent, QHelpEvent, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.ui.viewer.drops import dropped_ids
from app.ui.viewer.sources import MIME_IMAGES

DRAG_FROM = 5


@dataclass(frozen=True)
class ChartMarks:
    """What the hand does just now: tooth under the pointer, tooth a drop would reach, rubber band, keyboard."""

    hovered: str = ""
    receiving: str = ""
    band: QRectF | None = None
    by_key: bool = False


class HandledChart(Protocol):
    """The chart as its input sees it."""

    focused: str
    tooth_activated: SignalInstance
    files_dropped: SignalInstance
    images_dropped: SignalInstance

    @property
    def chosen(self) -> tuple[str, ...]:
        """The teeth that filter."""

    def tooth_at(self, point: QPointF) -> str:
        """Return the tooth under a point."""

    def teeth_in(self, box: QRectF) -> tuple[str, ...]:
        """Return the teeth a rectangle touches."""

    def describe(self, tooth: str) -> str:
        """Return a tooth in words."""

    def show_marks(self, marks: ChartMarks) -> None:
        """Show what the hand does."""

    def choose(self, teeth: tuple[str, ...]) -> None:
        """Filter by these teeth."""

    def toggle(self, tooth: str, *, adds: bool) -> None:
        """Choose or unchoose a tooth."""

    def move_focus(self, across: int, down: int, *, extends: bool) -> None:
        """Go to another tooth."""


_MOVES = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
_ADDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


class ChartInput(QObject):
    """Installs itself on a chart."""

    def __init__(self, chart: HandledChart) -> None:
        widget = cast("QWidget", chart)
        super().__init__(widget)
        self._chart, self._widget = chart, widget
        self._marks = ChartMarks()
        self._start: QPointF | None = None
        widget.setMouseTracking(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        handler = {
            QEvent.Type.MouseButtonPress: self._pressed,
            QEvent.Type.MouseMove: self._moved,
            QEvent.Type.MouseButtonRelease: self._released,
            QEvent.Type.MouseButtonDblClick: self._double_clicked,
            QEvent.Type.Leave: self._left,
            QEvent.Type.KeyPress: self._key_pressed,
            QEvent.Type.ToolTip: self._asked,
            QEvent.Type.FocusIn: self._focus_changed,
            QEvent.Type.FocusOut: self._focus_changed,
        }.get(event.type())
        return handler(event) if handler else False

    def _show(self, marks: ChartMarks) -> None:
        self._marks = marks
        self._chart.show_marks(marks)

    def _pressed(self, event: QEvent) -> bool:
        mouse = cast("QMouseEvent", event)
        if mouse.button() == Qt.MouseButton.LeftButton:
            self._start = mouse.position()
            self._show(replace(self._marks, by_key=False))
        return False

    def _moved(self, event: QEvent) -> bool:
        place = cast("QMouseEvent", event).position()
        tooth = self._chart.tooth_at(place)
        band = QRectF(self._start, place).normalized() if self._start is not None else None
        self._widget.setCursor(Qt.CursorShape.PointingHandCursor if tooth else Qt.CursorShape.ArrowCursor)
        self._show(replace(self._marks, hovered=tooth, band=band))
        return False

    def _released(self, event: QEvent) -> bool:
        mouse = cast("QMouseEvent", event)
        if self._start is None or mouse.button() != Qt.MouseButton.LeftButton:
            return False
        box, self._start = QRectF(self._start, mouse.position()).normalized(), None
        self._show(replace(self._marks, band=None))
        adds = bool(mouse.modifiers() & _ADDING)
        if max(box.width(), box.height()) > DRAG_FROM:
            touched = self._chart.teeth_in(box)
            self._chart.choose((*self._chart.chosen, *touched) if adds else touched)
            return True
        tooth = self._chart.tooth_at(box.topLeft())
        if tooth:
            self._chart.toggle(tooth, adds=adds)
        elif self._chart.chosen:
            self._chart.choose(())
        return True

    def _double_clicked(self, event: QEvent) -> bool:
        mouse = cast("QMouseEvent", event)
        tooth = self._chart.tooth_at(mouse.position())
        if tooth and mouse.button() == Qt.MouseButton.LeftButton:
            self._chart.choose((tooth,))
            self._chart.tooth_activated.emit(tooth)
        return True

    def _left(self, _event: QEvent) -> bool:
        self._show(replace(self._marks, hovered=""))
        return False

    def _key_pressed(self, event: QEvent) -> bool:
        press = cast("QKeyEvent", event)
        key = Qt.Key(press.key())
        control = bool(press.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if key in _MOVES:
            self._show(replace(self._marks, by_key=True))
            self._chart.move_focus(*_MOVES[key], extends=bool(press.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space:
            self._chart.toggle(self._chart.focused, adds=control)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._chart.choose((self._chart.focused,))
            self._chart.tooth_activated.emit(self._chart.focused)
        elif key == Qt.Key.Key_Escape and self._chart.chosen:
            self._chart.choose(())
        else:
            return False
        return True

    def _asked(self, event: QEvent) -> bool:
        asked = cast("QHelpEvent", event)
        tooth = self._chart.tooth_at(QPointF(asked.pos()))
        if tooth:
            QToolTip.showText(asked.globalPos(), self._chart.describe(tooth), self._widget)
        else:
            QToolTip.hideText()
        return True

    def _focus_changed(self, event: QEvent) -> bool:
        by_key = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
        got = event.type() == QEvent.Type.FocusIn
        self._show(replace(self._marks, by_key=got and cast("QFocusEvent", event).reason() in by_key))
        return False


class ChartDrops(QObject):
    """Files and images dropped on a tooth."""

    def __init__(self, chart: HandledChart) -> None:
        widget = cast("QWidget", chart)
        super().__init__(widget)
        self._chart = chart
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DragLeave:
            self._chart.show_marks(ChartMarks())
            return False
        if not isinstance(event, QDropEvent):
            return False
        data = event.mimeData()
        if not (data.hasFormat(MIME_IMAGES) or data.hasUrls()):
            return False
        tooth = self._chart.tooth_at(event.position())
        if event.type() == QEvent.Type.DragEnter or tooth:
            event.acceptProposedAction()
        else:
            event.ignore()
        dropping = event.type() == QEvent.Type.Drop
        self._chart.show_marks(ChartMarks(receiving="" if dropping else tooth))
        if dropping and tooth:
            self._dropped(tooth, event)
        return True

    def _dropped(self, tooth: str, event: QDropEvent) -> None:
        ids = dropped_ids(event.mimeData())
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        if ids:
            self._chart.images_dropped.emit(tooth, ids)
        elif paths:
            self._chart.files_dropped.emit(tooth, paths)
