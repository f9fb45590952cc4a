"""The length of the scale bar: a round number of millimetres that fits, and what the millimetres rest on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.words import t

if TYPE_CHECKING:
    from app.imaging.frame import PixelSpacing

MIN_BAR, MAX_BAR = 48, 128


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A bar of ``length`` device-independent pixels with ``ticks`` equal parts and its caption."""

    length: float
    ticks: int
    caption: str


def scale_bar(spacing: PixelSpacing | None, points_per_pixel: float) -> ScaleBar | None:
    """Return the bar for the zoom in force (device-independent pixels per stored column).

    Without a spacing the bar counts image pixels, so that nobody takes it for millimetres.
    """
    if points_per_pixel <= 0:
        return None
    millimetres = spacing is not None and spacing.column_mm > 0
    per_unit = points_per_pixel / spacing.column_mm if spacing and millimetres else points_per_pixel
    number = _round_number(MAX_BAR / per_unit)
    if number is None:
        return None
    ticks = 5 if str(number).lstrip("0.").startswith(("1", "5")) else 4
    shown = f"{number:g}"
    if millimetres and spacing:
        caption = t("{length} mm · {basis}", length=shown, basis=basis_text(spacing.source))
    else:
        caption = t("{length} px", length=shown)
    return ScaleBar(number * per_unit, ticks, caption)


def _round_number(limit: float) -> float | None:
    if not math.isfinite(limit) or limit <= 0:
        return None
    magnitude = 10.0 ** math.floor(math.log10(limit))
    return next((step * magnitude for step in (5, 2, 1) if step * magnitude <= limit), None)


def basis_text(source: str) -> str:
    """Return what a spacing rests on (PS3.3 10.7), in words."""
    return {
        "calibrated": t("calibrated"),
        "corrected": t("corrected for magnification"),
        "detector": t("detector plane"),
        "nominal": t("nominal"),
    }.get(source, t("unknown basis"))
