"""Sizes and scaling: square pixels, fitting a box. Pure functions on arrays and numbers."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

# Spacings are decimal strings: a difference in the last digit is no shape.
_SQUARE_TOLERANCE = 0.005


def square_size(rows: int, columns: int, aspect: tuple[float, float]) -> tuple[int, int]:
    """(rows, columns) after stretching the axis along which a pixel is longer.

    ``aspect`` is (vertical, horizontal) as in Pixel Aspect Ratio (0028,0034).
    """
    vertical, horizontal = aspect
    if vertical <= 0 or horizontal <= 0 or abs(vertical / horizontal - 1.0) <= _SQUARE_TOLERANCE:
        return rows, columns
    if vertical > horizontal:
        return max(round(rows * vertical / horizontal), 1), columns
    return rows, max(round(columns * horizontal / vertical), 1)


def fit_size(rows: int, columns: int, box_width: int, box_height: int) -> tuple[int, int]:
    """(rows, columns) scaled, up or down, to touch the box from inside without changing shape."""
    scale = min(box_width / columns, box_height / rows)
    return max(min(round(rows * scale), box_height), 1), max(min(round(columns * scale), box_width), 1)


def resize(picture: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """A finished picture in another size: averaged when smaller, interpolated when larger."""
    if picture.shape[:2] == (rows, columns):
        return picture
    smaller = rows <= picture.shape[0] and columns <= picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (columns, rows), interpolation=method))
