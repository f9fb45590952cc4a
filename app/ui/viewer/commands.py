"""Every command of the viewer as a slot that acts on the chosen cell. Menus, keys and tool bars call these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, Signal

from app.ui.viewer.cell import ViewerCell
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.presets import with_preset
from app.ui.viewer.tools import Tool, pan_dragged, zoom_stepped
from app.ui.viewer.view_state import ViewState

GAMMA_STEP = 1.1
LEVEL_STEP = 0.04
PAN_PART = 8


class ViewerCommands(QObject):
    """Runs commands by the names of :data:`app.ui.viewer.actions.VIEWER_ACTIONS`."""

    ran = Signal(str)

    def __init__(self, pane: ViewerPane) -> None:
        super().__init__(pane)
        self._pane = pane
        self._table: dict[str, Callable[[], None]] = {
            "tool_window": partial(pane.set_tool, Tool.WINDOW),
            "tool_pan": partial(pane.set_tool, Tool.PAN),
            "tool_zoom": partial(pane.set_tool, Tool.ZOOM),
            "fit": partial(self._change, lambda state: state.zoomed(None)),
            "actual_size": partial(self._zoom_to, 1.0),
            "double_size": partial(self._zoom_to, 2.0),
            "zoom_in": partial(self._zoom_by, 1),
            "zoom_out": partial(self._zoom_by, -1),
            "rotate_right": partial(self._change, lambda state: state.turned(90)),
            "rotate_left": partial(self._change, lambda state: state.turned(-90)),
            "flip_horizontal": partial(self._change, ViewState.flipped_horizontally),
            "flip_vertical": partial(self._change, ViewState.flipped_vertically),
            "invert": partial(self._change, ViewState.inverted),
            "smooth": partial(self._change, lambda state: replace(state, smooth=not state.smooth)),
            "gamma_up": partial(self._change, lambda state: state.with_gamma(state.gamma * GAMMA_STEP)),
            "gamma_down": partial(self._change, lambda state: state.with_gamma(state.gamma / GAMMA_STEP)),
            "brighter": partial(self._shift_level, 0.0, -LEVEL_STEP),
            "darker": partial(self._shift_level, 0.0, LEVEL_STEP),
            "more_contrast": partial(self._shift_level, -LEVEL_STEP, 0.0),
            "less_contrast": partial(self._shift_level, LEVEL_STEP, 0.0),
            "pan_left": partial(self._pan, 1, 0),
            "pan_right": partial(self._pan, -1, 0),
            "pan_up": partial(self._pan, 0, 1),
            "pan_down": partial(self._pan, 0, -1),
            "reset": partial(self._change, ViewState.original),
            "undo": partial(self._step_history, back=True),
            "redo": partial(self._step_history, back=False),
            "next_image": partial(self._step_image, 1),
            "previous_image": partial(self._step_image, -1),
            "next_frame": partial(self._step_frame, 1),
            "previous_frame": partial(self._step_frame, -1),
            "play": self._play,
            "reload": self._reload,
            "maximise": self._maximise,
            "next_cell": partial(self._step_cell, 1),
            "previous_cell": partial(self._step_cell, -1),
            "corner_text": self._corner_text,
            "link": self._link,
            "close_image": self._close,
        }
        for key in ("default", "auto", "bone", "enamel", "endo", "soft"):
            self._table[f"preset_{key}"] = partial(self.preset, key)
        for rows, columns in ((1, 1), (1, 2), (2, 1), (2, 2), (2, 3), (3, 3), (3, 4)):
            self._table[f"layout_{rows}x{columns}"] = partial(pane.set_layout, rows, columns)

    def names(self) -> frozenset[str]:
        """Return the names that :meth:`run` takes."""
        return frozenset(self._table)

    def run(self, name: str) -> None:
        """Do the command."""
        self._table[name]()
        self.ran.emit(name)

    def checked(self, name: str) -> bool:
        """Whether a checkable command is on for the chosen cell."""
        state = self._pane.cell.state
        switches = {
            "invert": state.invert,
            "smooth": state.smooth,
            "flip_horizontal": state.flip_horizontal,
            "link": self._pane.linked,
            "corner_text": self._pane.corner_text,
        }
        return switches.get(name, name == f"tool_{self._pane.tool.value}")

    def preset(self, key: str) -> None:
        """Set a window by its preset key (see :mod:`app.ui.viewer.presets`)."""
        cell = self._cell()
        if cell and cell.frame is not None:
            cell.commit(with_preset(cell.state, cell.frame, key))

    def _cell(self) -> ViewerCell | None:
        cell = self._pane.cell
        return cell if cell.has_picture else None

    def _change(self, change: Callable[[ViewState], ViewState]) -> None:
        cell = self._cell()
        if cell:
            cell.commit(change(cell.state))

    def _zoom_to(self, zoom: float) -> None:
        cell = self._cell()
        if cell:
            geometry = cell.canvas.view_geometry()
            cell.commit(geometry.zoom_at(zoom, geometry.width / 2, geometry.height / 2))

    def _zoom_by(self, steps: int) -> None:
        cell = self._cell()
        if cell:
            cell.commit(zoom_stepped(cell.canvas.view_geometry(), steps))

    def _shift_level(self, wider: float, higher: float) -> None:
        cell = self._cell()
        if cell:
            level, span = cell.level(), cell.level_span()
            moved = replace(level, width=level.width + wider * span, center=level.center + higher * span, name="")
            cell.commit(cell.state.levelled(moved))

    def _pan(self, across: int, down: int) -> None:
        cell = self._cell()
        if cell:
            geometry = cell.canvas.view_geometry()
            step_x, step_y = geometry.width / PAN_PART, geometry.height / PAN_PART
            cell.commit(pan_dragged(geometry, across * step_x, down * step_y))

    def _step_history(self, *, back: bool) -> None:
        cell = self._cell()
        if cell:
            cell.step_history(back=back)

    def _step_image(self, steps: int) -> None:
        self._pane.step_image(self._pane.cell, steps)

    def _step_frame(self, steps: int) -> None:
        cell = self._cell()
        if cell:
            cell.go_to_frame(cell.state.frame + steps)

    def _play(self) -> None:
        self._pane.cell.bar.toggle()

    def _reload(self) -> None:
        self._pane.cell.reload()

    def _maximise(self) -> None:
        self._pane.toggle_maximised(self._pane.cell)

    def _step_cell(self, steps: int) -> None:
        cells = [cell for cell in self._pane.cells if not cell.isHidden()]
        place = cells.index(self._pane.cell) if self._pane.cell in cells else 0
        self._pane.choose(cells[(place + steps) % len(cells)])

    def _corner_text(self) -> None:
        self._pane.set_corner_text(not self._pane.corner_text)

    def _link(self) -> None:
        self._pane.linked = not self._pane.linked
        self._pane.state_changed.emit()

    def _close(self) -> None:
        self._pane.cell.clear()
