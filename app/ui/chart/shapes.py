"""Outlines of teeth in profile as painter paths: crown and roots by class of tooth. Geometry only.

Unit box: x from -0.5 to 0.5, y from 0 (longest root's tip) to 1 (biting edge). Widths and root lengths follow
mean anatomical proportions, exaggerated just enough to be told apart at 16 px.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QPainterPath

from app.domain.tooth import is_primary, is_upper, position


@dataclass(frozen=True, slots=True)
class ToothShape:
    """One class of tooth.

    ``neck``, ``belly`` and ``edge`` are half widths at the gum line, the widest place and the biting edge;
    ``cusps`` are (x, height above the edge line), ``tips`` are (x, y) of root tips from left to right and
    ``fork`` is where roots part, as a y.
    """

    neck: float
    belly: float
    edge: float
    crown: float
    cusps: tuple[tuple[float, float], ...]
    tips: tuple[tuple[float, float], ...]
    fork: float = 0.0


_INCISOR = ((-0.34, 0.0), (0.34, 0.0))
_POINT = ((0.02, 0.0),)
_TWO = ((-0.22, 0.0), (0.22, 0.01))
_THREE = ((-0.3, 0.005), (0.0, 0.0), (0.3, 0.015))

_UPPER: dict[int, ToothShape] = {
    1: ToothShape(0.31, 0.45, 0.43, 0.40, _INCISOR, ((0.02, 0.10),)),
    2: ToothShape(0.28, 0.41, 0.36, 0.37, ((-0.26, 0.01), (0.26, 0.0)), ((0.05, 0.12),)),
    3: ToothShape(0.31, 0.45, 0.28, 0.38, _POINT, ((0.04, 0.0),)),
    4: ToothShape(0.30, 0.44, 0.34, 0.33, _TWO, ((-0.17, 0.16), (0.17, 0.18)), 0.42),
    5: ToothShape(0.30, 0.43, 0.34, 0.33, _TWO, ((0.03, 0.13),)),
    6: ToothShape(0.38, 0.47, 0.40, 0.31, _THREE, ((-0.33, 0.17), (0.0, 0.12), (0.33, 0.20)), 0.47),
    7: ToothShape(0.37, 0.46, 0.39, 0.31, _THREE, ((-0.26, 0.19), (0.04, 0.15), (0.30, 0.22)), 0.45),
    8: ToothShape(0.34, 0.43, 0.35, 0.30, _TWO, ((-0.12, 0.25), (0.17, 0.23)), 0.42),
}
_LOWER: dict[int, ToothShape] = {
    1: ToothShape(0.25, 0.36, 0.35, 0.35, ((-0.28, 0.0), (0.28, 0.0)), ((0.0, 0.16),)),
    2: ToothShape(0.27, 0.38, 0.37, 0.36, ((-0.29, 0.0), (0.29, 0.005)), ((0.03, 0.12),)),
    3: ToothShape(0.30, 0.43, 0.28, 0.39, _POINT, ((0.03, 0.02),)),
    4: ToothShape(0.28, 0.43, 0.28, 0.35, ((-0.10, 0.0), (0.24, 0.04)), ((0.03, 0.14),)),
    5: ToothShape(0.29, 0.44, 0.34, 0.34, _TWO, ((0.03, 0.12),)),
    6: ToothShape(0.40, 0.48, 0.42, 0.31, _THREE, ((-0.25, 0.15), (0.25, 0.18)), 0.47),
    7: ToothShape(0.38, 0.46, 0.40, 0.31, _THREE, ((-0.18, 0.18), (0.22, 0.20)), 0.43),
    8: ToothShape(0.36, 0.45, 0.38, 0.31, _THREE, ((-0.10, 0.25), (0.22, 0.26)), 0.43),
}
_PRIMARY_FRONT = ToothShape(0.28, 0.43, 0.40, 0.44, _INCISOR, ((0.02, 0.12),))
_PRIMARY_CANINE = ToothShape(0.30, 0.45, 0.28, 0.44, _POINT, ((0.03, 0.02),))
_PRIMARY_MOLAR_UPPER = ToothShape(0.33, 0.47, 0.38, 0.40, _TWO, ((-0.42, 0.16), (0.0, 0.12), (0.42, 0.18)), 0.50)
_PRIMARY_MOLAR_LOWER = ToothShape(0.34, 0.48, 0.40, 0.40, _THREE, ((-0.40, 0.15), (0.40, 0.17)), 0.51)


def shape_of(tooth: str) -> ToothShape:
    """Return the shape of a tooth given by its Universal number."""
    place = position(tooth)
    if is_primary(tooth):
        if place <= 2:
            return _PRIMARY_FRONT
        if place == 3:
            return _PRIMARY_CANINE
        return _PRIMARY_MOLAR_UPPER if is_upper(tooth) else _PRIMARY_MOLAR_LOWER
    return (_UPPER if is_upper(tooth) else _LOWER)[place]


@lru_cache(maxsize=64)
def crown_path(shape: ToothShape) -> QPainterPath:
    """Return the crown as a closed path in the unit box."""
    top, neck, belly, edge = 1 - shape.crown, shape.neck, shape.belly, shape.edge
    widest = top + shape.crown * 0.55
    shoulder = 1 - shape.crown * 0.16
    path = QPainterPath()
    path.moveTo(-neck, top)
    path.cubicTo(-neck - 0.03, top + shape.crown * 0.2, -belly, widest - shape.crown * 0.25, -belly, widest)
    path.cubicTo(-belly, shoulder - 0.02, -edge - 0.03, shoulder, -edge, shoulder + 0.02)
    _bite(path, shape, shoulder)
    path.cubicTo(edge + 0.03, shoulder, belly, shoulder - 0.02, belly, widest)
    path.cubicTo(belly, widest - shape.crown * 0.25, neck + 0.03, top + shape.crown * 0.2, neck, top)
    # The gum line rises in the middle of the crown.
    path.quadTo(0, top - 0.035, -neck, top)
    path.closeSubpath()
    return path


def _bite(path: QPainterPath, shape: ToothShape, shoulder: float) -> None:
    edge = shape.edge
    if len(shape.cusps) == 1:
        x, drop = shape.cusps[0]
        path.quadTo(-edge * 0.5, 0.985, x - 0.06, 1 - drop)
        path.quadTo(x, 1.01, x + 0.06, 1 - drop)
        path.quadTo(edge * 0.5, 0.985, edge, shoulder + 0.02)
        return
    first_x, first_drop = shape.cusps[0]
    path.quadTo(-edge, 1 - first_drop, first_x, 1 - first_drop)
    incisor = shape.crown >= 0.34 and len(shape.cusps) == 2 and abs(first_x) > 0.25
    for (left, _), (right, drop) in zip(shape.cusps, shape.cusps[1:], strict=False):
        middle = (left + right) / 2
        if incisor:
            path.lineTo(right, 1 - drop)
        else:
            path.quadTo(middle - 0.02, 0.985 - drop, middle, 0.955)
            path.quadTo(middle + 0.02, 0.985 - drop, right, 1 - drop)
    path.quadTo(edge, 1 - shape.cusps[-1][1], edge, shoulder + 0.02)


@lru_cache(maxsize=64)
def root_path(shape: ToothShape) -> QPainterPath:
    """Return the roots as one closed path in the unit box, under the crown's gum line."""
    top, neck = 1 - shape.crown, shape.neck
    path = QPainterPath()
    path.moveTo(-neck, top)
    blunt = 0.055 if len(shape.tips) > 1 else 0.07
    start = (-neck, top)
    for number, (x, y) in enumerate(shape.tips):
        shoulder = y + 0.03
        if number == 0:
            _outer(path, start, (x - blunt, shoulder))
        else:
            _inner(path, start, (x - blunt, shoulder))
        path.quadTo(x, y - 0.03, x + blunt, shoulder)
        if number == len(shape.tips) - 1:
            _outer(path, (x + blunt, shoulder), (neck, top))
        else:
            fork = ((x + shape.tips[number + 1][0]) / 2, shape.fork)
            _inner(path, (x + blunt, shoulder), fork)
            start = fork
    path.quadTo(0, top - 0.035, -neck, top)
    path.closeSubpath()
    return path


def _outer(path: QPainterPath, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw the outer side of a root between the gum line and the tip, fullest near the gum line."""
    drop = end[1] - start[1]
    if drop < 0:
        path.cubicTo(start[0], start[1] + drop * 0.45, end[0] - 0.05, start[1] + drop * 0.7, *end)
    else:
        path.cubicTo(start[0] + 0.05, start[1] + drop * 0.3, end[0], start[1] + drop * 0.55, *end)


def _inner(path: QPainterPath, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw the side of a root that faces another one, from a tip to the fork or back."""
    drop, across = end[1] - start[1], end[0] - start[0]
    path.cubicTo(start[0] + across * 0.15, start[1] + drop * 0.4, end[0] - across * 0.35, end[1] - drop * 0.25, *end)
