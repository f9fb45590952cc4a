"""The pixels of one slice, straight from the file into its place in a volume.

Only for headers that ``slice_header`` understood. Never raises for what is in a file: it says that it could
not, and the full reader, which knows why, is asked. Any thread.
"""

from __future__ import annotations

import io
import os
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.imaging.dicom import codecs
from app.imaging.dicom.guard import DATA_ERRORS
from app.imaging.dicom.layout import PixelLayout
from app.imaging.dicom.slice_header import SliceHeader
from app.imaging.dicom.structure import SEQUENCE_END

_DELIMITER_BYTES = 8
_FAILURES: tuple[type[Exception], ...] = (*DATA_ERRORS, OSError)


class _Frame:
    """What the codecs want to know of a frame: the part of pydicom's DecodeRunner that they use."""

    def __init__(self, header: SliceHeader) -> None:
        layout = header.layout
        self.transfer_syntax = header.syntax
        self.rows, self.columns, self.samples_per_pixel = layout.rows, layout.columns, 1
        self.bits_allocated = layout.bits_allocated
        self.photometric_interpretation = layout.photometric
        self.codec_threads = 1  # several slices are decoded at once

    def set_option(self, name: str, value: Any) -> None:
        """Take what a codec tells of its samples."""
        setattr(self, name, value)


def fill(header: SliceHeader, slot: NDArray[Any]) -> bool:
    """Put the stored values of a slice into ``slot`` (rows, columns), contiguous; False when that failed."""
    unsigned = slot.view(f"u{slot.dtype.itemsize}")
    try:
        with io.FileIO(header.path) as stream:
            done = _decoded(stream, header, unsigned) if header.encapsulated else _read(stream, header, unsigned)
    except _FAILURES:
        return False
    if done:
        _mask(slot, unsigned, header.layout)
    return done


def _read(stream: io.FileIO, header: SliceHeader, unsigned: NDArray[Any]) -> bool:
    if header.length < unsigned.nbytes:
        return False
    stream.seek(header.offset)
    view = unsigned.data.cast("B")
    while len(view):
        count = stream.readinto(view)
        if not count:
            return False
        view = view[count:]
    return True


def _decoded(stream: io.FileIO, header: SliceHeader, unsigned: NDArray[Any]) -> bool:
    wanted = header.length + _DELIMITER_BYTES
    if os.fstat(stream.fileno()).st_size < header.offset + wanted:
        return False
    stream.seek(header.offset)
    data = stream.read(wanted)
    if data is None or len(data) != wanted:
        return False
    group, element = struct.unpack_from("<HH", data, header.length)
    if group << 16 | element != SEQUENCE_END:
        return False  # more fragments
    frame = _Frame(header)
    samples = codecs.decode_frame(data[: header.length], frame)
    if frame.bits_allocated != unsigned.dtype.itemsize * 8:
        return False
    unsigned[...] = np.frombuffer(samples, unsigned.dtype, unsigned.size).reshape(unsigned.shape)
    return True


def _mask(slot: NDArray[Any], unsigned: NDArray[Any], layout: PixelLayout) -> None:
    """``stored.stored_values`` in place: Bits Stored below High Bit, sign extended (PS3.5 8.1.1)."""
    shift = layout.high_bit + 1 - layout.bits_stored
    if shift:
        np.right_shift(unsigned, shift, out=unsigned)
    unused = slot.dtype.itemsize * 8 - layout.bits_stored
    if not unused:
        return
    if layout.is_signed:
        np.left_shift(slot, unused, out=slot)
        np.right_shift(slot, unused, out=slot)
        return
    limit = (1 << layout.bits_stored) - 1
    if int(unsigned.max(initial=0)) > limit:
        np.bitwise_and(unsigned, limit, out=unsigned)
