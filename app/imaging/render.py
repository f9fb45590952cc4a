"""A frame as the viewer shows it at 1:1, for thumbnails, export, print and the command line.

Scaling follows the viewer: values are reduced first, then windowed. Draws no text and reads no file.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from app.imaging.display.geometry import fit_size, resize, square_size
from app.imaging.display.overlay import draw
from app.imaging.display.pipeline import picture_of, window_values
from app.imaging.display.window_fast import reduce_to_view
from app.imaging.frame import DisplayFrame, VoiLut, WindowSetting


def render_picture(
    frame: DisplayFrame,
    *,
    window: WindowSetting | VoiLut | None = None,
    size: tuple[int, int] | None = None,
    overlays: bool = True,
    square: bool = True,
) -> NDArray[np.uint8]:
    """The picture, (rows, columns) grey or (rows, columns, 3) RGB.

    Parameters
    ----------
    window
        Instead of the file's own VOI or our default.
    size
        (width, height) of a box to fit the picture into without changing its shape.
    square
        Stretch the longer axis of non-square pixels.
    """
    rows, columns = frame.rows, frame.columns
    if square:
        rows, columns = square_size(rows, columns, frame.pixel_aspect)
    if size is not None:
        rows, columns = fit_size(rows, columns, *size)
    if rows >= frame.rows and columns >= frame.columns:
        return resize(picture_of(frame, window, overlays=overlays), rows, columns)
    reduced = reduce_to_view(frame.values, (0, 0, frame.columns, frame.rows), (columns, rows))
    picture = window_values(frame, reduced, window)
    if overlays and frame.overlays is not None:
        # A thin line must survive reduction: any overlay pixel under a screen pixel shows.
        lines = resize(frame.overlays.astype(np.float32), rows, columns) > 0
        picture = draw(picture, lines)
    return picture
