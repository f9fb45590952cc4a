"""Opening any DICOM file safely: with or without preamble, meta header, UIDs, in any byte order.

Structure and limits are checked by ``structure`` and ``limits`` first; pydicom then parses the
header alone. Pixel data stays a byte range of the file until ``stored`` asks for a frame.
Decodes no pixels and interprets no values.
"""

from __future__ import annotations

import io
import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

from pydicom import config as pydicom_config
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filereader import read_dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from app.core.errors import EnvironmentFault, UserError
from app.imaging.dicom.codestream import syntax_of_codestream
from app.imaging.dicom.content import label_without_pixels
from app.imaging.dicom.guard import reading
from app.imaging.dicom.inflate import inflate
from app.imaging.dicom.structure import SHORT_VRS, VALID_VRS, PixelElement, find_pixels
from app.imaging.dicom.values import integer, text

# Odd values are the rule in the field; each is looked at where it is used.
pydicom_config.settings.reading_validation_mode = pydicom_config.IGNORE

_MAP_ABOVE_BYTES = 64 * 1024**2
_PREAMBLE = 128


@dataclass(frozen=True)
class DicomFile:
    """An opened DICOM file: the header parsed, the pixel data a range of ``data``.

    The dataset's own pixel element is an empty stand-in until ``attach_pixels``. ``data`` is the file's
    bytes (inflated where deflated), ``transfer_syntax`` the declared or, without a meta header, the
    recognised one.
    """

    path: Path
    dataset: Dataset
    data: bytes | memoryview
    pixels: PixelElement | None
    transfer_syntax: str
    is_little_endian: bool

    def pixel_view(self) -> memoryview:
        """The value of the main pixel data element, uncopied.

        Raises
        ------
        UserError
            ``dicom.no_pixels`` when the object has none.
        """
        if self.pixels is None:
            raise no_pixels(self.dataset)
        return memoryview(self.data)[self.pixels.value : self.pixels.end]


def no_pixels(dataset: Dataset) -> UserError:
    """The error for an object without a picture, naming what it is instead."""
    has_rows = integer(dataset, "Rows") is not None
    label = label_without_pixels(text(dataset, "SOPClassUID"), text(dataset, "Modality"), says_rows=has_rows)
    return UserError("dicom.no_pixels", content=label)


def open_dicom(path: Path) -> DicomFile:
    """Open a file, checking structure and limits before parsing.

    Incomplete *pixel data* is not refused here, so that a damaged file can still say what it
    is; ``stored`` refuses to decode it.

    Raises
    ------
    UserError
        ``file.not_an_image`` when this is no DICOM at all.
    EnvironmentFault
        ``file.empty``, ``file.truncated``, ``file.hostile``, ``file.undecodable``, ``file.missing``,
        ``file.unreadable``.
    """
    with reading(path):
        return parse_dicom(_load(path), path)


def parse_dicom(data: bytes | memoryview, path: Path) -> DicomFile:
    """Parse the bytes of a DICOM file; ``open_dicom`` with its errors untranslated."""
    if not len(data):
        raise EnvironmentFault("file.empty")
    file_size = len(data)
    meta, body_start = _read_meta(data, _start(data))
    declared = str(meta.get("TransferSyntaxUID", "") or "").strip()
    if declared == DeflatedExplicitVRLittleEndian:
        data, body_start = inflate(memoryview(data)[body_start:], file_size), 0
    implicit, little = _encoding(data, body_start, declared)
    pixels, end = find_pixels(data, body_start, implicit=implicit, little=little)
    header = bytes(data[body_start : pixels.start if pixels else end])
    dataset = read_dataset(io.BytesIO(header), implicit, little)
    syntax = declared or _guess_syntax(data, pixels, implicit=implicit, little=little)
    meta.TransferSyntaxUID = syntax
    dataset.file_meta = meta
    if pixels is not None:
        # Stands for the pixel data, so that the header alone tells an image from other objects.
        dataset[pixels.tag] = DataElement(pixels.tag, _pixel_vr(pixels), b"")
    return DicomFile(path, dataset, data, pixels, syntax, little)


def open_dataset(path: Path) -> Dataset:
    """Open a file as one pydicom dataset, pixel data included.

    Raises
    ------
    UserError, EnvironmentFault
        As ``open_dicom``; also ``file.truncated`` when pixel data is incomplete.
    """
    opened = open_dicom(path)
    if opened.pixels is not None:
        if not opened.pixels.is_complete:
            raise EnvironmentFault(
                "file.truncated",
                has=opened.pixels.end - opened.pixels.value,
                needed=opened.pixels.needed_end - opened.pixels.value,
            )
        attach_pixels(opened)
    return opened.dataset


def attach_pixels(opened: DicomFile) -> None:
    """Put the pixel data element into the dataset, which then holds a copy of its bytes."""
    pixels = opened.pixels
    if pixels is None:
        return
    element = DataElement(pixels.tag, _pixel_vr(pixels), bytes(opened.pixel_view()))
    element.is_undefined_length = pixels.encapsulated
    opened.dataset[pixels.tag] = element


def _pixel_vr(pixels: PixelElement) -> str:
    return pixels.vr if pixels.vr in ("OB", "OF", "OD") else "OW"


def _load(path: Path) -> bytes | memoryview:
    """The file's bytes: read at once, or mapped when large (a volume of which one frame is wanted)."""
    with path.open("rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        if size <= _MAP_ABOVE_BYTES:
            return stream.read()
        return memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))


def _start(data: bytes | memoryview) -> int:
    """Where the first element stands.

    Raises
    ------
    UserError
        ``file.not_an_image`` when nothing looks like DICOM.
    """
    if bytes(data[_PREAMBLE : _PREAMBLE + 4]) == b"DICM":
        return _PREAMBLE + 4
    if bytes(data[:4]) == b"DICM":
        return 4
    if len(data) >= 8 and _looks_like_element(data, 0):
        return 0
    # One stray byte in front is a known fault of old exporters.
    if len(data) >= 9 and _is_group_8_explicit(data, 1):
        return 1
    raise UserError("file.not_an_image")


def _looks_like_element(data: bytes | memoryview, offset: int) -> bool:
    """Whether an old file without preamble may start here: group 2 or 8 and a sane VR or length."""
    for order in "<>":
        group, element, length = struct.unpack_from(order + "HHL", data, offset)
        if group in (0x0002, 0x0008) and element <= 0x3000:
            explicit = bytes(data[offset + 4 : offset + 6]) in VALID_VRS
            if explicit or offset + 8 + length <= len(data):
                return True
    return False


def _is_group_8_explicit(data: bytes | memoryview, offset: int) -> bool:
    group, element = struct.unpack_from("<HH", data, offset)
    return group == 0x0008 and element <= 0x0018 and bytes(data[offset + 4 : offset + 6]) in SHORT_VRS


def _read_meta(data: bytes | memoryview, start: int) -> tuple[FileMetaDataset, int]:
    """The file meta information, possibly empty, and where the data set begins.

    The end is found by group number: the group length is often wrong.
    """
    position, size = start, len(data)
    implicit = size >= start + 6 and bytes(data[start + 4 : start + 6]) not in VALID_VRS
    while position + 8 <= size and struct.unpack_from("<H", data, position)[0] == 0x0002:
        vr = bytes(data[position + 4 : position + 6])
        if implicit:
            header, (length,) = 8, struct.unpack_from("<L", data, position + 4)
        elif vr in SHORT_VRS:
            header, (length,) = 8, struct.unpack_from("<H", data, position + 6)
        else:
            header, (length,) = 12, struct.unpack_from("<L", data, position + 8)
        position += header + length
        if position > size:
            raise EnvironmentFault("file.truncated", has=size, needed=position)
    meta = FileMetaDataset()
    if position > start:
        meta.update(read_dataset(io.BytesIO(bytes(data[start:position])), implicit, True))
    return meta, position


def _encoding(data: bytes | memoryview, start: int, declared: str) -> tuple[bool, bool]:
    """(is implicit, is little endian) as declared, corrected by what the first element shows."""
    if start + 8 > len(data):
        raise EnvironmentFault("file.truncated", has=len(data), needed=start + 8)
    explicit_seen = bytes(data[start + 4 : start + 6]) in VALID_VRS
    if declared:
        return not explicit_seen, declared != ExplicitVRBigEndian
    (group,) = struct.unpack_from("<H", data, start)
    return not explicit_seen, group < 0x0400


def _guess_syntax(data: bytes | memoryview, pixels: PixelElement | None, *, implicit: bool, little: bool) -> str:
    """The transfer syntax of a file that does not say it."""
    if pixels is not None and pixels.encapsulated:
        return syntax_of_codestream(memoryview(data)[pixels.value : pixels.end])
    if implicit:
        return str(ImplicitVRLittleEndian)
    return str(ExplicitVRLittleEndian if little else ExplicitVRBigEndian)
