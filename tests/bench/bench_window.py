"""One frame of a window/level drag, against pydicom and smooth scaling (PERFORMANCE.md, window/level).

``python -m tests.bench.bench_window`` prints one line per goal: name, our ms, the baseline's ms, their ratio, the
goal, ok. Painting is not included. Exits 1 when a goal is missed or a picture is wrong.
"""

from __future__ import annotations

import sys
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_windowing

from app.imaging.display.voi import levels
from app.imaging.display.window_fast import apply_window, reduce_to_view
from app.imaging.frame import WindowSetting
from tests.bench.bench_decode import Result, panoramic, race

ROUNDS = 25
FULL_HD, FOUR_K = (1920, 993), (3840, 1986)
WINDOWS = [WindowSetting(8192.0 + 40 * step, 9000.0 + 70 * step) for step in range(8)]


def pydicom_frame(pixels: NDArray[Any], window: WindowSetting, size: tuple[int, int]) -> NDArray[Any]:
    """The plain path: window the whole image with pydicom, make bytes, scale smoothly."""
    dataset = Dataset()
    dataset.PhotometricInterpretation, dataset.BitsStored, dataset.PixelRepresentation = "MONOCHROME2", 14, 0
    dataset.WindowCenter, dataset.WindowWidth = window.center, window.width
    shown = apply_windowing(pixels, dataset)
    grey = np.clip(shown / ((1 << 14) - 1) * 255, 0, 255).astype(np.uint8)
    return cv2.resize(grey, size, interpolation=cv2.INTER_AREA)


def whole_then_scale(pixels: NDArray[Any], window: WindowSetting, size: tuple[int, int]) -> NDArray[Any]:
    """Window the whole image by table, then scale."""
    return cv2.resize(apply_window(pixels, window), size, interpolation=cv2.INTER_AREA)


def measure(rounds: int = ROUNDS) -> list[Result]:
    """Check exactness at 1:1, then race the drag frames."""
    pixels = panoramic()
    rect = (0, 0, pixels.shape[1], pixels.shape[0])
    for window in WINDOWS:
        shown = apply_window(reduce_to_view(pixels, rect, rect[2:]), window).astype(np.int16)
        if np.abs(shown - levels(pixels, window, inverted=False)).max() > 0:
            raise SystemExit("not exact at 1:1")
    results = []
    drag = iter(range(1 << 30))

    def following() -> WindowSetting:
        return WINDOWS[next(drag) % len(WINDOWS)]

    for name, size, limit_ms in (("1920x993", FULL_HD, 3.0), ("4K", FOUR_K, 16.0)):
        view = reduce_to_view(pixels, rect, size)
        ours_ms, plain_ms = race(
            rounds, lambda v=view: apply_window(v, following()), lambda s=size: pydicom_frame(pixels, following(), s)
        )
        results.append(Result(f"drag frame {name}, against pydicom + scaling", ours_ms, plain_ms, 10.0, True))
        results.append(Result(f"drag frame {name}, against {limit_ms:g} ms", ours_ms, limit_ms, 1.0))
    first_ms, whole_ms = race(
        rounds,
        lambda: apply_window(reduce_to_view(pixels, rect, FULL_HD), following()),
        lambda: whole_then_scale(pixels, following(), FULL_HD),
    )
    results.append(Result("first frame 1920x993, against whole then scale", first_ms, whole_ms, 2.0))
    wide = pixels.astype(np.int32)
    ours_ms, plain_ms = race(
        5, lambda: apply_window(wide, following()), lambda: pydicom_frame(wide, following(), FULL_HD)
    )
    results.append(Result("32-bit whole image, against pydicom", ours_ms, plain_ms, 1.0))
    return results


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    results = measure()
    for result in results:
        print(result)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
