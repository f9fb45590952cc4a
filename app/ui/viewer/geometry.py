"""Where the image stands in a cell: one linear map between stored pixels and device pixels.

Painting, tools and (later) measurements all ask this one place, so they cannot disagree. Pure arithmetic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from app.ui.viewer.view_state import CENTRE, ViewState

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placement:
    """What part of the stored image is visible, and the device rectangle it fills after orientation."""

    left: int
    top: int
    right: int
    bottom: int
    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class ViewGeometry:
    """The map for one image of ``columns`` x ``rows`` in a viewport of ``width`` x ``height`` device pixels.

    ``aspect`` is (vertical, horizontal) pixel aspect ratio; rows are stretched by their quotient.
    """

    columns: int
    rows: int
    width: int
    height: int
    state: ViewState
    aspect: tuple[float, float] = (1.0, 1.0)

    @property
    def row_stretch(self) -> float:
        """Height of a stored pixel over its width."""
        vertical, horizontal = self.aspect
        return vertical / horizontal if vertical > 0 and horizontal > 0 else 1.0

    @property
    def fit_scale(self) -> float:
        """Device pixels per column at which the whole image just fits."""
        wide, high = float(self.columns), self.rows * self.row_stretch
        if self.state.rotation in (90, 270):
            wide, high = high, wide
        if not wide or not high:
            return 1.0
        return max(min(self.width / wide, self.height / high), 1e-6)

    @property
    def scale(self) -> float:
        """Device pixels per stored column."""
        return self.fit_scale if self.state.zoom is None else self.state.zoom

    def _matrix(self) -> tuple[float, float, float, float]:
        # Clockwise rotation with y downwards, then the flip, after scaling columns and rows.
        cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[self.state.rotation]
        across, down = self.scale, self.scale * self.row_stretch
        mirror = -1 if self.state.flip_horizontal else 1
        return mirror * cosine * across, -mirror * sine * down, sine * across, cosine * down

    def _middle(self) -> Point:
        pan = self.clamped_pan()
        return pan[0] * self.columns, pan[1] * self.rows

    def clamped_pan(self) -> Point:
        """Return the pan that keeps the image in the cell: centred where smaller, edge to edge where larger."""
        if self.state.zoom is None:
            return CENTRE
        across, down = self.scale * self.columns, self.scale * self.row_stretch * self.rows
        room_x, room_y = (self.height, self.width) if self.state.rotation in (90, 270) else (self.width, self.height)
        return _clamp(self.state.pan[0], room_x / across), _clamp(self.state.pan[1], room_y / down)

    def to_screen(self, x: float, y: float) -> Point:
        """Return the device point of a stored pixel position (pixel corners are whole numbers)."""
        a, b, c, d = self._matrix()
        middle_x, middle_y = self._middle()
        x, y = x - middle_x, y - middle_y
        return self.width / 2 + a * x + b * y, self.height / 2 + c * x + d * y

    def to_image(self, x: float, y: float) -> Point:
        """Return the stored position under a device point; may lie outside the image."""
        a, b, c, d = self._matrix()
        determinant = a * d - b * c
        x, y = x - self.width / 2, y - self.height / 2
        middle_x, middle_y = self._middle()
        return middle_x + (d * x - b * y) / determinant, middle_y + (a * y - c * x) / determinant

    def placement(self) -> Placement | None:
        """Return the visible part in whole stored pixels and where it goes, or ``None`` when nothing shows."""
        corners = [self.to_image(x, y) for x in (0, self.width) for y in (0, self.height)]
        left = max(math.floor(min(point[0] for point in corners)), 0)
        top = max(math.floor(min(point[1] for point in corners)), 0)
        right = min(math.ceil(max(point[0] for point in corners)), self.columns)
        bottom = min(math.ceil(max(point[1] for point in corners)), self.rows)
        if right <= left or bottom <= top:
            return None
        shown = [self.to_screen(x, y) for x in (left, right) for y in (top, bottom)]
        x, y = min(point[0] for point in shown), min(point[1] for point in shown)
        width = max(round(max(point[0] for point in shown) - x), 1)
        height = max(round(max(point[1] for point in shown) - y), 1)
        return Placement(left, top, right, bottom, round(x), round(y), width, height)

    def pan_by(self, x: float, y: float) -> Point:
        """Return the pan after the picture was dragged by device pixels."""
        image_x, image_y = self.to_image(self.width / 2 - x, self.height / 2 - y)
        return image_x / self.columns, image_y / self.rows

    def zoom_at(self, zoom: float, x: float, y: float) -> ViewState:
        """Return the state at ``zoom`` with the stored point under the device point kept where it is."""
        fixed_x, fixed_y = self.to_image(x, y)
        target = self.state.zoomed(zoom, self.clamped_pan())
        there = ViewGeometry(self.columns, self.rows, self.width, self.height, target, self.aspect)
        now_x, now_y = there.to_image(x, y)
        pan_x, pan_y = there.clamped_pan()
        pan = pan_x + (fixed_x - now_x) / self.columns, pan_y + (fixed_y - now_y) / self.rows
        moved = target.zoomed(target.zoom, pan)
        kept = ViewGeometry(self.columns, self.rows, self.width, self.height, moved, self.aspect)
        return moved.zoomed(moved.zoom, kept.clamped_pan())


def _clamp(value: float, room: float) -> float:
    if room >= 1.0:
        return 0.5
    return min(max(value, room / 2), 1 - room / 2)
