"""A cone-beam volume of the lower jaw: teeth, bone, canal and soft tissue in Hounsfield units.

Every voxel is described by its place along the arch, its distance from the arch and its
height, so that the same tooth shapes as on films stand in the volume. No DICOM here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.mouth import Mouth
from app.demo.physics import FloatImage
from app.demo.raster import RASTER_MM, ramp
from app.demo.scene import Standing, crest_line, lay_out, maps_of
from app.demo.seeds import array_random
from app.demo.texture import TILE_MM_PX, trabeculae
from app.demo.tooth_solid import ToothSections, tooth_sections

SIZE, SLICES, VOXEL_MM = 256, 112, 0.35
INTERCEPT = -1000
_AIR, _SOFT, _MARROW, _CORTEX, _DENTINE, _ENAMEL, _METAL = -1000.0, 45.0, 330.0, 1450.0, 1750.0, 2550.0, 3090.0
_TOP_MM = -4.0


@dataclass(frozen=True)
class Volume:
    """Stored values (slices, rows, columns), first slice lowest; HU = stored + INTERCEPT."""

    pixels: NDArray[np.uint16]
    voxel_mm: float


@dataclass(frozen=True)
class _Placed:
    """A tooth in the volume: flat pixel indices near it, their place along and across the arch."""

    standing: Standing
    sections: ToothSections | None
    metal: FloatImage | None
    origin: tuple[float, float]
    near: NDArray[np.intp]
    along: FloatImage
    across: FloatImage


def lower_jaw(mouth: Mouth, exposure: str) -> Volume:
    """Draw the lower jaw of one person."""
    rng = array_random(mouth.person, "cbct", exposure)
    along, across = _arch_coordinates()
    standing = [one for one in lay_out(mouth, upper=False) if one.state.present and one.state.formed > 0.5]
    placed = [_place(mouth, one, along, across) for one in standing]
    crest = crest_line(lay_out(mouth, upper=False), upper=False, xs=along, tail=((58.0, 2.0), (66.0, -6.0)))
    drift = rng.uniform(0, 900, 4)
    pixels = np.empty((SLICES, SIZE, SIZE), np.uint16)
    circle = _field_of_view()
    for index in range(SLICES):
        height = _TOP_MM + index * VOXEL_MM
        hounsfield = _tissue(height, along, across, crest, drift)
        metal = np.zeros((SIZE, SIZE), np.float32)
        for tooth in placed:
            _stand(tooth, height, hounsfield, metal)
        hounsfield = cv2.GaussianBlur(hounsfield, (0, 0), 0.75)
        hounsfield += _streaks(metal)
        noise = cv2.GaussianBlur(rng.standard_normal((SIZE, SIZE), dtype=np.float32), (0, 0), 0.7)
        hounsfield += noise * 95
        stored = np.where(circle, np.clip(np.rint(hounsfield) - INTERCEPT, 0, 4095), 0)
        # The first frame is the lowest, as volumes are usually sorted (feet to head).
        pixels[SLICES - 1 - index] = stored.astype(np.uint16)
    return Volume(pixels, VOXEL_MM)


def _arch_coordinates() -> tuple[FloatImage, FloatImage]:
    """Return each pixel's place along the arch (mm, left positive) and across it (outwards positive)."""
    t = np.linspace(-36, 36, 1441)
    curve = np.stack([t, -31.0 + 0.052 * t**2], axis=1)
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    length = np.concatenate([[0], np.cumsum(steps)])
    length -= length[len(t) // 2]
    seeds = np.full((SIZE, SIZE), 255, np.uint8)
    centre = (SIZE - 1) / 2
    columns = np.clip(np.rint(curve[:, 0] / VOXEL_MM + centre), 0, SIZE - 1).astype(int)
    rows = np.clip(np.rint(curve[:, 1] / VOXEL_MM + centre), 0, SIZE - 1).astype(int)
    seeds[rows, columns] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    order = np.zeros(int(labels.max()) + 1, np.intp)
    order[labels[rows, columns]] = np.arange(len(t))
    nearest = order[labels]
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    x, y = (x - centre) * VOXEL_MM, (y - centre) * VOXEL_MM
    slope = 0.104 * t[nearest]
    scale = np.sqrt(1 + slope**2)
    gap_x, gap_y = x - curve[nearest, 0], y - curve[nearest, 1]
    # Exact place on the tangent, so that nothing shows the curve's own steps.
    along = length[nearest] + (gap_x + gap_y * slope) / scale
    across = (gap_x * slope - gap_y) / scale
    return (
        cv2.GaussianBlur(np.asarray(along, np.float32), (0, 0), 1.0),
        cv2.GaussianBlur(np.asarray(across, np.float32), (0, 0), 1.0),
    )


def _field_of_view() -> NDArray[np.bool_]:
    y, x = np.mgrid[0:SIZE, 0:SIZE] - (SIZE - 1) / 2
    return np.asarray(np.hypot(x, y) < SIZE / 2 - 1)


def _place(mouth: Mouth, one: Standing, along: FloatImage, across: FloatImage) -> _Placed:
    near = np.flatnonzero((np.abs(along - one.x) < one.width / 2 + 6) & (np.abs(across) < 9))
    sections = None if one.state.implant else tooth_sections(mouth.person, one.tooth, mouth.age, one.state)
    maps = maps_of(mouth, one.tooth)
    has_metal = bool(one.state.implant or one.state.crown or one.state.filling or one.state.root_filled)
    return _Placed(
        one,
        sections,
        maps.attenuation if has_metal else None,
        maps.origin,
        near,
        along.ravel()[near],
        across.ravel()[near],
    )


def _tissue(
    height: float, along: FloatImage, across: FloatImage, crest: FloatImage, drift: NDArray[np.float64]
) -> FloatImage:
    """Return one slice without teeth."""
    deep = height - crest
    bottom = 34.0 + 0.4 * np.cos(along / 16) - 0.008 * np.maximum(np.abs(along) - 34, 0) ** 2
    middle = -0.10 * (height - 12) - 1.3 * ramp(np.abs(along), 26, 46)
    half = 3.4 + 2.7 * ramp(np.asarray(deep, np.float32), 0, 14) + 0.9 * ramp(np.abs(along), 22, 44)
    half = half * np.sqrt(np.clip((bottom - height) / 5.0, 0, 1)) * np.sqrt(np.clip(deep / 1.6, 0, 1))
    inside = np.where(half > 0.4, half - np.abs(across - middle), -1.0)
    cortex = 1.7 + 1.1 * ramp(np.full_like(deep, height), 24, 31)
    texture = _texture(height, along, across, drift)
    marrow = _MARROW + 230 * texture - 130 * ramp(np.asarray(deep, np.float32), 4, 18)
    bone = marrow + (_CORTEX + 60 * texture - marrow) * ramp(np.asarray(cortex - inside, np.float32), -0.35, 0.35)
    canal_height = 25.0 - 0.012 * np.maximum(np.abs(along) - 26, 0) ** 2
    canal = np.hypot(across + 0.9, height - canal_height)
    beyond = ramp(np.abs(along), 26, 29)
    bone = bone + ramp(np.abs(canal - 1.9), 0.7, 0.2) * 380 * beyond
    bone = bone * (1 - ramp(canal, 1.8, 1.3) * beyond) + 40 * ramp(canal, 1.8, 1.3) * beyond
    flesh = _flesh(height, along, across)
    cover = ramp(np.asarray(inside, np.float32), -0.25, 0.25)
    return np.asarray(flesh * (1 - cover) + bone * cover, np.float32)


def _flesh(height: float, along: FloatImage, across: FloatImage) -> FloatImage:
    """Lips, cheeks and tongue, air before the face and in the mouth."""
    lip = (
        11.5
        + 3.0 * ramp(np.abs(along), 20, 46)
        - 2.5 * np.exp(-(((height - 14) / 8) ** 2)) * ramp(np.abs(along), 24, 8)
    )
    fat = -95 * ramp(across, 9.5, 11.0) * ramp(np.abs(along), 16, 30)
    soft = _SOFT + fat
    outside = ramp(np.asarray(across - lip, np.float32), -0.4, 0.4)
    vestibule = 0.9 * ramp(np.full_like(across, height), 7.0, 5.0) * np.exp(-(((across - 7.2) / 0.9) ** 2))
    tongue_edge = 6.5 + 2.5 * ramp(np.full_like(across, height), 0, 12)
    gap = 0.95 * np.exp(-(((across + tongue_edge) / 1.1) ** 2)) * ramp(np.full_like(across, height), 8.0, 5.0)
    top = 0.95 * ramp(np.full_like(across, height), -1.0, -3.0) * ramp(np.abs(across + 1), 8, 6)
    air = np.maximum.reduce([outside, vestibule, gap, top])
    return np.asarray(soft * (1 - air) + _AIR * air, np.float32)


def _texture(height: float, along: FloatImage, across: FloatImage, drift: NDArray[np.float64]) -> FloatImage:
    """Return spongy texture: two tiles that slide against each other from slice to slice."""
    tile = trabeculae("mandible")
    total = np.zeros((SIZE, SIZE), np.float32)
    for index, (lift, lean) in enumerate(((0.9, 0.35), (-0.5, 0.95))):
        u = (along + lift * height) / TILE_MM_PX / 1.5 + drift[2 * index]
        v = (across * 1.2 + lean * height) / TILE_MM_PX / 1.5 + drift[2 * index + 1]
        total += cv2.remap(
            tile, np.asarray(np.mod(u, 1023), np.float32), np.asarray(np.mod(v, 1023), np.float32), cv2.INTER_LINEAR
        )
    return total * np.float32(0.7)


def _stand(tooth: _Placed, height: float, hounsfield: FloatImage, metal: FloatImage) -> None:
    """Put one tooth's cross-section into a slice."""
    one = tooth.standing
    down = height - one.neck_y
    across_sign = -1.0 if one.flip_x else 1.0
    local_x = (tooth.along - one.x) * across_sign + np.float32(np.tan(one.tilt) * down)
    flat = hounsfield.reshape(-1)
    depth = np.abs(tooth.across + np.float32(0.10 * down))
    if tooth.sections is not None:
        whole, core, pulp = (
            _row(part, tooth.sections.origin, local_x, down)
            for part in (tooth.sections.whole, tooth.sections.core, tooth.sections.pulp)
        )
        values = flat[tooth.near]
        ligament = _SOFT + 60
        values = np.where(
            (whole > 0.3) & (depth < whole / 2 + 0.28) & (down > 1.0), np.minimum(values, ligament), values
        )
        values = _mix(values, _ENAMEL, np.where(whole > 0.3, whole / 2 - depth, -1))
        values = _mix(values, _DENTINE, np.where(core > 0.2, core / 2 - depth, -1))
        values = _mix(values, _SOFT, np.where(pulp > 0.2, pulp / 2 - depth, -1))
        flat[tooth.near] = values
    if tooth.metal is not None:
        dense = _row(tooth.metal, tooth.origin, local_x, down)
        reach = np.where(dense > 2.4, np.clip(dense * 0.5, 1.0, 2.6 if down > 0 else 4.2), -1)
        values = flat[tooth.near]
        flat[tooth.near] = _mix(values, _METAL, reach - depth)
        metal.reshape(-1)[tooth.near] = np.maximum(metal.reshape(-1)[tooth.near], (reach > depth) * np.float32(1))


def _row(section: FloatImage, origin: tuple[float, float], local_x: FloatImage, down: float) -> FloatImage:
    """Return a map's values on the line `down` mm below the neck at the given places."""
    row = down / RASTER_MM + origin[1]
    if not 0 <= row < section.shape[0] - 1:
        return np.zeros_like(local_x)
    at = local_x / RASTER_MM + origin[0]
    return np.asarray(np.interp(at, np.arange(section.shape[1]), section[int(row)], left=0, right=0), np.float32)


def _mix(values: FloatImage, hounsfield: float, depth_inside: FloatImage) -> FloatImage:
    """Blend towards a material where `depth_inside` (mm) is positive, with a voxel-wide edge."""
    cover = ramp(np.asarray(depth_inside, np.float32), -0.18, 0.18)
    return np.asarray(values * (1 - cover) + hounsfield * cover, np.float32)


def _streaks(metal: FloatImage) -> FloatImage:
    """Return the dark and bright rays that metal throws across a slice."""
    if metal.sum() < 6:
        return np.zeros_like(metal)
    count, _, _, centres = cv2.connectedComponentsWithStats((metal > 0).astype(np.uint8))
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    total = np.zeros_like(metal)
    for label in range(1, count):
        angle = np.arctan2(y - centres[label][1], x - centres[label][0])
        far = np.hypot(y - centres[label][1], x - centres[label][0])
        rays = np.sin(angle * 9 + label) + 0.7 * np.sin(angle * 17 + 2 * label) + 0.5 * np.sin(angle * 31)
        total += rays * 150 * np.exp(-far / 22) * ramp(far, 2, 7)
    return total
