"""Windows a person can pick: the file's own, automatic, and ones for what a dentist looks at.

Presets other than the file's are percentiles of the picture, because dental detectors have no common unit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.ui.viewer.lazy import pixels
from app.ui.viewer.view_state import Level, ViewState
from app.words import t

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame

# Percentiles of the picture: (darkest shown, brightest shown).
_PERCENTILES: dict[str, tuple[float, float]] = {
    "auto": (0.5, 99.5),
    "soft": (0.5, 75.0),
    "bone": (15.0, 92.0),
    "enamel": (45.0, 99.9),
    "endo": (25.0, 98.5),
}


@dataclass(frozen=True, slots=True)
class Preset:
    """One choice of a menu: ``key`` is ``file:0``, ``lut:0``, ``default`` or a name of the table."""

    key: str
    name: str


def general_presets() -> tuple[Preset, ...]:
    """Return the presets every picture has, in the order of their keys."""
    return (
        Preset("default", t("File")),
        Preset("auto", t("Auto")),
        Preset("bone", t("Bone")),
        Preset("enamel", t("Caries")),
        Preset("endo", t("Endo")),
        Preset("soft", t("Soft")),
    )


def file_presets(frame: DisplayFrame) -> tuple[Preset, ...]:
    """Return the windows and VOI LUTs the file itself offers besides the one it opens with."""
    if not frame.voi_luts and frame.windows == (frame.default_window,):
        return ()
    windows = [
        Preset(f"file:{number}", window.explanation or t("Window {number} of the file", number=number + 1))
        for number, window in enumerate(frame.windows)
    ]
    tables = [
        Preset(f"lut:{number}", lut.explanation or t("Curve {number} of the file", number=number + 1))
        for number, lut in enumerate(frame.voi_luts)
    ]
    return (*windows, *tables)


def with_preset(state: ViewState, frame: DisplayFrame, key: str) -> ViewState:
    """Return the state under the preset; an unknown key changes nothing."""
    kind, _colon, number = key.partition(":")
    if key == "default":
        return state.levelled(None)
    if kind == "file" and number.isdigit() and int(number) < len(frame.windows):
        chosen = frame.windows[int(number)]
        return state.levelled(Level(chosen.center, chosen.width, chosen.explanation, chosen.function))
    if kind == "lut" and number.isdigit() and int(number) < len(frame.voi_luts):
        return replace(state, level=None, voi_lut=int(number))
    if key in _PERCENTILES:
        name = next(preset.name for preset in general_presets() if preset.key == key)
        return state.levelled(pixels().percentile_level(frame, *_PERCENTILES[key], name))
    return state
