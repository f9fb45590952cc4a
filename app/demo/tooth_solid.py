"""One tooth as attenuation: the shape and what was done to it, on a small raster in mm.

`tooth_maps` gives what a radiograph of any kind needs of a tooth; scenes warp these maps
into place. Draws single teeth only, knows nothing of jaws or detectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from app.demo import physics
from app.demo import restorations as work
from app.demo.implant import implant_maps
from app.demo.physics import FloatImage
from app.demo.raster import Raster, ToothMaps, blur_map, half_width, ramp, rounded, rounded_power
from app.demo.seeds import array_random
from app.demo.tooth_shapes import ToothShape, tooth_shape
from app.demo.tooth_state import ToothState, tooth_place

PDL_MM = 0.17
LAMINA_MM = 0.24
_MARGIN_MM = 2.7


def tooth_maps(person: str, tooth: str, age: float, state: ToothState) -> ToothMaps:
    """Return the maps of one person's tooth in a given condition.

    Parameters
    ----------
    person : stable key of the person; the same person keeps the same anatomy through the years.
    """
    place = tooth_place(tooth)
    shape = tooth_shape(place, array_random(person, tooth, "shape"), age, state.formed)
    if state.implant:
        return implant_maps(shape)
    return _Builder(shape, state, array_random(person, tooth, "work")).build()


@dataclass(frozen=True)
class ToothSections:
    """Thickness in mm from cheek to tongue: the tooth, its dentine body, its pulp."""

    whole: FloatImage
    core: FloatImage
    pulp: FloatImage
    origin: tuple[float, float]


def tooth_sections(person: str, tooth: str, age: float, state: ToothState) -> ToothSections:
    """Return one tooth's solids for a volume; the same anatomy as `tooth_maps` shows."""
    shape = tooth_shape(tooth_place(tooth), array_random(person, tooth, "shape"), age, state.formed)
    return _Builder(shape, state, array_random(person, tooth, "work")).sections()


class _Builder:
    """Builds the maps of a natural tooth step by step on one raster."""

    def __init__(self, shape: ToothShape, state: ToothState, rng: np.random.Generator) -> None:
        self.shape, self.state, self.rng = shape, state, rng
        size = shape.size
        side = size.width / 2 + _MARGIN_MM + 0.3
        self.raster = Raster(-side, -size.crown - 1.0, side, size.root * 1.1 + _MARGIN_MM)
        x, y = self.raster.x, self.raster.y
        # The neck line curves: lower on the cheek side's middle than between the teeth.
        self.above_neck = np.asarray(-(y - 0.5 + 1.1 * (x / (size.width / 2)) ** 2), dtype=np.float32)
        self.depth_fraction = np.clip(y / size.root, 0, 1.1)
        self.height_fraction = np.clip(-y / size.crown, 0, 1)

    def build(self) -> ToothMaps:
        """Return the finished maps."""
        shape, raster = self.shape, self.raster
        outline = raster.mask(shape.crown, *(root.polygon() for root in shape.roots))
        inside = raster.distance(outline, 0.22)
        reach = half_width(inside)
        depth = self._depth()
        power = 2.0 + 0.7 * ramp(-raster.y, -1.5, 2.0)
        behind = self._behind()
        attenuation = self._mineral(inside, reach, depth, power)
        if behind is not None:
            palatal = rounded(behind, half_width(behind), 0.95 * depth, 2.0)
            hidden = physics.DENTINE * palatal
            # Behind the trunk the palatal root is the same dentine; over the other roots a little adds up.
            attenuation = np.maximum(attenuation, hidden) + 0.15 * np.minimum(attenuation, hidden)
        attenuation -= self._pulp() * physics.DENTINE
        attenuation = np.maximum(attenuation, 0)
        attenuation = self._restore(attenuation, inside, depth)
        socket, lamina = self._socket(inside, behind)
        size = shape.size
        return ToothMaps(attenuation, socket, lamina, inside, raster.origin, size.width, size.crown, size.root)

    def sections(self) -> ToothSections:
        """Return the solids that a volume needs instead of their attenuation."""
        outline = self.raster.mask(self.shape.crown, *(root.polygon() for root in self.shape.roots))
        inside = self.raster.distance(outline, 0.22)
        power = 2.0 + 0.7 * ramp(-self.raster.y, -1.5, 2.0)
        whole, core = self.solids(inside, half_width(inside), self._depth(), power)
        return ToothSections(whole, core, self._pulp(), self.raster.origin)

    def _depth(self) -> FloatImage:
        size = self.shape.size
        thin = 0.40 if self.shape.incisal else 0.66
        crown = size.depth * (1 - (1 - thin) * ramp(self.height_fraction, 0.25, 1.05))
        root = size.depth * (0.90 - 0.46 * self.depth_fraction**1.6)
        return np.asarray(
            np.where(self.raster.y < 0, crown * (0.90 + 0.10 * ramp(-self.raster.y, 0, 2.0)), root), np.float32
        )

    def _behind(self) -> FloatImage | None:
        if self.shape.behind is None:
            return None
        return self.raster.distance(self.raster.mask(self.shape.behind.polygon()), 0.15)

    def solids(
        self, inside: FloatImage, reach: FloatImage, depth: FloatImage, power: FloatImage
    ) -> tuple[FloatImage, FloatImage]:
        """Return mm from cheek to tongue of the whole tooth, and of what lies within its enamel."""
        thick = 0.95 * ramp(self.above_neck, 0.0, 3.0) + 0.85 * ramp(self.height_fraction, 0.62, 0.95)
        if self.shape.size.crown < 6.6:
            thick = thick * 0.72
        enamel = np.asarray(thick * ramp(self.above_neck, -0.05, 0.6), np.float32)
        whole = rounded_power(inside, reach, depth, power)
        core = rounded_power(
            inside - enamel, np.maximum(reach - enamel, 0.2), np.maximum(depth - 1.8 * enamel, 0.3), power
        )
        return whole, np.minimum(core, whole)

    def _mineral(self, inside: FloatImage, reach: FloatImage, depth: FloatImage, power: FloatImage) -> FloatImage:
        whole, core = self.solids(inside, reach, depth, power)
        return np.asarray(
            physics.DENTINE * core * self._sound(inside, 0.66)
            + physics.ENAMEL * (whole - core) * self._sound(inside, 0.62),
            np.float32,
        )

    def _sound(self, inside: FloatImage, worst: float) -> FloatImage:
        """Return how much mineral is left: 1 sound, less where caries has gone."""
        state, size = self.state, self.shape.size
        if state.caries <= 0 or state.filling or state.crown:
            return np.ones_like(inside)
        x, y = self.raster.x, self.raster.y
        grown = 0.5 + 2.6 * state.caries
        if state.site == "occlusal":
            at_x, at_y = 0.1 * size.width, -size.crown * 0.68
            lateral, vertical = 0.9 * grown, 0.6 * grown
        else:
            sign = -1.0 if state.site == "mesial" else 1.0
            at_x, at_y = sign * size.width * (0.5 - 0.05 - 0.08 * state.caries), -size.crown * 0.48
            lateral, vertical = 0.62 * grown, 0.66 * grown
        wobble = 1 + 0.18 * np.sin(3 * np.arctan2(y - at_y, x - at_x) + self.rng.uniform(0, 6))
        far = np.sqrt(((x - at_x) / lateral) ** 2 + ((y - at_y) / vertical) ** 2) / wobble
        lost = worst * (1 - ramp(np.asarray(far, np.float32), 0.15, 1.35))
        return np.asarray(1 - lost, np.float32)

    def _pulp(self) -> FloatImage:
        """Return mm of dentine missing for chamber and canals."""
        if self.state.root_filled:
            return np.zeros(self.raster.shape, np.float32)
        shape = self.shape
        chamber = self.raster.distance(self.raster.mask(*(part.polygon() for part in shape.chamber)), 0.34)
        canals = self.raster.distance(self.raster.mask(*(part.polygon() for part in shape.canals)), 0.03)
        wide = shape.size.depth * 0.30
        empty = rounded(chamber, 1.0, wide, 2.0)
        fine = rounded(canals, half_width(canals, 12), np.maximum(wide * (0.85 - 0.6 * self.depth_fraction), 0.5), 2.0)
        return np.asarray(np.maximum(empty, fine), np.float32)

    def _socket(self, inside: FloatImage, behind: FloatImage | None) -> tuple[FloatImage, FloatImage]:
        size, y = self.shape.size, self.raster.y
        taper = size.depth * (0.95 - 0.48 * self.depth_fraction**1.6)
        gap = PDL_MM + 0.10 * ramp(self.state.apical_mm * np.ones_like(inside), 0, 2)
        reach = half_width(inside) + PDL_MM
        socket = rounded(inside + gap, reach, taper, 2.0)
        shell = np.maximum(rounded(inside + gap + LAMINA_MM, reach + LAMINA_MM, taper + 0.3, 2.0) - socket, 0)
        if behind is not None:
            hole = rounded(behind + gap, half_width(behind) + PDL_MM, 0.7 * taper, 2.0)
            more = np.maximum(
                rounded(behind + gap + LAMINA_MM, half_width(behind) + 0.5, 0.7 * taper + 0.3, 2.0) - hole, 0
            )
            socket, shell = (
                np.maximum(socket, hole),
                np.maximum(shell * (1 - 0.8 * ramp(behind, -0.3, 0.6)), more * 0.7),
            )
        if self.state.formed < 1:
            follicle = rounded(inside + 1.3, half_width(inside) + 1.3, size.depth * 0.8, 2.0)
            socket = np.maximum(socket, follicle * ramp(-y, -1.0 - 6 * self.state.formed, 1.0))
        if self.state.apical_mm > 0:
            socket, shell = self._lesion(socket, shell)
        return np.asarray(socket, np.float32), np.asarray(np.minimum(shell, 2.2), np.float32)

    def _lesion(self, socket: FloatImage, shell: FloatImage) -> tuple[FloatImage, FloatImage]:
        for root in self.shape.roots[:2]:
            if np.ptp(root.centre[:, 1]) < 4:
                continue
            tip = root.centre[-1]
            radius = self.state.apical_mm * self.rng.uniform(0.85, 1.15)
            far = np.sqrt((self.raster.x - tip[0]) ** 2 + ((self.raster.y - tip[1] - 0.25 * radius) / 1.05) ** 2)
            ball = 2 * np.sqrt(np.maximum(radius**2 - far**2, 0)) * 1.25
            socket = np.maximum(socket, blur_map(np.asarray(ball, np.float32), 5))
            shell = shell * ramp(np.asarray(far, np.float32), 0.7 * radius, 1.25 * radius)
        return socket, shell

    def _restore(self, attenuation: FloatImage, inside: FloatImage, depth: FloatImage) -> FloatImage:
        state, shape = self.state, self.shape
        if state.root_filled:
            attenuation = work.root_filling(attenuation, self.raster, shape, self.rng)
        if state.filling:
            attenuation = work.filling(attenuation, self.raster, shape, state, inside, self.rng)
        if state.crown:
            attenuation = work.crown(attenuation, self.raster, shape, state.crown, inside, depth)
        return np.asarray(attenuation, np.float32)
