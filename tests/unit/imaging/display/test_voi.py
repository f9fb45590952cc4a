"""Windows, VOI LUTs and their tables against pydicom's functions and the formulas of PS3.3."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi, apply_windowing
from pydicom.sequence import Sequence

from app.imaging.display.voi import (
    display_table,
    levels,
    lut_levels,
    min_max_window,
    usable,
    window_levels,
)
from app.imaging.frame import VoiLut, WindowSetting

VALUES = np.arange(-300, 4500, 7, dtype=np.int32)


def _dataset(window: WindowSetting) -> Dataset:
    dataset = Dataset()
    dataset.PhotometricInterpretation, dataset.BitsStored, dataset.PixelRepresentation = "MONOCHROME2", 16, 0
    dataset.WindowCenter, dataset.WindowWidth = window.center, window.width
    dataset.VOILUTFunction = window.function
    return dataset


@pytest.mark.filterwarnings("ignore:overflow encountered in exp")  # pydicom's, far outside the window
@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize(("center", "width"), [(2048, 4096), (1000, 1.5), (40, 400), (-20.5, 333.25), (0, 2)])
def test_windows_equal_pydicoms(function: str, center: float, width: float) -> None:
    window = WindowSetting(center, width, "", function)
    theirs = apply_windowing(VALUES.astype(np.uint16) if VALUES.min() >= 0 else VALUES, _dataset(window))
    assert np.allclose(window_levels(VALUES, window) * 65535, theirs, atol=1e-6 * 65535)


def test_linear_is_the_standards_worked_example() -> None:
    """PS3.3 C.11.2.1.2.1: centre 2048, width 4096 is the identity of 12 bits; width 1 a threshold."""
    full = window_levels(np.array([0, 2048, 4095]), WindowSetting(2048, 4096))
    assert full.tolist() == [0.0, 2048 / 4095, 1.0]
    step = window_levels(np.array([2047, 2048]), WindowSetting(2048, 1))
    assert step.tolist() == [0.0, 1.0]


@pytest.mark.parametrize(
    "window",
    [
        WindowSetting(100, 0),
        WindowSetting(100, -5),
        WindowSetting(math.nan, 10),
        WindowSetting(10, math.nan),
        WindowSetting(math.inf, 10),
        WindowSetting(10, math.inf),
        WindowSetting(100, 0, "", "SIGMOID"),
    ],
)
def test_meaningless_windows_are_told_and_harmless(window: WindowSetting) -> None:
    assert not usable(window)
    shown = window_levels(VALUES, window)
    assert np.isfinite(shown).all()
    assert shown.min() >= 0
    assert shown.max() <= 1


@pytest.mark.parametrize(("first", "bits", "count"), [(0, 8, 256), (1000, 12, 300), (-50, 16, 1024)])
def test_voi_luts_equal_pydicoms(first: int, bits: int, count: int) -> None:
    table = (np.linspace(0, 1, count) ** 0.5 * ((1 << bits) - 1)).astype(np.uint16)
    item = Dataset()
    item.add_new(0x00283002, "SS" if first < 0 else "US", [count, first, bits])
    item.add_new(0x00283006, "US", table.tolist())
    dataset = Dataset()
    dataset.VOILUTSequence = Sequence([item])
    dataset.PixelRepresentation = 1
    # pydicom clips in the table's own type, which wraps around for bytes: there only what fits is compared.
    values = VALUES[VALUES < 256] if bits == 8 else VALUES
    theirs = apply_voi(values, dataset)
    ours = lut_levels(values, VoiLut(first, bits, table))
    assert np.array_equal(np.rint(ours * ((1 << bits) - 1)), theirs)


@given(
    center=st.floats(-2000, 5000),
    width=st.floats(0.1, 9000),
    function=st.sampled_from(["LINEAR", "LINEAR_EXACT", "SIGMOID"]),
    slope=st.sampled_from([1.0, 0.5, -2.0]),
    intercept=st.sampled_from([0.0, -1000.0]),
    inverted=st.booleans(),
    signed=st.booleans(),
)
def test_the_table_says_what_the_formula_says(
    center: float, width: float, function: str, slope: float, intercept: float, inverted: bool, signed: bool
) -> None:
    window = WindowSetting(center, width, "", function)
    dtype = np.dtype(np.int16 if signed else np.uint16)
    table = display_table(dtype, window, slope=slope, intercept=intercept, inverted=inverted)
    values = np.arange(np.iinfo(dtype).min, np.iinfo(dtype).max, 97).astype(dtype)
    exact = levels(values * slope + intercept, window, inverted=inverted)
    found = table[values.view(np.uint16)]
    # A tie between two levels may fall to either side.
    assert np.abs(found.astype(int) - exact).max() <= 1
    assert np.mean(found != exact) < 0.02


def test_padding_is_black_even_where_low_is_white() -> None:
    table = display_table(np.dtype(np.uint8), WindowSetting(128, 256), inverted=True, padding=(0, 9))
    assert table[:10].tolist() == [0] * 10
    assert table[10] > 240
    signed = display_table(np.dtype(np.int16), WindowSetting(0, 100), padding=(-2000, -2000), inverted=True)
    assert signed[np.int16(-2000).view(np.uint16)] == 0
    assert signed[np.int16(-1999).view(np.uint16)] == 255


def test_padding_outside_the_type_is_nothing() -> None:
    assert display_table(np.dtype(np.uint8), WindowSetting(128, 256), padding=(300, 400))[255] == 255


def test_min_max_of_a_flat_image() -> None:
    assert np.isfinite(window_levels(np.array([7.0, 7.0]), min_max_window(7, 7))).all()
    assert levels(np.array([10, 15, 20]), min_max_window(20, 10), inverted=False).tolist() == [0, 128, 255]
