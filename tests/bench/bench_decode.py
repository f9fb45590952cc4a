"""Decoding one file to 8-bit display, against the best approach known (PERFORMANCE.md, first table).

``python -m tests.bench.bench_decode`` makes a 16-bit panoramic in every transfer syntax, then prints one line per
goal: name, our ms, the baseline's ms, their ratio, the goal, ok. Exits 1 when a goal is missed.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pydicom
import rle
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, get_frame
from pydicom.pixels import apply_windowing, get_decoder

from app.imaging.dicom.frames import load_dicom_frame
from app.imaging.dicom.stored import stored_pixels
from app.imaging.display.pipeline import picture_of

ROWS, COLUMNS = 1500, 2900
ROUNDS = 9
NATIVE, RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
BASELINE, LOSSLESS = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.70"
JPEG_LS, J2K = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"

Decode = Callable[[bytes], NDArray[Any]]


@dataclass(frozen=True)
class Result:
    """One goal: our time, the baseline's and the ratio that is still good."""

    name: str
    ours_ms: float
    baseline_ms: float
    goal: float
    is_speed_up: bool = False

    @property
    def ratio(self) -> float:
        """Ours over the baseline, or the other way round for a speed-up."""
        return self.baseline_ms / self.ours_ms if self.is_speed_up else self.ours_ms / self.baseline_ms

    @property
    def ok(self) -> bool:
        """Whether the goal is met."""
        return self.ratio >= self.goal if self.is_speed_up else self.ratio <= self.goal

    def __str__(self) -> str:
        sign = "≥" if self.is_speed_up else "≤"
        verdict = "ok" if self.ok else "MISSED"
        return (
            f"{self.name:<44} ours {self.ours_ms:8.2f} ms  baseline {self.baseline_ms:8.2f} ms  "
            f"ratio {self.ratio:6.2f}  goal {sign} {self.goal:g}  {verdict}"
        )


def race(rounds: int, *contenders: Callable[[], object]) -> list[float]:
    """Median milliseconds of each contender, taken in turns so that the machine's moods hit all alike."""
    times: list[list[float]] = [[] for _ in contenders]
    for contender in contenders:
        contender()
    for _ in range(rounds):
        for index, contender in enumerate(contenders):
            started = time.perf_counter()
            contender()
            times[index].append((time.perf_counter() - started) * 1e3)
    return [float(np.median(each)) for each in times]


def panoramic(rows: int = ROWS, columns: int = COLUMNS, bits: int = 14) -> NDArray[np.uint16]:
    """A smooth jaw-like picture with detector noise."""
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    arch = np.sin(x / columns * np.pi) * rows * 0.3 + rows * 0.3
    picture = np.exp(-((y - arch) ** 2) / (2 * (rows * 0.16) ** 2)) * 0.7 + 0.15 * np.sin(x / 45) * np.cos(y / 60)
    noise = np.random.default_rng(7).normal(0, 0.004, picture.shape)
    return np.clip((picture + 0.15 + noise) * ((1 << bits) - 1), 0, (1 << bits) - 1).astype(np.uint16)


def write_image(path: Path, pixels: NDArray[Any], syntax: str, encode: Callable[[NDArray[Any]], bytes] | None) -> None:
    """A minimal DX file of ``pixels`` in a transfer syntax."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.1.1"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = "1.2.3.4"
    dataset.Modality = "PX"
    bits = 8 if pixels.dtype == np.uint8 else 14
    dataset.Rows, dataset.Columns = pixels.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = pixels.dtype.itemsize * 8, bits, bits - 1
    dataset.PixelRepresentation = 0
    dataset.WindowCenter, dataset.WindowWidth = 1 << (bits - 1), 1 << bits
    dataset.PixelData = pixels.tobytes() if encode is None else encapsulate([encode(pixels)])
    dataset["PixelData"].VR = "OW" if encode is None else "OB"
    dataset.save_as(path, enforce_file_format=True)


def best_display(path: Path, decode: Decode) -> NDArray[np.uint8]:
    """The best approach of PERFORMANCE.md: parse, decode in the fastest codec, window by an OpenCV table."""
    dataset = pydicom.dcmread(path)
    if dataset.file_meta.TransferSyntaxUID == NATIVE:
        pixels = np.frombuffer(dataset.PixelData, "<u2").reshape(dataset.Rows, dataset.Columns)
    else:
        pixels = decode(get_frame(dataset.PixelData, 0, number_of_frames=1))
    low = float(dataset.WindowCenter) - 0.5 - (float(dataset.WindowWidth) - 1) / 2
    scale = 255.0 / (float(dataset.WindowWidth) - 1)
    domain = np.arange(1 << (8 * pixels.dtype.itemsize), dtype=np.float32)
    table = np.clip((domain - low) * scale, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(pixels, table))


def plain_pydicom(path: Path) -> NDArray[Any]:
    """What pydicom does by itself, windowing included."""
    dataset = pydicom.dcmread(path)
    return np.asarray(apply_windowing(dataset.pixel_array, dataset))


def ours(path: Path) -> NDArray[np.uint8]:
    """From path to 8-bit picture in Bitewing."""
    return picture_of(load_dicom_frame(path))


def _decode_rle(stream: bytes) -> NDArray[Any]:
    frame = rle.decode_pixel_data(stream, version=2, rows=ROWS, columns=COLUMNS, bits_allocated=16, byteorder="<")
    return np.frombuffer(frame, "<u2").reshape(ROWS, COLUMNS)


def _encode_rle(pixels: NDArray[Any]) -> bytes:
    return bytes(
        rle.encode_pixel_data(
            pixels.tobytes(),
            rows=ROWS,
            columns=COLUMNS,
            samples_per_pixel=1,
            bits_allocated=16,
            number_of_frames=1,
            byteorder="<",
        )
    )


def syntaxes() -> list[tuple[str, str, Callable[[NDArray[Any]], bytes] | None, Decode, float]]:
    """(name, transfer syntax, encoder, best decoder, goal) of the table."""
    return [
        ("explicit LE", NATIVE, None, np.asarray, 1.3),
        ("RLE", RLE, _encode_rle, _decode_rle, 1.1),
        ("JPEG baseline 8-bit", BASELINE, lambda a: imagecodecs.jpeg8_encode(a, 90), imagecodecs.jpeg8_decode, 1.2),
        (
            "JPEG lossless SV1",
            LOSSLESS,
            lambda a: imagecodecs.jpeg8_encode(a, lossless=True, predictor=1, bitspersample=16),
            imagecodecs.jpeg8_decode,
            1.1,
        ),
        ("JPEG-LS", JPEG_LS, imagecodecs.jpegls_encode, imagecodecs.jpegls_decode, 1.1),
        (
            "JPEG 2000 lossless",
            J2K,
            lambda a: imagecodecs.jpeg2k_encode(a, reversible=True, codecformat="j2k"),
            lambda s: imagecodecs.jpeg2k_decode(s, numthreads=2),
            1.1,
        ),
    ]


def measure(folder: Path, rounds: int = ROUNDS) -> list[Result]:
    """Write the files, check that both sides agree, and race them."""
    deep = panoramic()
    results = []
    for name, syntax, encode, decode, goal in syntaxes():
        pixels = (deep >> 6).astype(np.uint8) if syntax == BASELINE else deep
        path = folder / f"{syntax}.dcm"
        write_image(path, pixels, syntax, encode)
        if syntax != BASELINE and not np.array_equal(stored_pixels(path), pixels):
            raise SystemExit(f"{name}: decoded pixels differ")
        difference = np.abs(ours(path).astype(np.int16) - best_display(path, decode))
        if int(difference.max()) > 1:
            raise SystemExit(f"{name}: pictures differ by {difference.max()} levels")
        ours_ms, best_ms = race(rounds, lambda p=path: ours(p), lambda p=path, d=decode: best_display(p, d))
        results.append(Result(f"{name} to display", ours_ms, best_ms, goal))
        if syntax == NATIVE:
            ours_ms, plain_ms = race(rounds, lambda p=path: ours(p), lambda p=path: plain_pydicom(p))
            results.append(
                Result(f"{name} to display, against plain pydicom", ours_ms, plain_ms, 1.0, is_speed_up=True)
            )
        if syntax == RLE:
            ours_ms, plain_ms = race(3, lambda p=path: stored_pixels(p), lambda p=path: _pydicom_rle(p))
            results.append(Result("RLE decode, against pydicom's own", ours_ms, plain_ms, 4.0, is_speed_up=True))
    return results


def _pydicom_rle(path: Path) -> NDArray[Any]:
    dataset = pydicom.dcmread(path)
    return get_decoder(RLE).as_array(dataset, decoding_plugin="pydicom")[0]


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    with tempfile.TemporaryDirectory() as folder:
        results = measure(Path(folder))
    for result in results:
        print(result)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
