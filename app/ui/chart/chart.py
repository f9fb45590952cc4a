"""The tooth chart: shows which teeth have images, filters by click, opens by double click, takes drops.

Holds no images; counts come in, wishes go out as signals. Never mirrored: the patient's right stays left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.domain.tooth import Notation, format_tooth, ordered
from app.ui.chart.painting import ToothLook, paint_band, paint_tooth
from app.ui.chart.placing import ChartPlaces, chart_places, in_rectangle, neighbour, shows_primary
from app.ui.viewer.cell import dropped_ids
from app.ui.viewer.look import look
from app.ui.viewer.sources import MIME_IMAGES
from app.words import t, tn
from app.words.terms import tooth_name

WIDEST = 620


class PrimaryRows(StrEnum):
    """When the primary teeth are drawn."""

    AUTO = "auto"
    SHOWN = "shown"
    HIDDEN = "hidden"


class ToothChart(QWidget):
    """Signals: ``teeth_chosen(teeth)`` (empty tuple: no filter), ``tooth_activated(tooth)``,
    ``files_dropped(tooth, paths)``, ``images_dropped(tooth, image_ids)``, ``tooth_hovered(tooth | "")``."""

    teeth_chosen = Signal(tuple)
    tooth_activated = Signal(str)
    tooth_hovered = Signal(str)
    files_dropped = Signal(str, list)
    images_dropped = Signal(str, list)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._notation = Notation.FDI
        self._counts: dict[str, int] = {}
        self._chosen: tuple[str, ...] = ()
        self._hovered = ""
        self._focused = "8"
        self._by_key = False
        self._drop = ""
        self._rows = PrimaryRows.AUTO
        self._band: tuple[QPointF, QPointF] | None = None
        self._places: ChartPlaces = chart_places(280, 14, primary=False)
        self.setMouseTracking(True)
        self.setAcceptDrops(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(t("Tooth chart"))
        self._arrange()

    def set_counts(self, counts: Mapping[str, int]) -> None:
        """Take the number of images that show each tooth (Universal numbers)."""
        self._counts = {tooth: count for tooth, count in counts.items() if count > 0}
        self._arrange()

    def set_notation(self, notation: Notation) -> None:
        """Show numbers in another system."""
        self._notation = notation
        self.update()

    def set_primary_rows(self, rows: PrimaryRows) -> None:
        """Show the primary teeth always, never, or when there are images of them."""
        self._rows = rows
        self._arrange()

    @property
    def has_primary_rows(self) -> bool:
        """Whether the primary teeth are drawn now."""
        if self._rows is PrimaryRows.AUTO:
            return shows_primary(frozenset(self._counts) | frozenset(self._chosen))
        return self._rows is PrimaryRows.SHOWN

    @property
    def chosen(self) -> tuple[str, ...]:
        """The teeth that filter."""
        return self._chosen

    def set_chosen(self, teeth: Iterable[str]) -> None:
        """Show another choice without telling anybody."""
        self._chosen = ordered(teeth)
        if self._chosen:
            self._focused = self._chosen[0]
        self._arrange()

    def place_of(self, tooth: str) -> QRect:
        """Return a tooth's box in the widget, invalid when its row is not drawn."""
        place = self._places.place(tooth)
        if place is None:
            return QRect()
        return QRectF(place.x + self._offset(), place.y, place.width, place.height).toRect()

    def describe(self, tooth: str) -> str:
        """Return number, name and count of a tooth, for tool tips and screen readers."""
        count = self._counts.get(tooth, 0)
        return t(
            "{number} · {name} · {count}",
            number=format_tooth(tooth, self._notation),
            name=tooth_name(tooth),
            count=tn("{n} image", "{n} images", count) if count else t("no images"),
        )

    def sizeHint(self) -> QSize:
        return QSize(280, self.heightForWidth(280))

    def heightForWidth(self, width: int) -> int:
        inner = min(width, WIDEST) - 2
        return int(chart_places(inner, self._label_height(), primary=self.has_primary_rows).height + 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._offset(), 0)
        focus = self.hasFocus() and self._by_key
        narrowest = min(place.width for place in self._places.places)
        size = max(min(int(self._places.label_height * 0.9), int(narrowest * 0.68)), 8)
        for place in self._places.places:
            state = ToothLook(
                number=format_tooth(place.tooth, self._notation),
                number_px=size,
                count=self._counts.get(place.tooth, 0),
                chosen=place.tooth in self._chosen,
                hovered=place.tooth == self._hovered,
                focused=focus and place.tooth == self._focused,
                receiving=place.tooth == self._drop,
            )
            paint_tooth(painter, place, self._places.label_height, state, look())
        if self._band:
            paint_band(painter, QRectF(*self._band).normalized(), look())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._by_key = False
        if event.button() == Qt.MouseButton.LeftButton:
            start = self._inner(event.position())
            self._band = (start, start)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._inner(event.position())
        if self._band is not None:
            self._band = (self._band[0], place)
            self.update()
        self._hover(self._places.at(place.x(), place.y()) or "")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._band is None or event.button() != Qt.MouseButton.LeftButton:
            return
        box, self._band = QRectF(*self._band).normalized(), None
        adds = bool(event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier))
        if max(box.width(), box.height()) > 5:
            touched = in_rectangle(self._places, box.left(), box.top(), box.right(), box.bottom())
            self._choose((*self._chosen, *touched) if adds else touched)
            return
        tooth = self._places.at(box.left(), box.top())
        self.update()
        if tooth:
            self._toggle(tooth, adds=adds)
        elif self._chosen:
            self._choose(())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        place = self._inner(event.position())
        tooth = self._places.at(place.x(), place.y())
        if tooth and event.button() == Qt.MouseButton.LeftButton:
            self._choose((tooth,))
            self.tooth_activated.emit(tooth)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._hover("")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        moves = {
            Qt.Key.Key_Left: (-1, 0),
            Qt.Key.Key_Right: (1, 0),
            Qt.Key.Key_Up: (0, -1),
            Qt.Key.Key_Down: (0, 1),
        }
        key = Qt.Key(event.key())
        self._by_key = True
        if key in moves:
            self._move_focus(*moves[key], extends=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key == Qt.Key.Key_Space:
            self._toggle(self._focused, adds=bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose((self._focused,))
            self.tooth_activated.emit(self._focused)
        elif key == Qt.Key.Key_Escape and self._chosen:
            self._choose(())
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            place = self._inner(QPointF(event.pos()))
            tooth = self._places.at(place.x(), place.y())
            if tooth:
                QToolTip.showText(event.globalPos(), self.describe(tooth), self)
            else:
                QToolTip.hideText()
            return True
        if isinstance(event, QFocusEvent):
            self._by_key = event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)
            self.update()
        return super().event(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(MIME_IMAGES) or event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dragMoveEvent(self, event: QDragMoveEvent) -> None:
        place = self._inner(event.position())
        self._drop = self._places.at(place.x(), place.y()) or ""
        self.update()
        if self._drop:
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        super().dragLeaveEvent(event)
        self._drop = ""
        self.update()

    def dropEvent(self, event: QDropEvent) -> None:
        place = self._inner(event.position())
        tooth, self._drop = self._places.at(place.x(), place.y()), ""
        self.update()
        if not tooth:
            return
        ids = dropped_ids(event.mimeData())
        paths = [url.toLocalFile() for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        if ids:
            self.images_dropped.emit(tooth, ids)
        elif paths:
            self.files_dropped.emit(tooth, paths)

    def _label_height(self) -> float:
        return self.fontMetrics().height() * 0.82

    def _offset(self) -> float:
        return (self.width() - min(self.width(), WIDEST)) / 2 + 1

    def _inner(self, point: QPointF) -> QPointF:
        return QPointF(point.x() - self._offset(), point.y())

    def _arrange(self) -> None:
        inner = max(min(self.width(), WIDEST) - 2, 100)
        self._places = chart_places(inner, self._label_height(), primary=self.has_primary_rows)
        if self._places.place(self._focused) is None:
            self._focused = "8"
        self.setFixedHeight(int(self._places.height + 1))
        self.update()

    def _hover(self, tooth: str) -> None:
        if tooth != self._hovered:
            self._hovered = tooth
            self.setCursor(Qt.CursorShape.PointingHandCursor if tooth else Qt.CursorShape.ArrowCursor)
            self.tooth_hovered.emit(tooth)
            self.update()

    def _toggle(self, tooth: str, *, adds: bool) -> None:
        self._focused = tooth
        if adds:
            rest = tuple(other for other in self._chosen if other != tooth)
            self._choose(rest if tooth in self._chosen else (*rest, tooth))
        else:
            self._choose(() if self._chosen == (tooth,) else (tooth,))

    def _choose(self, teeth: Iterable[str]) -> None:
        self.set_chosen(teeth)
        self._announce()
        self.teeth_chosen.emit(self._chosen)

    def _move_focus(self, across: int, down: int, *, extends: bool) -> None:
        before = self._focused
        self._focused = neighbour(self._focused, across, down, primary=self.has_primary_rows)
        if extends:
            focused = self._focused
            self._choose((*self._chosen, before, focused))
            self._focused = focused
        place = self._places.place(self._focused)
        if place and not extends:
            spot = QPoint(int(place.x + self._offset()), int(place.y))
            QToolTip.showText(self.mapToGlobal(spot), self.describe(self._focused), self)
        self._announce()
        self.update()

    def _announce(self) -> None:
        self.setAccessibleDescription(self.describe(self._focused))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))
