"""How long each share is left alone between two looks at the storage: every look is a request that somebody pays for.

In memory: a program that has just started looks at everything once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.sharing import Share

SHORTEST = timedelta(seconds=20)
# Of a link by which somebody may send at any moment, and of what cannot be helped now.
LONGEST_LIVE = timedelta(minutes=2)
LONGEST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class _Turn:
    stands: tuple[str, str]
    pause: timedelta
    due: datetime


class Pacing:
    """Remembers when each share is due. For one thread."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    def is_due(self, share: Share, now: datetime) -> bool:
        """Whether a share is to be looked at; one that stands differently now always is."""
        turn = self._turns.get(share.id)
        # A clock that was put back keeps nothing waiting.
        return turn is None or turn.stands != _stands(share) or not now < turn.due <= now + LONGEST

    def looked(self, share: Share, now: datetime, *, happened: bool, failed: bool) -> None:
        """Say that a share was looked at: the pause doubles while nothing happens, and is short again when it did."""
        turn = self._turns.get(share.id)
        pause = SHORTEST if happened or turn is None or turn.stands != _stands(share) else turn.pause * 2
        pause = min(pause, LONGEST if failed or share.state != "live" else LONGEST_LIVE)
        self._turns[share.id] = _Turn(_stands(share), pause, now + pause)

    def keep_only(self, share_ids: set[str]) -> None:
        """Forget what has ended."""
        for share_id in self._turns.keys() - share_ids:
            del self._turns[share_id]


def _stands(share: Share) -> tuple[str, str]:
    return share.state, share.ending or ""
