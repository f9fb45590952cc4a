"""Colour: palettes, luminance and chrominance to RGB, and deeper samples to eight bits.

Pure functions, (rows, columns) or (rows, columns, samples) in, (rows, columns, 3) uint8 out.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.core.errors import EnvironmentFault

RGB_LIKE = frozenset({"RGB", "YBR_RCT", "YBR_ICT"})
YBR_LIKE = frozenset({"YBR_FULL", "YBR_FULL_422"})
PARTIAL_RANGE = frozenset({"YBR_PARTIAL_422", "YBR_PARTIAL_420"})


def to_rgb(values: NDArray[Any], photometric: str, bits_stored: int) -> NDArray[np.uint8]:
    """RGB of a frame of three or four samples (PS3.3 C.7.6.3.1.2).

    Raises
    ------
    EnvironmentFault
        ``file.undecodable`` for a photometric interpretation nobody has written since 1998.
    """
    eight = values if bits_stored <= 8 else values >> (bits_stored - 8)
    samples = np.ascontiguousarray(eight.astype(np.uint8, copy=False))
    if values.shape[-1] == 4:
        return _cmyk_to_rgb(samples) if photometric == "CMYK" else np.ascontiguousarray(samples[..., 1:])
    if photometric in YBR_LIKE:
        return ybr_to_rgb(samples)
    if photometric in PARTIAL_RANGE:
        stretched = (samples.astype(np.float32) - (16, 128, 128)) * (255 / 219, 255 / 224, 255 / 224) + (0, 128, 128)
        return ybr_to_rgb(np.clip(np.rint(stretched), 0, 255).astype(np.uint8))
    if photometric in RGB_LIKE or photometric.startswith("MONOCHROME"):
        return samples
    raise EnvironmentFault("file.undecodable", error="photometric interpretation")


def ybr_to_rgb(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Full-range YCbCr to RGB (PS3.3 C.7.6.3.1.2, YBR_FULL)."""
    swapped = np.empty_like(samples)
    cv2.mixChannels([np.ascontiguousarray(samples)], [swapped], [0, 0, 1, 2, 2, 1])
    return np.asarray(cv2.cvtColor(swapped, cv2.COLOR_YCrCb2RGB), np.uint8)


def palette_to_rgb(
    values: NDArray[Any], first: int, tables: tuple[NDArray[Any], NDArray[Any], NDArray[Any]], bits: int
) -> NDArray[np.uint8]:
    """RGB of palette indices; ``tables`` are red, green and blue entries of ``bits`` bits (PS3.3 C.7.9)."""
    rgb = np.stack([_eight_bits(table, bits) for table in tables], axis=-1)
    index = np.clip(values.astype(np.int32) - first, 0, rgb.shape[0] - 1)
    return np.take(rgb, index, axis=0)


def _eight_bits(table: NDArray[Any], bits: int) -> NDArray[np.uint8]:
    """Palette entries as bytes. Tables that claim 16 bits and use 8 are common; the values tell."""
    if bits > 8 and table.size and int(table.max()) > 255:
        return (table >> 8).astype(np.uint8)
    return table.astype(np.uint8)


def _cmyk_to_rgb(samples: NDArray[np.uint8]) -> NDArray[np.uint8]:
    ink = 255 - samples[..., :3].astype(np.uint16)
    return np.asarray(ink * (255 - samples[..., 3:].astype(np.uint16)) // 255, np.uint8)
