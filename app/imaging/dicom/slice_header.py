"""Where one slice's pixels stand and where the slice lies, read in some 30 µs.

For series of hundreds of single-frame files. Understands little endian in tag order, native or with one
fragment for the frame; whatever else it meets it does not guess: None, and the full reader takes over.
Refuses nothing and decodes nothing.
"""

from __future__ import annotations

import os
import struct
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from app.core.errors import EnvironmentFault
from app.imaging.dicom import codecs
from app.imaging.dicom.layout import PixelLayout
from app.imaging.dicom.limits import check_dimensions
from app.imaging.dicom.structure import ITEM, LONG_VRS, SHORT_VRS
from app.imaging.header import PREAMBLE, _after_meta, _skip_sequence

_PIXEL_DATA = 0x7FE00010
_POSITION, _ORIENTATION, _SPACING, _NUMBER = 0x00200032, 0x00200037, 0x00280030, 0x00200013
_INTERCEPT, _SLOPE = 0x00281052, 0x00281053
_ROWS, _COLUMNS, _SAMPLES, _FRAMES, _PHOTOMETRIC = 0x00280010, 0x00280011, 0x00280002, 0x00280008, 0x00280004
_ALLOCATED, _STORED, _HIGH, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_LAYOUT_TAGS = (_ROWS, _COLUMNS, _SAMPLES, _ALLOCATED, _STORED, _HIGH, _SIGNED, _PHOTOMETRIC)
_WANTED = frozenset(
    {_POSITION, _ORIENTATION, _SPACING, _NUMBER, _INTERCEPT, _SLOPE, _FRAMES, *_LAYOUT_TAGS},
)
_HEADER_BYTES = dict.fromkeys(SHORT_VRS, 8) | dict.fromkeys(LONG_VRS, 12)
_UNDEFINED = 0xFFFFFFFF
_IMPLICIT, _EXPLICIT = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.1"

_MORE_BYTES = 1 << 20

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from


class SliceHeader(NamedTuple):
    """What a volume needs of one single-frame file.

    ``offset`` and ``length`` are those of the native samples or of the one code stream. ``position`` and
    ``orientation`` are Image Position and Image Orientation (Patient), empty where missing.
    """

    path: Path
    syntax: str
    layout: PixelLayout
    encapsulated: bool
    offset: int
    length: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    spacing: tuple[float, ...]
    rescale: tuple[float, float]
    number: int
    frame: int = 0

    @property
    def is_plain(self) -> bool:
        """Whether the pixels can be read by offset; otherwise the full reader has to find them."""
        return self.offset >= 0


def read_slice_header(path: Path, first_bytes: int) -> SliceHeader | None:
    """Read the header of a slice; ``first_bytes`` is how much to read at first, a guess.

    Raises
    ------
    OSError
        When the file cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(descriptor, first_bytes)
        try:
            return _parse(data, path)
        except (struct.error, IndexError):
            if len(data) < first_bytes:
                return None
        data += os.read(descriptor, _MORE_BYTES)
    finally:
        os.close(descriptor)
    try:
        return _parse(data, path)
    except (struct.error, IndexError):
        return None


def _parse(data: bytes, path: Path) -> SliceHeader | None:
    if data[PREAMBLE : PREAMBLE + 4] != b"DICM":
        return None
    at, syntax = _after_meta(data, PREAMBLE + 4)
    native = syntax in (_IMPLICIT, _EXPLICIT)
    if at < 0 or syntax is None or not (native or codecs.is_available(syntax.decode("latin_1"))):
        return None
    explicit = data[at + 4 : at + 6] in _HEADER_BYTES
    if explicit == (syntax == _IMPLICIT):
        return None
    found: dict[int, bytes] = {}
    offset, length = _walk(data, at, explicit, found)
    if offset < 0 or found.get(_FRAMES, b"1").strip(b" \0") != b"1":
        return None
    if native == (length == _UNDEFINED):
        return None
    if not native:
        offset, length = _only_fragment(data, offset)
        if offset < 0:
            return None
    return _header(path, syntax.decode("latin_1"), found, not native, offset, length)


def _walk(data: bytes, at: int, explicit: bool, found: dict[int, bytes]) -> tuple[int, int]:
    """Collect the wanted values; where the pixel data's value begins and its length, or -1."""
    previous, wanted, header_bytes = -1, _WANTED, _HEADER_BYTES
    while True:
        if explicit:
            group, element, vr, length = _explicit(data, at)
            size = header_bytes.get(vr)
            if size is None:
                return -1, 0
            if size == 12:
                (length,) = _length(data, at + 8)
        else:
            group, element, length = _implicit(data, at)
            vr, size = b"SQ", 8
        tag = group << 16 | element
        if tag <= previous:
            return -1, 0
        previous = tag
        at += size
        if tag >= _PIXEL_DATA:
            return (at, length) if tag == _PIXEL_DATA else (-1, 0)
        if length == _UNDEFINED:
            at = _skip_sequence(data, at, explicit, 0) if vr == b"SQ" else -1
            if at < 0:
                return -1, 0
            continue
        if tag in wanted:
            found[tag] = data[at : at + length]
        at += length


def _only_fragment(data: bytes, at: int) -> tuple[int, int]:
    """Where the code stream behind the offset table stands, and its length; -1 when it is not plain."""
    group, element, length = _implicit(data, at)
    if group << 16 | element != ITEM:
        return -1, 0
    at += 8 + length
    group, element, length = _implicit(data, at)
    return (at + 8, length) if group << 16 | element == ITEM else (-1, 0)


def _header(
    path: Path, syntax: str, found: dict[int, bytes], encapsulated: bool, offset: int, length: int
) -> SliceHeader | None:
    try:
        layout = _layout(tuple([found.get(tag, b"") for tag in _LAYOUT_TAGS]))
        slope = _numbers(found.get(_SLOPE, b""))
        intercept = _numbers(found.get(_INTERCEPT, b""))
        number = found.get(_NUMBER, b"").strip(b" \0")
        return SliceHeader(
            path,
            syntax,
            layout,
            encapsulated,
            offset,
            length,
            tuple([float(part) for part in found.get(_POSITION, b"").split(b"\\") if part]),
            _numbers(found.get(_ORIENTATION, b"")),
            _numbers(found.get(_SPACING, b"")),
            ((slope[0] or 1.0) if slope else 1.0, intercept[0] if intercept else 0.0),
            int(number) if number else 0,
        )
    except (ValueError, OverflowError, EnvironmentFault):
        return None  # the full reader says what is wrong


@lru_cache(64)
def _numbers(value: bytes) -> tuple[float, ...]:
    """The numbers of a decimal string, the same in all slices of a series and so read once."""
    return tuple([float(part) for part in value.strip(b" \0").split(b"\\") if part])


@lru_cache(16)
def _layout(values: tuple[bytes, ...]) -> PixelLayout:
    """The plain layout of a grey slice; anything odd is left to the full reader."""
    rows, columns, samples, allocated, stored, high, signed = (int.from_bytes(value, "little") for value in values[:7])
    if any(len(value) != 2 for value in values[:7]) or samples != 1 or allocated not in (8, 16, 32):
        raise ValueError("not a plain grey image")
    if not 1 <= stored <= allocated or not stored - 1 <= high < allocated:
        raise ValueError("bits")
    photometric = values[7].decode("ascii").strip("\0 ").upper()
    if photometric not in ("MONOCHROME1", "MONOCHROME2"):
        raise ValueError("not grey")
    check_dimensions(rows, columns, samples, 1, allocated)
    return PixelLayout(rows, columns, samples, 1, allocated, stored, high, signed == 1, False, photometric)
