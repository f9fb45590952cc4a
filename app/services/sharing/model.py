"""What a share is asked to be, what is ready to go, what was given out. Plain values."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.patient import Patient
from app.domain.profiles import Misfit
from app.domain.sharing import Share
from app.services.outgoing.model import OutgoingArgs, OutgoingCopy


@dataclass(frozen=True, slots=True)
class ShareWish:
    """How a share is to be. ``expires_s`` of ``None`` is what the settings say. ``seen``: what a person looked at.

    ``code``: what opens the zip that goes out then, sealed with it (AES-256); it is kept nowhere.
    """

    expires_s: int | None = None
    case_reference: str = ""
    seen: tuple[str, ...] = ()
    code: str = field(default="", repr=False)


# Versions of an image and of its patient, and who that is.
Mark = tuple[int, str | None, int]


@dataclass(slots=True)
class Prepared:
    """Copies that are ready, and the one file that goes out: the only copy itself, else a zip of all of them.

    They lie in a private folder until :meth:`close`. ``marks``: how the catalogue stood when they were made.
    """

    args: OutgoingArgs
    copies: tuple[OutgoingCopy, ...]
    path: Path
    file_name: str
    mime_type: str
    size_bytes: int
    keeps: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    marks: dict[str, Mark] = field(default_factory=dict)

    @property
    def is_too_large(self) -> bool:
        """Whether it is more than may go out."""
        return self.size_bytes > self.args.limit_bytes

    @property
    def to_look_at(self) -> tuple[str, ...]:
        """Every warning that a person should have seen, once."""
        return tuple(dict.fromkeys(warning.value for copy in self.copies for warning in copy.to_look_at))

    @property
    def misfits(self) -> tuple[tuple[int, Misfit], ...]:
        """What does not fit the receiver, with the number of the copy."""
        return tuple((number, one) for number, copy in enumerate(self.copies, 1) for one in copy.misfits)

    def close(self) -> None:
        """Remove the copies."""
        self.keeps.close()

    def __enter__(self) -> Prepared:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Shared:
    """A share and its link; the link is ``None`` once it does not work any more, or cannot be read here.

    ``page``: for a link to send by, the one of a page where people choose their files. Programs send a form to ``url``
    then, with ``fields`` and a name of their own at the end of its ``key``.
    ``patient``: whose image, or whose first of several, it gives out.
    """

    share: Share
    url: str | None
    page: str | None = None
    fields: dict[str, str] | None = field(default=None, repr=False)
    patient: Patient | None = None


@dataclass(slots=True)
class KeepingReport:
    """What one round of looking after shares did; ``waiting`` counts those that could not be ended yet."""

    received: int = 0
    refused: int = 0
    ended: int = 0
    waiting: int = 0
    away: str | None = None
