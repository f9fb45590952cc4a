"""Slice headers by way of the full reader: multi-frame files, and whatever the fast one does not understand.

Reads no pixels.
"""

from __future__ import annotations

from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from app.core.errors import EnvironmentFault
from app.imaging.dicom.functional import macro
from app.imaging.dicom.layout import INTEGER_TAG
from app.imaging.dicom.luts import rescale_of
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom.slice_header import SliceHeader
from app.imaging.dicom.stored import FrameReader
from app.imaging.dicom.values import integer, numbers

_NATIVE = frozenset({ImplicitVRLittleEndian, ExplicitVRLittleEndian})


def header_of(path: Path) -> SliceHeader:
    """The header of a single-frame file.

    Raises
    ------
    BitewingError
        As ``reader.open_dicom`` and ``FrameReader``; ``file.undecodable`` for a file of several frames.
    """
    opened = open_dicom(path)
    found = headers_of_frames(opened, FrameReader(opened))
    if len(found) != 1:
        raise EnvironmentFault("file.undecodable", error="several frames in a slice of a series")
    return found[0]


def headers_of_frames(opened: DicomFile, reader: FrameReader) -> list[SliceHeader]:
    """One header for each frame; frames of native 8-, 16- and 32-bit integers are found by offset."""
    layout, pixels = reader.layout, opened.pixels
    plain = (
        pixels is not None
        and pixels.tag == INTEGER_TAG
        and opened.transfer_syntax in _NATIVE
        and layout.samples == 1
        and layout.bits_allocated in (8, 16, 32)
    )
    start, length = pixels.value if pixels else 0, layout.frame_bits // 8
    return [
        SliceHeader(
            path=opened.path,
            syntax=opened.transfer_syntax,
            layout=layout,
            encapsulated=not plain,
            offset=start + index * length if plain else -1,
            length=length,
            position=_plane(opened.dataset, index, "PlanePositionSequence", "ImagePositionPatient"),
            orientation=_plane(opened.dataset, index, "PlaneOrientationSequence", "ImageOrientationPatient"),
            spacing=_plane(opened.dataset, index, "PixelMeasuresSequence", "PixelSpacing"),
            rescale=rescale_of(macro(opened.dataset, index, "PixelValueTransformationSequence") or opened.dataset),
            number=index if layout.frames > 1 else integer(opened.dataset, "InstanceNumber") or 0,
            frame=index,
        )
        for index in range(layout.frames)
    ]


def _plane(dataset: Dataset, index: int, group: str, keyword: str) -> tuple[float, ...]:
    """A value of a functional group, or of the data set itself."""
    item = macro(dataset, index, group)
    return tuple(numbers(item if item is not None else dataset, keyword))
