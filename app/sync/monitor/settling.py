"""When is a file whole? When three looks, two seconds apart, saw the same (A16). Pure: time is passed in.

Times are of the monotonic clock: a clock that is set tells nothing about files.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.sync.monitor.listing import Seen

LOOKS = 3
APART_S = 2.0
# A file of no bytes may be the beginning of one: scanners hold such for minutes.
EMPTY_S = 30 * 60.0
# What cannot be decoded may still be growing: it gets this long without any change.
UNRIPE_S = 60.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file that is being watched until it rests."""

    seen: Seen
    since: float
    counted_at: float
    looks: int = 1
    code: str | None = None

    def again(self, seen: Seen, now: float) -> Waiting:
        """Return this after another look."""
        if seen != self.seen:
            return Waiting(seen, now, now)
        if now - self.counted_at < APART_S:
            return self
        return replace(self, counted_at=now, looks=self.looks + 1)

    def is_settled(self, now: float) -> bool:
        """Whether it may be handed over."""
        if self.seen.size == 0:
            return now - self.since >= EMPTY_S
        return self.looks >= LOOKS

    def is_ripe(self, now: float) -> bool:
        """Whether what cannot be decoded is to be taken for broken rather than for unfinished."""
        return now - self.since >= UNRIPE_S

    def due_at(self) -> float:
        """When looking at it again may change something."""
        if self.seen.size == 0:
            return max(self.counted_at + APART_S, self.since + EMPTY_S)
        if self.looks < LOOKS:
            return self.counted_at + APART_S
        return self.since + UNRIPE_S
