"""Fine structure of bone: overlapping layers of trabecular network, made once per process.

A radiograph of cancellous bone sums several layers of thin struts; each layer here is the
zero-crossing network of band-limited anisotropic noise, so it is made of fine connected
lines around dark marrow spaces, never of grains.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.physics import FloatImage
from app.demo.seeds import array_random

Matrix = NDArray[np.floating[Any]]
TILE_MM_PX = 0.06
_TILE = 1024
_PAD = 96


def _band_noise(rng: np.random.Generator, fine: float, along: float, across: float) -> FloatImage:
    """Return unit-variance noise with structure of about `along` x `across` pixels."""
    noise = rng.standard_normal((_TILE, _TILE), dtype=np.float32)
    # The border is wrapped so that the tile repeats without a seam.
    noise = cv2.copyMakeBorder(noise, _PAD, _PAD, _PAD, _PAD, cv2.BORDER_WRAP)
    small = cv2.GaussianBlur(noise, (0, 0), sigmaX=along * fine, sigmaY=across * fine)
    large = cv2.GaussianBlur(small, (0, 0), sigmaX=along * fine, sigmaY=across * fine)
    band = (small - large)[_PAD:-_PAD, _PAD:-_PAD]
    return np.asarray(band / band.std(), dtype=np.float32)


@lru_cache(maxsize=4)
def trabeculae(kind: str) -> FloatImage:
    """Return a (1024, 1024) tile of relative bone density, mean 0, about unit spread.

    `kind`: "maxilla" is fine and even, "mandible" coarser with more horizontal struts.
    """
    rng = array_random("trabeculae", kind)
    coarse = kind == "mandible"
    scale = 1.25 if coarse else 0.9
    stretch = 1.45 if coarse else 1.05
    total = np.zeros((_TILE, _TILE), np.float32)
    for index in range(5):
        size = 3.2 * scale * (0.75 + 0.36 * index)
        noise = _band_noise(rng, size, stretch if index % 2 == 0 else 1 / stretch, 1.0)
        patchy = 1 + 0.6 * smooth_noise((_TILE, _TILE), 60.0, rng)
        total += np.exp(-((noise / 0.55) ** 2)) * np.clip(patchy, 0, 2.5)
    total = cv2.GaussianBlur(total, (0, 0), 0.8)
    total += 0.30 * _band_noise(rng, 2.4 * scale, 1.0, 1.0)
    total += 0.5 * smooth_noise((_TILE, _TILE), 50.0, rng)
    total -= total.mean()
    return np.asarray(total / total.std(), dtype=np.float32)


def bone_texture(kind: str, shape: tuple[int, int], to_world: Matrix, rng: np.random.Generator) -> FloatImage:
    """Return trabecular texture for an image of `shape`, fixed to the jaw.

    `to_world` is the 3x3 matrix from pixels to mm; `rng` belongs to the person, so that the
    same struts show at the same place at every visit.
    """
    offset = rng.uniform(0, _TILE, 2)
    to_tile = np.array([[1 / TILE_MM_PX, 0, offset[0]], [0, 1 / TILE_MM_PX, offset[1]], [0, 0, 1.0]])
    matrix = (to_tile @ to_world)[:2].astype(np.float32)
    texture = cv2.warpAffine(
        trabeculae(kind),
        matrix,
        (shape[1], shape[0]),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_WRAP,
    )
    return np.asarray(texture, np.float32)


def smooth_noise(shape: tuple[int, int], size_px: float, rng: np.random.Generator) -> FloatImage:
    """Return slowly varying noise of about unit spread; one hill is about `size_px` wide."""
    rows = max(3, round(shape[0] / size_px) + 3)
    columns = max(3, round(shape[1] / size_px) + 3)
    small = rng.standard_normal((rows, columns), dtype=np.float32)
    large = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large, dtype=np.float32)
