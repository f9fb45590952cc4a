"""What the corners and badges of a cell say. Composes texts; paints nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.ui.formats import joined
from app.ui.viewer.scale_bar import ScaleBar, scale_bar
from app.ui.viewer.sources import ViewerItem
from app.ui.viewer.view_state import Level, ViewState
from app.words import t

if TYPE_CHECKING:
    from app.imaging.frame import DisplayFrame


@dataclass(frozen=True, slots=True)
class Badge:
    """A pill over the picture. ``tone`` is ``warning``, ``danger`` or ``plain``."""

    text: str
    tone: str = "plain"


@dataclass(frozen=True, slots=True)
class CornerTexts:
    """Lines by corner (start is left, right in Arabic), badges and the scale bar."""

    top_start: tuple[str, ...] = ()
    top_end: tuple[str, ...] = ()
    bottom_start: tuple[str, ...] = ()
    badges: tuple[Badge, ...] = ()
    bar: ScaleBar | None = None


def corner_texts(
    item: ViewerItem,
    state: ViewState,
    frame: DisplayFrame,
    level: Level,
    scale: float,
    pixel_ratio: float,
    preview: bool,
) -> CornerTexts:
    """Return the texts for one painted cell; ``scale`` is device pixels per stored column."""
    what = joined(item.tooth, item.kind, item.side)
    return CornerTexts(
        top_start=_lines(item.patient, what),
        top_end=_lines(item.date, item.note),
        bottom_start=_lines(_frame_line(item, frame, state), _level_line(frame, state, level, scale)),
        badges=badges(item, state, frame, preview),
        bar=None if item.is_document else scale_bar(frame.spacing, scale / pixel_ratio),
    )


def badges(item: ViewerItem, state: ViewState, frame: DisplayFrame, preview: bool) -> tuple[Badge, ...]:
    """Return what a reader must not miss, gravest first."""
    shown = []
    if item.damaged:
        shown.append(Badge(item.damaged, "danger"))
    if state.flip_horizontal:
        if item.is_radiograph and item.marks_side:
            shown.append(Badge(t("Mirrored: sides exchanged"), "danger"))
        else:
            shown.append(Badge(t("Mirrored"), "warning"))
    if state.rotation:
        shown.append(Badge(t("Rotated {degrees}°", degrees=state.turn_seen), "warning"))
    if state.invert:
        shown.append(Badge(t("Inverted"), "warning"))
    if frame.label == "for_processing":
        shown.append(Badge(t("For processing"), "warning"))
    if preview:
        shown.append(Badge(t("Preview")))
    return tuple(shown)


def _level_line(frame: DisplayFrame, state: ViewState, level: Level, scale: float) -> str:
    parts = []
    if not frame.is_colour or state.level is not None:
        parts.append(t("W {width}  C {center}", width=_number(level.width), center=_number(level.center)))
        if level.name and (state.level is not None or state.voi_lut is not None):
            parts.append(level.name)
    if state.gamma != 1.0:
        parts.append(t("gamma {value}", value=f"{state.gamma:.2f}"))
    parts.append(t("zoom {percent} %", percent=f"{scale * 100:.0f}"))
    return joined(*parts, between="   ")


def _frame_line(item: ViewerItem, frame: DisplayFrame, state: ViewState) -> str:
    if frame.frames < 2:
        return ""
    if item.is_document:
        return t("Page {number} of {total}", number=state.frame + 1, total=frame.frames)
    return t("Frame {number} of {total}", number=state.frame + 1, total=frame.frames)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 10 else f"{value:.3g}"


def _lines(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)
