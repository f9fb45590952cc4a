"""Millimetres per pixel and what they rest on (PS3.3 10.7; DICOM-DENTAL.md d3), and pixel shape.

Spacing pairs are row spacing first, that is the vertical distance. Measures nothing.
"""

from __future__ import annotations

from pydicom.dataset import Dataset

from app.imaging.dicom.functional import macro
from app.imaging.dicom.values import number, numbers, text
from app.imaging.frame import PixelSpacing

_CROSS_SECTIONAL = frozenset({"CT", "MR", "PT", "SEG"})


def spacing_of(dataset: Dataset, index: int = 0) -> PixelSpacing | None:
    """The best spacing a file offers with its source; ``None`` when it has none.

    Sources: ``calibrated`` (fiducials), ``corrected`` (geometry, or Pixel Spacing that differs from the
    detector's), ``detector`` (at the detector's plane, so magnified), ``nominal`` (a film scanner's),
    ``unknown`` (Pixel Spacing with nothing to tell what it means).
    """
    pixel = _pair(macro(dataset, index, "PixelMeasuresSequence"), "PixelSpacing") or _pair(dataset, "PixelSpacing")
    imager, nominal = _pair(dataset, "ImagerPixelSpacing"), _pair(dataset, "NominalScannedPixelSpacing")
    if pixel is not None:
        return PixelSpacing(*pixel, _source(dataset, pixel, imager, nominal))
    if imager is not None:
        return PixelSpacing(*imager, "detector")
    if nominal is not None:
        return PixelSpacing(*nominal, "nominal")
    return None


def aspect_of(dataset: Dataset, spacing: PixelSpacing | None) -> tuple[float, float]:
    """(vertical, horizontal) extent of a pixel: Pixel Aspect Ratio (0028,0034) or the spacing's."""
    ratio = numbers(dataset, "PixelAspectRatio")
    if len(ratio) == 2 and min(ratio) > 0:
        return ratio[0], ratio[1]
    return (spacing.row_mm, spacing.column_mm) if spacing is not None else (1.0, 1.0)


def _source(
    dataset: Dataset,
    pixel: tuple[float, float],
    imager: tuple[float, float] | None,
    nominal: tuple[float, float] | None,
) -> str:
    calibration = text(dataset, "PixelSpacingCalibrationType").upper()
    if calibration:
        return "calibrated" if calibration == "FIDUCIAL" else "corrected"
    if imager is not None:
        return "detector" if _same(pixel, imager) else "corrected"
    if nominal is not None:
        return "nominal" if _same(pixel, nominal) else "corrected"
    # In cross-sectional images the spacing is that of the patient (PS3.3 10.7.1.3).
    reconstructed = text(dataset, "Modality").upper() in _CROSS_SECTIONAL or "ImageOrientationPatient" in dataset
    return "calibrated" if reconstructed else "unknown"


def _same(first: tuple[float, float], second: tuple[float, float]) -> bool:
    return all(abs(a - b) <= 1e-4 * max(a, b) for a, b in zip(first, second, strict=True))


def _pair(dataset: Dataset | None, keyword: str) -> tuple[float, float] | None:
    if dataset is None:
        return None
    values = numbers(dataset, keyword)
    if len(values) < 2 or min(values[:2]) <= 0:
        return None
    return values[0], values[1]


def magnification_of(dataset: Dataset) -> float | None:
    """Estimated Radiographic Magnification Factor (0018,1114), when it is above one."""
    factor = number(dataset, "EstimatedRadiographicMagnificationFactor")
    return factor if factor is not None and factor > 1 else None
