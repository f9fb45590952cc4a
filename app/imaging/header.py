"""The fast header parser of the scan: whose picture, which study, straight out of the bytes.

Understands explicit and implicit little endian in tag order, with or without preamble. Whatever
else it meets it does not guess: it gives None, and the full parser in the decoding child takes
over. Imports nothing heavy and allocates nothing that a file asks for.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from app.imaging.sniff import DICOMDIR_ELEMENT

PREAMBLE = 128
MAX_DEPTH = 16


class MoreBytesNeeded(Exception):
    """The part of the file at hand ends before the last tag that is wanted."""


class HeaderFacts(NamedTuple):
    """What the scan wants of a DICOM file; empty strings where it says nothing.

    Values are as stored, trailing padding removed; names keep their ``^`` and ``=``. (A named tuple:
    making a frozen dataclass costs a tenth of a file's time.)
    """

    patient_id: str = ""
    patient_name: str = ""
    birth_date: str = ""
    study_uid: str = ""
    series_uid: str = ""
    sop_instance_uid: str = ""
    sop_class_uid: str = ""
    modality: str = ""
    is_directory: bool = False


_CHARACTER_SET, _LAST = 0x00080005, 0x0020000E
FIELDS: dict[int, str] = {
    0x00080016: "sop_class_uid",
    0x00080018: "sop_instance_uid",
    0x00080060: "modality",
    0x00100010: "patient_name",
    0x00100020: "patient_id",
    0x00100030: "birth_date",
    0x0020000D: "study_uid",
    0x0020000E: "series_uid",
}
_WANTED = frozenset(FIELDS) | {_CHARACTER_SET}

# PS3.3 C.12.1.1.2: single-byte sets without code extensions, and the two that allow none.
_CODECS = {
    "": "ascii", "ISO_IR 6": "ascii", "ISO_IR 100": "latin_1", "ISO_IR 101": "iso8859_2",
    "ISO_IR 109": "iso8859_3", "ISO_IR 110": "iso8859_4", "ISO_IR 144": "iso8859_5",
    "ISO_IR 127": "iso8859_6", "ISO_IR 126": "iso8859_7", "ISO_IR 138": "iso8859_8",
    "ISO_IR 148": "iso8859_9", "ISO_IR 192": "utf_8", "GB18030": "gb18030",
}  # fmt: skip
_SHORT_VRS = frozenset(b"AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US".split())
_LONG_VRS = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_ALL_VRS = _SHORT_VRS | _LONG_VRS
_HEADER_BYTES = dict.fromkeys(_SHORT_VRS, 8) | dict.fromkeys(_LONG_VRS, 12)
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD

_explicit = struct.Struct("<HH2sH").unpack_from
_implicit = struct.Struct("<HHI").unpack_from
_length = struct.Struct("<I").unpack_from

_EXPLICIT_SYNTAXES = b"1.2.840.10008.1.2."
_IMPLICIT_SYNTAX = b"1.2.840.10008.1.2"
_NOT_PLAIN = frozenset({b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"})


def parse_header(data: bytes, *, complete: bool) -> HeaderFacts | None:
    """Read the wanted values out of the beginning of a DICOM file.

    Parameters
    ----------
    complete
        Whether ``data`` is the whole file.

    Returns
    -------
    HeaderFacts | None
        None for anything that this parser does not recognise.

    Raises
    ------
    MoreBytesNeeded
        When ``data`` is not complete and ends too early.
    """
    try:
        return _parse(data, complete)
    except (struct.error, IndexError) as error:
        if complete:
            return None
        raise MoreBytesNeeded from error


def _parse(data: bytes, complete: bool) -> HeaderFacts | None:
    at, syntax = _after_meta(data, PREAMBLE + 4 if data[PREAMBLE : PREAMBLE + 4] == b"DICM" else 0)
    if at < 0:
        return None
    explicit = data[at + 4 : at + 6] in _ALL_VRS
    if syntax == _IMPLICIT_SYNTAX:
        if explicit:
            return None
    elif syntax is not None and not (explicit and syntax.startswith(_EXPLICIT_SYNTAXES) and syntax not in _NOT_PLAIN):
        return None
    is_directory = DICOMDIR_ELEMENT in data[:at]
    found: dict[int, bytes] = {}
    walk = _walk_explicit if explicit else _walk_implicit
    if not walk(data, at, complete, found):
        return None
    if not found and syntax is None:
        return None  # perhaps big endian, perhaps no DICOM after all
    return _facts(found, is_directory)


def _after_meta(data: bytes, at: int) -> tuple[int, bytes | None]:
    """Return where the data set begins and its transfer syntax; (-1, None) when unclear."""
    syntax: bytes | None = None
    while True:
        if data[at : at + 2] != b"\x02\x00":
            return at, syntax
        _, element, vr, length = _explicit(data, at)
        at += 8
        if vr in _LONG_VRS:
            (length,) = _length(data, at)
            at += 4
        elif vr not in _SHORT_VRS:
            return -1, None
        if element == 0x0010:
            syntax = data[at : at + length].rstrip(b"\0 ")
        at += length


def _walk_explicit(data: bytes, at: int, complete: bool, found: dict[int, bytes]) -> bool:
    """Collect the wanted values; False for what is not understood. Raises like :func:`_at_end`."""
    # The hottest loop of a scan: one look-up tells short and long value representations apart,
    # and the end of the data is noticed by the failing unpack, not by a test for each element.
    previous, unpack, header_bytes, wanted = -1, _explicit, _HEADER_BYTES, _WANTED
    try:
        while True:
            group, element, vr, length = unpack(data, at)
            tag = group << 16 | element
            if tag <= previous:
                return False
            previous = tag
            size = header_bytes.get(vr)
            if size == 8:
                at += 8
            elif size == 12:
                (length,) = _length(data, at + 8)
                at += 12
                if length == _UNDEFINED:
                    if tag > _LAST:
                        return True
                    at = _skip_sequence(data, at, True, 0) if vr == b"SQ" else -1
                    if at < 0:
                        return False
                    continue
            else:
                return bool(tag > _LAST)
            if tag in wanted:
                found[tag] = data[at : at + length]
            at += length
            if tag >= _LAST:
                return at <= len(data) or tag > _LAST or _at_end(data, at, complete)
    except struct.error:
        return _at_end(data, at, complete)


def _walk_implicit(data: bytes, at: int, complete: bool, found: dict[int, bytes]) -> bool:
    """Collect the wanted values; False for what is not understood. Raises like :func:`_at_end`."""
    previous = -1
    try:
        while True:
            group, element, length = _implicit(data, at)
            tag = group << 16 | element
            if tag <= previous:
                return False
            if tag > _LAST:
                return True
            previous = tag
            at += 8
            if length == _UNDEFINED:
                at = _skip_sequence(data, at, False, 0)
                if at < 0:
                    return False
                continue
            if tag in _WANTED:
                found[tag] = data[at : at + length]
            at += length
            if tag == _LAST:
                return at <= len(data) or _at_end(data, at, complete)
    except struct.error:
        return _at_end(data, at, complete)


def _at_end(data: bytes, at: int, complete: bool) -> bool:
    """Whether the data ended between two elements; asks for more bytes when there are more."""
    if not complete:
        raise IndexError
    return at == len(data)


def _skip_sequence(data: bytes, at: int, explicit: bool, depth: int) -> int:
    """Return where the sequence of undefined length at ``at`` ends, -1 when it is not one."""
    if depth > MAX_DEPTH:
        return -1
    while True:
        group, element, length = _implicit(data, at)
        tag = group << 16 | element
        at += 8
        if tag == _SEQUENCE_END:
            return at
        if tag != _ITEM:
            return -1
        if length != _UNDEFINED:
            at += length
            continue
        at = _skip_item(data, at, explicit, depth)
        if at < 0:
            return -1


def _skip_item(data: bytes, at: int, explicit: bool, depth: int) -> int:
    """Return where the item of undefined length at ``at`` ends, -1 when it does not parse."""
    while True:
        group, element, length = _implicit(data, at)
        if group == 0xFFFE:
            return at + 8 if element == 0xE00D else -1
        if explicit:
            _, _, vr, length = _explicit(data, at)
            size = _HEADER_BYTES.get(vr)
            if size is None:
                return -1
            at += size
            if size == 12:
                (length,) = _length(data, at - 4)
            if length == _UNDEFINED and vr != b"SQ":
                return -1
        else:
            at += 8
        if length == _UNDEFINED:
            at = _skip_sequence(data, at, explicit, depth + 1)
            if at < 0:
                return -1
        else:
            at += length


def _facts(found: dict[int, bytes], is_directory: bool) -> HeaderFacts | None:
    named = found.pop(_CHARACTER_SET, b"")
    together = b"".join(found.values())
    if b"\\" in together or b"\x1b" in together:
        return None  # several values or code extensions: rare, and the full parser knows them
    codec = "ascii" if together.isascii() else _CODECS.get(named.decode("latin_1").strip("\0 "))
    if codec is None:
        return None
    try:
        values = {FIELDS[tag]: raw.decode(codec).strip("\0 ") for tag, raw in found.items()}
    except UnicodeDecodeError:
        return None
    name = values.get("patient_name")
    if name and name[-1] == "=":
        values["patient_name"] = name.rstrip("=")  # empty component groups
    return HeaderFacts(is_directory=is_directory, **values)
