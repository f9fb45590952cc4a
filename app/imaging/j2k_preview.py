"""A JPEG 2000 codestream at a reduced resolution: the wavelet levels below are never decoded.

Gives stored values like the full decoder, only fewer of them. Knows nothing of DICOM.
"""

from __future__ import annotations

import io
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, Jpeg2KImagePlugin

_SIZ, _COD, _SOD = 0xFF51, 0xFF52, 0xFF93
MAX_REDUCTION = 5


def reduction_for(size: tuple[int, int], box: tuple[int, int], levels: int) -> int:
    """Return how many times ``size`` may be halved while a box-filling picture needs no enlarging.

    Both are (width, height); ``levels`` is what the codestream holds.
    """
    count = 0
    scale = max(size[0] / max(box[0], 1), size[1] / max(box[1], 1))
    while scale >= 2 and count < min(levels, MAX_REDUCTION):
        scale /= 2
        count += 1
    return count


def decomposition_levels(stream: bytes) -> int:
    """Return the number of wavelet levels that the codestream declares (ISO 15444-1 A.6.1); 0 if unclear."""
    at = 2
    while at + 4 <= len(stream):
        marker, length = struct.unpack(">HH", stream[at : at + 4])
        if marker == _COD and at + 10 <= len(stream):
            return stream[at + 9]
        if marker == _SOD or not marker > 0xFF00:
            return 0
        at += 2 + length
    return 0


def precision(stream: bytes) -> tuple[int, bool] | None:
    """Return (bits, signed) of the first component (ISO 15444-1 A.5.1)."""
    if len(stream) < 43 or struct.unpack(">H", stream[2:4])[0] != _SIZ:
        return None
    return (stream[42] & 0x7F) + 1, bool(stream[42] & 0x80)


def decode_reduced(stream: bytes, reduction: int) -> NDArray[Any] | None:
    """Decode with ``reduction`` levels left out: (rows, columns) or (rows, columns, 3).

    None where Pillow cannot give stored values back exactly as scaled by the decoder.
    """
    found = precision(stream)
    if found is None or found[0] > 16:
        return None
    bits, signed = found
    with Image.open(io.BytesIO(stream), formats=("JPEG2000",)) as picture:
        assert isinstance(picture, Jpeg2KImagePlugin.Jpeg2KImageFile)
        picture.reduce = reduction
        picture.load()
        values = np.asarray(picture)
    if values.ndim == 3:
        return values if bits == 8 and values.shape[2] == 3 and not signed else None
    if values.dtype == np.uint8:
        if bits != 8:
            return None
        return (values.astype(np.int16) - 128).astype(np.int8) if signed else values
    wide = values.astype(np.int32) >> (16 - bits)  # Pillow moves values to the top of 16 bits
    if signed:
        return (wide - (1 << (bits - 1))).astype(np.int16)
    return wide.astype(np.uint16)
