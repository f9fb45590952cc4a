"""What a photo says beside its picture: counted by its marks, nothing of it read but where it was taken.

Nothing is decoded; a file that is damaged or unknown is counted as far as its marks go.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Literal

_MARKS = {
    "camera": (b"Exif\0\0", b"eXIf"),
    "xmp": (b"http://ns.adobe.com/xap/1.0/", b"XML:com.adobe.xmp", b"XMP "),
    "iptc": (b"Photoshop 3.0\0", b"Raw profile type iptc"),
    "profile": (b"ICC_PROFILE\0", b"iCCP", b"ICCP"),
}
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXTS = frozenset({b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_TIFF_TEXTS = frozenset({0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298})
_GPS_TAG = 0x8825
_MOST_ENTRIES = 1000


def metadata_parts(data: bytes) -> Counter[str]:
    """Return how many parts of each kind: ``camera``, ``gps``, ``xmp``, ``iptc``, ``profile``, ``comments``."""
    counts: Counter[str] = Counter()
    for kind, marks in _MARKS.items():
        found = sum(data.count(mark) for mark in marks)
        if found:
            counts[kind] = found
    if data.startswith(b"\xff\xd8"):
        counts["comments"] += _jpeg_comments(data)
        counts["behind"] += int(0 <= data.rfind(b"\xff\xd9") < len(data) - 2)
    elif data.startswith(_PNG):
        counts["comments"] += sum(name in _PNG_TEXTS for name, _value in _png_parts(data))
    elif data[:4] in {b"II*\0", b"MM\0*"}:
        counts["comments"] += sum(tag in _TIFF_TEXTS for tag in _tags(data))
        counts["gps"] += int(_GPS_TAG in _tags(data))
    for start in _exif_blocks(data):
        counts["gps"] += int(_GPS_TAG in _tags(data[start : start + 65536]))
    return +counts


def _jpeg_comments(data: bytes) -> int:
    """Count the comments before the first scan (ISO/IEC 10918-1, B.2.4.5)."""
    position, count = 2, 0
    while data[position : position + 1] == b"\xff" and position + 4 <= len(data):
        marker = data[position + 1]
        if marker == 0xDA:
            break
        if marker == 0xFF:
            position += 1
            continue
        count += marker == 0xFE
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return count


def _png_parts(data: bytes) -> Iterator[tuple[bytes, int]]:
    position = len(_PNG)
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], position + 8
        position += 12 + length


def _exif_blocks(data: bytes) -> Iterator[int]:
    """Yield where the TIFF structures of EXIF parts begin."""
    start = data.find(b"Exif\0\0")
    if start >= 0:
        yield start + 6
    if data.startswith(_PNG):
        yield from (at for name, at in _png_parts(data) if name == b"eXIf")


def _tags(tiff: bytes) -> set[int]:
    """Return the tags of the first directory (TIFF 6.0, section 2); none where it cannot be read."""
    order: Literal["little", "big"] = "little" if tiff[:2] == b"II" else "big"
    start = int.from_bytes(tiff[4:8], order)
    entries = min(int.from_bytes(tiff[start : start + 2], order), _MOST_ENTRIES)
    at = start + 2
    return {int.from_bytes(tiff[at + 12 * n : at + 12 * n + 2], order) for n in range(entries)}
