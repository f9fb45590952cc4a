"""Outlines of teeth in millimetres: crown, roots, canals, by class and jaw.

Tooth coordinates: x towards distal, y = 0 at the neck, crown negative, root positive.
Sizes are the usual averages of dental anatomy (crown, root, width, neck, depth).
Knows shapes only: no pixels, no attenuation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.demo.tooth_state import ToothPlace

Points = NDArray[np.float64]


@dataclass(frozen=True)
class ToothSize:
    """Average sizes of one tooth in mm; `depth` is cheek to tongue."""

    crown: float
    root: float
    width: float
    neck: float
    depth: float


_UPPER = (
    ToothSize(10.5, 13.0, 8.5, 6.6, 7.0),
    ToothSize(9.3, 13.0, 6.7, 5.0, 6.0),
    ToothSize(10.0, 16.5, 7.6, 5.7, 8.0),
    ToothSize(8.5, 13.5, 7.1, 5.0, 9.0),
    ToothSize(8.3, 14.0, 6.9, 4.9, 9.0),
    ToothSize(7.6, 12.6, 10.2, 8.0, 11.0),
    ToothSize(7.1, 11.8, 9.3, 7.3, 11.0),
    ToothSize(6.6, 10.8, 8.6, 6.8, 10.0),
)
_LOWER = (
    ToothSize(9.0, 12.5, 5.3, 3.7, 6.0),
    ToothSize(9.4, 13.6, 5.8, 4.1, 6.4),
    ToothSize(10.6, 15.6, 6.9, 5.3, 7.6),
    ToothSize(8.5, 14.0, 7.0, 5.0, 7.6),
    ToothSize(8.1, 14.3, 7.2, 5.2, 8.2),
    ToothSize(7.6, 14.0, 11.2, 9.1, 10.5),
    ToothSize(7.1, 13.0, 10.6, 8.3, 10.0),
    ToothSize(6.9, 11.2, 10.1, 7.7, 9.5),
)
_UPPER_PRIMARY = (
    ToothSize(6.0, 10.0, 6.5, 4.5, 5.0),
    ToothSize(5.6, 10.6, 5.2, 3.7, 4.2),
    ToothSize(6.5, 12.5, 6.9, 5.0, 6.6),
    ToothSize(5.2, 9.5, 7.3, 5.3, 8.4),
    ToothSize(5.7, 11.0, 8.4, 6.4, 9.6),
)
_LOWER_PRIMARY = (
    ToothSize(5.0, 9.0, 4.3, 3.0, 4.0),
    ToothSize(5.2, 9.6, 4.4, 3.1, 4.1),
    ToothSize(6.0, 11.0, 5.2, 3.8, 4.9),
    ToothSize(5.8, 9.6, 7.8, 6.3, 7.0),
    ToothSize(5.5, 11.0, 9.9, 7.3, 8.7),
)

# fmt: off
# Crown outlines: x in half widths (mesial negative), y in crown lengths. "n" marks the neck.
_CROWNS: dict[str, tuple[tuple[float, float], ...]] = {
    "upper incisor": (
        (-0.93, -0.34), (-0.99, -0.66), (-1.0, -0.86), (-0.93, -0.975), (-0.6, -1.0),
        (0.0, -0.995), (0.55, -0.99), (0.86, -0.945), (0.99, -0.80), (0.97, -0.58), (0.88, -0.30),
    ),
    "lower incisor": (
        (-0.86, -0.34), (-0.98, -0.70), (-1.0, -0.90), (-0.93, -0.985), (-0.5, -1.0),
        (0.5, -1.0), (0.93, -0.98), (1.0, -0.88), (0.97, -0.66), (0.85, -0.32),
    ),
    "canine": (
        (-0.90, -0.34), (-0.99, -0.58), (-0.96, -0.72), (-0.62, -0.86), (-0.2, -0.98), (0.0, -1.0),
        (0.2, -0.96), (0.66, -0.80), (0.98, -0.62), (0.98, -0.48), (0.86, -0.26),
    ),
    "premolar": (
        (-0.92, -0.34), (-1.0, -0.58), (-0.96, -0.76), (-0.66, -0.88), (-0.25, -0.985), (0.0, -1.0),
        (0.25, -0.975), (0.68, -0.86), (0.96, -0.74), (1.0, -0.56), (0.90, -0.30),
    ),
    "upper molar": (
        (-0.94, -0.30), (-1.0, -0.56), (-0.99, -0.74), (-0.86, -0.90), (-0.56, -1.0), (-0.30, -0.95),
        (-0.06, -0.865), (0.20, -0.92), (0.46, -0.97), (0.74, -0.90), (0.93, -0.74), (0.99, -0.55),
        (0.93, -0.28),
    ),
    "lower molar": (
        (-0.93, -0.30), (-1.0, -0.60), (-0.98, -0.78), (-0.84, -0.93), (-0.58, -1.0), (-0.34, -0.94),
        (-0.16, -0.875), (0.06, -0.94), (0.24, -0.965), (0.44, -0.90), (0.56, -0.855), (0.74, -0.89),
        (0.92, -0.77), (1.0, -0.56), (0.91, -0.26),
    ),
}

# Roots: points as (x in neck widths, y in root lengths), widths in neck widths.
_Root = tuple[tuple[tuple[float, float], ...], tuple[float, ...]]
_SINGLE: _Root = (
    ((0.0, -0.12), (0.0, 0.08), (0.0, 0.33), (0.01, 0.62), (0.03, 0.84), (0.07, 0.99)),
    (0.90, 0.97, 0.86, 0.64, 0.44, 0.19),
)
_TRUNK: _Root = (((0.0, -0.12), (0.0, 0.08), (0.0, 0.21)), (0.90, 0.98, 0.95))
_LOWER_MESIAL: _Root = (
    ((-0.22, 0.10), (-0.28, 0.34), (-0.33, 0.58), (-0.32, 0.80), (-0.25, 0.99)),
    (0.50, 0.42, 0.35, 0.26, 0.11),
)
_LOWER_DISTAL: _Root = (
    ((0.22, 0.10), (0.27, 0.34), (0.31, 0.58), (0.31, 0.78), (0.29, 0.95)),
    (0.50, 0.42, 0.34, 0.25, 0.11),
)
_UPPER_MESIAL: _Root = (
    ((-0.22, 0.12), (-0.30, 0.36), (-0.36, 0.60), (-0.33, 0.80), (-0.24, 0.96)),
    (0.48, 0.37, 0.29, 0.21, 0.10),
)
_UPPER_DISTAL: _Root = (
    ((0.24, 0.12), (0.30, 0.36), (0.34, 0.58), (0.34, 0.76), (0.31, 0.90)),
    (0.44, 0.33, 0.25, 0.18, 0.09),
)
_PALATAL: _Root = (
    ((0.02, 0.02), (0.02, 0.34), (0.04, 0.66), (0.04, 0.88), (0.02, 1.07)),
    (0.62, 0.50, 0.40, 0.30, 0.13),
)
# fmt: on


@dataclass(frozen=True)
class Ribbon:
    """A tapering stroke in mm: centre line (n, 2) and the full width at each point."""

    centre: Points
    width: NDArray[np.float64]

    def narrowed(self, widths_mm: tuple[float, ...], start: float, stop: float) -> Ribbon:
        """Return a stroke on the same line between two fractions of it, of given widths."""
        at = np.linspace(start, stop, 14)
        own = np.linspace(0, 1, len(self.centre))
        centre = np.stack([np.interp(at, own, self.centre[:, axis]) for axis in (0, 1)], axis=1)
        width = np.interp(np.linspace(0, 1, 14), np.linspace(0, 1, len(widths_mm)), widths_mm)
        return Ribbon(centre, width)

    def polygon(self) -> Points:
        """Return the closed outline with a rounded far end."""
        line, width = _smooth_line(self.centre, 8), _resample(self.width, self.centre, 8)
        along = np.gradient(line, axis=0)
        along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
        side = np.stack([-along[:, 1], along[:, 0]], axis=1) * width[:, None] / 2
        turn = np.linspace(0, np.pi, 9)[1:-1, None]
        cap = line[-1] + np.cos(turn) * side[-1] + np.sin(turn) * along[-1] * width[-1] / 2
        return np.concatenate([line + side, cap, (line - side)[::-1]])


@dataclass(frozen=True)
class ToothShape:
    """The shape of one person's tooth in mm."""

    size: ToothSize
    crown: Points
    roots: tuple[Ribbon, ...]
    behind: Ribbon | None
    canals: tuple[Ribbon, ...]
    chamber: tuple[Ribbon, ...]
    incisal: bool


def closed_curve(points: Points, per_segment: int = 10) -> Points:
    """Return a smooth closed curve through the points (Catmull-Rom)."""
    before, after, far = np.roll(points, 1, 0), np.roll(points, -1, 0), np.roll(points, -2, 0)
    return _catmull(before, points, after, far, per_segment)


def _catmull(p0: Points, p1: Points, p2: Points, p3: Points, count: int) -> Points:
    t = np.linspace(0, 1, count, endpoint=False)[None, :, None]
    a, b, c, d = (p[:, None, :] for p in (p0, p1, p2, p3))
    curve = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(curve.reshape(-1, 2), dtype=np.float64)


def open_curve(points: Points, per_segment: int = 10) -> Points:
    """Return a smooth open curve through the points (Catmull-Rom, ends held)."""
    return _smooth_line(np.asarray(points, dtype=np.float64), per_segment)


def _smooth_line(points: Points, per_segment: int) -> Points:
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    curve = _catmull(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], per_segment)
    return np.concatenate([curve, points[-1:]])


def _resample(values: NDArray[np.float64], points: Points, per_segment: int) -> NDArray[np.float64]:
    count = (len(points) - 1) * per_segment + 1
    return np.interp(np.linspace(0, len(points) - 1, count), np.arange(len(points)), values)


def tooth_size(place: ToothPlace) -> ToothSize:
    """Return the average size of the tooth at this place."""
    tables: dict[tuple[bool, bool], tuple[ToothSize, ...]] = {
        (True, False): _UPPER,
        (False, False): _LOWER,
        (True, True): _UPPER_PRIMARY,
        (False, True): _LOWER_PRIMARY,
    }
    return tables[place.upper, place.primary][place.position - 1]


def tooth_shape(place: ToothPlace, rng: np.random.Generator, age: float, formed: float) -> ToothShape:
    """Return one person's tooth: the average shape with slight natural variation.

    Parameters
    ----------
    age : years; pulps narrow with age.
    formed : how far the root has grown, 0..1 (children's permanent teeth).
    """
    base = tooth_size(place)
    scale = rng.normal(1.0, 0.035, 5)
    size = ToothSize(
        *(float(v * s) for v, s in zip((base.crown, base.root, base.width, base.neck, base.depth), scale, strict=True))
    )
    lean = float(rng.normal(0.06, 0.05))
    roots, behind = _roots(place, size, rng, lean)
    if formed < 1.0:
        roots = tuple(_cut_root(root, formed) for root in roots)
        behind = _cut_root(behind, formed) if behind is not None else None
    young = float(np.clip(1.5 - age / 62, 0.55, 1.4)) * (1.15 if place.primary else 1.0)
    canals, chamber = _pulp(place, size, roots, young, formed)
    return ToothShape(
        size, _crown(place, size, rng), roots, behind, canals, chamber, place.kind in ("incisor", "canine")
    )


def _crown(place: ToothPlace, size: ToothSize, rng: np.random.Generator) -> Points:
    jaw = "upper" if place.upper else "lower"
    name = {"incisor": f"{jaw} incisor", "molar": f"{jaw} molar"}.get(place.kind, place.kind)
    neck = size.neck / size.width
    outline = ((-neck * 0.7, 0.05), (-neck * 0.99, -0.03), *_CROWNS[name], (neck * 0.99, -0.03), (neck * 0.7, 0.05))
    points = np.array(outline, dtype=np.float64)
    points[2:-2] += rng.normal(0, 0.012, points[2:-2].shape)
    if place.primary:
        bulge = np.exp(-(((points[:, 1] + 0.3) / 0.22) ** 2))
        points[:, 0] *= 1 + 0.05 * bulge
    return closed_curve(points * (size.width / 2, size.crown), 8)


def _roots(
    place: ToothPlace, size: ToothSize, rng: np.random.Generator, lean: float
) -> tuple[tuple[Ribbon, ...], Ribbon | None]:
    def ribbon(root: _Root, splay: float = 1.0) -> Ribbon:
        centre = np.array(root[0], dtype=np.float64) * (size.neck * splay, size.root)
        depth = np.clip(centre[:, 1] / size.root, 0, None)
        centre[:, 0] += lean * size.neck * depth**2.2 * (0.7 + 0.6 * rng.random())
        return Ribbon(centre, np.array(root[1]) * size.neck)

    if place.kind != "molar":
        return (ribbon(_SINGLE),), None
    splay = float(rng.normal(1.0, 0.07)) * (1.22 if place.primary else 1.0)
    if place.position >= 7:
        splay *= 0.80 if place.position == 7 else 0.66
    trunk = ribbon(_TRUNK)
    if place.upper:
        return (ribbon(_UPPER_MESIAL, splay), ribbon(_UPPER_DISTAL, splay), trunk), ribbon(_PALATAL)
    return (ribbon(_LOWER_MESIAL, splay), ribbon(_LOWER_DISTAL, splay), trunk), None


def _cut_root(root: Ribbon, formed: float) -> Ribbon:
    """Return a root still growing: shorter, its end wide open."""
    keep = max(formed, 0.12)
    at = np.linspace(0, keep, 8)
    own = np.linspace(0, 1, len(root.centre))
    centre = np.stack([np.interp(at, own, root.centre[:, axis]) for axis in (0, 1)], axis=1)
    return Ribbon(centre, np.interp(at * 0.7, own, root.width))


def _pulp(
    place: ToothPlace, size: ToothSize, roots: tuple[Ribbon, ...], young: float, formed: float
) -> tuple[tuple[Ribbon, ...], tuple[Ribbon, ...]]:
    stop = 0.985 if formed >= 1.0 else 1.0
    tip = 0.22 if formed >= 1.0 else 1.1
    if place.kind != "molar":
        top = np.array([[0.0, -0.60 * size.crown], [0.0, -0.36 * size.crown], [0.0, 0.0], [0.0, 0.12 * size.root]])
        wide = np.array([0.25, 0.9, 1.35, 1.25]) * young * size.neck / 5.4
        canal = roots[0].narrowed((1.3 * young, 1.1 * young, 0.8 * young, 0.5 * young, tip), 0.18, stop)
        return (canal,), (Ribbon(top, wide),)
    half, floor, roof = 0.25 * size.neck, 0.13 * size.root, -0.26 * size.crown
    middle = (roof + floor) / 2
    body = Ribbon(np.array([[-half, middle], [0.0, middle - 0.15], [half, middle]]), np.array([2.3, 2.0, 2.3]) * young)
    horns = tuple(
        Ribbon(
            np.array(
                [[side * half, middle], [side * half * 1.12, roof - 0.2], [side * half * 1.25, -0.40 * size.crown]]
            ),
            np.array([1.7, 0.9, 0.25]) * young,
        )
        for side in (-1.0, 1.0)
    )
    # A funnel leads from the chamber's corner into each canal.
    funnels = tuple(
        Ribbon(
            np.array([[side * half * 0.95, middle], *root.narrowed((1, 1), 0.10, 0.30).centre[[0, 13]]]),
            np.array([1.5, 0.95, 0.62]) * young,
        )
        for side, root in zip((-1.0, 1.0), roots[:2], strict=True)
    )
    canals = tuple(
        root.narrowed((0.70 * young, 0.60 * young, 0.50 * young, 0.42 * young, tip), 0.16, stop) for root in roots[:2]
    )
    return canals, (body, *horns, *funnels)
