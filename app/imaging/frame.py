"""The values that pass between decoding, display and everything that shows a picture.

One frame of an image in the form the viewer needs: pixels before windowing, with what
is needed to window them. Frozen dataclasses only; nothing is decoded or computed here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

PixelArray = NDArray[Any]
"""Any numeric array; the functions say which element types they take."""

WINDOW_FUNCTIONS = ("LINEAR", "LINEAR_EXACT", "SIGMOID")
"""VOI LUT Function (0028,1056), PS3.3 C.11.2.1.3."""

SPACING_SOURCES = ("calibrated", "corrected", "detector", "nominal", "unknown")
"""What a pixel spacing rests on, PS3.3 10.7: from fiducials down to nothing known."""


@dataclass(frozen=True)
class WindowSetting:
    """A window in modality units, PS3.3 C.11.2.1.2."""

    center: float
    width: float
    explanation: str = ""
    function: str = "LINEAR"


@dataclass(frozen=True)
class VoiLut:
    """One item of the VOI LUT Sequence, PS3.3 C.11.2.1.1.

    ``first`` is the first modality value mapped; ``table`` holds ``bits``-bit outputs.
    """

    first: int
    bits: int
    table: NDArray[np.uint16]
    explanation: str = ""


@dataclass(frozen=True)
class PixelSpacing:
    """Millimetres from row to row and from column to column, and what they rest on."""

    row_mm: float
    column_mm: float
    source: str


@dataclass(frozen=True)
class DisplayFrame:
    """One frame ready to be windowed and shown.

    ``values`` is (rows, columns) of integers for grey, after a Modality LUT *Sequence* and
    before the linear rescale, or (rows, columns, 3) uint8 RGB. Modality value =
    ``values * slope + intercept``; windows are in modality units. ``padding`` is an
    inclusive range of ``values`` shown black. ``pixel_aspect`` is (vertical, horizontal).
    """

    values: PixelArray
    slope: float = 1.0
    intercept: float = 0.0
    windows: tuple[WindowSetting, ...] = ()
    voi_luts: tuple[VoiLut, ...] = ()
    default_window: WindowSetting = WindowSetting(127.5, 256.0)
    inverted: bool = False
    padding: tuple[int, int] | None = None
    overlays: NDArray[np.bool_] | None = None
    pixel_aspect: tuple[float, float] = (1.0, 1.0)
    spacing: PixelSpacing | None = None
    bits: int = 8
    frame: int = 0
    frames: int = 1
    label: str | None = None
    frame_time_ms: float | None = None

    @property
    def is_colour(self) -> bool:
        """Whether the values are RGB and take no window."""
        return self.values.ndim == 3

    @property
    def rows(self) -> int:
        """Rows as stored, before non-square pixels are stretched."""
        return int(self.values.shape[0])

    @property
    def columns(self) -> int:
        """Columns as stored, before non-square pixels are stretched."""
        return int(self.values.shape[1])
