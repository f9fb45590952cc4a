"""Where the slices of a volume lie in the patient: order, directions, distances.

Arithmetic on headers (PS3.3 C.7.6.2.1.1); refuses slices that make no one volume. Touches no pixel.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.core.errors import EnvironmentFault
from app.imaging.dicom.slice_header import SliceHeader

Vector = tuple[float, float, float]

_SAME_DIRECTION = 1e-3
_SAME_SPACING = 1e-3
_EVEN = 0.01


@dataclass(frozen=True)
class VolumeGeometry:
    """A volume in millimetres of the patient's coordinates (LPS).

    ``origin`` is the centre of the first pixel of the first slice; ``row_direction`` is the direction in which
    columns are counted, ``column_direction`` that in which rows are, ``normal`` their cross product.
    ``positions`` are distances along the normal, ascending. ``spacing`` is (slice, row, column). Only where
    ``is_even`` is one step the same everywhere and along the normal: no slice missing, no gantry tilt.
    """

    origin: Vector
    row_direction: Vector
    column_direction: Vector
    normal: Vector
    positions: tuple[float, ...]
    spacing: Vector
    is_even: bool

    def point(self, index: float, row: float, column: float) -> Vector:
        """The place in the patient of a voxel, fractions allowed; exact where ``is_even``."""
        step, down, across = self.spacing
        parts = zip(self.origin, self.normal, self.column_direction, self.row_direction, strict=True)
        x, y, z = (at + n * index * step + c * row * down + r * column * across for at, n, c, r in parts)
        return x, y, z


def arrange(headers: list[SliceHeader]) -> tuple[list[SliceHeader], VolumeGeometry | None]:
    """Order the slices by position, and say where they are; without positions by number, and None.

    Raises
    ------
    EnvironmentFault
        ``frame.sizes_differ``, ``file.undecodable``.
    """
    _require_one_kind(headers)
    placed = [header for header in headers if _is_placed(header)]
    if not placed:
        return sorted(headers, key=lambda header: header.number), None
    if len(placed) < len(headers):
        raise EnvironmentFault("file.undecodable", error="slices without position")
    orientation = headers[0].orientation
    for header in headers:
        # Most writers repeat the same text: then both are the same object.
        if header.orientation is not orientation and not _near(header.orientation, orientation, _SAME_DIRECTION):
            raise EnvironmentFault("file.undecodable", error="slices of several directions")
    across, down = np.array(orientation[:3]), np.array(orientation[3:])
    normal = np.cross(across, down)
    length = float(np.linalg.norm(normal))
    if not length > 0:
        raise EnvironmentFault("file.undecodable", error="no slice direction")
    normal /= length
    along = np.array([header.position for header in headers]) @ normal
    order = sorted(range(len(headers)), key=lambda index: (along[index], headers[index].number, index))
    ordered = [headers[index] for index in order]
    return ordered, _geometry(ordered, along[order], across, down, normal)


def _geometry(
    ordered: list[SliceHeader],
    along: np.ndarray[tuple[int], np.dtype[np.float64]],
    across: np.ndarray[tuple[int], np.dtype[np.float64]],
    down: np.ndarray[tuple[int], np.dtype[np.float64]],
    normal: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> VolumeGeometry:
    steps = np.diff(along)
    step = float(np.median(steps)) if len(steps) else 0.0
    spacing = ordered[0].spacing if len(ordered[0].spacing) == 2 else (1.0, 1.0)
    first, last = np.array(ordered[0].position), np.array(ordered[-1].position)
    aside = last - first - (along[-1] - along[0]) * normal
    even = bool(len(steps) and step > 0 and np.all(np.abs(steps - step) <= max(_EVEN * step, 1e-4)))
    return VolumeGeometry(
        origin=_vector(first),
        row_direction=_vector(across / np.linalg.norm(across)),
        column_direction=_vector(down / np.linalg.norm(down)),
        normal=_vector(normal),
        positions=tuple(along.tolist()),
        spacing=(step, spacing[0], spacing[1]),
        is_even=even and float(np.linalg.norm(aside)) <= min(spacing) / 2,
    )


def _require_one_kind(headers: list[SliceHeader]) -> None:
    first = headers[0]
    for header in headers:
        layout = header.layout
        if layout is not first.layout:
            if (layout.rows, layout.columns) != (first.layout.rows, first.layout.columns):
                raise EnvironmentFault("frame.sizes_differ", frames=len(headers))
            if _kind(header) != _kind(first):
                raise EnvironmentFault("file.undecodable", error="slices of several kinds")
        if header.spacing is not first.spacing and not _near(header.spacing, first.spacing, _SAME_SPACING):
            raise EnvironmentFault("file.undecodable", error="slices of several spacings")


def _kind(header: SliceHeader) -> tuple[object, ...]:
    layout = header.layout
    return layout.bits_allocated, layout.is_signed, layout.samples, layout.photometric


def _is_placed(header: SliceHeader) -> bool:
    return (
        len(header.position) == 3
        and len(header.orientation) == 6
        and all(map(math.isfinite, header.position))
        and all(map(math.isfinite, header.orientation))
    )


def _near(values: tuple[float, ...], others: tuple[float, ...], tolerance: float) -> bool:
    return len(values) == len(others) and all(abs(a - b) <= tolerance for a, b in zip(values, others, strict=True))


def _vector(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
