"""The panel beside the viewer that adjusts the chosen cell: histogram, presets, gamma, reset.

Changes the look only, never the file. Everything it does can be undone in the cell's history.
"""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Slot
from PySide6.QtWidgets import (
    QButtonGroup,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.viewer.commands import ViewerCommands
from app.ui.viewer.histogram import Histogram
from app.ui.viewer.lazy import pixels
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.presets import Preset, file_presets, general_presets
from app.ui.viewer.view_state import MAX_GAMMA, MIN_GAMMA, Level, ViewState
from app.words import t

FILE_PRESETS_SHOWN = 6
COLUMNS = 3
COUNT_AFTER_MS = 60
_STEPS = 50


class AdjustPanel(QWidget):
    """Follows the pane's chosen cell."""

    def __init__(self, pane: ViewerPane, commands: ViewerCommands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pane = pane
        self._commands = commands
        self._frame: object = None
        self.histogram = Histogram(self)
        self._values = QLabel(self)
        self._values.setProperty("role", "muted")
        self._presets = QButtonGroup(self)
        self._presets.setExclusive(False)
        self._grid = QGridLayout()
        self._grid.setSpacing(4)
        for column in range(COLUMNS):
            self._grid.setColumnStretch(column, 1)
        self._gamma = QSlider(Qt.Orientation.Horizontal, self)
        # Halving and doubling are equally far from the middle.
        self._gamma.setRange(_position(MIN_GAMMA), _position(MAX_GAMMA))
        self._gamma.setAccessibleName(t("Gamma"))
        self._gamma_value = QLabel(self)
        self.reset_button = QPushButton(t("Reset to original"), self)
        self._build()
        self._shown_presets: tuple[Preset, ...] = ()
        self._show_presets(general_presets())
        self._count = QTimer(self)
        self._count.setSingleShot(True)
        # Counting waits for a pause: while frames run it would cost more than showing them.
        self._count.setInterval(COUNT_AFTER_MS)
        self._count.timeout.connect(self._on_count_timeout)
        pane.state_changed.connect(self.refresh)
        pane.cell_chosen.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        gamma_row = QHBoxLayout()
        gamma_row.addWidget(QLabel(t("Gamma"), self), 1)
        gamma_row.addWidget(self._gamma_value)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.histogram)
        column.addWidget(self._values)
        column.addLayout(self._grid)
        column.addSpacing(8)
        column.addLayout(gamma_row)
        column.addWidget(self._gamma)
        column.addStretch(1)
        column.addWidget(self.reset_button)
        self.histogram.window_dragged.connect(self._on_window_dragged)
        self.histogram.window_set.connect(self._on_window_set)
        self._gamma.sliderMoved.connect(self._on_gamma_moved)
        self._gamma.sliderReleased.connect(self._on_gamma_released)
        self._gamma.actionTriggered.connect(self._on_gamma_action)
        self.reset_button.clicked.connect(self._on_reset_clicked)
        self._presets.idClicked.connect(self._on_preset_clicked)

    @Slot()
    def refresh(self) -> None:
        """Show the state of the chosen cell."""
        cell = self._pane.cell
        frame = cell.frame
        self.setEnabled(frame is not None)
        if frame is not self._frame:
            self._frame = frame
            self._count.start()
        level = cell.level()
        low, high = level.center - level.width / 2, level.center + level.width / 2
        self.histogram.set_window(low, high)
        if frame is None:
            self._values.setText("")
        else:
            self._values.setText(
                t("Width {width} · centre {center}", width=f"{level.width:.0f}", center=f"{level.center:.0f}")
            )
        with QSignalBlocker(self._gamma):
            self._gamma.setValue(_position(cell.state.gamma))
        self._gamma_value.setText(f"{cell.state.gamma:.2f}")
        self.reset_button.setEnabled(cell.state != cell.state.original())
        self._check_preset(cell.state, level)

    @Slot()
    def _on_count_timeout(self) -> None:
        frame = self._pane.cell.frame
        if frame is None:
            self.histogram.set_histogram((), 0, 1)
            return
        self.histogram.set_histogram(*pixels().histogram(frame))
        self._show_presets((*file_presets(frame)[:FILE_PRESETS_SHOWN], *general_presets()))
        self.refresh()

    def _show_presets(self, presets: tuple[Preset, ...]) -> None:
        if presets == self._shown_presets:
            return
        self._shown_presets = presets
        for button in self._presets.buttons():
            self._presets.removeButton(button)
            self._grid.removeWidget(button)
            button.hide()
            button.deleteLater()
        for number, preset in enumerate(presets):
            button = QToolButton(self)
            button.setText(preset.name)
            button.setCheckable(True)
            button.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
            button.setToolTip(preset.name)
            self._presets.addButton(button, number)
            self._grid.addWidget(button, number // COLUMNS, number % COLUMNS)

    def _check_preset(self, state: ViewState, level: Level) -> None:
        for number, preset in enumerate(self._shown_presets):
            if preset.key == "default":
                chosen = state.level is None and state.voi_lut is None
            elif preset.key.startswith("lut:"):
                chosen = state.voi_lut == int(preset.key[4:])
            else:
                chosen = state.level is not None and level.name == preset.name
            self._presets.button(number).setChecked(chosen)

    def _level(self, low: float, high: float) -> Level:
        return Level((low + high) / 2, high - low, "", self._pane.cell.level().function)

    @Slot(float, float)
    def _on_window_dragged(self, low: float, high: float) -> None:
        cell = self._pane.cell
        if cell.has_picture:
            cell.show_state(cell.state.levelled(self._level(low, high)))

    @Slot(float, float)
    def _on_window_set(self, low: float, high: float) -> None:
        cell = self._pane.cell
        if cell.has_picture:
            cell.commit(cell.state.levelled(self._level(low, high)))

    @Slot(int)
    def _on_gamma_moved(self, value: int) -> None:
        cell = self._pane.cell
        if cell.has_picture:
            cell.show_state(cell.state.with_gamma(_gamma_at(value)))

    @Slot()
    def _on_gamma_released(self) -> None:
        cell = self._pane.cell
        if cell.has_picture:
            cell.commit(replace(cell.state))

    @Slot(int)
    def _on_gamma_action(self, _action: int) -> None:
        # Keys and clicks in the groove; dragging goes through sliderMoved.
        cell = self._pane.cell
        if cell.has_picture and not self._gamma.isSliderDown():
            cell.commit(cell.state.with_gamma(_gamma_at(self._gamma.sliderPosition())))

    @Slot()
    def _on_reset_clicked(self) -> None:
        self._commands.run("reset")

    @Slot(int)
    def _on_preset_clicked(self, number: int) -> None:
        self._commands.preset(self._shown_presets[number].key)
        self.refresh()


def _position(gamma: float) -> int:
    return round(math.log2(gamma) * _STEPS)


def _gamma_at(position: int) -> float:
    return float(2 ** (position / _STEPS))
