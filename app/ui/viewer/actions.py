"""The list of the viewer's commands with text, key and icon: menus, tool tips and the F1 list come from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.words import is_right_to_left, t


@dataclass(frozen=True, slots=True)
class ViewerAction:
    """One command. ``slot`` is its name for :meth:`ViewerCommands.run`; ``text()`` is in the language in use."""

    id: str
    text: Callable[[], str]
    shortcut: str
    icon: str
    slot: str
    group: str
    checkable: bool = False

    def key(self) -> str:
        """Return the key in the language in use: from right to left, onwards is to the left."""
        return (
            _MIRRORED.get(self.shortcut, self.shortcut)
            if self.group == "walk" and is_right_to_left()
            else self.shortcut
        )


_MIRRORED = {"Left": "Right", "Right": "Left"}


def _action(
    slot: str, text: Callable[[], str], shortcut: str, icon: str, group: str, checkable: bool = False
) -> ViewerAction:
    return ViewerAction(f"viewer.{slot}", text, shortcut, icon, slot, group, checkable)


GROUPS: dict[str, Callable[[], str]] = {
    "tools": lambda: t("Tools"),
    "level": lambda: t("Brightness and contrast"),
    "zoom": lambda: t("Size"),
    "turn": lambda: t("Turn and mirror"),
    "walk": lambda: t("Images and frames"),
    "layout": lambda: t("Layout"),
    "history": lambda: t("Undo"),
}

VIEWER_ACTIONS: tuple[ViewerAction, ...] = (
    _action("tool_window", lambda: t("Brightness and contrast"), "W", "window-level", "tools", True),
    _action("tool_pan", lambda: t("Move"), "P", "pan", "tools", True),
    _action("tool_zoom", lambda: t("Zoom"), "Z", "zoom", "tools", True),
    _action("preset_default", lambda: t("Brightness of the file"), "D", "", "level"),
    _action("preset_auto", lambda: t("Automatic brightness"), "A", "", "level"),
    _action("preset_bone", lambda: t("Brightness for bone"), "B", "", "level"),
    _action("preset_enamel", lambda: t("Brightness for enamel and caries"), "E", "", "level"),
    _action("preset_endo", lambda: t("Brightness for root canals"), "C", "", "level"),
    _action("preset_soft", lambda: t("Brightness for soft tissue"), "S", "", "level"),
    _action("invert", lambda: t("Invert"), "I", "invert", "level", True),
    _action("brighter", lambda: t("Brighter"), "Ctrl+Up", "", "level"),
    _action("darker", lambda: t("Darker"), "Ctrl+Down", "", "level"),
    _action("more_contrast", lambda: t("More contrast"), "]", "", "level"),
    _action("less_contrast", lambda: t("Less contrast"), "[", "", "level"),
    _action("gamma_up", lambda: t("Lighten the middle tones"), "G", "", "level"),
    _action("gamma_down", lambda: t("Darken the middle tones"), "Shift+G", "", "level"),
    _action("fit", lambda: t("Fit"), "F", "fit", "zoom"),
    _action("actual_size", lambda: t("Actual pixels (1:1)"), "1", "one-to-one", "zoom"),
    _action("double_size", lambda: t("Double size (2:1)"), "2", "", "zoom"),
    _action("zoom_in", lambda: t("Zoom in"), "+", "zoom-in", "zoom"),
    _action("zoom_out", lambda: t("Zoom out"), "-", "zoom-out", "zoom"),
    _action("smooth", lambda: t("Smooth enlarged pixels"), "Shift+S", "", "zoom", True),
    _action("pan_left", lambda: t("Move the view left"), "Shift+Left", "", "zoom"),
    _action("pan_right", lambda: t("Move the view right"), "Shift+Right", "", "zoom"),
    _action("pan_up", lambda: t("Move the view up"), "Shift+Up", "", "zoom"),
    _action("pan_down", lambda: t("Move the view down"), "Shift+Down", "", "zoom"),
    _action("rotate_right", lambda: t("Rotate right"), "R", "rotate-right", "turn"),
    _action("rotate_left", lambda: t("Rotate left"), "Shift+R", "rotate-left", "turn"),
    _action("flip_horizontal", lambda: t("Mirror left and right"), "H", "flip-horizontal", "turn", True),
    _action("flip_vertical", lambda: t("Mirror top and bottom"), "V", "flip-vertical", "turn"),
    _action("previous_image", lambda: t("Previous image"), "Left", "previous", "walk"),
    _action("next_image", lambda: t("Next image"), "Right", "next", "walk"),
    _action("previous_frame", lambda: t("Previous frame"), ",", "", "walk"),
    _action("next_frame", lambda: t("Next frame"), ".", "", "walk"),
    _action("play", lambda: t("Play or pause"), "Space", "play", "walk"),
    _action("reload", lambda: t("Read the image again"), "F5", "retry", "walk"),
    _action("layout_1x1", lambda: t("One image"), "Alt+1", "layout-1x1", "layout"),
    _action("layout_1x2", lambda: t("Two side by side"), "Alt+2", "layout-1x2", "layout"),
    _action("layout_2x1", lambda: t("Two, one above the other"), "Alt+3", "layout-2x1", "layout"),
    _action("layout_2x2", lambda: t("Two by two"), "Alt+4", "layout-2x2", "layout"),
    _action("layout_2x3", lambda: t("Two rows of three"), "Alt+6", "layout-2x3", "layout"),
    _action("layout_3x3", lambda: t("Three by three"), "Alt+9", "layout-3x3", "layout"),
    _action("layout_3x4", lambda: t("Three rows of four"), "Alt+0", "layout-3x4", "layout"),
    _action("maximise", lambda: t("Fill the viewer with this image"), "M", "maximise", "layout"),
    _action("next_cell", lambda: t("Next cell"), "N", "", "layout"),
    _action("previous_cell", lambda: t("Previous cell"), "Shift+N", "", "layout"),
    _action("link", lambda: t("Link zoom and position"), "L", "link", "layout", True),
    _action("corner_text", lambda: t("Texts over the image"), "T", "text", "layout", True),
    _action("close_image", lambda: t("Empty this cell"), "Shift+Delete", "", "layout"),
    _action("undo", lambda: t("Undo the last adjustment"), "Ctrl+Z", "undo", "history"),
    _action("redo", lambda: t("Redo"), "Ctrl+Y", "redo", "history"),
    _action("reset", lambda: t("Reset to the original"), "0", "reset", "history"),
)
