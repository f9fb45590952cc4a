"""A titanium screw implant with its abutment and crown, as the maps of a tooth.

The same maps as a natural tooth gives, so that every scene can place it.
"""

from __future__ import annotations

import numpy as np

from app.demo import physics
from app.demo.physics import FloatImage
from app.demo.raster import Raster, ToothMaps, half_width, ramp, rounded
from app.demo.tooth_shapes import Points, ToothShape

_LENGTH_MM = 11.0
_WIDTH_MM = 4.2


def _screw() -> Points:
    """Return the outline of the threaded body from its platform (y = 1.5) down."""
    down = np.arange(0, _LENGTH_MM, 0.06)
    taper = 1 - 0.30 * (down / _LENGTH_MM) ** 1.6
    pitch = (down % 0.9) / 0.9
    thread = np.where(down < 1.0, 0.26, 0.34 * np.clip(1 - 1.7 * pitch, 0, 1))
    half = _WIDTH_MM / 2 * taper - 0.30 + thread
    right = np.stack([half, down + 1.5], axis=1)
    tip = np.array([[half[-1] * 0.55, _LENGTH_MM + 1.8]])
    return np.concatenate([right, tip, tip * (-1, 1), (right * (-1, 1))[::-1]])


def implant_maps(shape: ToothShape) -> ToothMaps:
    """Return the maps of an implant that stands where the tooth of this shape stood."""
    size = shape.size
    side = size.width / 2 + 4.0
    raster = Raster(-side, -size.crown - 1.0, side, _LENGTH_MM + 6.0)
    screw = raster.distance(raster.mask(_screw()))
    abutment = np.array(
        [[-1.6, 1.7], [-1.9, 0.2], [-1.3, -size.crown * 0.5], [1.3, -size.crown * 0.5], [1.9, 0.2], [1.6, 1.7]]
    )
    post = raster.distance(raster.mask(abutment), 0.1)
    # The crown narrows smoothly towards the platform (its emergence profile).
    narrow = 0.50 + 0.50 * np.clip(-shape.crown[:, 1] / (0.42 * size.crown), 0, 1) ** 0.8
    crown_outline = shape.crown * np.stack([narrow, np.ones_like(narrow)], axis=1)
    crown = raster.distance(raster.mask(crown_outline), 0.25)
    inner = 0.35 + 0.25 * ramp(screw, 0.1, 0.9)
    attenuation: FloatImage = np.asarray(
        rounded(screw, half_width(screw), _WIDTH_MM, 2.0) * physics.TITANIUM * (0.8 + 0.2 * inner)
        + rounded(post, 1.5, 3.4, 2.0) * physics.TITANIUM
        + rounded(crown, 2.4, size.depth * 0.9, 2.6) * physics.CERAMIC * 0.55,
        np.float32,
    )
    bone_gone = rounded(screw + 0.03, half_width(screw), _WIDTH_MM, 2.0)
    lamina = np.zeros_like(screw)
    inside = np.maximum(screw, crown)
    return ToothMaps(
        attenuation,
        np.asarray(bone_gone, np.float32),
        lamina,
        inside,
        raster.origin,
        size.width,
        size.crown,
        _LENGTH_MM,
    )
