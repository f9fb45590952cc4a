"""Overlay planes (PS3.3 C.9.2): unpacking their bits, placing them, drawing them white.

Pure functions on bytes and arrays; where the bits come from is ``dicom.overlays``' business.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def unpack_plane(data: bytes, rows: int, columns: int, frame: int = 0) -> NDArray[np.bool_] | None:
    """One frame of packed overlay bits as (rows, columns); ``None`` when bits are missing."""
    first = frame * rows * columns
    last = first + rows * columns
    packed = np.frombuffer(data, np.uint8)[first // 8 : (last + 7) // 8]
    bits = np.unpackbits(packed, bitorder="little")[first % 8 : first % 8 + rows * columns]
    return bits.astype(np.bool_).reshape(rows, columns) if bits.size == rows * columns else None


def place(canvas: NDArray[np.bool_], plane: NDArray[np.bool_], top: int, left: int) -> None:
    """Add a plane to the canvas in place; ``top`` and ``left`` are zero-based and may be negative."""
    rows, columns = canvas.shape
    row_from, column_from = max(top, 0), max(left, 0)
    row_to, column_to = min(top + plane.shape[0], rows), min(left + plane.shape[1], columns)
    if row_from < row_to and column_from < column_to:
        canvas[row_from:row_to, column_from:column_to] |= plane[
            row_from - top : row_to - top, column_from - left : column_to - left
        ]


def draw(picture: NDArray[np.uint8], overlay: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
    """The picture, grey or RGB, with the overlay's pixels white; the input is not changed."""
    if overlay is None:
        return picture
    shown: NDArray[Any] = picture.copy()
    shown[overlay] = 255
    return shown
