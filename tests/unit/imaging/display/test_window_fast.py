"""Reducing to the viewport and windowing there: exact at 1:1 and above, an average below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from app.imaging.display import window_fast
from app.imaging.display.voi import levels
from app.imaging.display.window_fast import apply_window, look_up, reduce_to_view
from app.imaging.frame import VoiLut, WindowSetting

WINDOW = WindowSetting(2000, 1500)


def _noise(dtype: Any, shape: tuple[int, int] = (60, 90)) -> np.ndarray:
    low = -2000 if np.dtype(dtype).kind == "i" else 0
    high = 256 if np.dtype(dtype).itemsize == 1 and low == 0 else 127 if np.dtype(dtype).itemsize == 1 else 4096
    return np.random.default_rng(6).integers(max(low, np.iinfo(dtype).min), high, shape).astype(dtype)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.int32, np.uint32])
def test_one_to_one_is_exact_for_every_type(dtype: Any) -> None:
    values = _noise(dtype)
    view = reduce_to_view(values, (10, 20, 30, 25), (30, 25))
    assert view.base is not None  # no copy
    shown = apply_window(view, WINDOW, slope=1.5, intercept=-10, inverted=True)
    assert np.array_equal(shown, levels(values[20:45, 10:40] * 1.5 - 10, WINDOW, inverted=True))


def test_magnified_pixels_are_repeated_never_mixed() -> None:
    values = _noise(np.uint16, (5, 4))
    view = reduce_to_view(values, (0, 0, 4, 5), (12, 15))
    assert np.array_equal(view, np.kron(values, np.ones((3, 3), np.uint16)))


def test_reduction_is_the_area_average() -> None:
    values = _noise(np.uint16, (60, 90))
    view = reduce_to_view(values, (0, 0, 90, 60), (30, 20))
    average = values.reshape(20, 3, 30, 3).mean(axis=(1, 3))
    assert np.abs(view - average).max() <= 1
    wide = reduce_to_view(values.astype(np.int32), (0, 0, 90, 60), (30, 20))
    assert np.allclose(wide, average, atol=0.01)


def test_windowing_the_reduced_is_near_reducing_the_windowed() -> None:
    """On a smooth picture, where clipping does not matter, the order changes at most a level."""
    y, x = np.mgrid[0:300, 0:400]
    values = (x * 5 + y * 4 + 500).astype(np.uint16)
    window = WindowSetting(2000, 6000)
    shown = apply_window(reduce_to_view(values, (0, 0, 400, 300), (160, 120)), window)
    exact = reduce_to_view(apply_window(values, window), (0, 0, 400, 300), (160, 120))
    assert np.abs(shown.astype(int) - exact).max() <= 1


def test_blocks_of_wide_values_meet_without_a_seam() -> None:
    values = np.arange(3 * (1 << 16) + 77, dtype=np.int32)[None, :]
    shown = apply_window(values, WindowSetting(100000, 200000), padding=(70000, 70010))
    exact = levels(values, WindowSetting(100000, 200000), inverted=False)
    exact[0, 70000:70011] = 0
    assert np.array_equal(shown, exact)


def test_voi_lut_on_screen() -> None:
    lut = VoiLut(100, 8, np.arange(255, -1, -1).astype(np.uint16))
    shown = apply_window(np.array([[0, 100, 228, 355, 400]], np.uint16), lut)
    assert shown.tolist() == [[255, 255, 127, 0, 0]]


def test_without_opencvs_table_the_result_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = _noise(np.uint16)
    table = np.random.default_rng(1).integers(0, 256, 1 << 16, dtype=np.uint8)
    with_opencv = look_up(values, table)
    monkeypatch.setattr(window_fast, "_CV_LUT_16", False)
    assert np.array_equal(look_up(values, table), with_opencv)
