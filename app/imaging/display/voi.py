"""Values of interest to grey levels (PS3.3 C.11.2): windows, sigmoid and VOI LUTs.

Everything works on modality values and yields 0…1, so that one function serves every bit depth;
``display_table`` makes from it the table that pixels go through. Pure functions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.frame import VoiLut, WindowSetting


def usable(window: WindowSetting) -> bool:
    """Whether a window means anything: finite and of positive width."""
    return math.isfinite(window.center) and math.isfinite(window.width) and window.width > 0


def window_levels(modality: NDArray[Any], window: WindowSetting) -> NDArray[np.float64]:
    """Grey levels 0…1 of modality values under a window.

    LINEAR is PS3.3 C.11.2.1.2.1 (centre - 0.5, width - 1), LINEAR_EXACT C.11.2.1.3.2, SIGMOID
    C.11.2.1.3.1. A LINEAR width below one, which the standard forbids, is taken as exact; a window
    of no width is a step at its centre.
    """
    x = np.asarray(modality, np.float64)
    center, width = window.center, window.width
    if not math.isfinite(center) or not math.isfinite(width):
        return np.zeros_like(x)
    if width <= 0:
        return (x > center).astype(np.float64)
    if window.function == "SIGMOID":
        return np.asarray(1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - center) / width, -700, 700))))
    if window.function == "LINEAR" and width >= 1:
        if width == 1:
            return (x > center - 0.5).astype(np.float64)
        return np.asarray(np.clip((x - (center - 0.5)) / (width - 1) + 0.5, 0.0, 1.0))
    return np.asarray(np.clip((x - center) / width + 0.5, 0.0, 1.0))


def lut_levels(modality: NDArray[Any], lut: VoiLut) -> NDArray[np.float64]:
    """Grey levels 0…1 of modality values through a VOI LUT (PS3.3 C.11.2.1.1)."""
    index = np.clip(np.rint(np.asarray(modality, np.float64)) - lut.first, 0, lut.table.shape[0] - 1)
    return np.asarray(lut.table[index.astype(np.int64)] / float((1 << lut.bits) - 1), np.float64)


def levels(modality: NDArray[Any], voi: WindowSetting | VoiLut, *, inverted: bool) -> NDArray[np.uint8]:
    """8-bit grey of modality values under a window or VOI LUT, inverted where white is low."""
    unit = lut_levels(modality, voi) if isinstance(voi, VoiLut) else window_levels(modality, voi)
    if inverted:
        unit = 1.0 - unit
    return np.rint(unit * 255.0).astype(np.uint8)


def display_table(
    dtype: np.dtype[Any],
    voi: WindowSetting | VoiLut,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
    inverted: bool = False,
    padding: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """The 8-bit grey of every value of an 8- or 16-bit integer type, exact.

    Indexed by the value's *unsigned* bit pattern, so signed pixels may be looked up through a view.
    """
    info = np.iinfo(dtype)
    domain = np.arange(info.min, info.max + 1, dtype=np.float64)
    if isinstance(voi, WindowSetting) and voi.function != "SIGMOID" and usable(voi) and voi.width > 1:
        table = _linear_table(domain, voi, slope, intercept, inverted=inverted)
    else:
        table = levels(domain * slope + intercept, voi, inverted=inverted)
    if padding is not None:
        low, high = max(padding[0], info.min), min(padding[1], info.max)
        if low <= high:
            table[low - info.min : high - info.min + 1] = 0
    return np.roll(table, info.min) if info.min < 0 else table


def _linear_table(
    values: NDArray[np.float64], window: WindowSetting, slope: float, intercept: float, *, inverted: bool
) -> NDArray[np.uint8]:
    """``levels`` of a linear window with everything folded into one factor and one offset; uses up ``values``.

    A table is made for each frame of a drag, so the passes over it count.
    """
    exact = window.function == "LINEAR_EXACT"
    width = window.width if exact else window.width - 1
    center = window.center if exact else window.center - 0.5
    factor, offset = slope / width, (intercept - center) / width + 0.5
    if inverted:
        factor, offset = -factor, 1.0 - offset
    values *= factor * 255.0
    # Truncation after adding one half rounds to nearest.
    values += offset * 255.0 + 0.5
    np.clip(values, 0.0, 255.0, out=values)
    return values.astype(np.uint8)


def min_max_window(low: float, high: float) -> WindowSetting:
    """The window that shows ``low`` as black and ``high`` as white."""
    low, high = min(low, high), max(low, high)
    return WindowSetting((low + high) / 2.0, max(high - low, 1e-9), "", "LINEAR_EXACT")
