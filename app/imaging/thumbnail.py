"""Thumbnails: a JPEG of at most 400 by 400, as the viewer would show the picture.

The cheapest way to each: values are reduced before they are windowed, JPEG decodes at an eighth,
JPEG 2000 from a reduced level (both through ``pictures``). Writes no files.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from app.core.errors import EnvironmentFault
from app.imaging.display.geometry import fit_size
from app.imaging.frame import DisplayFrame
from app.imaging.render import render_picture

SIDE = 400
QUALITY = 85
_HALVED_TYPES = (np.uint8, np.uint16, np.int16)


def thumbnail_of(frame: DisplayFrame) -> bytes:
    """Return the JPEG of ``frame`` at its default window, overlays off, square pixels.

    Pictures smaller than the box are not enlarged.
    """
    return encode(small_picture(frame))


def small_picture(frame: DisplayFrame) -> NDArray[np.uint8]:
    """Return ``frame`` as an 8-bit picture of at most 400 by 400."""
    vertical, horizontal = frame.pixel_aspect
    if vertical <= 0 or horizontal <= 0 or vertical == horizontal:
        frame = _halved(frame)
        stretch = 1.0
    else:
        stretch = max(vertical, horizontal) / min(vertical, horizontal)
    side = max(1, min(SIDE, round(max(frame.rows, frame.columns) * stretch)))
    if stretch == 1.0:
        frame = _fitted(frame, side)
    return render_picture(frame, size=(side, side), overlays=False)


def _halved(frame: DisplayFrame) -> DisplayFrame:
    """Halve grey values while they stay larger than the thumbnail.

    Exact halves are vectorised: four times faster than one reduction by an odd factor.
    """
    values = frame.values
    if values.ndim != 2 or values.dtype not in _HALVED_TYPES:
        return frame
    while max(values.shape) >= 2 * SIDE and min(values.shape) >= 2:
        even = values[: values.shape[0] & ~1, : values.shape[1] & ~1]
        size = even.shape[1] // 2, even.shape[0] // 2
        values = cv2.resize(even, size, interpolation=cv2.INTER_AREA)
    return replace(frame, values=values, overlays=None)


def _fitted(frame: DisplayFrame, side: int) -> DisplayFrame:
    """Bring grey values that are less than twice too large to their final size.

    Below a factor of two every value takes part in a linear interpolation, which is vectorised: a tenth of the
    time of an average over areas by an odd factor.
    """
    values = frame.values
    if values.ndim != 2 or values.dtype not in _HALVED_TYPES or not side < max(values.shape) < 2 * side:
        return frame
    rows, columns = fit_size(values.shape[0], values.shape[1], side, side)
    reduced = cv2.resize(np.ascontiguousarray(values), (columns, rows), interpolation=cv2.INTER_LINEAR)
    return replace(frame, values=reduced, overlays=None)


def encode(picture: NDArray[np.uint8]) -> bytes:
    """Return ``picture``, grey or RGB, as a JPEG."""
    plain = picture[:, :, ::-1] if picture.ndim == 3 else picture
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(plain), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise EnvironmentFault("file.undecodable", detail="imencode")
    return data.tobytes()
