"""Stored pixel values: what decompression yields, before any look-up table or colour conversion.

Interleaved, in native byte order, masked to Bits Stored and sign-extended. Native frames are views
of the file's bytes where nothing has to change. Applies no Modality LUT, window or palette.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import get_frame
from pydicom.pixels import get_decoder
from pydicom.uid import UID

from app.core.errors import EnvironmentFault, UserError
from app.imaging.dicom import codecs
from app.imaging.dicom.entropy import is_damaged
from app.imaging.dicom.guard import reading
from app.imaging.dicom.layout import DOUBLE_TAG, FLOAT_TAG, PixelLayout, layout_of
from app.imaging.dicom.limits import MAX_TOTAL_BYTES
from app.imaging.dicom.reader import DicomFile, attach_pixels, no_pixels, open_dicom
from app.imaging.dicom.structure import frame_offsets
from app.imaging.dicom.values import raw

_MAX_THREADS = 4


def stored_pixels(path: Path) -> NDArray[Any]:
    """Stored values of all frames: (frames, rows, columns[, samples]), one frame or sample dropped.

    Raises
    ------
    UserError
        ``file.not_an_image``, ``dicom.no_pixels``.
    EnvironmentFault
        ``file.truncated`` (``has``, ``needed`` in bytes), ``file.too_large``, ``file.undecodable``, …
    """
    return FrameReader(open_dicom(path)).read_all()


def iter_frames(opened: DicomFile) -> Iterator[NDArray[Any]]:
    """Stored values frame by frame; raises as ``stored_pixels``."""
    frames = FrameReader(opened)
    for index in range(frames.count):
        yield frames.read(index)


class FrameReader:
    """Random access to the frames of one opened file.

    Any thread may call ``read``; each call decodes one frame and keeps nothing.
    """

    def __init__(self, opened: DicomFile) -> None:
        """Check that there are pixels and, for native data, that all of them are there.

        Raises
        ------
        UserError
            ``dicom.no_pixels``.
        EnvironmentFault
            ``file.truncated``, ``file.too_large``, ``file.undecodable``.
        """
        with reading(opened.path):
            self._open(opened)

    def _open(self, opened: DicomFile) -> None:
        if opened.pixels is None:
            raise no_pixels(opened.dataset)
        self._file = opened
        self._pixels = opened.pixels
        self.layout = layout_of(opened.dataset)
        self.photometric = self.layout.photometric
        if self._pixels.encapsulated:
            if not self._pixels.is_complete:
                raise EnvironmentFault("file.truncated", has=self._pixels.end, needed=self._pixels.needed_end)
            self._syntax = UID(opened.transfer_syntax)
            self._decoder = get_decoder(self._syntax)
            self._options = self._decode_options()
            if self._syntax in codecs.J2K_SYNTAXES:
                # The quick preview of reduced levels takes its code stream from the dataset.
                attach_pixels(opened)
        else:
            self._subsampled = self._require_native_bytes()

    @property
    def count(self) -> int:
        """Number of frames."""
        return self.layout.frames

    def read(self, index: int) -> NDArray[Any]:
        """One frame, (rows, columns[, samples]), masked to Bits Stored and sign-extended.

        Raises
        ------
        UserError
            ``image.no_such_frame``.
        EnvironmentFault
            ``file.undecodable``, ``file.truncated``.
        """
        return stored_values(self.container(index), self.layout)

    def read_all(self) -> NDArray[Any]:
        """Every frame as one array, decoded on several threads where a codec does the work.

        Raises as ``read``; ``file.too_large`` when the whole is beyond the limit.
        """
        first = self.read(0)
        if self.count == 1:
            return first
        if first.nbytes * self.count > MAX_TOTAL_BYTES:
            raise EnvironmentFault("file.too_large", rows=first.shape[0], columns=first.shape[1], frames=self.count)
        volume = np.empty((self.count, *first.shape), first.dtype)
        volume[0] = first

        def fill(index: int) -> None:
            decoded = self._encapsulated(index) if self._pixels.encapsulated else self._native(index)
            volume[index] = stored_values(decoded, self.layout)

        # The codecs release the interpreter lock; the guard stands around all threads, being global to them.
        workers = min(os.cpu_count() or 1, _MAX_THREADS) if self._pixels.encapsulated else 1
        with reading(self._file.path), ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(fill, range(1, self.count)):
                pass
        return volume

    def container(self, index: int) -> NDArray[Any]:
        """One frame as its Bits Allocated hold it: unmasked, perhaps a read-only view of the file."""
        if not 0 <= index < self.layout.frames:
            raise UserError("image.no_such_frame", frame=index + 1, frames=self.layout.frames)
        with reading(self._file.path):
            return self._encapsulated(index) if self._pixels.encapsulated else self._native(index)

    def looks_damaged(self, index: int, container: NDArray[Any]) -> bool:
        """Whether a frame that decoded to ``container`` shows signs of damage; see ``entropy`` for the limits."""
        layout = self.layout
        if not self._pixels.encapsulated or self._syntax not in codecs.JPEG_SYNTAXES or layout.samples > 1:
            return False
        if layout.is_signed and layout.bits_stored <= 8 < layout.bits_allocated:
            return False  # widened: no longer what the codec gave
        with reading(self._file.path):
            offsets = self._options.get("extended_offsets")
            frame = get_frame(self._stream(), index, number_of_frames=layout.frames, extended_offsets=offsets)
            return is_damaged(frame, container)

    def _stream(self) -> BytesIO:
        """The encapsulated pixel data as a stream of its own that shares the file's bytes."""
        if isinstance(self._file.data, bytes):
            stream = BytesIO(self._file.data)
            stream.seek(self._pixels.value)
            return stream
        return BytesIO(bytes(self._file.pixel_view()))

    def _decode_options(self) -> dict[str, Any]:
        """What pydicom's decoder wants to know of a stream."""
        layout, dataset = self.layout, self._file.dataset
        options: dict[str, Any] = {
            "rows": layout.rows,
            "columns": layout.columns,
            "samples_per_pixel": layout.samples,
            "number_of_frames": layout.frames,
            "bits_allocated": layout.bits_allocated,
            "bits_stored": layout.bits_stored,
            "pixel_representation": int(layout.is_signed),
            "photometric_interpretation": layout.photometric,
            "planar_configuration": int(layout.is_planar),
            "pixel_keyword": "PixelData",
        }
        table, lengths = raw(dataset, "ExtendedOffsetTable"), raw(dataset, "ExtendedOffsetTableLengths")
        if isinstance(table, bytes) and isinstance(lengths, bytes) and len(table) == len(lengths):
            return options | {"extended_offsets": (table, lengths)}
        # One walk now instead of one per frame where a file brings no offsets.
        offsets = frame_offsets(self._file.pixel_view(), layout.frames)
        return options if offsets is None else options | {"extended_offsets": offsets}

    def _require_native_bytes(self) -> bool:
        """Whether samples are subsampled; raises ``file.truncated`` when bytes are missing."""
        layout = self.layout
        has = self._pixels.end - self._pixels.value
        full = (layout.rows * layout.columns * layout.samples * layout.bits_allocated * layout.frames + 7) // 8
        # Some writers say YBR_FULL_422 and store every sample; the length tells.
        subsampled = layout.is_subsampled and has < full
        needed = (layout.frame_bits * layout.frames + 7) // 8 if subsampled or not layout.is_subsampled else full
        if has < needed:
            raise EnvironmentFault("file.truncated", has=has, needed=needed)
        return subsampled

    def _native(self, index: int) -> NDArray[Any]:
        layout, data = self.layout, self._file.data
        bits = layout.frame_bits if self._subsampled or not layout.is_subsampled else layout.frame_bits // 2 * 3
        first_bit = index * bits
        offset = self._pixels.value + first_bit // 8
        if layout.bits_allocated == 1:
            packed = np.frombuffer(data, np.uint8, (first_bit % 8 + bits + 7) // 8, offset)
            unpacked = np.unpackbits(packed, bitorder="little")
            return unpacked[first_bit % 8 : first_bit % 8 + bits].reshape(layout.frame_shape)
        kind = _container_type(self._pixels.tag, layout.bits_allocated).newbyteorder(
            "<" if self._file.is_little_endian else ">"
        )
        if not self._file.is_little_endian and layout.bits_allocated == 8 and self._pixels.vr == "OW":
            samples = self._swapped_bytes(first_bit // 8, bits // 8)
        else:
            samples = np.frombuffer(data, kind, bits // layout.bits_allocated, offset)
        if not samples.dtype.isnative:
            samples = samples.astype(samples.dtype.newbyteorder("="))
        if self._subsampled:
            return _upsample_422(samples).reshape(layout.frame_shape)
        return _interleaved(samples, layout, planar=layout.is_planar)

    def _swapped_bytes(self, start: int, length: int) -> NDArray[np.uint8]:
        """8-bit samples stored as big-endian words: each pair of bytes is exchanged (PS3.5 8.1.2)."""
        view = self._file.pixel_view()
        begin = start & ~1
        words = np.frombuffer(view[begin : begin + ((length + 3) & ~1)], ">u2")
        swapped = words.astype("<u2").view(np.uint8)
        return swapped[start - begin : start - begin + length]

    def _encapsulated(self, index: int) -> NDArray[Any]:
        try:
            buffer, found = self._decoder.as_buffer(
                self._stream(), index=index, validate=False, decoding_plugin=codecs.PLUGIN, **self._options
            )
        except RuntimeError as error:
            if "end marker" in str(error) or "shorter than" in str(error):
                has = len(self._file.data)
                raise EnvironmentFault("file.truncated", has=has, needed=has + 1) from error
            raise
        layout = self.layout
        self.photometric = str(found["photometric_interpretation"])
        samples = np.frombuffer(buffer, f"<u{int(found['bits_allocated']) // 8}")
        samples = samples[: layout.rows * layout.columns * layout.samples]
        wanted = _container_type(self._pixels.tag, max(layout.bits_allocated, 8))
        planar = layout.samples > 1 and found.get("planar_configuration") == 1
        frame = _interleaved(samples, layout, planar=planar)
        return frame if frame.dtype.itemsize == wanted.itemsize else _resized(frame, wanted, layout)


def stored_values(container: NDArray[Any], layout: PixelLayout) -> NDArray[Any]:
    """Mask a frame to Bits Stored below High Bit and extend its sign (PS3.5 8.1.1)."""
    if container.dtype.kind == "f":
        return container
    width = container.dtype.itemsize * 8
    unsigned = container.view(f"u{container.dtype.itemsize}")
    shift = layout.high_bit + 1 - layout.bits_stored if layout.bits_allocated > 1 else 0
    if shift:
        unsigned = unsigned >> shift
    unused = width - layout.bits_stored
    if layout.is_signed:
        signed: NDArray[Any] = unsigned.view(f"i{container.dtype.itemsize}")
        if unused:
            signed = np.right_shift(np.left_shift(signed, unused), unused)
        return signed
    limit = (1 << layout.bits_stored) - 1
    if unused == 0 or int(unsigned.max(initial=0)) <= limit:
        return unsigned
    return np.asarray(unsigned & limit)


def _container_type(tag: int, bits_allocated: int) -> np.dtype[Any]:
    if tag == FLOAT_TAG:
        return np.dtype("<f4")
    if tag == DOUBLE_TAG:
        return np.dtype("<f8")
    return np.dtype(f"<u{max(bits_allocated, 8) // 8}")


def _interleaved(samples: NDArray[Any], layout: PixelLayout, *, planar: bool) -> NDArray[Any]:
    if layout.samples > 1 and planar:
        planes = samples.reshape(layout.samples, layout.rows, layout.columns)
        return np.ascontiguousarray(np.moveaxis(planes, 0, -1))
    return samples.reshape(layout.frame_shape)


def _upsample_422(samples: NDArray[Any]) -> NDArray[Any]:
    """Y1 Y2 B R → Y1 B R Y2 B R (PS3.3 C.7.6.3.1.2)."""
    pairs = samples.reshape(-1, 4)
    out = np.empty((pairs.shape[0], 2, 3), samples.dtype)
    out[:, :, 0] = pairs[:, :2]
    out[:, :, 1] = pairs[:, 2:3]
    out[:, :, 2] = pairs[:, 3:4]
    return out


def _resized(frame: NDArray[Any], wanted: np.dtype[Any], layout: PixelLayout) -> NDArray[Any]:
    """A frame whose codec used another word size than Bits Allocated: widened, keeping the sign."""
    if layout.is_signed and frame.dtype.itemsize < wanted.itemsize:
        signed = frame.view(f"i{frame.dtype.itemsize}").astype(f"i{wanted.itemsize}")
        return signed.view(wanted)
    return frame.astype(wanted)
