"""A series of slices as one volume in patient space: ``load_volume``.

Takes the single-frame files of a series, in any order, or one multi-frame file, and orders them by position
along the normal (PS3.3 C.7.6.2.1.1), never by name or Instance Number. Applies no rescale or window and
makes no plane through the volume. Compressed slices are decoded in this process: for files from outside
call it where a decoder may die.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.progress import Progress
from app.imaging.dicom.guard import reading
from app.imaging.dicom.limits import MAX_TOTAL_BYTES
from app.imaging.dicom.luts import windows_of
from app.imaging.dicom.reader import open_dicom
from app.imaging.dicom.slice_header import SliceHeader, read_slice_header
from app.imaging.dicom.slice_headers import header_of, headers_of_frames
from app.imaging.dicom.slice_pixels import fill
from app.imaging.dicom.stored import FrameReader
from app.imaging.frame import PixelArray, WindowSetting
from app.imaging.volume_geometry import VolumeGeometry, arrange

UNIT = "slices"
_MAX_THREADS = 2
_CHUNK = 8
_SLACK_BYTES = 2048

OnFirst = Callable[[PixelArray], None]


@dataclass(frozen=True)
class Volume:
    """Stored values (slices, rows, columns) in order of position, and what they mean.

    Modality value of slice ``i`` = ``values[i] * rescales[i][0] + rescales[i][1]``. ``sources`` names file and
    frame of each slice. ``geometry`` is None where the files say nothing of their place; slices are then in
    order of Instance Number. ``windows`` are those of the first file given.
    """

    values: NDArray[Any]
    geometry: VolumeGeometry | None
    rescales: tuple[tuple[float, float], ...]
    windows: tuple[WindowSetting, ...]
    inverted: bool
    bits: int
    sources: tuple[tuple[Path, int], ...]


def load_volume(paths: Sequence[Path], ctx: JobContext | None = None, on_first: OnFirst | None = None) -> Volume:
    """Load a whole series; ``on_first`` gets the stored values of the first file before the others are read.

    Raises
    ------
    UserError
        ``file.not_an_image``, ``dicom.no_pixels``.
    EnvironmentFault
        ``frame.sizes_differ``; ``file.too_large`` above 4 GiB; ``file.undecodable`` also for slices that make no
        one volume (colour, several directions or spacings); ``file.truncated``, ``file.missing``, …
    Cancelled
        Between two slices.
    """
    ctx = ctx or JobContext.silent()
    if not paths:
        raise ValueError("a volume of no files")
    opened = open_dicom(paths[0])
    reader = FrameReader(opened)
    first = reader.read(0)
    if first.ndim != 2:
        raise EnvironmentFault("file.undecodable", error="colour")
    if on_first is not None:
        on_first(first)
    with reading(paths[0]):
        windows = windows_of(opened.dataset)
        if len(paths) == 1:
            headers = headers_of_frames(opened, reader)
        else:
            guess = (opened.pixels.value if opened.pixels else 0) + _SLACK_BYTES
            headers = [_header(path, guess, ctx) for path in paths]
        headers, geometry = arrange(headers)
        volume = _allocate(headers, first.dtype)
        own = reader if len(paths) == 1 and reader.count > 1 else None
        _fill_all(headers, volume, own, ctx)
    return Volume(
        values=volume,
        geometry=geometry,
        rescales=tuple([header.rescale for header in headers]),
        windows=windows,
        inverted=headers[0].layout.photometric == "MONOCHROME1",
        bits=max(header.layout.bits_stored for header in headers),
        sources=tuple([(header.path, header.frame) for header in headers]),
    )


def _header(path: Path, guess: int, ctx: JobContext) -> SliceHeader:
    ctx.check()
    try:
        found = read_slice_header(path, guess)
    except OSError:
        found = None
    return found or header_of(path)


def _allocate(headers: list[SliceHeader], dtype: np.dtype[Any]) -> NDArray[Any]:
    layout = headers[0].layout
    if layout.rows * layout.columns * dtype.itemsize * len(headers) > MAX_TOTAL_BYTES:
        raise EnvironmentFault("file.too_large", rows=layout.rows, columns=layout.columns, frames=len(headers))
    return np.empty((len(headers), layout.rows, layout.columns), dtype)


def _fill_all(headers: list[SliceHeader], volume: NDArray[Any], reader: FrameReader | None, ctx: JobContext) -> None:
    """Fill every slice: plain ones on threads, then the others through the full reader."""
    plain = [index for index, header in enumerate(headers) if header.is_plain]
    left = [index for index, header in enumerate(headers) if not header.is_plain]
    done, total = 0, len(headers)

    def run(chunk: list[int]) -> list[int]:
        return [index for index in chunk if not (ctx.token.cancelled or fill(headers[index], volume[index]))]

    workers = min(os.cpu_count() or 1, _MAX_THREADS)
    pool = ThreadPoolExecutor(workers, thread_name_prefix="volume")
    try:
        chunks = [plain[at : at + _CHUNK] for at in range(0, len(plain), _CHUNK)]
        for chunk, future in [(chunk, pool.submit(run, chunk)) for chunk in chunks]:
            failed = future.result()
            ctx.check()
            left.extend(failed)
            done += len(chunk) - len(failed)
            ctx.report(Progress(min(done, total - 1), total, UNIT))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    for index in left:
        ctx.check()
        header = headers[index]
        source = reader or FrameReader(open_dicom(header.path))
        volume[index] = source.read(header.frame)
        done += 1
        ctx.report(Progress(min(done, total - 1), total, UNIT))
    ctx.report(Progress(total, total, UNIT))
