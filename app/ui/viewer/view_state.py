"""How one image is looked at, as one frozen value: level, zoom, pan, orientation, inversion.

Nothing here touches pixels or Qt. The stored image never changes; a flip is only a field, so it can be
shown as a badge and taken back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

MIN_ZOOM = 0.02
MAX_ZOOM = 32.0
MIN_GAMMA = 0.25
MAX_GAMMA = 4.0
CENTRE = (0.5, 0.5)


@dataclass(frozen=True, slots=True)
class Level:
    """A window in modality units, with the name of the preset it came from."""

    center: float
    width: float
    name: str = ""
    function: str = "LINEAR"


@dataclass(frozen=True, slots=True)
class ViewState:
    """Everything a person can change about the look of one image.

    ``zoom`` is device pixels per image column, ``None`` fits the image into the cell. ``pan`` is the point of
    the stored image in the middle of the cell, as fractions of (columns, rows), so that a preview and the
    full image stand at the same place. The picture is turned by ``rotation`` degrees clockwise, then flipped.
    ``level`` ``None`` is what the file opens with; ``voi_lut`` is the number of one of its VOI LUTs.
    """

    frame: int = 0
    level: Level | None = None
    voi_lut: int | None = None
    zoom: float | None = None
    pan: tuple[float, float] = CENTRE
    rotation: int = 0
    flip_horizontal: bool = False
    invert: bool = False
    gamma: float = 1.0
    smooth: bool = False

    @property
    def is_turned(self) -> bool:
        """Whether the picture does not stand as it was stored."""
        return self.flip_horizontal or self.rotation != 0

    @property
    def is_adjusted(self) -> bool:
        """Whether grey levels differ from what the file asks for."""
        return self.level is not None or self.voi_lut is not None or self.invert or self.gamma != 1.0

    @property
    def turn_seen(self) -> int:
        """Degrees clockwise the picture is turned as seen (after the flip)."""
        return -self.rotation % 360 if self.flip_horizontal else self.rotation

    def turned(self, degrees: int) -> ViewState:
        """Return the state turned clockwise *as seen*, whatever flip is on."""
        step = -degrees if self.flip_horizontal else degrees
        return replace(self, rotation=(self.rotation + step) % 360)

    def flipped_horizontally(self) -> ViewState:
        """Return the state mirrored left to right as seen."""
        return replace(self, flip_horizontal=not self.flip_horizontal)

    def flipped_vertically(self) -> ViewState:
        """Return the state mirrored top to bottom as seen: half a turn and a flip."""
        return replace(self, flip_horizontal=not self.flip_horizontal, rotation=(self.rotation + 180) % 360)

    def inverted(self) -> ViewState:
        """Return the state with black and white exchanged."""
        return replace(self, invert=not self.invert)

    def levelled(self, level: Level | None) -> ViewState:
        """Return the state with another window; ``None`` goes back to the file's."""
        if level is not None:
            level = replace(level, width=max(level.width, 1.0))
        return replace(self, level=level, voi_lut=None)

    def zoomed(self, zoom: float | None, pan: tuple[float, float] | None = None) -> ViewState:
        """Return the state at another zoom, within limits; ``None`` fits and centres."""
        if zoom is None:
            return replace(self, zoom=None, pan=CENTRE)
        return replace(self, zoom=min(max(zoom, MIN_ZOOM), MAX_ZOOM), pan=pan or self.pan)

    def with_gamma(self, gamma: float) -> ViewState:
        """Return the state with another view gamma, within limits."""
        return replace(self, gamma=min(max(gamma, MIN_GAMMA), MAX_GAMMA))

    def at_frame(self, frame: int, frames: int) -> ViewState:
        """Return the state at another frame, kept inside the image."""
        return replace(self, frame=min(max(frame, 0), max(frames - 1, 0)))

    def original(self) -> ViewState:
        """Return the image as the file has it, at fit, on the same frame."""
        return ViewState(frame=self.frame)
