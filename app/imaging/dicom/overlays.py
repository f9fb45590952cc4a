"""Overlay planes of a data set (groups 60xx, PS3.3 C.9.2), gathered into one mask per frame.

Reads packed planes and the retired ones that hide in unused pixel bits; draws nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.imaging.dicom.guard import DATA_ERRORS
from app.imaging.dicom.layout import PixelLayout
from app.imaging.dicom.values import is_big_endian
from app.imaging.display.overlay import place, unpack_plane

_ROWS, _COLUMNS, _FRAMES, _ORIGIN = 0x0010, 0x0011, 0x0015, 0x0050
_FIRST_FRAME, _BIT_POSITION, _DATA = 0x0051, 0x0102, 0x3000


def overlays_of(
    dataset: Dataset, layout: PixelLayout, index: int, container: NDArray[Any] | None
) -> NDArray[np.bool_] | None:
    """All overlays of a frame as one (rows, columns) mask; ``None`` when there are none.

    ``container`` is the frame before masking, for planes kept in pixel bits (retired in 2004).
    """
    groups = sorted({tag >> 16 for tag in dataset.keys() if 0x6000 <= tag >> 16 < 0x6020})  # noqa: SIM118
    if not groups:
        return None
    canvas = np.zeros((layout.rows, layout.columns), np.bool_)
    found = False
    for group in groups:
        plane = _plane(dataset, group, index) if (group, _DATA) in dataset else None
        if plane is None and (group, _DATA) not in dataset:
            plane = _embedded(dataset, group, layout, container)
        if plane is None:
            continue
        origin = _values(dataset, group, _ORIGIN) or [1, 1]
        place(canvas, plane, origin[0] - 1, origin[-1] - 1)
        found = True
    return canvas if found else None


def _plane(dataset: Dataset, group: int, index: int) -> NDArray[np.bool_] | None:
    rows, columns = _values(dataset, group, _ROWS), _values(dataset, group, _COLUMNS)
    frames = (_values(dataset, group, _FRAMES) or [1])[0]
    first = (_values(dataset, group, _FIRST_FRAME) or [1])[0] - 1
    data = _data(dataset, group)
    if not rows or not columns or data is None or rows[0] <= 0 or columns[0] <= 0:
        return None
    # A single plane belongs to every frame; several belong to the frames from the first on.
    plane_index = index - first if frames > 1 else 0
    if not 0 <= plane_index < max(frames, 1):
        return None
    return unpack_plane(data, rows[0], columns[0], plane_index)


def _embedded(
    dataset: Dataset, group: int, layout: PixelLayout, container: NDArray[Any] | None
) -> NDArray[np.bool_] | None:
    position = (_values(dataset, group, _BIT_POSITION) or [0])[0]
    used = range(layout.high_bit + 1 - layout.bits_stored, layout.high_bit + 1)
    if container is None or container.ndim != 2 or position in used or not 0 < position < layout.bits_allocated:
        return None
    return (container >> position & 1).astype(np.bool_)


def _data(dataset: Dataset, group: int) -> bytes | None:
    try:
        value = dataset[group, _DATA].value
    except DATA_ERRORS:
        return None
    if not isinstance(value, (bytes, bytearray)):
        return None
    if is_big_endian(dataset):
        # OW in a big-endian file: bits are packed into words, the words are swapped.
        return np.frombuffer(value[: len(value) & ~1], ">u2").astype("<u2").tobytes()
    return bytes(value)


def _values(dataset: Dataset, group: int, element: int) -> list[int]:
    try:
        value = dataset[group, element].value
        parts = list(value) if isinstance(value, (list, tuple)) or hasattr(value, "append") else [value]
        return [int(part) for part in parts]
    except DATA_ERRORS:
        return []
