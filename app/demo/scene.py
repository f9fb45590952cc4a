"""A stretch of jaw laid out flat: teeth standing side by side, and their maps in an image.

World coordinates in mm: x grows towards the patient's left (a radiograph's right side),
y downwards, 0 on the biting plane. Places teeth and adds up their maps; bone and film are
the business of the views.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from app.demo.mouth import Mouth
from app.demo.physics import FloatImage
from app.demo.raster import RASTER_MM, ToothMaps
from app.demo.seeds import array_random
from app.demo.tooth_shapes import tooth_shape
from app.demo.tooth_solid import tooth_maps
from app.demo.tooth_state import ToothState, tooth_place

Matrix = NDArray[np.floating[Any]]

_CREST_STEP_MM = 0.1


@dataclass(frozen=True)
class Standing:
    """A tooth in its place: centre x, neck y, tilt in radians (tooth's own sense), mirrored or not."""

    tooth: str
    x: float
    neck_y: float
    tilt: float
    upper: bool
    flip_x: bool
    width: float
    state: ToothState

    def matrix(self) -> Matrix:
        """Return the 3x3 matrix from tooth mm to world mm."""
        across = -1.0 if self.flip_x else 1.0
        down = -1.0 if self.upper else 1.0
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turn = np.array([[cos, -sin], [sin, cos]])
        linear = np.diag([across, down]) @ turn
        return np.array([[*linear[0], self.x], [*linear[1], self.neck_y], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class View:
    """What part of the world an image shows: `left`, `top` in mm at its corner, mm per pixel.

    turn (radians) and stretch (vertical) stand for the angulation of one exposure.
    """

    left: float
    top: float
    rows: int
    columns: int
    mm: float
    turn: float = 0.0
    stretch: float = 1.0

    def matrix(self) -> Matrix:
        """Return the 3x3 matrix from world mm to pixels."""
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        centre = np.array([self.left + self.columns * self.mm / 2, self.top + self.rows * self.mm / 2])
        linear = np.array([[cos, -sin], [sin, cos]]) @ np.diag([1.0, self.stretch]) / self.mm
        shift = np.array([self.columns / 2, self.rows / 2]) - linear @ centre
        return np.array([[*linear[0], shift[0]], [*linear[1], shift[1]], [0.0, 0.0, 1.0]])

    def grid(self) -> tuple[FloatImage, FloatImage]:
        """Return world x and y in mm of every pixel, each (rows, columns)."""
        back = np.linalg.inv(self.matrix()).astype(np.float32)
        columns = np.arange(self.columns, dtype=np.float32)[None, :]
        rows = np.arange(self.rows, dtype=np.float32)[:, None]
        x = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
        return np.asarray(x, np.float32), np.asarray(y, np.float32)


@dataclass
class Layers:
    """Summed maps of all teeth in an image, and the smallest distance into any tooth (mm)."""

    attenuation: FloatImage
    socket: FloatImage
    lamina: FloatImage

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> Layers:
        """Return layers with nothing in them."""
        return cls(*(np.zeros(shape, np.float32) for _ in range(3)))


@lru_cache(maxsize=72)
def cached_maps(person: str, tooth: str, age: int, state: ToothState) -> ToothMaps:
    """Return a tooth's maps; the same tooth in the same condition is drawn once."""
    return tooth_maps(person, tooth, float(age), state)


def maps_of(mouth: Mouth, tooth: str) -> ToothMaps:
    """Return the maps of a tooth as it is in this mouth (pulps age in steps of twelve years)."""
    state = mouth.state(tooth)
    drawn = ToothState(**{**state.__dict__, "bone_loss_mm": 0.0, "sunk_mm": 0.0})
    return cached_maps(mouth.person, tooth, int(mouth.age // 12) * 12 + 6, drawn)


def lay_out(mouth: Mouth, *, upper: bool, plane_y: float = 0.0) -> list[Standing]:
    """Return one jaw's teeth side by side from the midline outwards, then germs under them."""
    row = mouth.row(upper=upper)
    right = [tooth for tooth in row if tooth_place(tooth).right][::-1]
    left = [tooth for tooth in row if not tooth_place(tooth).right]
    placed: list[Standing] = []
    for side, teeth in ((-1.0, right), (1.0, left)):
        edge = 0.0
        for tooth in teeth:
            standing = _stand(mouth, tooth, side, edge, plane_y)
            edge += standing.width * 0.998
            placed.append(standing)
    placed.sort(key=lambda standing: standing.x)
    return placed + _germs(mouth, placed, upper)


def _stand(mouth: Mouth, tooth: str, side: float, edge: float, plane_y: float) -> Standing:
    place = tooth_place(tooth)
    size = tooth_shape(place, array_random(mouth.person, tooth, "shape"), 30.0, 1.0).size
    rng = array_random(mouth.person, tooth, "stand")
    state = mouth.state(tooth)
    # Front teeth lean with their roots away from the midline, lower molars with theirs forward.
    lean = {1: 0.03, 2: 0.07, 3: 0.10, 4: 0.05, 5: 0.04}.get(place.position, 0.0)
    if place.position >= 6 and not place.primary:
        lean = -0.05 * (place.position - 5) if place.upper else 0.07 * (place.position - 5)
    tilt = -lean + float(rng.normal(0, 0.025))
    level = plane_y + float(rng.normal(0, 0.15)) * (-1 if place.upper else 1)
    down = -1.0 if place.upper else 1.0
    neck = level + down * (size.crown + state.sunk_mm)
    return Standing(tooth, side * (edge + size.width / 2), neck, tilt, place.upper, place.right, size.width, state)


def _germs(mouth: Mouth, placed: list[Standing], upper: bool) -> list[Standing]:
    by_tooth = {standing.tooth: standing for standing in placed}
    found: list[Standing] = []
    for germ, over in mouth.germs:
        above = by_tooth.get(over)
        if above is None or above.upper != upper:
            continue
        state = mouth.state(germ)
        down = -1.0 if upper else 1.0
        size = tooth_shape(tooth_place(germ), array_random(mouth.person, germ, "shape"), 10.0, 1.0).size
        neck = above.neck_y + down * (size.crown + state.sunk_mm)
        found.append(Standing(germ, above.x, neck, 0.05, upper, above.flip_x, size.width, state))
    return found


def add_tooth(layers: Layers, maps: ToothMaps, to_pixels: Matrix) -> None:
    """Warp one tooth's maps into the image and add them (teeth that overlap add up, as on film).

    `to_pixels` is the 3x3 matrix from tooth mm to image pixels.
    """
    sources = [maps.attenuation, maps.socket, maps.lamina]
    step, origin = RASTER_MM, np.array(maps.origin)
    scale = float(np.sqrt(abs(np.linalg.det(to_pixels[:2, :2])))) * step
    while scale < 0.6:
        sources = [cv2.resize(source, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for source in sources]
        step, origin, scale = step * 2, (origin - 0.5) / 2, scale * 2
    from_raster = np.array([[step, 0, -origin[0] * step], [0, step, -origin[1] * step], [0, 0, 1.0]])
    matrix = to_pixels @ from_raster
    height, width = sources[0].shape
    corners = matrix @ np.array([[0, width, width, 0], [0, 0, height, height], [1, 1, 1, 1.0]])
    rows, columns = layers.attenuation.shape
    x0, y0 = (int(max(0, np.floor(corners[axis].min()))) for axis in (0, 1))
    x1 = int(min(columns, np.ceil(corners[0].max()) + 1))
    y1 = int(min(rows, np.ceil(corners[1].max()) + 1))
    if x1 <= x0 or y1 <= y0:
        return
    matrix = np.array([[1, 0, -x0], [0, 1, -y0], [0, 0, 1.0]]) @ matrix
    attenuation, socket, lamina = (
        cv2.warpAffine(source, matrix[:2], (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR) for source in sources
    )
    part = (slice(y0, y1), slice(x0, x1))
    layers.attenuation[part] += attenuation
    np.maximum(layers.socket[part], socket, out=layers.socket[part])
    np.maximum(layers.lamina[part], lamina, out=layers.lamina[part])


def crest_line(
    standing: list[Standing], *, upper: bool, xs: FloatImage, tail: tuple[tuple[float, float], ...] = ()
) -> FloatImage:
    """Return the y of the bone's edge at each x: peaks between teeth, lower where bone was lost.

    `tail` continues the edge behind the last teeth, as (distance from the midline, y).
    """
    down = -1.0 if upper else 1.0
    points: list[tuple[float, float]] = []
    rows = [tooth for tooth in standing if tooth.upper == upper and tooth.state.formed > 0.5]
    for tooth in rows:
        level = tooth.neck_y - down * tooth.state.sunk_mm
        if not tooth.state.present:
            points.append((tooth.x, level + down * 3.4))
            continue
        loss = tooth.state.bone_loss_mm
        half = tooth.width * 0.5
        points.append((tooth.x - half, level + down * (0.75 + loss)))
        points.append((tooth.x - half * 0.72, level + down * (1.0 + loss)))
        points.append((tooth.x, level + down * (1.9 + 1.1 * loss)))
        points.append((tooth.x + half * 0.72, level + down * (1.0 + loss)))
        points.append((tooth.x + half, level + down * (0.75 + loss)))
    reach = max(abs(point[0]) for point in points)
    points += [(side * out, level) for out, level in tail if out > reach for side in (-1, 1)]
    points.sort()
    at = np.array(points)
    fine = np.arange(at[0, 0] - 2, at[-1, 0] + 2, _CREST_STEP_MM)
    level_line = np.interp(fine, at[:, 0], at[:, 1])
    weights = np.hanning(19) / np.hanning(19).sum()
    level_line = np.convolve(np.pad(level_line, 9, mode="edge"), weights, mode="valid")
    # Evenly spaced, so that OpenCV finds the places of a million pixels by arithmetic.
    places = np.atleast_2d(np.asarray((xs - np.float32(fine[0])) * np.float32(1 / _CREST_STEP_MM), np.float32))
    source = np.asarray(level_line, np.float32)[None, :]
    line = cv2.remap(source, places, np.zeros_like(places), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, np.float32).reshape(np.shape(xs))
