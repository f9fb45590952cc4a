"""The colours the viewer, the chart and the filmstrip paint with, taken from the one palette of the theme."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QColor

from app.ui.theme.palette import DARK, Palette, active


@dataclass(frozen=True)
class Look:
    """Painted colours by their role. What lies on the light table is dark-room in both themes."""

    surround: QColor
    gap: QColor
    table_accent: QColor
    on_image: QColor
    on_image_muted: QColor
    shade: QColor
    warning: QColor
    danger: QColor
    accent: QColor
    accent_soft: QColor
    on_accent: QColor
    surface: QColor
    raised: QColor
    hover: QColor
    text: QColor
    muted: QColor
    faint: QColor
    line: QColor


def look() -> Look:
    """Return the colours of the theme in use; ask again at every painting."""
    return _look(active())


@lru_cache(maxsize=4)
def _look(palette: Palette) -> Look:
    return Look(
        surround=palette.colour("table"),
        gap=DARK.colour("border"),
        table_accent=DARK.colour("accent"),
        on_image=palette.colour("table_text"),
        on_image_muted=palette.colour("table_text", 205),
        shade=palette.colour("table", 170),
        # Badges stand on the dark table in either theme, so they keep the dark theme's brightness.
        warning=DARK.colour("amber"),
        danger=DARK.colour("red"),
        accent=palette.colour("accent"),
        accent_soft=palette.colour("accent_soft"),
        on_accent=palette.colour("on_accent"),
        surface=palette.colour("surface"),
        raised=palette.colour("raised"),
        hover=palette.colour("hover"),
        text=palette.colour("text"),
        muted=palette.colour("muted"),
        faint=palette.colour("disabled"),
        line=palette.colour("border"),
    )
