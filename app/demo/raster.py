"""The millimetre raster that single teeth are drawn on, and solids made from outlines.

An outline becomes a signed distance map, and a distance map the thickness of a rounded
solid, which is what x-rays meet. Knows nothing of teeth or attenuation.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.physics import FloatImage
from app.demo.tooth_shapes import Points

RASTER_MM = 0.05
_BLOCK = 1 << 15
Mask = NDArray[np.uint8]


@dataclass(frozen=True)
class ToothMaps:
    """Maps of one tooth on its raster, (rows, columns) float32.

    attenuation : mineral and restorations, dimensionless. socket : mm of bone the tooth and its
    ligament displace. lamina : extra mm of cortical bone round the root. inside : signed distance in
    mm, positive inside. origin : raster position (x, y) of the tooth's own (0, 0).
    """

    attenuation: FloatImage
    socket: FloatImage
    lamina: FloatImage
    inside: FloatImage
    origin: tuple[float, float]
    width_mm: float
    crown_mm: float
    root_mm: float


class Raster:
    """A pixel grid in tooth coordinates; draws polygons in mm and measures distances."""

    def __init__(self, left: float, top: float, right: float, bottom: float, step: float = RASTER_MM) -> None:
        self.step = step
        self.origin = (-left / step, -top / step)
        self.shape = (int((bottom - top) / step), int((right - left) / step))
        self.x = ((np.arange(self.shape[1], dtype=np.float32) - self.origin[0]) * step)[None, :]
        self.y = ((np.arange(self.shape[0], dtype=np.float32) - self.origin[1]) * step)[:, None]

    def mask(self, *outlines: Points) -> Mask:
        """Return the union of closed outlines as 0/255, anti-aliased."""
        mask = np.zeros(self.shape, np.uint8)
        for outline in outlines:
            pixels = outline / self.step + np.array(self.origin)
            cv2.fillPoly(mask, [np.rint(pixels * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return mask

    def distance(self, mask: Mask, round_mm: float = 0.0) -> FloatImage:
        """Return signed distance in mm, positive inside; `round_mm` softens corners first."""
        sigma = max(round_mm / self.step, 0.8)
        # Far from the outline blurring and the inner distance give nothing but zeros.
        near = around(mask, int(4 * sigma) + 3)
        solid = (cv2.GaussianBlur(mask, (0, 0), sigma) if near is None else _blurred_part(mask, near, sigma)) > 127
        inside = solid.view(np.uint8)
        # Outside only the first fractions of a millimetre are ever looked at: the coarser mask will do.
        signed = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
        np.negative(signed, out=signed)
        part = (slice(None), slice(None)) if near is None else near
        signed[part] += cv2.distanceTransform(np.ascontiguousarray(inside[part]), cv2.DIST_L2, 5)
        signed *= np.float32(self.step)
        return np.asarray(cv2.GaussianBlur(signed, (5, 5), 1.0), dtype=np.float32)


def around(mask: Mask, margin: int) -> tuple[slice, slice] | None:
    """Return the rows and columns of what is not zero with a margin; None when that is nothing or all."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    rows = slice(max(y - margin, 0), min(y + height + margin, mask.shape[0]))
    columns = slice(max(x - margin, 0), min(x + width + margin, mask.shape[1]))
    return rows, columns


def _blurred_part(mask: Mask, part: tuple[slice, slice], sigma: float) -> Mask:
    """Return the Gaussian blur of a mask that is empty outside of `part`."""
    soft = np.zeros_like(mask)
    soft[part] = cv2.GaussianBlur(np.ascontiguousarray(mask[part]), (0, 0), sigma)
    return soft


def ramp(values: FloatImage, low: float, high: float) -> FloatImage:
    """Return a smooth step from 0 at `low` to 1 at `high` (reversed when high < low)."""
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    result = np.empty(flat.shape, np.float32)
    factor = np.float32(1 / (high - low))
    # Block by block: what stays in the cache takes a third of the time.
    for start in range(0, flat.size, _BLOCK):
        t = flat[start : start + _BLOCK] - np.float32(low)
        t *= factor
        np.maximum(t, 0, out=t)
        np.minimum(t, 1, out=t)
        step = result[start : start + _BLOCK]
        np.multiply(t, -2, out=step)
        step += 3
        step *= t
        step *= t
    return result.reshape(np.shape(values))


def rounded(distance: FloatImage, reach: FloatImage | float, depth: FloatImage | float, power: float) -> FloatImage:
    """Return the thickness in mm of a solid with superelliptic section, `reach` wide to its middle."""
    result = np.zeros(distance.shape, np.float32)
    # Nothing is thick outside of the outline, and powers are dear.
    part = around((distance > 0).view(np.uint8), 0)
    if part is None:
        return result
    reach, depth = (np.broadcast_to(np.asarray(each, np.float32), distance.shape)[part] for each in (reach, depth))
    t = 1 - np.clip(distance[part] / np.maximum(reach, np.float32(0.05)), 0, 1)
    if power == 2.0:
        result[part] = depth * np.sqrt(np.maximum(1 - t * t, 0))
    else:
        result[part] = depth * np.power(np.maximum(1 - t**power, 0), 1 / power)
    return result


def half_width(distance: FloatImage, reach_px: int = 56) -> FloatImage:
    """Return the local half width of a shape: the largest distance nearby (medial axis, smoothed)."""
    small = cv2.resize(distance, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach_px // 2 + 1, reach_px // 4 + 1))
    peak = cv2.GaussianBlur(cv2.dilate(small, kernel), (0, 0), 4)
    size = (distance.shape[1], distance.shape[0])
    return np.asarray(np.maximum(cv2.resize(peak, size), 0.25), dtype=np.float32)


def blur_map(values: FloatImage, sigma: float) -> FloatImage:
    """Return a Gaussian blur of a raster map."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def rounded_power(distance: FloatImage, reach: FloatImage, depth: FloatImage, power: FloatImage) -> FloatImage:
    """Return `rounded` with a power that differs from place to place."""
    result = np.zeros(distance.shape, np.float32)
    # Powers are dear: only the pixels inside the solid are worked out.
    solid = distance > 0
    exponent = np.broadcast_to(power, distance.shape)[solid]
    t = 1 - np.minimum(distance[solid] / np.maximum(np.broadcast_to(reach, distance.shape)[solid], np.float32(0.05)), 1)
    result[solid] = np.broadcast_to(depth, distance.shape)[solid] * np.power(1 - np.power(t, exponent), 1 / exponent)
    return result
