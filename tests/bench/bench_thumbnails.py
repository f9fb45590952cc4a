"""Thumbnails of 400 by 400 from file to JPEG, against the best known way for each kind of file.

Run: ``python -m tests.bench.bench_thumbnails``. Goal: at most 1.3 times the best; at least 70
photos of 12 MP a second on two threads.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import pydicom
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from app.imaging.child.client import Decoder
from app.imaging.pictures import thumbnail

SIDE = 400
QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 85]


def picture(rows: int, columns: int, channels: int, seed: int = 1) -> np.ndarray:
    """Return a smooth picture with some grain, (rows, columns, channels) uint8."""
    random = np.random.default_rng(seed)
    smooth = cv2.resize(random.integers(0, 255, (rows // 80, columns // 80, channels), dtype=np.uint8), (columns, rows))
    grain = random.integers(0, 12, smooth.shape, dtype=np.uint8)
    return cv2.add(smooth, grain)


def make_photo(path: Path) -> None:
    """Write a 12 MP JPEG."""
    cv2.imwrite(str(path), picture(3000, 4000, 3), [cv2.IMWRITE_JPEG_QUALITY, 90])


def make_radiograph(path: Path, *, compressed: bool) -> None:
    """Write a 16-bit 2900 by 1500 DICOM file, native or JPEG 2000."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")))
    values = picture(1500, 2900, 1).reshape(1500, 2900).astype(np.uint16) * 16
    dataset.Rows, dataset.Columns = values.shape
    dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
    dataset.WindowCenter, dataset.WindowWidth = 2048, 4096
    dataset.RescaleIntercept = 0
    if compressed:
        stream = imagecodecs.jpeg2k_encode(values, level=0, reversible=True, bitspersample=12, codecformat="j2k")
        dataset.PixelData = encapsulate([stream])
        dataset["PixelData"].VR = "OB"
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless
    else:
        dataset.PixelData = values.tobytes()
    for keyword in ("PixelPaddingValue", "SmallestImagePixelValue", "LargestImagePixelValue"):
        if keyword in dataset:
            delattr(dataset, keyword)
    dataset.save_as(path)


def fit(pixels: np.ndarray) -> bytes:
    """Reduce by area to the box and encode."""
    scale = SIDE / max(pixels.shape[:2])
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return cv2.imencode(".jpg", cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), QUALITY)[1].tobytes()


def best_photo(path: Path) -> bytes:
    """OpenCV decoding at an eighth."""
    return fit(cv2.imread(str(path), cv2.IMREAD_REDUCED_COLOR_8))


def best_native(path: Path) -> bytes:
    """Known offset, area reduction, window of the reduced values."""
    data = path.read_bytes()
    values = np.frombuffer(data, "<u2", 1500 * 2900, len(data) - 1500 * 2900 * 2).reshape(1500, 2900)
    small = cv2.resize(values, (SIDE, round(SIDE * 1500 / 2900)), interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", cv2.convertScaleAbs(small, alpha=255 / 4095), QUALITY)[1].tobytes()


def best_j2k(path: Path) -> bytes:
    """Codestream found by its marker, two levels left out, windowed."""
    data = path.read_bytes()
    with Image.open(io.BytesIO(data[data.rindex(b"\xff\x4f\xff\x51") :])) as found:
        found.reduce = 2
        small = np.asarray(found)
    return fit(cv2.convertScaleAbs(small, alpha=255 / 65535))


def medians_ms(actions: list[Callable[[], object]], runs: int = 15) -> list[float]:
    """Return the median duration of each action, taken in turns after a warm-up."""
    times: list[list[float]] = [[] for _ in actions]
    for run in range(runs + 1):
        for index, action in enumerate(actions):
            started = time.perf_counter()
            action()
            if run:
                times[index].append((time.perf_counter() - started) * 1000)
    return [statistics.median(found) for found in times]


def main() -> int:
    """Print figures and ratios; 1 when a goal is missed."""
    missed = False
    with tempfile.TemporaryDirectory() as name, Decoder(children=2) as decoder:
        folder = Path(name)
        photo, native, j2k = folder / "photo.jpg", folder / "native.dcm", folder / "j2k.dcm"
        make_photo(photo)
        make_radiograph(native, compressed=False)
        make_radiograph(j2k, compressed=True)
        for label, path, best in (
            ("JPEG 12 MP", photo, best_photo),
            ("DICOM 16 bit native", native, best_native),
            ("DICOM JPEG 2000", j2k, best_j2k),
        ):
            ours, theirs, child = medians_ms(
                [
                    lambda path=path: thumbnail(path),
                    lambda path=path, best=best: best(path),
                    lambda path=path: decoder.thumbnail(path),
                ]
            )
            ratio = ours / theirs
            missed |= ratio > 1.3
            print(
                f"{label:20} ours {ours:6.1f} ms  best {theirs:6.1f} ms  ratio {ratio:.2f}  in the child {child:6.1f}"
            )
        for label, action in (("threads", thumbnail), ("children", decoder.thumbnail)):
            with ThreadPoolExecutor(2) as pool:
                list(pool.map(action, [photo] * 8))
                started = time.perf_counter()
                list(pool.map(action, [photo] * 80))
                rate = 80 / (time.perf_counter() - started)
            missed |= rate < 70
            print(f"photos a second on two {label}: {rate:.0f} (goal >= 70)")
    return int(missed)


if __name__ == "__main__":
    raise SystemExit(main())
