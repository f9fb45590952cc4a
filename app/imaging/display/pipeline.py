"""One frame through the whole display pipeline: modality, VOI, presentation, overlays.

The order of PS3.4 N.2.1. Takes a ``DisplayFrame`` and gives the 8-bit picture at image size; orientation
and scale come after (``geometry``, the canvas).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.imaging.display.overlay import draw
from app.imaging.display.window_fast import apply_window
from app.imaging.frame import DisplayFrame, PixelArray, VoiLut, WindowSetting


def default_voi(frame: DisplayFrame) -> WindowSetting | VoiLut:
    """What a file is first shown with: its first VOI LUT, else its first window, else our default."""
    if frame.voi_luts:
        return frame.voi_luts[0]
    return frame.default_window


def window_values(
    frame: DisplayFrame, values: PixelArray, voi: WindowSetting | VoiLut | None = None
) -> NDArray[np.uint8]:
    """The picture of some of a frame's values (all of them, or reduced to a view); colour passes unchanged."""
    if frame.is_colour:
        return np.asarray(values, np.uint8)
    return apply_window(
        values,
        voi if voi is not None else default_voi(frame),
        slope=frame.slope,
        intercept=frame.intercept,
        inverted=frame.inverted,
        padding=frame.padding,
    )


def picture_of(
    frame: DisplayFrame, voi: WindowSetting | VoiLut | None = None, *, overlays: bool = True
) -> NDArray[np.uint8]:
    """The 8-bit picture of a frame at its stored size, before square pixels."""
    picture = window_values(frame, frame.values, voi)
    return draw(picture, frame.overlays) if overlays else picture
