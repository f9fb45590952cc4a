"""How to show images that were stored FOR PROCESSING: raw detector values without a window.

Such files (PS3.3 C.8.11.1) say how pixel values relate to X-ray intensity, not how to look at them.
Our default shows the middle 99 % of the values with dense tissue bright. Pure functions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.display.voi import min_max_window
from app.imaging.frame import WindowSetting

_LOW_PERCENT, _HIGH_PERCENT = 0.5, 99.5
_SAMPLES = 400_000


def robust_window(
    values: NDArray[Any], slope: float, intercept: float, padding: tuple[int, int] | None
) -> WindowSetting:
    """The window over the central values of an image, leaving out padding, collimation and dead pixels."""
    step = max(int((values.size / _SAMPLES) ** 0.5), 1)
    sample = values[::step, ::step].ravel()
    if padding is not None:
        kept = sample[(sample < padding[0]) | (sample > padding[1])]
        sample = kept if kept.size else sample
    low, high = np.percentile(sample, (_LOW_PERCENT, _HIGH_PERCENT))
    if low == high:
        low, high = float(sample.min()), float(sample.max())
    return min_max_window(float(low) * slope + intercept, float(high) * slope + intercept)


def is_inverted(relationship_sign: int | None, photometric: str) -> bool:
    """Whether low values are to be white, so that enamel and bone come out bright.

    Pixel Intensity Relationship Sign (0028,1041): 1 means higher values for more X-ray intensity, that is
    for less tissue; -1 the reverse. Without it the photometric interpretation decides.
    """
    if relationship_sign in (1, -1):
        return relationship_sign == 1
    return photometric == "MONOCHROME1"
