"""One frame of a DICOM file in the form the viewer takes: ``load_dicom_frame``.

Puts together what the other modules read: stored values, look-up tables, windows, overlays, spacing.
Windows no pixel; that is ``app.imaging.display``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from app.imaging.dicom.functional import macro
from app.imaging.dicom.guard import reading
from app.imaging.dicom.layout import PixelLayout
from app.imaging.dicom.luts import modality_table_of, palette_of, rescale_of, voi_luts_of, windows_of
from app.imaging.dicom.overlays import overlays_of
from app.imaging.dicom.reader import DicomFile, open_dicom
from app.imaging.dicom.spacing import aspect_of, spacing_of
from app.imaging.dicom.stored import FrameReader, stored_values
from app.imaging.dicom.values import integer, number, text
from app.imaging.display.colour import palette_to_rgb, to_rgb
from app.imaging.display.modality import apply_table
from app.imaging.display.processing import is_inverted, robust_window
from app.imaging.display.voi import min_max_window
from app.imaging.frame import DisplayFrame, VoiLut, WindowSetting

FOR_PROCESSING = "for_processing"
_PROCESSING_CLASSES = frozenset(
    {"1.2.840.10008.5.1.4.1.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.2.1", "1.2.840.10008.5.1.4.1.1.1.3.1"}
)


def load_dicom_frame(path: Path, index: int = 0) -> DisplayFrame:
    """Decode one frame (zero-based) for display.

    Raises
    ------
    UserError
        ``file.not_an_image``, ``dicom.no_pixels``, ``image.no_such_frame``.
    EnvironmentFault
        As ``stored.stored_pixels``.
    """
    return display_frame(open_dicom(path), index)


def display_frame(opened: DicomFile, index: int = 0) -> DisplayFrame:
    """``load_dicom_frame`` for a file already opened."""
    frames = FrameReader(opened)
    container = frames.container(index)
    with reading(opened.path):
        values = stored_values(container, frames.layout)
        if frames.layout.samples > 1 or frames.photometric == "PALETTE COLOR":
            return _colour_frame(opened.dataset, frames, values, container, index)
        return _grey_frame(opened.dataset, frames.layout, values, container, index)


def is_for_processing(dataset: Dataset) -> bool:
    """Whether an image is stored FOR PROCESSING: raw detector values, not made for looking at."""
    intent = text(dataset, "PresentationIntentType").upper()
    return intent == "FOR PROCESSING" or text(dataset, "SOPClassUID") in _PROCESSING_CLASSES


def _colour_frame(
    dataset: Dataset, frames: FrameReader, values: NDArray[Any], container: NDArray[Any], index: int
) -> DisplayFrame:
    layout = frames.layout
    if frames.photometric == "PALETTE COLOR":
        palette = palette_of(dataset)
        rgb = palette_to_rgb(values, palette.first, palette.tables, palette.bits)
    else:
        rgb = to_rgb(values, frames.photometric, layout.bits_stored)
    return DisplayFrame(values=rgb, **_common(dataset, layout, container, index))


def _grey_frame(
    dataset: Dataset, layout: PixelLayout, values: NDArray[Any], container: NDArray[Any], index: int
) -> DisplayFrame:
    padding = padding_of(dataset, layout)
    transform = macro(dataset, index, "PixelValueTransformationSequence")
    slope, intercept = rescale_of(transform if transform is not None else dataset)
    table = modality_table_of(dataset, is_signed=layout.is_signed)
    if table is not None:
        mapped = apply_table(values, table.first, table.entries)
        values, padding = _keep_padding(values, mapped, padding)
        slope, intercept = 1.0, 0.0
    voi = macro(dataset, index, "FrameVOILUTSequence")
    source = voi if voi is not None else dataset
    windows = windows_of(source)
    signed_output = layout.is_signed or intercept < 0
    luts = voi_luts_of(source, is_signed=signed_output)
    processing = is_for_processing(dataset)
    inverted = _inverted(dataset, layout, processing=processing and not windows and not luts)
    return DisplayFrame(
        values=values,
        slope=slope,
        intercept=intercept,
        windows=windows,
        voi_luts=luts,
        default_window=_default_window(values, slope, intercept, windows, luts, padding, processing=processing),
        inverted=inverted,
        padding=padding,
        label=FOR_PROCESSING if processing else None,
        **_common(dataset, layout, container, index),
    )


def _common(dataset: Dataset, layout: PixelLayout, container: NDArray[Any], index: int) -> dict[str, Any]:
    spacing = spacing_of(dataset, index)
    return {
        "overlays": overlays_of(dataset, layout, index, container),
        "pixel_aspect": aspect_of(dataset, spacing),
        "spacing": spacing,
        "bits": layout.bits_stored,
        "frame": index,
        "frames": layout.frames,
        "frame_time_ms": _frame_time(dataset),
    }


def _inverted(dataset: Dataset, layout: PixelLayout, *, processing: bool) -> bool:
    """Whether low values are white.

    A Presentation LUT Shape says it finally (PS3.3 C.11.6.1.2); it restates MONOCHROME1, it does not add to it.
    """
    if processing:
        return is_inverted(integer(dataset, "PixelIntensityRelationshipSign"), layout.photometric)
    shape = text(dataset, "PresentationLUTShape").upper()
    if shape in ("IDENTITY", "INVERSE"):
        return shape == "INVERSE"
    return layout.photometric == "MONOCHROME1"


def _default_window(
    values: NDArray[Any],
    slope: float,
    intercept: float,
    windows: tuple[WindowSetting, ...],
    luts: tuple[VoiLut, ...],
    padding: tuple[int, int] | None,
    *,
    processing: bool,
) -> WindowSetting:
    if windows:
        return windows[0]
    if luts:
        lut = luts[0]
        return min_max_window(lut.first, lut.first + lut.table.shape[0] - 1)
    if processing:
        return robust_window(values, slope, intercept, padding)
    low, high = value_range(values, padding)
    return min_max_window(low * slope + intercept, high * slope + intercept)


def value_range(values: NDArray[Any], padding: tuple[int, int] | None) -> tuple[float, float]:
    """Least and greatest value outside the padding; the plain range when everything is padding."""
    low, high = float(values.min()), float(values.max())
    if padding is not None and padding[0] <= high and padding[1] >= low:
        kept = values[(values < padding[0]) | (values > padding[1])]
        if kept.size:
            low, high = float(kept.min()), float(kept.max())
    return low, high


def padding_of(dataset: Dataset, layout: PixelLayout) -> tuple[int, int] | None:
    """Stored values that are no image (PS3.3 C.7.5.1.1.2), as an inclusive range."""
    first = integer(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = integer(dataset, "PixelPaddingRangeLimit")
    first = _as_stored(first, layout)
    last = first if last is None else _as_stored(last, layout)
    return min(first, last), max(first, last)


def _as_stored(value: int, layout: PixelLayout) -> int:
    """A padding value whose VR hid its sign, brought into the range of the stored values."""
    if layout.is_signed and value >= 1 << (layout.bits_allocated - 1):
        return value - (1 << layout.bits_allocated)
    if not layout.is_signed and value < 0:
        return value + (1 << layout.bits_allocated)
    return value


def _keep_padding(
    stored: NDArray[Any], mapped: NDArray[Any], padding: tuple[int, int] | None
) -> tuple[NDArray[Any], tuple[int, int] | None]:
    """Carry padding across a Modality LUT: padded pixels get a value no table can give."""
    if padding is None:
        return mapped, None
    padded = (stored >= padding[0]) & (stored <= padding[1])
    if not padded.any():
        return mapped, None
    marked = mapped.astype(np.int32)
    marked[padded] = -1
    return marked, (-1, -1)


def _frame_time(dataset: Dataset) -> float | None:
    """Milliseconds per frame of a cine loop (PS3.3 C.7.6.5)."""
    time_ms = number(dataset, "FrameTime")
    if time_ms is not None and time_ms > 0:
        return time_ms
    rate = number(dataset, "CineRate") or number(dataset, "RecommendedDisplayFrameRate")
    return 1000.0 / rate if rate is not None and rate > 0 else None
