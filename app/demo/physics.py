"""From line attenuation to the numbers a dental detector stores.

Knows blur, scatter, quantum noise, beam falloff and the logarithmic response with
the edge enhancement that intraoral systems apply. Draws no anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FloatImage = NDArray[np.floating[Any]]
_BLOCK = 1 << 15
"""Values worked on at once, so that they stay in the cache."""

# Effective linear attenuation per mm at about 35 keV (60-70 kVp, filtered).
SOFT = 0.021
ENAMEL = 0.31
DENTINE = 0.145
CORTICAL = 0.125
TRABECULAR = 0.055
AMALGAM = 2.6
COMPOSITE = 0.52
GUTTA_PERCHA = 1.15
TITANIUM = 0.95
ALLOY = 4.5
CERAMIC = 0.80


@dataclass(frozen=True)
class Detector:
    """How one kind of machine turns attenuation into stored values.

    `full_scale` is the attenuation that reaches full white; `quanta` the mean count
    per pixel in the open beam; blur widths are in pixels.
    """

    bits: int = 12
    full_scale: float = 3.3
    quanta: float = 5200.0
    blur_px: float = 1.3
    scatter: float = 0.03
    falloff: float = 0.06
    sharpen: float = 0.5
    sharpen_px: float = 3.0
    gamma: float = 0.92
    floor: float = 0.02


def blur(image: FloatImage, sigma: float) -> FloatImage:
    """Return a Gaussian blur; wide ones are done on a reduced copy, which looks the same."""
    if sigma <= 0:
        return image
    if sigma <= 7:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)
    step = sigma / 4
    height, width = image.shape[:2]
    small_size = (max(2, round(width / step)), max(2, round(height / step)))
    small = cv2.resize(image, small_size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), 4)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def beam_profile(shape: tuple[int, int], falloff: float, rng: np.random.Generator) -> FloatImage:
    """Return the open beam's relative strength: strongest near the centre, heel to one side."""
    height, width = shape
    offset_x, offset_y = rng.uniform(-0.25, 0.25, 2)
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :] - np.float32(offset_x)
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None] - np.float32(offset_y)
    return np.asarray(1 - np.float32(falloff) * (x * x + y * y), dtype=np.float32)


def expose(attenuation: FloatImage, detector: Detector, rng: np.random.Generator) -> NDArray[np.uint16]:
    """Return stored values, bright where little radiation arrived (MONOCHROME2, radiopaque white).

    Parameters
    ----------
    attenuation : (rows, columns) line integral of attenuation, dimensionless, 0 in air.
    """
    beam = beam_profile(attenuation.shape, detector.falloff, rng)
    signal = np.exp(-attenuation) * beam
    signal = blur(signal, detector.blur_px)
    if detector.scatter:
        signal = signal * (1 - detector.scatter) + detector.scatter * blur(signal, 60.0)
    noise = rng.standard_normal(signal.shape, dtype=np.float32)
    noise = blur(noise, 0.55) * np.float32(1.9)
    signal = signal + noise * np.sqrt(np.maximum(signal, 1e-5) / np.float32(detector.quanta))
    level = -np.log(np.maximum(signal, np.float32(0.004))) / np.float32(detector.full_scale)
    level = np.asarray(level, np.float32)
    if detector.sharpen:
        level = level + np.float32(detector.sharpen) * (level - blur(level, detector.sharpen_px))
    return quantise(level, detector)


def quantise(level: FloatImage, detector: Detector) -> NDArray[np.uint16]:
    """Apply the soft shoulder and gamma of the system and round to its bit depth."""
    flat = np.ascontiguousarray(level, np.float32).reshape(-1)
    result = np.empty(flat.shape, np.uint16)
    for start in range(0, flat.size, _BLOCK):
        part = slice(start, start + _BLOCK)
        result[part] = _quantised(flat[part], detector)
    return result.reshape(level.shape)


def _quantised(level: FloatImage, detector: Detector) -> FloatImage:
    top = float((1 << detector.bits) - 1)
    lifted = np.maximum(level + np.float32(detector.floor), 0)
    # Straight up to 0.8, then bending gently into white as real systems do.
    knee = np.float32(0.8)
    room = np.float32(1) - knee
    over = np.maximum(lifted - knee, 0)
    lifted = np.minimum(lifted, knee) + room * (1 - np.exp(-over / room))
    shaped = np.power(np.minimum(lifted, 1), np.float32(detector.gamma)) * np.float32(top)
    return np.asarray(np.clip(np.rint(shaped), 0, top), np.float32)
