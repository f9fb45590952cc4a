"""Whether a JPEG file can go into a DICOM object as it is, and what the object must say of it.

Markers by ISO/IEC 10918-1 (ITU-T T.81) table B.1; transfer syntaxes by PS3.5 A.4.1; photometric interpretations by
PS3.3 C.7.6.3.1.2. Nothing is decoded: the picture stays what the camera wrote, without its EXIF and XMP parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"

_SOS, _EOI, _COM, _FILL = 0xDA, 0xD9, 0xFE, 0xFF
_APP0, _APP1, _APP14, _APP15 = 0xE0, 0xE1, 0xEE, 0xEF
_END = b"\xff\xd9"
_ORIENTATION_TAG = 0x0112
_SOF_BASELINE, _SOF_EXTENDED = 0xC0, 0xC1
_SOFS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# What else cameras and programs add may say where and by whom it was taken, or point to a second picture.
_KEPT = {_APP0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", _APP14: b"Adobe"}


@dataclass(frozen=True, slots=True)
class JpegStream:
    """A stream for encapsulation; ``data`` has even length.

    ``orientation`` is the EXIF value 1 to 8, 0 where it cannot be told: DICOM shows the stream as it is.
    """

    data: bytes
    transfer_syntax: str
    rows: int
    columns: int
    components: int
    photometric: str
    orientation: int = 1


def jpeg_stream(data: bytes) -> JpegStream | None:
    """Return the stream of a baseline or extended 8-bit JPEG; ``None`` for any other file, and for a broken one.

    It ends with its own end-of-image marker, whatever follows in the file, and has no comments and no application
    data but what says how its colours are meant.
    """
    if data[:2] != b"\xff\xd8":
        return None
    kept = [data[:2]]
    frame: tuple[int, bytes] | None = None
    adobe: int | None = None
    orientation, has_jfif = 1, False
    for marker, part in _parts(data):
        if marker == _EOI:
            described = (
                _described(b"".join([*kept, _END]), *frame, None if has_jfif else adobe, has_jfif=has_jfif)
                if frame is not None
                else None
            )
            return None if described is None else replace(described, orientation=orientation)
        if marker in _SOFS:
            if frame is not None:
                return None
            frame = (marker, part[4:])
        elif marker == _APP1 and part[4:10] == b"Exif\0\0":
            orientation = _orientation(part[10:])
        elif marker == _APP14 and part[4:9] == b"Adobe" and len(part) >= 16:
            adobe = part[15]
        elif marker == _APP0 and part[4:9] == b"JFIF\0" and len(part) >= 16:
            has_jfif = True
            # Without the small picture that may lie in it.
            part = part[:2] + (16).to_bytes(2, "big") + part[4:16] + b"\0\0"
        if _is_kept(marker, part):
            kept.append(part)
    return None


def _is_kept(marker: int, part: bytes) -> bool:
    """Whether a part belongs to the picture: all but comments, and what programs add that says nothing of colours."""
    if marker == _COM:
        return False
    return not _APP0 <= marker <= _APP15 or part[4:].startswith(_KEPT.get(marker, ()))


def _parts(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield each marker with its parameters and, for a scan, its data; the end of the image last, without anything.

    Ends early where the file does. What lies behind the end of the image is not this picture: phones put second ones
    there, with places and names of their own.
    """
    position, has_scan = 2, False
    while position + 2 <= len(data) and data[position] == _FILL:
        marker = data[position + 1]
        if marker == _FILL:
            position += 1
            continue
        if marker == _EOI:
            if has_scan:
                yield _EOI, b""
            return
        segment = _segment(data, position)
        end = None if segment is None else position + len(segment)
        if marker == _SOS and end is not None:
            end, has_scan = _scan_end(data, end), True
        if end is None:
            return
        yield marker, data[position:end]
        position = end


def _segment(data: bytes, position: int) -> bytes | None:
    """Return a marker with its parameters (T.81, B.1.1.4); ``None`` when it is not all there."""
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    segment = data[position : position + 2 + length]
    return segment if length >= 2 and len(segment) == 2 + length else None


def _scan_end(data: bytes, position: int) -> int | None:
    """Return where entropy-coded data ends: at the next marker that is neither stuffing nor a restart (B.1.1.5)."""
    while (at := data.find(b"\xff", position)) >= 0:
        following = data[at + 1 : at + 2]
        if following == b"\xff":
            position = at + 1
        elif following == b"\0" or b"\xd0" <= following <= b"\xd7":
            position = at + 2
        else:
            return at
    return None


def _orientation(tiff: bytes) -> int:
    """Return the orientation of the first directory (EXIF 2.3, 4.6.4); 0 for one that cannot be read."""
    order: Literal["little", "big"] | None = {b"II*\0": "little", b"MM\0*": "big"}.get(tiff[:4])  # type: ignore[assignment]
    if order is None:
        return 0
    start = int.from_bytes(tiff[4:8], order)
    entries = int.from_bytes(tiff[start : start + 2], order)
    for number in range(entries):
        entry = tiff[start + 2 + 12 * number : start + 14 + 12 * number]
        if len(entry) < 12:
            return 0
        if int.from_bytes(entry[:2], order) == _ORIENTATION_TAG:
            value = int.from_bytes(entry[8:10], order)
            return value if 1 <= value <= 8 else 1
    return 1


def _described(data: bytes, marker: int, frame: bytes, adobe: int | None, *, has_jfif: bool) -> JpegStream | None:
    if marker not in {_SOF_BASELINE, _SOF_EXTENDED} or len(frame) < 6 or frame[0] != 8:
        return None
    rows, columns, components = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    photometric = _photometric(frame, components, adobe, has_jfif=has_jfif)
    if not rows or not columns or photometric is None:
        return None
    syntax = BASELINE if marker == _SOF_BASELINE else EXTENDED
    return JpegStream(data + b"\0" * (len(data) % 2), syntax, rows, columns, components, photometric)


def _photometric(frame: bytes, components: int, adobe: int | None, *, has_jfif: bool) -> str | None:
    """Decide as every reader does (libjpeg's rule): JFIF means YCbCr, else Adobe says it, else components named RGB."""
    if components == 1:
        return "MONOCHROME2"
    if components != 3 or len(frame) < 6 + 9:
        return None
    names = bytes(frame[6 + 3 * number] for number in range(3))
    if adobe == 0 or (adobe is None and not has_jfif and names == b"RGB"):
        return "RGB"
    # YCbCr by JFIF, by Adobe, or by the habit of every reader where neither says anything.
    sampling = [frame[7 + 3 * number] for number in range(3)]
    return "YBR_FULL" if len(set(sampling)) == 1 else "YBR_FULL_422"
