"""Sharing by links that expire: what a share is, how long it may last. Pure."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.errors import UserError
from app.core.settings import DURATION

# The longest that S3 signs for (SigV4); shorter than a minute is of use to nobody.
LONGEST_S = 7 * 24 * 3600
SHORTEST_S = 60
# Without those that are taken for one another (0 and O, 1, I and L).
_READABLE = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
LONGEST_CASE = 64


class ShareKind(StrEnum):
    """Which way files go."""

    DOWNLOAD = "download"
    UPLOAD = "upload"


class ShareState(StrEnum):
    """How a share stands. ``ENDING``: what lies there is still to be deleted, and proven to be gone."""

    UPLOADING = "uploading"
    LIVE = "live"
    ENDING = "ending"
    ENDED = "ended"


class ShareEnd(StrEnum):
    """Why a share ended."""

    REVOKED = "revoked"
    EXPIRED = "expired"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Share:
    """One share: a file that others may fetch, or a name under which they may leave one, until it expires.

    ``place``: address of the bucket as it was then, so that revoking finds the object whatever is set since.
    ``image_ids``: what was shared or, by an upload link, what arrived. ``ending`` is why it ends; ``code`` what
    kept that from happening so far. ``locked``: what is fetched opens with a code that was told another way.
    ``receiver``: whose profile chose the copy.
    """

    id: str
    kind: ShareKind
    state: ShareState
    created_at: datetime
    expires_at: datetime
    created_by: str
    workstation: str
    destination: str
    place: dict[str, str]
    object_name: str
    file_name: str
    mime_type: str = ""
    size_bytes: int = 0
    form: str = ""
    identified: bool = False
    case_reference: str = ""
    image_ids: tuple[str, ...] = ()
    ending: ShareEnd | None = None
    code: str | None = None
    ended_at: datetime | None = None
    locked: bool = False
    receiver: str = ""

    def is_valid(self, now: datetime) -> bool:
        """Whether its link works."""
        return self.state is ShareState.LIVE and now < self.expires_at


def seconds_of(text: str) -> int:
    """Return the seconds of ``90s``, ``30m``, ``1h`` or ``7d``.

    Raises
    ------
    UserError
        ``share.bad_expiry`` for anything else, and for what is shorter than a minute or longer than seven days.
    """
    cleaned = text.strip().lower()
    if not re.fullmatch(DURATION, cleaned):
        raise UserError("share.bad_expiry", text=text)
    seconds = int(cleaned[:-1]) * _UNITS[cleaned[-1]]
    if not SHORTEST_S <= seconds <= LONGEST_S:
        raise UserError("share.bad_expiry", text=text)
    return seconds


def new_code() -> str:
    """Return a code for a locked share, for people to read out: 80 bits in letters and figures that look unlike."""
    letters = "".join(secrets.choice(_READABLE) for _ in range(16))
    return "-".join(letters[at : at + 4] for at in range(0, 16, 4))


def checked_case(text: str) -> str:
    """Return a case reference as it is kept. Raises ``share.bad_case`` for one that is too long or has controls."""
    cleaned = text.strip()
    if len(cleaned) > LONGEST_CASE or not cleaned.isprintable():
        raise UserError("share.bad_case")
    return cleaned
