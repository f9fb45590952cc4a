"""500 slices of 512x512x16 bits into one volume, against the best approach known and plain pydicom.

``python -m tests.bench.bench_volume`` (PERFORMANCE.md, "CBCT, 500 slices"). The best approach knows order and
offsets beforehand and does nothing but read, or decode in imagecodecs on two threads; ours finds them, checks,
orders and masks as well. Exits 1 when a goal is missed.
"""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from app.imaging.volume import load_volume
from tests.bench.bench_decode import J2K, JPEG_LS, LOSSLESS, NATIVE, Result, race

SLICES, SIDE = 500, 512
DISTINCT = 20
"""Different pictures among the slices: encoding 500 would take longer than all measurements."""

Encode = Callable[[NDArray[Any]], bytes]
CODECS: dict[str, tuple[str, Encode, Callable[[bytes], Any]]] = {
    "JPEG lossless": (
        LOSSLESS,
        lambda a: imagecodecs.jpeg8_encode(a, lossless=True, predictor=1, bitspersample=16),
        imagecodecs.jpeg8_decode,
    ),
    "JPEG-LS": (JPEG_LS, imagecodecs.jpegls_encode, imagecodecs.jpegls_decode),
    "JPEG 2000": (
        J2K,
        lambda a: imagecodecs.jpeg2k_encode(a, reversible=True, codecformat="j2k"),
        lambda stream: imagecodecs.jpeg2k_decode(stream, numthreads=1),
    ),
}


def pictures() -> NDArray[np.uint16]:
    """Slices of a sphere in air with noise: Hounsfield units above -1000."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    noise = np.random.default_rng(3)
    out = np.empty((DISTINCT, SIDE, SIDE), np.uint16)
    for index in range(DISTINCT):
        radius = 60 + 9 * index
        edge = np.clip((np.hypot(x - 256, y - 256) - radius) / 3, -30, 30)
        body = 1100 / (1 + np.exp(edge)) + 60 * np.sin(x / 23) * np.cos(y / 31)
        out[index] = np.clip(body + 200 + noise.normal(0, 25, body.shape), 0, 4095)
    return out


def write_series(folder: Path, syntax: str, encode: Encode | None) -> list[Path]:
    """Write the slices with the elements that scanners write, names in no order; return them by position."""
    shown = pictures()
    values = [encode(each) if encode else each.tobytes() for each in shown]
    names = np.random.default_rng(1).permutation(SLICES)
    paths = []
    for index in range(SLICES):
        dataset = header(index, syntax, int(names[(index * 7) % SLICES]))
        value = values[index % DISTINCT]
        dataset.PixelData = value if encode is None else encapsulate([value])
        dataset["PixelData"].VR = "OW" if encode is None else "OB"
        path = folder / f"{names[index]:04}.dcm"
        dataset.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def header(index: int, syntax: str, number: int) -> Dataset:
    """The header of a CT slice, some 50 elements."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = f"1.2.826.0.1.3680043.10.1777.{index}"
    texts = {
        "SpecificCharacterSet": "ISO_IR 192", "StudyDate": "20260301", "SeriesDate": "20260301",
        "AcquisitionDate": "20260301", "ContentDate": "20260301", "StudyTime": "101500", "SeriesTime": "101501",
        "AcquisitionTime": "101502", "ContentTime": "101503", "AccessionNumber": "A1", "Modality": "CT",
        "Manufacturer": "Bench", "InstitutionName": "Clinic", "StationName": "CT1", "StudyDescription": "Jaw",
        "SeriesDescription": "CBCT lower jaw", "ManufacturerModelName": "B1", "PatientName": "Doe^Jane",
        "PatientID": "P-1", "PatientBirthDate": "19800101", "PatientSex": "F", "PatientAge": "046Y",
        "BodyPartExamined": "JAW", "KVP": "90", "DeviceSerialNumber": "1", "SoftwareVersions": "1.0",
        "ProtocolName": "Jaw", "ReconstructionDiameter": "153.6", "ConvolutionKernel": "H60", "ExposureTime": "100",
        "XRayTubeCurrent": "8", "PatientPosition": "HFS", "StudyID": "1", "PhotometricInterpretation": "MONOCHROME2",
    }  # fmt: skip
    for keyword, value in texts.items():
        setattr(dataset, keyword, value)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.3.1", "1.2.3.2"
    dataset.FrameOfReferenceUID, dataset.InstanceNumber = "1.2.3.3", number
    dataset.ImagePositionPatient = [-76.8, -76.8, round(-50 + 0.3 * index, 3)]
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.SliceThickness, dataset.PixelSpacing = "0.3", [0.3, 0.3]
    dataset.SamplesPerPixel, dataset.Rows, dataset.Columns = 1, SIDE, SIDE
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 0
    dataset.WindowCenter, dataset.WindowWidth = "1400", "3000"
    dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = "-1000", "1", "HU"
    return dataset


def read_at(paths: list[Path], offsets: list[int], threads: int) -> NDArray[np.uint16]:
    """The best approach for native files: order and offsets known, read into the volume."""
    volume = np.empty((len(paths), SIDE, SIDE), np.uint16)

    def read(index: int) -> None:
        with paths[index].open("rb", buffering=0) as stream:
            stream.seek(offsets[index])
            stream.readinto(volume[index].data)  # type: ignore[attr-defined]

    if threads == 1:
        for index in range(len(paths)):
            read(index)
        return volume
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(read, range(len(paths))))
    return volume


def decode_at(paths: list[Path], places: list[tuple[int, int]], decode: Callable[[bytes], Any]) -> NDArray[np.uint16]:
    """The best approach for code streams: order and places known, imagecodecs on two threads."""
    volume = np.empty((len(paths), SIDE, SIDE), np.uint16)

    def read(index: int) -> None:
        offset, length = places[index]
        with paths[index].open("rb", buffering=0) as stream:
            stream.seek(offset)
            volume[index] = decode(stream.read(length))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(read, range(len(paths))))
    return volume


def plain_pydicom(paths: list[Path]) -> NDArray[Any]:
    """What a script does: read all, sort by position, stack."""
    slices = sorted((pydicom.dcmread(path) for path in paths), key=lambda each: each.ImagePositionPatient[2])
    return np.stack([each.pixel_array for each in slices])


def without_our_plugin(paths: list[Path]) -> NDArray[Any]:
    """Plain pydicom with the decoder that it takes by itself."""
    slices = sorted((pydicom.dcmread(path) for path in paths), key=lambda each: each.ImagePositionPatient[2])
    for each in slices:
        each.pixel_array_options(decoding_plugin="pylibjpeg")
    return np.stack([each.pixel_array for each in slices])


def places(paths: list[Path], encoded: bool) -> list[tuple[int, int]]:
    """Offset and length of each file's samples or code stream."""
    found = []
    for path in paths:
        data = path.read_bytes()
        start = data.index(b"\xe0\x7f\x10\x00O") + 12
        if encoded:
            start += 8 + int.from_bytes(data[start + 4 : start + 8], "little")
            length = int.from_bytes(data[start + 4 : start + 8], "little")
            found.append((start + 8, length))
        else:
            found.append((start, SIDE * SIDE * 2))
    return found


def native(folder: Path) -> list[Result]:
    """Uncompressed slices."""
    paths = write_series(folder, NATIVE, None)
    given = sorted(paths)
    offsets = [offset for offset, _ in places(paths, encoded=False)]
    if not np.array_equal(load_volume(given).values, read_at(paths, offsets, 1)):
        raise SystemExit("raw: volumes differ")
    ours, one, two, plain = race(
        7,
        lambda: load_volume(given),
        lambda: read_at(paths, offsets, 1),
        lambda: read_at(paths, offsets, 2),
        lambda: plain_pydicom(given),
    )
    return [
        Result("raw volume, against reading at offsets", ours, min(one, two), 1.5),
        Result("raw volume, against plain pydicom", ours, plain, 4.0, is_speed_up=True),
    ]


def encoded(folder: Path, name: str) -> list[Result]:
    """Slices in a lossless codec. Prints why a comparison is not made."""
    syntax, encode, decode = CODECS[name]
    paths = write_series(folder, syntax, encode)
    paths = paths[: SLICES // 5] if name == "JPEG 2000" else paths  # a dozen seconds each time otherwise
    given, at = sorted(paths), places(paths, encoded=True)
    if not np.array_equal(load_volume(given).values, decode_at(paths, at, decode)):
        raise SystemExit(f"{name}: volumes differ")
    ours, best = race(3, lambda: load_volume(given), lambda: decode_at(paths, at, decode))
    results = [Result(f"{name} volume, against imagecodecs on 2 threads", ours, best, 1.5)]
    library = "openjpeg" if name == "JPEG 2000" else "libjpeg"
    if not all(importlib.util.find_spec(module) for module in ("pylibjpeg", library)):
        print(
            f"{name} volume, against pydicom's default: not measured. Its decoder (pylibjpeg with {library}) is not "
            "installed; pylibjpeg-libjpeg is GPL, must not ship and is in no constraints of ours."
        )
        return results
    part = given[:100]
    ours, plain = race(1, lambda: load_volume(part), lambda: without_our_plugin(part))
    # Of JPEG 2000 pydicom's decoder is the library that we use: 11 s against 6.3 s in PERFORMANCE.md.
    goal = 1.5 if name == "JPEG 2000" else 4.0
    results.append(Result(f"{name} volume, against pydicom's default", ours, plain, goal, is_speed_up=True))
    return results


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    results = []
    with tempfile.TemporaryDirectory() as name:
        results += native(Path(name))
    for codec in CODECS:
        with tempfile.TemporaryDirectory() as name:
            results += encoded(Path(name), codec)
    for result in results:
        print(result)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
