"""What dragging does: the arithmetic from a hand's movement to the next state. Pure, no Qt."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from app.ui.viewer.geometry import ViewGeometry
from app.ui.viewer.view_state import Level, ViewState

LEVEL_TRAVEL = 400.0
"""Device-independent pixels of travel that change width or centre by the span of the file's own window."""
ZOOM_STEP = 1.2
ZOOM_TRAVEL = 150.0


class Tool(StrEnum):
    """What the left button does. Right always levels, middle always pans."""

    WINDOW = "window"
    PAN = "pan"
    ZOOM = "zoom"


def level_dragged(state: ViewState, start: Level, span: float, x: float, y: float) -> ViewState:
    """Return the state after the hand moved by (x, y): right is softer, down is darker.

    ``start`` is the window at the press and ``span`` the width of the file's own window.
    """
    step = max(span, 1.0) / LEVEL_TRAVEL
    width = max(start.width + x * step, 1.0)
    return state.levelled(Level(start.center + y * step, width, function=start.function))


def pan_dragged(geometry: ViewGeometry, x: float, y: float) -> ViewState:
    """Return the state after dragging the picture by device pixels, held at the edges."""
    if geometry.state.zoom is None:
        return geometry.state
    moved = geometry.state.zoomed(geometry.state.zoom, geometry.pan_by(x, y))
    return moved.zoomed(moved.zoom, replace(geometry, state=moved).clamped_pan())


def zoom_dragged(geometry: ViewGeometry, at: tuple[float, float], y: float) -> ViewState:
    """Return the state after moving up (nearer) or down by ``y`` points, about a device point."""
    return geometry.zoom_at(geometry.scale * ZOOM_STEP ** (-y / (ZOOM_TRAVEL / 8)), *at)


def zoom_stepped(geometry: ViewGeometry, steps: float, at: tuple[float, float] | None = None) -> ViewState:
    """Return the state ``steps`` wheel notches nearer, about a device point or the middle."""
    place = at or (geometry.width / 2, geometry.height / 2)
    return geometry.zoom_at(geometry.scale * ZOOM_STEP**steps, *place)


def toggled_fit(geometry: ViewGeometry, at: tuple[float, float]) -> ViewState:
    """Return fit when zoomed, and one screen pixel per image pixel (or twice fit) when at fit."""
    if geometry.state.zoom is not None:
        return geometry.state.zoomed(None)
    return geometry.zoom_at(1.0 if geometry.fit_scale < 0.95 else geometry.fit_scale * 2, *at)
