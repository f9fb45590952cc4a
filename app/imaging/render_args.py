"""What a caller may ask of a finished picture. A dataclass only: importing it loads nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RenderArgs:
    """How to draw one frame.

    ``window`` is (center, width) in modality units, None for the file's own or our default;
    ``size`` is the (width, height) of a box to fit into, None for 1:1.
    """

    frame: int = 0
    window: tuple[float, float] | None = None
    size: tuple[int, int] | None = None
    overlays: bool = True
    square: bool = True
