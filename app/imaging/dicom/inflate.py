"""Inflating Deflated Explicit VR Little Endian without letting a small file fill the memory.

Works in chunks against a limit (RELIABILITY.md B7): zlib itself would go on until memory ends.
"""

from __future__ import annotations

import zlib

from app.core.errors import EnvironmentFault
from app.imaging.dicom.limits import MAX_INFLATE_RATIO, MAX_INFLATED_BYTES

_CHUNK = 1 << 20


def inflate(data: bytes | memoryview, file_size: int) -> bytes:
    """Inflate a raw deflate stream (PS3.5 A.5).

    Raises
    ------
    EnvironmentFault
        ``file.hostile`` beyond min(512 MiB, 200 x file size); ``file.truncated`` when the
        stream stops early.
    zlib.error
        For a broken stream; ``guard.reading`` translates it.
    """
    limit = min(MAX_INFLATED_BYTES, MAX_INFLATE_RATIO * file_size)
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    out = bytearray()
    pending: bytes | memoryview = data
    while not stream.eof:
        chunk = stream.decompress(pending, _CHUNK)
        out += chunk
        if len(out) > limit:
            raise EnvironmentFault("file.hostile", why="inflated size", limit=limit)
        pending = stream.unconsumed_tail
        if not chunk and not pending:
            raise EnvironmentFault("file.truncated", has=file_size, needed=file_size + 1)
    return bytes(out)
