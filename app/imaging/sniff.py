"""What a file is, judged by its content alone.

Reads at most 4 KiB and decodes nothing. Names and extensions are never looked at: a PNG called
``.jpg`` is a PNG, a DICOM file may have any name or none.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from pathlib import Path

HEAD_BYTES = 4096

DICOMDIR_CLASS = b"1.2.840.10008.1.3.10"
"""Media Storage Directory Storage, PS3.4 B.5."""
DICOMDIR_ELEMENT = b"\x02\0\x02\0UI\x14\0" + DICOMDIR_CLASS
"""Media Storage SOP Class UID (0002,0002) of a DICOMDIR; the meta header is always explicit little endian."""


class Content(StrEnum):
    """The kinds of content that Bitewing tells apart."""

    DICOM = "dicom"
    DICOMDIR = "dicomdir"
    JPEG = "jpeg"
    PNG = "png"
    TIFF = "tiff"
    BMP = "bmp"
    WEBP = "webp"
    HEIF = "heif"
    PDF = "pdf"
    ZIP = "zip"
    UNSUPPORTED_IMAGE = "unsupported_image"
    EMPTY = "empty"
    OTHER = "other"


PHOTO_CONTENTS = frozenset({Content.JPEG, Content.PNG, Content.TIFF, Content.BMP, Content.WEBP, Content.HEIF})

MIME_TYPES: dict[Content, str] = {
    Content.DICOM: "application/dicom",
    Content.DICOMDIR: "application/dicom",
    Content.JPEG: "image/jpeg",
    Content.PNG: "image/png",
    Content.TIFF: "image/tiff",
    Content.BMP: "image/bmp",
    Content.WEBP: "image/webp",
    Content.HEIF: "image/heic",
    Content.PDF: "application/pdf",
    Content.ZIP: "application/zip",
}

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_SIGNATURES: tuple[tuple[bytes, Content], ...] = (
    (b"\xff\xd8\xff", Content.JPEG),
    (b"\x89PNG\r\n\x1a\n", Content.PNG),
    (b"II*\0", Content.TIFF),
    (b"MM\0*", Content.TIFF),
    (b"II+\0\x08\0", Content.TIFF),
    (b"MM\0+\0\x08", Content.TIFF),
    (b"PK\x03\x04", Content.ZIP),
    (b"PK\x05\x06", Content.ZIP),
    (b"PK\x07\x08", Content.ZIP),
)
_UNSUPPORTED: tuple[tuple[bytes, str], ...] = (
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"8BPS", "Photoshop"),
    (b"v/1\x01", "OpenEXR"),
)
_LONG_VRS = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
_SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FL", b"FD", b"IS", b"LO", b"LT"}
    | {b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_STRAY_BYTES = (b" ", b"\n", b"\0")
_FIRST_GROUPS = frozenset({0x0002, 0x0004, 0x0008, 0x0010})


def sniff(path: Path) -> Content:
    """Say what the file at ``path`` holds.

    Raises
    ------
    OSError
        When the file cannot be opened or read.
    """
    with path.open("rb") as stream:
        return sniff_head(stream.read(HEAD_BYTES))


def sniff_head(head: bytes) -> Content:
    """Say what a file beginning with ``head`` holds (give 4 KiB where the file has them)."""
    if not head:
        return Content.EMPTY
    if head[128:132] == b"DICM":
        # A TIFF or an executable may live in the preamble (PS3.10 7.1); DICM decides.
        return Content.DICOMDIR if DICOMDIR_ELEMENT in head else Content.DICOM
    for signature, content in _SIGNATURES:
        if head.startswith(signature):
            return content
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return Content.WEBP
    if unsupported_format(head) is not None:
        return Content.UNSUPPORTED_IMAGE
    if head[4:8] == b"ftyp" and _brands(head) & _HEIF_BRANDS:
        return Content.HEIF
    if _is_bmp(head):
        return Content.BMP
    if b"%PDF-" in head[:1024]:
        return Content.PDF
    # A stray byte in front is how some files are cut off their meta header; the reader skips it too.
    if looks_like_bare_dicom(head) or (head[:1] in _STRAY_BYTES and looks_like_bare_dicom(head[1:])):
        return Content.DICOMDIR if DICOMDIR_ELEMENT in head else Content.DICOM
    return Content.OTHER


def unsupported_format(head: bytes) -> str | None:
    """Name the picture format of ``head`` when it is one that Bitewing does not read."""
    for signature, name in _UNSUPPORTED:
        if head.startswith(signature):
            return name
    if head[4:8] == b"ftyp" and _brands(head) & _AVIF_BRANDS:
        return "AVIF"
    return None


def _brands(head: bytes) -> set[bytes]:
    """Return the major and compatible brands of an ISO base media file."""
    end = min(struct.unpack(">I", head[:4])[0], len(head))
    return {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}


def _is_bmp(head: bytes) -> bool:
    return head[:2] == b"BM" and len(head) >= 26 and struct.unpack("<I", head[14:18])[0] in _BMP_HEADER_SIZES


def looks_like_bare_dicom(head: bytes) -> bool:
    """Whether ``head`` reads as a data set without preamble (sensor files often do).

    Three elements in ascending order must parse in one of the encodings; fewer only when the
    head ends before them.
    """
    return any(_parses(head, order, explicit) for order, explicit in _ENCODINGS)


_ENCODINGS = (("<", True), ("<", False), (">", True))


def _parses(head: bytes, order: str, explicit: bool) -> bool:
    at, previous, seen = 0, -1, 0
    while seen < 3 and at + 8 <= len(head):
        group, element = struct.unpack(order + "HH", head[at : at + 4])
        tag = group << 16 | element
        if tag <= previous or (seen == 0 and group not in _FIRST_GROUPS):
            return False
        # Within the first three elements a data set stays in its first groups.
        if group > 0x0040 or element > 0x3000 or group % 2:
            return False
        found = _value_extent(head, at, order, explicit)
        if found is None:
            return False
        start, length = found
        previous, seen = tag, seen + 1
        if order == "<" and group == 2 and not explicit:
            return False
        at = start + length
    return seen >= 2


def _value_extent(head: bytes, at: int, order: str, explicit: bool) -> tuple[int, int] | None:
    """Return (start, length) of the value of the element at ``at``, or None when implausible."""
    if not explicit:
        length = struct.unpack(order + "I", head[at + 4 : at + 8])[0]
        return (at + 8, length) if length <= 0x10000 else None
    vr = head[at + 4 : at + 6]
    if vr in _SHORT_VRS:
        return at + 8, struct.unpack(order + "H", head[at + 6 : at + 8])[0]
    if vr in _LONG_VRS and at + 12 <= len(head):
        length = struct.unpack(order + "I", head[at + 8 : at + 12])[0]
        return (at + 12, length) if length <= 0x10000 else None
    return None
