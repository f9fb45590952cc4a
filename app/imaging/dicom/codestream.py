"""Looking into JPEG, JPEG-LS and JPEG 2000 code streams without decoding them.

Finds the declared size (checked against the header before a codec allocates), whether a
stream reaches its end marker, and which transfer syntax a nameless stream belongs to.
"""

from __future__ import annotations

import struct

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC} | {0xF7}
_SYNTAX_OF_SOF = {
    0xC0: "1.2.840.10008.1.2.4.50",
    0xC1: "1.2.840.10008.1.2.4.51",
    0xC3: "1.2.840.10008.1.2.4.57",
    0xF7: "1.2.840.10008.1.2.4.81",
}
_J2K_START = b"\xff\x4f\xff\x51"
_JP2_START = b"\x00\x00\x00\x0cjP  "
_RLE, _J2K = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.91"


def jpeg_frame_header(stream: bytes) -> tuple[int, int, int, int] | None:
    """(start-of-frame marker, rows, columns, components) of a JPEG or JPEG-LS stream, if it has one."""
    position = 2
    while position + 4 <= len(stream):
        if stream[position] != 0xFF:
            return None
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        (length,) = struct.unpack_from(">H", stream, position + 2)
        if marker in _SOF and position + 10 <= len(stream):
            rows, columns, components = struct.unpack_from(">HHB", stream, position + 5)
            return marker, rows, columns, components
        if marker == 0xDA:
            return None
        position += 2 + length
    return None


def jpeg_is_whole(stream: bytes) -> bool:
    """Whether the entropy-coded data of a JPEG stream is closed by an end marker.

    Inside entropy-coded data every 0xFF is stuffed, so an EOI behind the frame header is a real one
    (those of embedded thumbnails stand before it). libjpeg fills what is missing with noise and says nothing.
    """
    return stream.rfind(b"\xff\xd9", _after_frame_header(stream)) >= 0


def _after_frame_header(stream: bytes) -> int:
    position = 2
    while position + 4 <= len(stream) and stream[position] == 0xFF:
        marker = stream[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        (length,) = struct.unpack_from(">H", stream, position + 2)
        position += 2 + length
        if marker in _SOF or marker == 0xDA:
            break
    return position


def j2k_size(stream: bytes) -> tuple[int, int, int] | None:
    """(rows, columns, components) from the SIZ segment of a JPEG 2000 stream or JP2 file."""
    start = 0 if stream.startswith(_J2K_START) else stream.find(_J2K_START, 0, 4096)
    if start < 0 or start + 42 > len(stream):
        return None
    width, height, left, top = struct.unpack_from(">LLLL", stream, start + 8)
    (components,) = struct.unpack_from(">H", stream, start + 40)
    return height - top, width - left, components


def j2k_is_whole(stream: bytes) -> bool:
    """Whether a JPEG 2000 stream ends with its end marker; packets hold no two bytes above 0xFF8F."""
    return stream.rfind(b"\xff\xd9", max(len(stream) - 64, 0)) >= 0


def syntax_of_codestream(items: memoryview) -> str:
    """The transfer syntax of encapsulated pixel data in a file that does not name it."""
    position = 0
    while position + 8 <= len(items):
        (length,) = struct.unpack_from("<L", items, position + 4)
        stream = bytes(items[position + 8 : position + 8 + min(length, 65536)])
        if stream.startswith(b"\xff\xd8"):
            header = jpeg_frame_header(stream)
            return _SYNTAX_OF_SOF.get(header[0] if header else 0xC0, _SYNTAX_OF_SOF[0xC0])
        if stream.startswith((_J2K_START, _JP2_START)):
            return _J2K
        position += 8 + length
    return _RLE
