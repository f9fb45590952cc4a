"""What dentists leave in teeth, as attenuation: root fillings, amalgam, composite, crowns.

Each function takes and returns an attenuation map on the tooth's raster. Shapes follow the
cavities that are really cut: angular amalgam boxes, soft composites, shells over prepared stumps.
"""

from __future__ import annotations

import numpy as np

from app.demo import physics
from app.demo.physics import FloatImage
from app.demo.raster import Raster, ramp, rounded
from app.demo.tooth_shapes import Points, ToothShape
from app.demo.tooth_state import ToothState


def _cover(raster: Raster, outline: Points, soften_mm: float) -> FloatImage:
    """Return 0..1 coverage with softened corners."""
    return ramp(raster.distance(raster.mask(outline), soften_mm), -0.05, 0.12)


def root_filling(attenuation: FloatImage, raster: Raster, shape: ToothShape, rng: np.random.Generator) -> FloatImage:
    """Fill the canals with gutta-percha to just short of the apex, the chamber with a core."""
    result = attenuation
    for canal in shape.canals:
        wide = canal.narrowed((1.0, 0.9, 0.75, 0.6, 0.42), 0.0, 0.955 + 0.02 * rng.random())
        inside = raster.distance(raster.mask(wide.polygon()), 0.03)
        depth = rounded(inside, 0.42, 1.25, 2.0)
        grain = 1 + 0.08 * np.sin(raster.y * 5.0 + rng.uniform(0, 6))
        result = result + depth * np.float32(physics.GUTTA_PERCHA - physics.DENTINE) * grain
    chamber = raster.distance(raster.mask(*(part.polygon() for part in shape.chamber[:3])), 0.2)
    fill = ramp(chamber, -0.05, 0.25) * np.float32(2.2 * (physics.COMPOSITE - physics.DENTINE))
    return np.asarray(result + fill, np.float32)


def _cavity(shape: ToothShape, site: str, rng: np.random.Generator) -> Points:
    """Return the outline of a prepared cavity in mm."""
    half, crown = shape.size.width / 2, shape.size.crown

    def wander() -> float:
        return float(rng.normal(0, 0.12))

    if shape.incisal:
        sign = -1.0 if site == "mesial" else 1.0
        return np.array(
            [
                [sign * half * 1.05, -crown * 0.86],
                [sign * half * 0.55 + wander(), -crown * 0.80],
                [sign * half * 0.42 + wander(), -crown * 0.52],
                [sign * half * 0.70, -crown * 0.34],
                [sign * half * 1.05, -crown * 0.38],
            ]
        )
    floor, top = -crown * 0.60, -crown * 1.1
    left, right = -half * 0.52, half * 0.52
    if site == "occlusal":
        return np.array(
            [
                [left, top],
                [left + 0.2 + wander(), floor + wander()],
                [0.0, floor + 0.3 + wander()],
                [right - 0.2 + wander(), floor + wander()],
                [right, top],
            ]
        )
    box = -crown * 0.26 + wander()
    sign = -1.0 if site == "mesial" else 1.0
    wall = half * 0.60 + wander()
    points = np.array(
        [
            [-0.55 * half, top],
            [-0.50 * half, floor],
            [wall - 0.5, floor + 0.15],
            [wall, floor + 0.5],
            [wall + 0.1, box],
            [half * 1.12, box - 0.25],
            [half * 1.12, top],
        ]
    )
    return points * (sign, 1.0)


def filling(
    attenuation: FloatImage,
    raster: Raster,
    shape: ToothShape,
    state: ToothState,
    inside: FloatImage,
    rng: np.random.Generator,
) -> FloatImage:
    """Cut the cavity and fill it; amalgam stops nearly everything, composite a little more than enamel."""
    outline = _cavity(shape, state.site, rng)
    cover = _cover(raster, outline, 0.26 if state.filling == "amalgam" else 0.34)
    # The filling keeps to the tooth's own surface and is carved below the cusps.
    carve = 0.25 + 0.75 * np.cos(np.clip(raster.x / shape.size.width * 3.0, -1.5, 1.5))
    skin = -0.02 if shape.incisal else carve * 0.45
    cover = cover * ramp(
        inside - np.asarray(skin * ramp(-raster.y, shape.size.crown * 0.7, shape.size.crown), np.float32), -0.08, 0.08
    )
    if state.filling == "amalgam":
        depth = 3.0 + 0.8 * ramp(-raster.y, shape.size.crown * 0.4, shape.size.crown * 0.8)
        return np.asarray(attenuation + cover * depth * (physics.AMALGAM - physics.DENTINE), np.float32)
    thick = 2.4 if shape.incisal else 3.4
    return np.asarray(attenuation + cover * thick * (physics.COMPOSITE - 0.8 * physics.DENTINE), np.float32)


def crown(
    attenuation: FloatImage, raster: Raster, shape: ToothShape, kind: str, inside: FloatImage, depth: FloatImage
) -> FloatImage:
    """Put a shell over the prepared stump: cast metal, or porcelain fused to a metal coping."""
    margin = 0.15 + 0.35 * np.cos(np.clip(raster.x / shape.size.width * 2.6, -1.5, 1.5))
    over = ramp(np.asarray(margin - raster.y, np.float32), -0.08, 0.12)
    tall = ramp(-raster.y, 0.2, 2.4)
    if kind == "metal":
        # Porcelain over a cast coping: a grey border round a core that stops everything.
        outer = rounded(inside, 2.4, depth, 2.6)
        coping = rounded(inside - 0.85 * tall, 2.2, depth - 1.0, 2.6)
        stump = rounded(inside - 1.4, 2.0, np.maximum(depth - 2.6, 0.4), 2.6)
        made = (
            np.maximum(coping - stump, 0) * physics.ALLOY
            + np.maximum(outer - coping, 0) * physics.COMPOSITE * 0.8
            + stump * physics.DENTINE
        )
    else:
        outer = rounded(inside, 2.4, depth, 2.6)
        stump = rounded(inside - 0.35 - 1.0 * tall, 1.7, np.maximum(depth - 2.2, 0.4), 2.6)
        stump = np.minimum(stump, outer)
        made = (outer - stump) * physics.CERAMIC * 0.8 + np.maximum(
            attenuation - (outer - stump) * physics.DENTINE, 0
        ) * 0.85
    return np.asarray(attenuation * (1 - over) + made * over, np.float32)
