"""What goes out, in plain values: asked for, made, and what a person should know before it goes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.domain.profiles import Misfit, Profile


class Form(StrEnum):
    """What kind of copy goes out."""

    OPTIMISED = "optimised"
    ORIGINAL = "original"


class Warn(StrEnum):
    """What a person has to look at, or to know, before a copy goes out."""

    TEXT_SAID = "text_said"
    TEXT_POSSIBLE = "text_possible"
    FACE_SAID = "face_said"
    FACE_POSSIBLE = "face_possible"
    FIRST_FRAME = "first_frame"
    TOO_LARGE = "too_large"
    IDENTIFIED = "identified"
    SEVERAL_PATIENTS = "several_patients"
    SEVERAL_PICTURES = "several_pictures"


# Those that want a person's eyes; the others are facts.
TO_LOOK_AT = frozenset(
    {
        Warn.TEXT_SAID,
        Warn.TEXT_POSSIBLE,
        Warn.FACE_SAID,
        Warn.FACE_POSSIBLE,
        Warn.IDENTIFIED,
        Warn.SEVERAL_PATIENTS,
        Warn.SEVERAL_PICTURES,
    }
)
LONGEST_SIDE = 2048
LIMIT_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class OutgoingArgs:
    """What is wanted.

    ``identified``: saying whose it is, in the catalogue's words; only where somebody chose that on purpose.
    ``longest_side``: of an optimised picture, in pixels. ``limit_bytes``: more is made, and said to be too large.
    ``strip``: with a line of text below the picture. ``profile``: whose wishes these are, to be checked.
    """

    form: Form = Form.OPTIMISED
    identified: bool = False
    longest_side: int = LONGEST_SIDE
    limit_bytes: int = LIMIT_BYTES
    strip: bool = False
    profile: Profile | None = None


def args_for(profile: Profile, limit_bytes: int = LIMIT_BYTES) -> OutgoingArgs:
    """Return what a receiver's profile asks for; never more than may be shared at all."""
    limit = min(limit_bytes, profile.total_bytes)
    return OutgoingArgs(Form(profile.form), profile.identified, profile.longest_px, limit, profile.strip, profile)


@dataclass(frozen=True, slots=True)
class Removed:
    """So many parts of a kind that are in the original and not in the copy (``patient``, ``gps``, ``private``, …)."""

    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class OutgoingCopy:
    """One file that is ready to go out; ``pictures`` is how many frames or pages it has.

    ``picture`` shows the first of them, small: the file itself, or a drawing of it.
    """

    image_id: str
    path: Path
    mime_type: str
    size_bytes: int
    sha256: str
    rows: int
    columns: int
    warnings: tuple[Warn, ...]
    removed: tuple[Removed, ...]
    picture: Path
    misfits: tuple[Misfit, ...] = ()
    pictures: int = 1

    @property
    def is_too_large(self) -> bool:
        """Whether it is beyond the limit that was asked for."""
        return Warn.TOO_LARGE in self.warnings

    @property
    def to_look_at(self) -> tuple[Warn, ...]:
        """The warnings that a person should have seen."""
        return tuple(warning for warning in self.warnings if warning in TO_LOOK_AT)
