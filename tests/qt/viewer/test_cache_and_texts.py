"""The frame cache, the scale bar, presets and the adjust panel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from app.imaging.frame import DisplayFrame, PixelSpacing
from app.ui.viewer.adjust_panel import AdjustPanel
from app.ui.viewer.commands import ViewerCommands
from app.ui.viewer.frame_cache import FrameCache
from app.ui.viewer.pane import ViewerPane
from app.ui.viewer.presets import file_presets, with_preset
from app.ui.viewer.scale_bar import MAX_BAR, scale_bar
from app.ui.viewer.view_state import ViewState


def frame(size: int) -> DisplayFrame:
    return DisplayFrame(np.zeros((1, size), np.uint8))


def test_cache_drops_the_longest_unused_first():
    cache = FrameCache(250)
    for name in "abc":
        cache.put((name, 0), frame(100))
        cache.get(("a", 0))
    assert [name for name in "abc" if (name, 0) in cache] == ["a", "c"]
    assert cache.size_bytes == 200


def test_cache_takes_no_frame_larger_than_itself_and_counts_replacements_once():
    cache = FrameCache(250)
    cache.put(("a", 0), frame(300))
    assert ("a", 0) not in cache
    cache.put(("a", 0), frame(100))
    cache.put(("a", 0), frame(120))
    cache.put(("a", 1), frame(10))
    assert cache.size_bytes == 130
    cache.drop_image("a")
    assert cache.size_bytes == 0


@pytest.mark.parametrize("scale", [0.01, 0.13, 1.0, 7.7, 32.0])
def test_scale_bar_fits_and_is_true(scale: float):
    bar = scale_bar(PixelSpacing(0.1, 0.1, "calibrated"), scale)
    assert bar is not None
    assert MAX_BAR / 2.6 < bar.length <= MAX_BAR
    assert bar.length == pytest.approx(float(bar.caption.split()[0]) / 0.1 * scale)


def test_without_spacing_the_bar_counts_pixels():
    bar = scale_bar(None, 1.0)
    assert bar is not None
    assert bar.caption == "100 px"


def test_presets_of_the_file_and_unknown_ones(source: Any):
    picture = source.frame("a", 0, None)
    assert [preset.name for preset in file_presets(picture)] == ["Window 1 of the file", "narrow"]
    state = with_preset(ViewState(), picture, "file:1")
    assert state.level is not None
    assert (state.level.center, state.level.width, state.level.name) == (100, 50, "narrow")
    assert with_preset(state, picture, "default").level is None
    assert with_preset(state, picture, "file:9") == state
    auto = with_preset(ViewState(), picture, "auto").level
    assert auto is not None
    assert auto.center == pytest.approx(476, abs=10)


def test_adjust_panel_follows_and_changes_the_chosen_cell(qtbot: Any, pane: ViewerPane, calls: Any):
    panel = AdjustPanel(pane, ViewerCommands(pane))
    qtbot.addWidget(panel)
    panel.resize(260, 500)
    panel.show()
    assert not panel.isEnabled()
    pane.open_image("a")
    calls.answer()
    qtbot.waitUntil(lambda: panel.histogram.has_histogram, timeout=2000)
    assert panel.isEnabled()
    histogram = panel.histogram
    end = QPoint(histogram.width() - 8, 90)
    QTest.mousePress(histogram, Qt.MouseButton.LeftButton, pos=end)
    QTest.mouseMove(histogram, end - QPoint(60, 0))
    QTest.mouseRelease(histogram, Qt.MouseButton.LeftButton, pos=end - QPoint(60, 0))
    level = pane.cell.state.level
    assert level is not None
    assert level.width < 960
    assert level.center - level.width / 2 == pytest.approx(0, abs=1)
    assert pane.cell.history.can_undo
    panel.reset_button.click()
    assert pane.cell.state == ViewState()


def test_histogram_keys_move_the_window(qtbot: Any, pane: ViewerPane, calls: Any):
    panel = AdjustPanel(pane, ViewerCommands(pane))
    qtbot.addWidget(panel)
    pane.open_image("a")
    calls.answer()
    qtbot.waitUntil(lambda: panel.histogram.has_histogram, timeout=2000)
    QTest.keyClick(panel.histogram, Qt.Key.Key_Right)
    level = pane.cell.state.level
    assert level is not None
    assert level.center > 480
    assert level.width == pytest.approx(960)
