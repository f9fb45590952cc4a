"""From a frame to what a cell paints: reduce the visible part once, then only look levels up.

The reduction (crop, scale, orient) is kept while the geometry stays, so a window/level drag costs one table and
one look-up over the viewport. This module alone of the viewer needs numpy and OpenCV; it is loaded with the
first picture (see ``lazy.py``) so that an empty window does not pay for them.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.imaging.display import voi
from app.imaging.display.pipeline import default_voi
from app.imaging.display.window_fast import look_up
from app.imaging.frame import DisplayFrame, VoiLut, WindowSetting
from app.ui.viewer.geometry import Placement
from app.ui.viewer.view_state import Level, ViewState

Array = NDArray[Any]
_TABLE_TYPES = (np.uint8, np.uint16, np.int16)


def level_of(frame: DisplayFrame, state: ViewState) -> Level:
    """Return the window in force, as modality values."""
    if state.level is not None:
        return state.level
    chosen = _voi(frame, state)
    if isinstance(chosen, VoiLut):
        return Level(chosen.first + len(chosen.table) / 2, float(len(chosen.table)), chosen.explanation)
    return Level(chosen.center, chosen.width, chosen.explanation, chosen.function)


class Raster:
    """One frame and its halved copies, from which any view is cut."""

    def __init__(self, frame: DisplayFrame) -> None:
        values = frame.values
        if values.ndim == 2:
            values = _scalable(values)
        self.frame = frame
        self._levels: list[Array] = [np.ascontiguousarray(values)]
        self._overlays = None if frame.overlays is None else np.ascontiguousarray(frame.overlays, np.uint8) * 255

    def cut(self, place: Placement, state: ViewState, full: tuple[int, int], *, quick: bool, smooth: bool) -> Array:
        """Return the visible values at the size they are painted, oriented as seen.

        Parameters
        ----------
        place
            Where the visible part stands.
        full
            Columns and rows of the full image; the frame may be a smaller preview of it.
        quick
            Interpolate instead of averaging, for the frames of a gesture.
        smooth
            Interpolate magnified pixels; otherwise each stored pixel is a square from twice its size on.
        """
        wide, high = (place.height, place.width) if state.rotation in (90, 270) else (place.width, place.height)
        cropped = self._crop(place, full, wide, high)
        return _oriented(_scaled(cropped, wide, high, quick=quick, smooth=smooth), state)

    def cut_overlays(self, place: Placement, state: ViewState, full: tuple[int, int]) -> NDArray[np.bool_] | None:
        """Return where burnt-in overlay planes are drawn, at the painted size."""
        if self._overlays is None:
            return None
        wide, high = (place.height, place.width) if state.rotation in (90, 270) else (place.width, place.height)
        box = _box(place, full, self._overlays.shape)
        drawn = _scaled(self._overlays[box], wide, high, quick=False, smooth=False)
        return _oriented(drawn, state) > 60

    def _crop(self, place: Placement, full: tuple[int, int], wide: int, high: int) -> Array:
        # Start from the smallest halved copy that still has as many pixels as are painted.
        base = self._levels[0]
        ratio = min(
            (place.right - place.left) * base.shape[1] / full[0] / wide,
            (place.bottom - place.top) * base.shape[0] / full[1] / high,
        )
        depth = 0
        while ratio >= 2 and min(self._halved(depth).shape[:2]) > 1:
            depth += 1
            ratio /= 2
        level = self._halved(depth)
        return level[_box(place, full, level.shape)]

    def _halved(self, depth: int) -> Array:
        while len(self._levels) <= depth:
            source = self._levels[-1]
            size = (max(source.shape[1] // 2, 1), max(source.shape[0] // 2, 1))
            self._levels.append(cv2.resize(source, size, interpolation=cv2.INTER_AREA))
        return self._levels[depth]


def _scalable(values: Array) -> Array:
    # OpenCV scales neither int8 nor 32-bit integers. What fits 16 bits goes through a table; float64 holds the rest.
    if values.dtype in _TABLE_TYPES:
        return values
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    for fitting in (np.uint16, np.int16):
        if np.iinfo(fitting).min <= low and high <= np.iinfo(fitting).max:
            return values.astype(fitting)
    return values.astype(np.float64)


def _box(place: Placement, full: tuple[int, int], shape: tuple[int, ...]) -> tuple[slice, slice]:
    across, down = shape[1] / full[0], shape[0] / full[1]
    left, top = int(place.left * across), int(place.top * down)
    right = min(max(round(place.right * across), left + 1), shape[1])
    bottom = min(max(round(place.bottom * down), top + 1), shape[0])
    return slice(top, bottom), slice(left, right)


def _scaled(values: Array, wide: int, high: int, *, quick: bool, smooth: bool) -> Array:
    rows, columns = values.shape[:2]
    if (columns, rows) == (wide, high):
        return values
    factor = min(wide / columns, high / rows)
    if factor >= 2 and not smooth:
        method = cv2.INTER_NEAREST_EXACT
    elif factor >= 1:
        method = cv2.INTER_LINEAR if quick or not smooth else cv2.INTER_CUBIC
    else:
        method = cv2.INTER_LINEAR if quick else cv2.INTER_AREA
    source = np.ascontiguousarray(values)
    if method == cv2.INTER_CUBIC and source.dtype != np.float64:
        method = cv2.INTER_LINEAR
    return cv2.resize(source, (wide, high), interpolation=method)


def _oriented(values: Array, state: ViewState) -> Array:
    if state.rotation:
        turn = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
        values = cv2.rotate(values, turn[state.rotation])
    if state.flip_horizontal:
        values = cv2.flip(values, 1)
    return np.ascontiguousarray(values)


def levels(frame: DisplayFrame, state: ViewState, values: Array) -> NDArray[np.uint8]:
    """Return 0-255 for stored ``values``: rescale, window or VOI LUT, inversion, view gamma, padding black."""
    modality = values.astype(np.float64) * frame.slope + frame.intercept
    return _finished(frame, state, values, voi.levels(modality, _voi(frame, state), inverted=_inverted(frame, state)))


def _voi(frame: DisplayFrame, state: ViewState) -> WindowSetting | VoiLut:
    if state.level is None and state.voi_lut is not None and state.voi_lut < len(frame.voi_luts):
        return frame.voi_luts[state.voi_lut]
    level = state.level
    # Untouched, a file looks as everywhere else: see the pipeline's rule.
    return default_voi(frame) if level is None else WindowSetting(level.center, level.width, level.name, level.function)


def _inverted(frame: DisplayFrame, state: ViewState) -> bool:
    return frame.inverted != state.invert


def _finished(frame: DisplayFrame, state: ViewState, values: Array, shown: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if state.gamma != 1.0:
        curve = np.rint((np.arange(256) / 255.0) ** (1.0 / state.gamma) * 255.0).astype(np.uint8)
        shown = curve[shown]
    if frame.padding is not None:
        low, high = sorted(frame.padding)
        shown[(values >= low) & (values <= high)] = 0
    return shown


class Painter:
    """Turns cut values into 8-bit pixels; remembers the table while the look stays."""

    def __init__(self, frame: DisplayFrame) -> None:
        self._frame = frame
        self._table: NDArray[np.uint8] | None = None
        self._look: tuple[object, ...] | None = None

    def paint(self, cut: Array, state: ViewState, overlays: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
        """Return contiguous pixels: (height, width) grey, or (height, width, 4) blue, green, red, opaque."""
        if cut.ndim == 3:
            pixels = self._colour(cut, state)
        elif cut.dtype in _TABLE_TYPES:
            pixels = self._grey(cut, state)
        else:
            pixels = levels(self._frame, state, cut)
        if overlays is not None:
            pixels[overlays] = 255
        return pixels

    def _grey(self, cut: Array, state: ViewState) -> NDArray[np.uint8]:
        unsigned = np.dtype(f"u{cut.dtype.itemsize}")
        look = (cut.dtype, state.level, state.voi_lut, state.invert, state.gamma)
        if look != self._look or self._table is None:
            span = np.arange(1 << (8 * cut.dtype.itemsize), dtype=unsigned).view(cut.dtype)
            self._table, self._look = levels(self._frame, state, span), look
        return look_up(cut.view(unsigned), self._table)

    def _colour(self, cut: Array, state: ViewState) -> NDArray[np.uint8]:
        if state.is_adjusted:
            look = (state.level, state.invert, state.gamma)
            if look != self._look or self._table is None:
                span = np.arange(256, dtype=np.uint8)
                plain = DisplayFrame(span.reshape(1, 256))
                settled = state if state.level else state.levelled(Level(127.5, 255.0, function="LINEAR_EXACT"))
                self._table, self._look = levels(plain, settled, span), look
            cut = cv2.LUT(cut, self._table)
        return np.asarray(cv2.cvtColor(cut, cv2.COLOR_RGB2BGRA), np.uint8)


def _sample(frame: DisplayFrame, limit: int) -> Array:
    """Return about ``limit`` stored values spread over the picture, padding left out."""
    values = frame.values if frame.values.ndim == 2 else frame.values[:, :, 1]
    step = max(int((values.size / limit) ** 0.5), 1)
    sample: Array = values[::step, ::step].ravel()
    if frame.padding is not None:
        low, high = sorted(frame.padding)
        kept = sample[(sample < low) | (sample > high)]
        sample = kept if kept.size else sample
    return sample


def histogram(frame: DisplayFrame, bins: int = 128) -> tuple[tuple[float, ...], float, float]:
    """Return bin heights 0-1 (square root of counts) and the modality values they span."""
    sample = _sample(frame, 500_000)
    first, last = float(sample.min()), float(sample.max())
    if last <= first:
        last = first + 1
    counts, _edges = np.histogram(sample, bins=bins, range=(first, last))
    heights = np.sqrt(counts / max(counts.max(), 1))
    ends = sorted((first * frame.slope + frame.intercept, last * frame.slope + frame.intercept))
    ordered = heights if frame.slope >= 0 else heights[::-1]
    return tuple(float(height) for height in ordered), ends[0], ends[1]


def percentile_level(frame: DisplayFrame, low: float, high: float, name: str) -> Level:
    """Return the window from the ``low`` to the ``high`` percentile of the picture."""
    ends = np.percentile(_sample(frame, 250_000), (low, high)) * frame.slope + frame.intercept
    least, most = float(min(ends)), float(max(ends))
    return Level((least + most) / 2, max(most - least, 1.0), name, "LINEAR_EXACT")
