"""Whether a JPEG file can go into a DICOM object as it is, and what the object must say of it.

Markers by ISO/IEC 10918-1 (ITU-T T.81) table B.1; transfer syntaxes by PS3.5 A.4.1; photometric interpretations by
PS3.3 C.7.6.3.1.2. Nothing is decoded: the picture stays what the camera wrote, without its EXIF and XMP parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

BASELINE = "1.2.840.10008.1.2.4.50"
EXTENDED = "1.2.840.10008.1.2.4.51"

_SOS, _APP0, _APP1, _APP14 = 0xDA, 0xE0, 0xE1, 0xEE
_ORIENTATION_TAG = 0x0112
_SOF_BASELINE, _SOF_EXTENDED = 0xC0, 0xC1
_SOFS = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
# Kept: JFIF, ICC profile, Adobe. What else cameras and programs add may say where and by whom it was taken.
_KEPT = frozenset({_APP0, 0xE2, _APP14})


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
    """Return the stream of a baseline or extended 8-bit JPEG; ``None`` for any other file, and for a broken one."""
    if data[:2] != b"\xff\xd8":
        return None
    kept = [data[:2]]
    frame: tuple[int, bytes] | None = None
    adobe: int | None = None
    orientation = 1
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position : position + 2 + length]
        if length < 2 or len(segment) < 2 + length:
            return None
        if marker in _SOFS:
            frame = (marker, segment[4:])
        if marker == _APP14 and segment[4:9] == b"Adobe" and len(segment) >= 16:
            adobe = segment[15]
        if marker == _APP1 and segment[4:10] == b"Exif\0\0":
            orientation = _orientation(segment[10:])
        if marker == _SOS:
            # From here to the end: the picture itself, with whatever tables and scans it has.
            end = data.rfind(b"\xff\xd9")
            if frame is None or end < position:
                return None
            kept.append(data[position : end + 2])
            described = _described(b"".join(kept), *frame, adobe)
            return None if described is None else replace(described, orientation=orientation)
        if not _APP0 <= marker <= 0xEF or marker in _KEPT:
            kept.append(segment)
        position += 2 + length
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


def _described(data: bytes, marker: int, frame: bytes, adobe: int | None) -> JpegStream | None:
    if marker not in {_SOF_BASELINE, _SOF_EXTENDED} or len(frame) < 6 or frame[0] != 8:
        return None
    rows, columns, components = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"), frame[5]
    photometric = _photometric(frame, components, adobe)
    if not rows or not columns or photometric is None:
        return None
    syntax = BASELINE if marker == _SOF_BASELINE else EXTENDED
    return JpegStream(data + b"\0" * (len(data) % 2), syntax, rows, columns, components, photometric)


def _photometric(frame: bytes, components: int, adobe: int | None) -> str | None:
    if components == 1:
        return "MONOCHROME2"
    if components != 3 or len(frame) < 6 + 9:
        return None
    if adobe == 0:
        return "RGB"
    # YCbCr by JFIF, by Adobe, or by the habit of every reader where neither says anything.
    sampling = [frame[7 + 3 * number] for number in range(3)]
    return "YBR_FULL" if len(set(sampling)) == 1 else "YBR_FULL_422"
