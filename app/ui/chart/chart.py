"""The tooth chart: shows which teeth have images, filters by click, opens by double click, takes drops.

Holds no images; counts come in, wishes go out as signals. Never mirrored: the patient's right stays left.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import (
    QAccessible,
    QAccessibleEvent,
    QAction,
    QContextMenuEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from app.domain.tooth import Notation, format_tooth, ordered
from app.ui.chart.hand import ChartDrops, ChartInput, ChartMarks
from app.ui.chart.painting import ToothLook, paint_band, paint_tooth
from app.ui.chart.placing import ChartPlaces, chart_places, in_rectangle, neighbour, shows_primary
from app.ui.viewer.look import look
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
        self.focused = "8"
        self._marks = ChartMarks()
        self._rows = PrimaryRows.AUTO
        self._places: ChartPlaces = chart_places(280, 14, primary=False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.setAccessibleName(t("Tooth chart"))
        self._arrange()
        self._input = ChartInput(self)
        self._drops = ChartDrops(self)

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
            self.focused = self._chosen[0]
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
        return int(chart_places(inner, _label_height(self), primary=self.has_primary_rows).height + 1)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(self._offset(), 0)
        marks = self._marks
        narrowest = min(place.width for place in self._places.places)
        size = max(min(int(self._places.label_height * 0.9), int(narrowest * 0.68)), 8)
        for place in self._places.places:
            state = ToothLook(
                number=format_tooth(place.tooth, self._notation),
                number_px=size,
                count=self._counts.get(place.tooth, 0),
                chosen=place.tooth in self._chosen,
                hovered=place.tooth == marks.hovered,
                focused=marks.by_key and place.tooth == self.focused,
                receiving=place.tooth == marks.receiving,
            )
            paint_tooth(painter, place, self._places.label_height, state, look())
        if marks.band is not None:
            paint_band(painter, marks.band.translated(-self._offset(), 0), look())
        painter.end()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        choices = (
            (PrimaryRows.AUTO, t("Primary teeth when there are images")),
            (PrimaryRows.SHOWN, t("Always show primary teeth")),
            (PrimaryRows.HIDDEN, t("Never show primary teeth")),
        )
        for rows, text in choices:
            action = menu.addAction(text)
            action.setCheckable(True)
            action.setChecked(rows is self._rows)
            action.setData(rows)
        menu.triggered.connect(self._on_menu_triggered)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(event.globalPos())

    @Slot(QAction)
    def _on_menu_triggered(self, action: QAction) -> None:
        self.set_primary_rows(PrimaryRows(action.data()))

    def tooth_at(self, point: QPointF) -> str:
        """Return the tooth under a point of the widget, empty for none."""
        return self._places.at(point.x() - self._offset(), point.y()) or ""

    def teeth_in(self, box: QRectF) -> tuple[str, ...]:
        """Return the teeth a rectangle of the widget touches."""
        inner = box.translated(-self._offset(), 0)
        return in_rectangle(self._places, inner.left(), inner.top(), inner.right(), inner.bottom())

    def show_marks(self, marks: ChartMarks) -> None:
        """Show what the hand does just now."""
        if marks != self._marks:
            if marks.hovered != self._marks.hovered:
                self.tooth_hovered.emit(marks.hovered)
            self._marks = marks
            self.update()

    def choose(self, teeth: Iterable[str]) -> None:
        """Filter by these teeth and say so."""
        self.set_chosen(teeth)
        self._announce()
        self.teeth_chosen.emit(self._chosen)

    def toggle(self, tooth: str, *, adds: bool) -> None:
        """Choose or unchoose a tooth, beside the others when it ``adds``."""
        if adds:
            rest = tuple(other for other in self._chosen if other != tooth)
            self.choose(rest if tooth in self._chosen else (*rest, tooth))
        else:
            self.choose(() if self._chosen == (tooth,) else (tooth,))
        self.focused = tooth

    def move_focus(self, across: int, down: int, *, extends: bool) -> None:
        """Go to the tooth beside, above or below, as drawn."""
        before = self.focused
        self.focused = neighbour(before, across, down, primary=self.has_primary_rows)
        target = self.focused
        if extends:
            self.choose((*self._chosen, before, target))
            self.focused = target
        else:
            QToolTip.showText(self.mapToGlobal(self.place_of(target).topLeft()), self.describe(target), self)
        self._announce()
        self.update()

    def _offset(self) -> float:
        return (self.width() - min(self.width(), WIDEST)) / 2 + 1

    def _arrange(self) -> None:
        inner = max(min(self.width(), WIDEST) - 2, 100)
        self._places = chart_places(inner, _label_height(self), primary=self.has_primary_rows)
        if self._places.place(self.focused) is None:
            self.focused = "8"
        self.setFixedHeight(int(self._places.height + 1))
        self.update()

    def _announce(self) -> None:
        self.setAccessibleDescription(self.describe(self.focused))
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))


def _label_height(widget: QWidget) -> float:
    return widget.fontMetrics().height() * 0.82
