"""Which old backups may go. Pure.

Age is counted from the newest verified backup, never from the clock: a clock that jumps cannot make all
backups old at once (restic's rule, RELIABILITY A7).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

ALWAYS_KEPT = 3


@dataclass(frozen=True, slots=True)
class Kept:
    """A backup as retention sees it. ``verified`` means read back whole and not found damaged since."""

    id: str
    created_at: datetime
    verified: bool


def expired(backups: Sequence[Kept], retention_days: int) -> list[str]:
    """Return the ids of backups that may be deleted, oldest first.

    Parameters
    ----------
    backups
        In the order they were made, newest first; the dates may lie, the order does not.
    """
    verified = [backup for backup in backups if backup.verified]
    if len(verified) <= ALWAYS_KEPT:
        return []
    newest = verified[0].created_at
    kept = {backup.id for backup in verified[:ALWAYS_KEPT]}
    limit = newest - timedelta(days=retention_days)
    # What claims to be from after the newest was made with a wrong clock: it stays until that is old.
    old = [backup for backup in backups if backup.id not in kept and backup.created_at < limit]
    return [backup.id for backup in reversed(old)]
