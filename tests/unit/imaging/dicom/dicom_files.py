"""DICOM files made by code for the reader's tests: small, of any shape, in any encoding."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

IMPLICIT, EXPLICIT, BIG = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2"
DEFLATED = "1.2.840.10008.1.2.1.99"
BUNDLED = Path(pydicom.__file__).parent / "data" / "test_files"


def ramp(rows: int = 8, columns: int = 10, bits: int = 12, dtype: Any = np.uint16) -> NDArray[Any]:
    """Values that use the whole range, so that a lost bit shows."""
    top = (1 << bits) - 1
    return np.linspace(0, top, rows * columns).round().astype(dtype).reshape(rows, columns)


def image_dataset(pixels: NDArray[Any], **extra: Any) -> Dataset:
    """An IO image of ``pixels`` (rows, columns[, 3]); ``extra`` sets or, with ``None``, removes elements."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.3"
    dataset.SOPInstanceUID = "1.2.826.0.1.3680043.10.1777.1"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.Modality = "IO"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "P-1"
    dataset.Rows, dataset.Columns = pixels.shape[-3:-1] if pixels.shape[-1] == 3 else pixels.shape[-2:]
    dataset.SamplesPerPixel = 3 if pixels.shape[-1] == 3 else 1
    dataset.PhotometricInterpretation = "RGB" if dataset.SamplesPerPixel == 3 else "MONOCHROME2"
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = pixels.dtype.itemsize * 8
    dataset.BitsStored = 12 if pixels.dtype.itemsize == 2 else dataset.BitsAllocated
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    dataset.PixelData = pixels.tobytes()
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    for keyword, value in extra.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def write(path: Path, dataset: Dataset, syntax: str = EXPLICIT) -> Path:
    """Save with preamble and meta header."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.1.3"
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.826.0.1.3680043.10.1777.1"
    if syntax == BIG:
        swapped = np.frombuffer(dataset.PixelData, f"<u{dataset.BitsAllocated // 8}").byteswap().tobytes()
        dataset.PixelData = swapped
    dataset.save_as(path, enforce_file_format=True)
    return path


def write_image(path: Path, pixels: NDArray[Any], syntax: str = EXPLICIT, **extra: Any) -> Path:
    """Save ``pixels`` natively."""
    return write(path, image_dataset(pixels, **extra), syntax)


def write_encapsulated(path: Path, pixels: NDArray[Any], syntax: str, streams: list[bytes], **extra: Any) -> Path:
    """Save an image whose pixel data is the given code streams, one per frame."""
    dataset = image_dataset(pixels, **extra)
    dataset.PixelData = encapsulate(streams)
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    return write(path, dataset, syntax)


def body_of(path: Path) -> bytes:
    """The data set of a file without preamble and meta header."""
    data = path.read_bytes()
    (group_length,) = struct.unpack_from("<L", data, 140)
    return data[144 + group_length :]


def head_of(path: Path) -> bytes:
    """Preamble and meta header of a file."""
    data = path.read_bytes()
    (group_length,) = struct.unpack_from("<L", data, 140)
    return data[: 144 + group_length]


def deflate_bomb(path: Path, zeros: int) -> Path:
    """A deflated file that inflates to more than ``zeros`` bytes."""
    source = write_image(path, ramp(), DEFLATED)
    head = head_of(source)
    bomb = struct.pack("<HH2sHL", 0x0009, 0x0010, b"UN", 0, zeros) + bytes(zeros)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    path.write_bytes(head + packer.compress(bomb) + packer.flush())
    return path


def nested(depth: int) -> Dataset:
    """A data set whose sequence holds a sequence, ``depth`` deep."""
    inner = Dataset()
    inner.CodeValue = "X"
    for _ in range(depth):
        outer = Dataset()
        outer.AnatomicRegionSequence = Sequence([inner])
        inner = outer
    return inner
