"""The light table: a grid of one to twelve cells, which of them is chosen, and what lies in each.

Keeps each image's adjustments for as long as the patient is open. Knows images by :class:`ViewerItem` only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from app.ui.viewer.cell import Explain, ViewerCell
from app.ui.viewer.failures import explain_plainly
from app.ui.viewer.loader import FrameLoader
from app.ui.viewer.look import look
from app.ui.viewer.sources import ViewerItem
from app.ui.viewer.tools import Tool, toggled_fit
from app.ui.viewer.view_history import ViewHistory
from app.ui.viewer.view_state import ViewState
from app.words import t

MAX_ROWS, MAX_COLUMNS = 3, 4
GAP = 2


class ViewerPane(QWidget):
    """The widget the window hosts.

    Signals: ``image_opened(image_id)`` when a cell is given an image, ``image_shown(image_id)`` when its pixels
    are on screen, ``image_failed(image_id, error)``, ``cell_chosen(item | None)``, ``state_changed()`` for
    panels and actions, ``tool_changed(tool)``, ``menu_requested(item | None, place)``,
    ``layout_changed(rows, columns)``. ``thumbnail_of`` may give a small picture to show while the real one is on
    its way.
    """

    image_opened = Signal(str)
    image_shown = Signal(str)
    image_failed = Signal(str, object)
    cell_chosen = Signal(object)
    state_changed = Signal()
    tool_changed = Signal(str)
    layout_changed = Signal(int, int)
    menu_requested = Signal(object, QPoint)

    def __init__(self, loader: FrameLoader, explain: Explain = explain_plainly, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loader = loader
        self._explain = explain
        self._items: dict[str, ViewerItem] = {}
        self._histories: dict[str, ViewHistory] = {}
        self._cells: list[ViewerCell] = []
        self._shape = (0, 0)
        self._tool = Tool.WINDOW
        self._corner_text = True
        self._wheel_zooms = False
        self.linked = False
        self.thumbnail_of: Callable[[str], QImage | None] | None = None
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(GAP)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(t("Viewer"))
        self._chosen: ViewerCell | None = None
        self.set_layout(1, 1)

    @property
    def cells(self) -> Sequence[ViewerCell]:
        """The cells on show, in reading order."""
        return self._cells

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self._shape

    @property
    def cell(self) -> ViewerCell:
        """The chosen cell."""
        return self._chosen or self._cells[0]

    @property
    def tool(self) -> Tool:
        """What the left button does."""
        return self._tool

    @property
    def corner_text(self) -> bool:
        """Whether texts stand over the pictures."""
        return self._corner_text

    def paintEvent(self, _event: QPaintEvent) -> None:
        # The gaps between cells belong to the light table in either theme.
        painter = QPainter(self)
        painter.fillRect(self.rect(), look().gap)
        painter.end()

    def set_items(self, items: Iterable[ViewerItem], others: Iterable[str] = ()) -> None:
        """Take the images that can be shown, in the order the wheel goes through them.

        ``others`` are ids that a filter hides but that are still the patient's: cells keep them. Cells whose
        image is in neither (deleted, moved to somebody else) become empty; the rest get the newer texts.
        """
        self._items = {item.image_id: item for item in items}
        kept = frozenset(others)
        for cell in self._cells:
            held = cell.item
            if held is None:
                continue
            fresh = self._items.get(held.image_id)
            if fresh is not None:
                cell.update_item(fresh)
            elif held.image_id not in kept:
                cell.clear()

    def clear(self) -> None:
        """Empty every cell and forget adjustments (another patient)."""
        self._items, self._histories = {}, {}
        self._loader.prefetch(())
        for cell in self._cells:
            cell.clear()

    def open_image(self, image_id: str, cell: ViewerCell | None = None) -> bool:
        """Show an image in a cell (the chosen one by default); return whether it is known."""
        item = self._items.get(image_id)
        if item is None:
            return False
        target = cell or self.cell
        if target.item is not None and target.item.image_id == image_id and target.has_picture:
            return True
        first = ViewState().at_frame(item.first_frame, item.frames)
        history = self._histories.setdefault(image_id, ViewHistory(first))
        target.show_item(item, history, self.thumbnail_of(image_id) if self.thumbnail_of else None)
        self.image_opened.emit(image_id)
        if target is self.cell:
            self.cell_chosen.emit(item)
        return True

    def open_images(self, image_ids: Sequence[str], first: ViewerCell | None = None) -> None:
        """Fill cells from ``first`` on with several images."""
        start = self._cells.index(first or self.cell)
        for cell, image_id in zip(self._cells[start:], image_ids, strict=False):
            self.open_image(image_id, cell)

    def compare(self, image_ids: Sequence[str]) -> None:
        """Lay images side by side in the smallest grid that holds them."""
        count = min(len(image_ids), MAX_ROWS * MAX_COLUMNS)
        columns = min(max(count, 1), 2 if count <= 4 else 3 if count <= 9 else 4)
        self.set_layout(-(-max(count, 1) // columns), columns)
        self.open_images(image_ids, self._cells[0])

    def set_layout(self, rows: int, columns: int) -> None:
        """Show ``rows`` x ``columns`` cells, keeping what lies in those that stay."""
        rows, columns = min(max(rows, 1), MAX_ROWS), min(max(columns, 1), MAX_COLUMNS)
        if (rows, columns) == self._shape:
            return
        kept = [cell for cell in self._cells if cell is self._chosen]
        kept += [cell for cell in self._cells if cell is not self._chosen]
        order = self._cells if len(self._cells) <= rows * columns else kept
        staying, leaving = order[: rows * columns], order[rows * columns :]
        for cell in leaving:
            cell.clear()
            self._grid.removeWidget(cell)
            cell.setParent(None)
            cell.deleteLater()
        while len(staying) < rows * columns:
            staying.append(self._new_cell())
        for row in range(MAX_ROWS):
            self._grid.setRowStretch(row, 1 if row < rows else 0)
        for column in range(MAX_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
        for cell in staying:
            cell.show()
        self._cells = staying
        self._shape = (rows, columns)
        for number, cell in enumerate(staying):
            self._grid.addWidget(cell, number // columns, number % columns)
        self.choose(self._chosen if self._chosen in staying else staying[0])
        self.layout_changed.emit(rows, columns)

    @Slot(object)
    def choose(self, cell: ViewerCell) -> None:
        """Make ``cell`` the one that tools, panels and the filmstrip speak to."""
        changed = cell is not self._chosen
        self._chosen = cell
        for other in self._cells:
            other.canvas.set_selected(other is cell and len(self._cells) > 1)
        if changed:
            self.cell_chosen.emit(cell.item)
            self.state_changed.emit()

    def set_tool(self, tool: Tool) -> None:
        """Choose what the left button does in every cell."""
        self._tool = tool
        for cell in self._cells:
            cell.tool = tool
        self.tool_changed.emit(tool.value)

    def set_corner_text(self, shown: bool) -> None:
        """Show or hide corner texts in every cell."""
        self._corner_text = shown
        for cell in self._cells:
            cell.set_corner_text(shown)

    def set_wheel_zooms(self, zooms: bool) -> None:
        """Let the bare wheel zoom and Ctrl+wheel scroll (setting ``viewer.wheel``)."""
        self._wheel_zooms = zooms
        for cell in self._cells:
            cell.gestures.wheel_zooms = zooms

    @Slot(object, int)
    def step_image(self, cell: ViewerCell, steps: int) -> None:
        """Show the image ``steps`` further in the order of the filmstrip."""
        order = list(self._items)
        if not order:
            return
        now = order.index(cell.item.image_id) if cell.item and cell.item.image_id in self._items else -1
        target = min(max(now + steps, 0), len(order) - 1)
        if target != now:
            self.open_image(order[target], cell)

    @Slot(object)
    def toggle_maximised(self, cell: ViewerCell) -> None:
        """Give one cell the whole pane, or bring the grid back; alone, switch between fit and 1:1."""
        self.choose(cell)
        hidden = [other for other in self._cells if other.isHidden()]
        if len(self._cells) > 1:
            for other in self._cells:
                other.setVisible(bool(hidden) or other is cell)
        elif cell.has_picture:
            geometry = cell.canvas.view_geometry()
            cell.commit(toggled_fit(geometry, (geometry.width / 2, geometry.height / 2)))

    def _new_cell(self) -> ViewerCell:
        cell = ViewerCell(self._loader, self._explain, self)
        cell.tool = self._tool
        cell.set_corner_text(self._corner_text)
        cell.gestures.wheel_zooms = self._wheel_zooms
        cell.chosen.connect(self.choose)
        cell.state_changed.connect(self._on_cell_state_changed)
        cell.frame_shown.connect(self._on_cell_frame_shown)
        cell.failed.connect(self.image_failed)
        cell.step_requested.connect(self.step_image)
        cell.maximise_requested.connect(self.toggle_maximised)
        cell.menu_requested.connect(self.menu_requested)
        cell.images_dropped.connect(self._on_cell_images_dropped)
        return cell

    @Slot(object)
    def _on_cell_state_changed(self, cell: ViewerCell) -> None:
        if cell is not self._chosen:
            return
        if self.linked and cell.has_picture:
            _carry_over(cell, self._cells)
        self.state_changed.emit()

    @Slot(object)
    def _on_cell_frame_shown(self, cell: ViewerCell) -> None:
        item = cell.item
        if item is None:
            return
        self.image_shown.emit(item.image_id)
        self._loader.prefetch(_neighbours(item, cell.state.frame, list(self._items.values())))

    @Slot(object, list)
    def _on_cell_images_dropped(self, cell: ViewerCell, image_ids: list[str]) -> None:
        self.choose(cell)
        self.open_images(image_ids, cell)


def _carry_over(source: ViewerCell, cells: Iterable[ViewerCell]) -> None:
    """Give linked cells the zoom and position of one of them."""
    for other in cells:
        if other is not source and other.has_picture:
            moved = replace(other.state, zoom=source.state.zoom, pan=source.state.pan)
            if moved != other.state:
                other.show_state(moved)


def _neighbours(item: ViewerItem, frame: int, order: Sequence[ViewerItem]) -> list[tuple[ViewerItem, int]]:
    """Return what is likely wanted next: the following frames, or the images beside this one."""
    if item.frames > 1:
        return [(item, (frame + 1) % item.frames), (item, (frame + 2) % item.frames)]
    place = next((number for number, other in enumerate(order) if other.image_id == item.image_id), None)
    if place is None:
        return []
    return [(order[near], 0) for near in (place + 1, place - 1) if 0 <= near < len(order)]
