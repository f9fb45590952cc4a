"""Windowing what is on screen: reduce to the viewport once, then a table per drag frame.

``reduce_to_view`` is what a viewer keeps between the frames of a drag; ``apply_window`` runs for each.
At one screen pixel per image pixel and above no value is mixed, so the result is exact there.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.imaging.display.voi import display_table, levels
from app.imaging.frame import VoiLut, WindowSetting

_BLOCK = 1 << 16
_AREA_TYPES = frozenset({"uint8", "uint16", "int16", "float32"})


def reduce_to_view(
    values: NDArray[Any], source_rect: tuple[int, int, int, int], out_size: tuple[int, int]
) -> NDArray[Any]:
    """The part of the image inside ``source_rect`` at the size it has on screen.

    ``source_rect`` is (left, top, width, height) in whole image pixels, ``out_size`` (width, height) in
    screen pixels. Smaller: area average. Same size: a view. Larger: pixels repeated.
    """
    left, top, width, height = source_rect
    part = values[top : top + height, left : left + width]
    if out_size == (part.shape[1], part.shape[0]):
        return part
    if out_size[0] < part.shape[1] or out_size[1] < part.shape[0]:
        if part.dtype.name not in _AREA_TYPES:
            part = part.astype(np.float32)
        return np.asarray(cv2.resize(np.ascontiguousarray(part), out_size, interpolation=cv2.INTER_AREA))
    rows = _nearest(part.shape[0], out_size[1])
    columns = _nearest(part.shape[1], out_size[0])
    return np.take(np.take(part, rows, axis=0), columns, axis=1)


def apply_window(
    values: NDArray[Any],
    voi: WindowSetting | VoiLut,
    *,
    slope: float = 1.0,
    intercept: float = 0.0,
    inverted: bool = False,
    padding: tuple[int, int] | None = None,
) -> NDArray[np.uint8]:
    """8-bit grey of (reduced) values under a window or VOI LUT; same shape.

    8- and 16-bit integers go through one exact table; other types through blocks that stay in the cache.
    """
    if values.dtype.kind in "ui" and values.dtype.itemsize <= 2:
        table = display_table(values.dtype, voi, slope=slope, intercept=intercept, inverted=inverted, padding=padding)
        unsigned = np.ascontiguousarray(values).view(f"u{values.dtype.itemsize}")
        return look_up(unsigned, table)
    flat = np.ascontiguousarray(values).reshape(-1)
    out = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.size, _BLOCK):
        block = flat[start : start + _BLOCK]
        shown = levels(block * slope + intercept, voi, inverted=inverted)
        if padding is not None:
            shown[(block >= padding[0]) & (block <= padding[1])] = 0
        out[start : start + _BLOCK] = shown
    return out.reshape(values.shape)


def look_up(unsigned: NDArray[Any], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey of 8- or 16-bit unsigned values through a full table."""
    if _CV_LUT_16 or unsigned.dtype.itemsize == 1:
        return np.asarray(cv2.LUT(unsigned, table), np.uint8).reshape(unsigned.shape)
    return np.take(table, unsigned)


def _nearest(size: int, wanted: int) -> NDArray[np.intp]:
    """For each screen pixel the image pixel under its middle."""
    return np.minimum(((np.arange(wanted) + 0.5) * size / wanted).astype(np.intp), size - 1)


def _has_16_bit_lut() -> bool:
    """Whether this OpenCV looks up 16-bit values (4.12 and later)."""
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros(1 << 16, np.uint8))
    except cv2.error:
        return False
    return True


_CV_LUT_16 = _has_16_bit_lut()
