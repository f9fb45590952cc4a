"""What a cell paints, against the imaging room's exact windowing and against the stored values themselves."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from app.imaging.display.pipeline import picture_of
from app.imaging.display.window_fast import apply_window
from app.imaging.frame import DisplayFrame, VoiLut, WindowSetting
from app.ui.viewer.geometry import ViewGeometry
from app.ui.viewer.pixels import Painter, Raster, histogram, level_of, percentile_level
from app.ui.viewer.view_state import Level, ViewState


def picture(rows: int = 60, columns: int = 90, dtype: type = np.uint16) -> DisplayFrame:
    rng = np.random.default_rng(3)
    info = np.iinfo(dtype)
    low, high = (max(info.min, -2000), min(info.max, 4000))
    values = rng.integers(low, high, (rows, columns)).astype(dtype)
    return DisplayFrame(values, slope=2.0, intercept=-100.0, default_window=WindowSetting(1500, 3000))


def painted(frame: DisplayFrame, state: ViewState, width: int, height: int) -> np.ndarray:
    view = ViewGeometry(frame.columns, frame.rows, width, height, state)
    place = view.placement()
    assert place is not None
    raster = Raster(frame)
    full = (frame.columns, frame.rows)
    cut = raster.cut(place, state, full, quick=False, smooth=False)
    return Painter(frame).paint(cut, state, raster.cut_overlays(place, state, full))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint16, np.int16, np.int32])
def test_one_to_one_is_exact_for_every_type(dtype: type):
    frame = picture(dtype=dtype)
    expected = apply_window(frame.values, frame.default_window, slope=2.0, intercept=-100.0)
    assert np.array_equal(painted(frame, ViewState(zoom=1.0), 90, 60), expected)


def test_a_file_with_a_voi_lut_looks_as_render_writes_it():
    table = np.linspace(65535, 0, 4096).astype(np.uint16)
    frame = replace(picture(), slope=1.0, intercept=0.0, voi_luts=(VoiLut(0, 16, table, "curve"),))
    shown = painted(frame, ViewState(zoom=1.0), 90, 60)
    assert np.array_equal(shown, picture_of(frame))
    assert np.array_equal(shown, painted(frame, ViewState(zoom=1.0, voi_lut=0), 90, 60))
    assert level_of(frame, ViewState()).name == "curve"
    windowed = painted(frame, ViewState(zoom=1.0, level=Level(1500, 3000)), 90, 60)
    assert not np.array_equal(shown, windowed)


def test_values_beyond_16_bits_are_exact_too():
    values = np.array([[-70000, 0, 70000, 100000]], np.int32)
    frame = DisplayFrame(values, default_window=WindowSetting(0, 200000, "", "LINEAR_EXACT"))
    assert painted(frame, ViewState(zoom=1.0), 4, 1).tolist() == [[38, 128, 217, 255]]


@pytest.mark.parametrize(("rotation", "flip"), list(product((0, 90, 180, 270), (False, True))))
def test_orientation_is_clockwise_then_mirrored(rotation: int, flip: bool):
    frame = picture()
    shown = painted(frame, ViewState(zoom=1.0, rotation=rotation, flip_horizontal=flip), 90, 90)
    expected = np.rot90(apply_window(frame.values, frame.default_window, slope=2.0, intercept=-100.0), -rotation // 90)
    assert np.array_equal(shown, np.fliplr(expected) if flip else expected)


def test_from_twice_the_size_each_stored_pixel_is_a_square():
    frame = picture(20, 30)
    shown = painted(frame, ViewState(zoom=3.0), 90, 60)
    exact = apply_window(frame.values, frame.default_window, slope=2.0, intercept=-100.0)
    assert np.array_equal(shown, exact.repeat(3, 0).repeat(3, 1))


def test_reduced_view_is_the_mean_of_what_it_covers():
    frame = picture(64, 64)
    cut = Raster(frame).cut(
        ViewGeometry(64, 64, 8, 8, ViewState()).placement(), ViewState(), (64, 64), quick=False, smooth=False
    )
    expected = frame.values.reshape(8, 8, 8, 8).mean((1, 3))
    # Halving three times rounds three times.
    assert np.abs(cut.astype(float) - expected).max() <= 2


def test_inversion_gamma_and_padding():
    values = np.array([[0, 1000, 4000, 9999]], np.uint16)
    frame = DisplayFrame(values, default_window=WindowSetting(2000, 4000, "", "LINEAR_EXACT"), padding=(9999, 9999))
    assert painted(frame, ViewState(zoom=1.0), 4, 1).tolist() == [[0, 64, 255, 0]]
    assert painted(frame, ViewState(zoom=1.0, invert=True), 4, 1).tolist() == [[255, 191, 0, 0]]
    assert painted(replace(frame, inverted=True), ViewState(zoom=1.0), 4, 1).tolist() == [[255, 191, 0, 0]]
    assert painted(frame, ViewState(zoom=1.0, gamma=2.0), 4, 1).tolist() == [[0, 128, 255, 0]]


def test_voi_lut_of_the_file():
    values = np.array([[9, 10, 11, 13]], np.uint8)
    lut = VoiLut(10, 8, np.array([200, 100, 50], np.uint16), "curve")
    frame = DisplayFrame(values, voi_luts=(lut,))
    assert painted(frame, ViewState(zoom=1.0, voi_lut=0), 4, 1).tolist() == [[200, 200, 100, 50]]
    assert level_of(frame, ViewState(voi_lut=0)).name == "curve"


def test_overlays_are_white_on_top():
    frame = replace(picture(4, 4), overlays=np.eye(4, dtype=bool))
    shown = painted(frame, ViewState(zoom=1.0), 4, 4)
    assert (np.diag(shown) == 255).all()


def test_colour_keeps_its_channels_and_takes_inversion():
    values = np.zeros((2, 2, 3), np.uint8)
    values[0, 0] = (10, 20, 30)
    frame = DisplayFrame(values)
    assert painted(frame, ViewState(zoom=1.0), 2, 2)[0, 0].tolist() == [30, 20, 10, 255]
    assert painted(frame, ViewState(zoom=1.0, invert=True), 2, 2)[0, 0].tolist() == [225, 235, 245, 255]


def test_preview_stands_where_the_full_image_will():
    full = picture(64, 64)
    small = DisplayFrame(full.values[::4, ::4], default_window=full.default_window)
    place = ViewGeometry(64, 64, 32, 32, ViewState(zoom=2.0, pan=(0.75, 0.75))).placement()
    assert place is not None
    cut = Raster(small).cut(place, ViewState(), (64, 64), quick=False, smooth=False)
    assert cut.shape == (32, 32)
    assert np.array_equal(cut[::8, ::8], small.values[10:14, 10:14])


def test_histogram_and_percentiles_are_in_modality_units_without_padding():
    values = np.concatenate([np.full(100, 5000), np.arange(1001)]).reshape(1, -1).astype(np.uint16)
    frame = DisplayFrame(values, slope=-1.0, intercept=0.0, padding=(5000, 5000))
    heights, low, high = histogram(frame, 10)
    assert (low, high) == (-1000.0, 0.0)
    assert max(heights) == 1.0
    level = percentile_level(frame, 0, 100, "auto")
    assert level == Level(-500.0, 1000.0, "auto", "LINEAR_EXACT")
