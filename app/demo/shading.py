"""Light on surfaces: height maps to shaded colour, for the photographs.

A height map in mm gives normals; a ring flash near the lens gives diffuse light and wet
highlights. Colours are RGB 0..1. Knows nothing of mouths or faces.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.physics import FloatImage
from app.demo.raster import around

Colour = tuple[float, float, float]


def normals(height: FloatImage, mm_per_px: float) -> tuple[FloatImage, FloatImage, FloatImage]:
    """Return the unit normals of a height map (x right, y down, z to the viewer)."""
    smooth = cv2.GaussianBlur(height, (0, 0), 1.2)
    slope_x = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3) / (8 * mm_per_px)
    slope_y = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3) / (8 * mm_per_px)
    # Steps at outlines would catch the light as hard rims: steep slopes are eased.
    ease = 1 / np.sqrt(1 + (slope_x**2 + slope_y**2) / 1.6**2)
    slope_x, slope_y = slope_x * ease, slope_y * ease
    length = np.sqrt(slope_x**2 + slope_y**2 + 1)
    return (
        np.asarray(-slope_x / length, np.float32),
        np.asarray(-slope_y / length, np.float32),
        np.asarray(1 / length, np.float32),
    )


def light(
    height: FloatImage, mm_per_px: float, *, gloss: float = 40.0, towards: Colour = (0.12, -0.35, 1.0)
) -> tuple[FloatImage, FloatImage]:
    """Return (diffuse 0..1, highlight 0..1) of a surface under one flash."""
    nx, ny, nz = normals(height, mm_per_px)
    direction = np.asarray(np.array(towards) / np.linalg.norm(towards), np.float32)
    diffuse = np.clip(nx * direction[0] + ny * direction[1] + nz * direction[2], 0, 1)
    half = direction + np.array([0, 0, 1.0], np.float32)
    half /= np.linalg.norm(half)
    gleam = np.clip(nx * half[0] + ny * half[1] + nz * half[2], 0, 1) ** gloss
    return np.asarray(diffuse, np.float32), np.asarray(gleam, np.float32)


def paint(shape: tuple[int, int], colour: Colour) -> FloatImage:
    """Return a plain (rows, columns, 3) picture."""
    return np.full((*shape, 3), colour, np.float32)


def over(picture: FloatImage, colour: FloatImage | Colour, cover: FloatImage) -> FloatImage:
    """Lay a colour over a picture where `cover` (0..1) says."""
    result = np.array(picture, np.float32)
    part = around((cover != 0).view(np.uint8), 0)
    if part is not None:
        top = np.asarray(colour, np.float32)
        top = top if top.ndim == 1 else np.broadcast_to(top, result.shape)[part]
        result[part] += (top - result[part]) * cover[part][..., None]
    return result


def blend(stops: Sequence[tuple[float, Colour]], at: FloatImage) -> FloatImage:
    """Return a colour for each value of `at` from (value, colour) stops."""
    values = [stop[0] for stop in stops]
    channels = [np.interp(at, values, [stop[1][index] for stop in stops]) for index in range(3)]
    return np.asarray(np.stack(channels, axis=-1), np.float32)


def finish(
    picture: FloatImage, rng: np.random.Generator, *, vignette: float = 0.25, grain: float = 0.012
) -> NDArray[np.uint8]:
    """Return 8-bit RGB with the lens's vignette, grain and a touch of sharpening."""
    rows, columns = picture.shape[:2]
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    shade = 1 - vignette * np.clip(x * x + y * y - 0.25, 0, None)
    lit = picture * shade[..., None]
    noise = cv2.GaussianBlur(rng.standard_normal((rows, columns), dtype=np.float32), (0, 0), 0.7)
    lit = lit + (noise * grain)[..., None]
    lit = lit + 0.22 * (lit - cv2.GaussianBlur(lit, (0, 0), 1.6))
    return np.asarray(np.clip(np.rint(lit * 255), 0, 255), np.uint8)
