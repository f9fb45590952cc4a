"""How fast work goes and how long it will take; arithmetic on progress reports, nothing else."""

from __future__ import annotations

import time
from collections import deque

from app.core.progress import Progress

_WINDOW = 50
_SURE_AFTER_S = 1.0


class Pace:
    """Elapsed and remaining time of one run, from its latest reports."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._end: float | None = None
        self._samples: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._total: int | None = None

    @property
    def elapsed_s(self) -> float:
        """Seconds from start to stop or to now."""
        return (self._end if self._end is not None else time.monotonic()) - self._start

    def note(self, progress: Progress) -> None:
        """Remember a report; a new total starts a new estimate."""
        if progress.total != self._total:
            self._samples.clear()
            self._total = progress.total
        self._samples.append((time.monotonic(), progress.done))

    def stop(self) -> None:
        """Let the clock stand still."""
        self._end = time.monotonic()

    def remaining_s(self, progress: Progress) -> float | None:
        """Return seconds to go at the recent speed; ``None`` before a second of samples or without a total."""
        if progress.total is None or len(self._samples) < 2:
            return None
        (first_at, first_done), (last_at, last_done) = self._samples[0], self._samples[-1]
        if last_at - first_at < _SURE_AFTER_S or last_done <= first_done:
            return None
        speed = (last_done - first_done) / (last_at - first_at)
        return max(0.0, (progress.total - progress.done) / speed)
