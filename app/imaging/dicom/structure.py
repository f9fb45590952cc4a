"""The skeleton of a DICOM data set: tags, lengths and nesting, before pydicom sees a byte.

Walks headers only, without recursion and without copying values. Refuses lengths beyond
the end of the file and nesting beyond the limit, and finds the *main* pixel data, which an
icon's pixel data inside a sequence never is. Does not interpret values.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from pydicom.datadict import DicomDictionary

from app.core.errors import EnvironmentFault
from app.imaging.dicom.limits import MAX_DEPTH, overrun

UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL", b"SS"}
    | {b"ST", b"TM", b"UI", b"UL", b"US"}
)
VALID_VRS = LONG_VRS | SHORT_VRS


@dataclass(frozen=True)
class PixelElement:
    """Where the main pixel data stands: header, value and end offsets, and whether all is there."""

    tag: int
    vr: str
    start: int
    value: int
    end: int
    needed_end: int
    encapsulated: bool

    @property
    def is_complete(self) -> bool:
        """Whether the file holds as many bytes as the element declares."""
        return self.end >= self.needed_end


@dataclass
class _Walk:
    """Position and open containers; each container is (is_sequence, end or None, implicit inside)."""

    data: bytes | memoryview
    position: int
    order: str
    implicit: bool
    stack: list[tuple[bool, int | None, bool]] = field(default_factory=list)


def find_pixels(
    data: bytes | memoryview, start: int, *, implicit: bool, little: bool
) -> tuple[PixelElement | None, int]:
    """Walk a data set; return the main pixel element, if any, and the offset where walking ended.

    Raises
    ------
    EnvironmentFault
        ``file.truncated`` or ``file.hostile`` (lengths, depth), as ``limits.overrun`` decides.
    """
    walk = _Walk(data, start, "<" if little else ">", implicit)
    size = len(data)
    while True:
        _close(walk)
        remaining = size - walk.position
        if remaining < 8:
            if remaining and any(data[walk.position : size]):
                raise EnvironmentFault("file.truncated", has=size, needed=walk.position + 8)
            if any(end is None for _, end, _ in walk.stack):
                raise EnvironmentFault("file.truncated", has=size, needed=size + 8)
            return None, walk.position
        tag = _tag(walk)
        if tag >> 16 == 0xFFFE:
            _delimiter(walk, tag)
            continue
        if tag == 0 and not walk.stack and not any(data[walk.position : size]):
            return None, walk.position
        pixels = _element(walk, tag)
        if pixels is not None:
            return pixels, pixels.end


def _tag(walk: _Walk) -> int:
    group, element = struct.unpack_from(walk.order + "HH", walk.data, walk.position)
    return int(group) << 16 | int(element)


def _close(walk: _Walk) -> None:
    """Leave containers of defined length whose end is reached."""
    while walk.stack and walk.stack[-1][1] is not None and walk.position >= walk.stack[-1][1]:
        walk.stack.pop()


def _delimiter(walk: _Walk, tag: int) -> None:
    (length,) = struct.unpack_from(walk.order + "L", walk.data, walk.position + 4)
    walk.position += 8
    if tag == ITEM:
        if not walk.stack:
            raise EnvironmentFault("file.undecodable", error="item outside a sequence")
        _open(walk, is_sequence=False, length=length, implicit=walk.stack[-1][2])
    elif walk.stack:
        wanted = tag == SEQUENCE_END
        while walk.stack and walk.stack[-1][0] != wanted:
            walk.stack.pop()
        if walk.stack:
            walk.stack.pop()


def _open(walk: _Walk, *, is_sequence: bool, length: int, implicit: bool) -> None:
    end = None if length == UNDEFINED else walk.position + length
    if end is not None and end > len(walk.data):
        raise overrun(len(walk.data), end)
    if sum(1 for sequence, _, _ in walk.stack if sequence) + is_sequence > MAX_DEPTH:
        raise EnvironmentFault("file.hostile", why="nesting", depth=MAX_DEPTH)
    walk.stack.append((is_sequence, end, implicit))


def _element(walk: _Walk, tag: int) -> PixelElement | None:
    """Step over or into one element; return it if it is the main pixel data."""
    start = walk.position
    implicit = walk.stack[-1][2] if walk.stack else walk.implicit
    vr, length, header = _header(walk, tag, implicit)
    value = start + header
    walk.position = value
    size = len(walk.data)
    if tag in PIXEL_TAGS and not walk.stack:
        if length == UNDEFINED:
            end, complete = _fragments(walk, value)
            return PixelElement(tag, vr.decode("ascii"), start, value, end, end if complete else end + 8, True)
        end = min(value + length, size)
        return PixelElement(tag, vr.decode("ascii"), start, value, end, value + length, False)
    if length == UNDEFINED:
        if vr in (b"SQ", b"UN") or implicit:
            # PS3.5 6.2.2: an unknown VR of undefined length is an implicit VR sequence.
            _open(walk, is_sequence=True, length=length, implicit=implicit or vr == b"UN")
        else:
            walk.position, complete = _fragments(walk, value)
            if not complete:
                raise EnvironmentFault("file.truncated", has=size, needed=size + 8)
        return None
    if value + length > size:
        raise overrun(size, value + length)
    if vr == b"SQ":
        _open(walk, is_sequence=True, length=length, implicit=implicit)
    else:
        walk.position = value + length
    return None


def _header(walk: _Walk, tag: int, implicit: bool) -> tuple[bytes, int, int]:
    """VR, declared length and header size of the element at the position."""
    data, position = walk.data, walk.position
    if implicit:
        (length,) = struct.unpack_from(walk.order + "L", data, position + 4)
        known = DicomDictionary.get(tag)
        return (known[0][:2].encode("ascii") if known else b"UN"), int(length), 8
    vr = bytes(data[position + 4 : position + 6])
    if vr in SHORT_VRS:
        (length,) = struct.unpack_from(walk.order + "H", data, position + 6)
        return vr, int(length), 8
    if vr not in LONG_VRS:
        raise EnvironmentFault("file.undecodable", error="unknown value representation")
    if position + 12 > len(data):
        raise EnvironmentFault("file.truncated", has=len(data), needed=position + 12)
    (length,) = struct.unpack_from(walk.order + "L", data, position + 8)
    return vr, int(length), 12


def _fragments(walk: _Walk, position: int) -> tuple[int, bool]:
    """Walk encapsulated items; return the end and whether the sequence delimiter was reached."""
    data, size = walk.data, len(walk.data)
    while position + 8 <= size:
        group, element, length = struct.unpack_from(walk.order + "HHL", data, position)
        tag = group << 16 | element
        if tag == SEQUENCE_END:
            return position + 8, True
        if tag != ITEM:
            return position, False
        if position + 8 + length > size:
            return size, False
        position += 8 + length
    # Writers that forget the delimiter after whole items are common; half an item is a cut file.
    return position, position == size


def frame_offsets(items: memoryview, frames: int) -> tuple[list[int], list[int]] | None:
    """Offsets (from the end of the empty offset table) and lengths of frames of one fragment each.

    ``None`` for a single frame, where there is an offset table, or where fragments and frames do not pair up.
    """
    if frames < 2 or len(items) < 8 or struct.unpack_from("<L", items, 4)[0]:
        return None
    offsets, lengths, position = [], [], 8
    while position + 8 <= len(items):
        group, element, length = struct.unpack_from("<HHL", items, position)
        if group << 16 | element != ITEM:
            break
        offsets.append(position - 8)
        lengths.append(length)
        position += 8 + length
    return (offsets, lengths) if len(offsets) == frames else None
