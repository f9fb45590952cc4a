"""Writing what was rendered: an 8-bit PNG (ISO/IEC 15948) or a NumPy file, as a whole or not at all.

Encoding needs no imaging library; the pixels come finished from the decoding child.
"""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.core.files import translate_os_error, write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_FILTER_UP = 2
_LEVEL = 6


def write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write (rows, columns) grey or (rows, columns, 3) RGB. Raises EnvironmentFault."""
    _write(path, png_bytes(picture))


def write_npy(path: Path, values: NDArray[Any]) -> None:
    """Write stored values, little endian. Raises EnvironmentFault."""
    import numpy as np

    out = io.BytesIO()
    np.save(out, values.astype(values.dtype.newbyteorder("<"), copy=False), allow_pickle=False)
    _write(path, out.getvalue())


def png_bytes(picture: NDArray[np.uint8]) -> bytes:
    """Encode a picture; each line is stored as its difference from the one above."""
    import numpy as np

    rows, columns = picture.shape[:2]
    lines = np.ascontiguousarray(picture).reshape(rows, -1)
    filtered = np.empty((rows, lines.shape[1] + 1), np.uint8)
    filtered[:, 0] = _FILTER_UP
    filtered[0, 1:] = lines[0]
    np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
    colour = _RGB if picture.ndim == 3 else _GREY
    head = struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0)
    data = zlib.compress(filtered.tobytes(), _LEVEL)
    return _SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except OSError as error:
        raise translate_os_error(error, path=str(path)) from error
