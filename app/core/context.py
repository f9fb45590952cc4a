"""The context that every engine gets: cancel token and progress, and nothing of the window."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from app.core.cancel import CancelToken
from app.core.progress import Progress

REPORT_INTERVAL_S = 0.1


class JobContext:
    """Cancel token and a progress channel that lets at most ten reports a second through."""

    def __init__(
        self,
        token: CancelToken | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self.token = token or CancelToken()
        self._on_progress = on_progress
        self._last = 0.0
        self._lock = threading.Lock()

    @classmethod
    def silent(cls) -> JobContext:
        """Return a context that nobody cancels and nobody watches."""
        return cls()

    def check(self) -> None:
        """Raise :class:`app.core.errors.Cancelled` when the run was cancelled."""
        self.token.check()

    def wait(self, seconds: float) -> None:
        """Sleep unless cancelled; engines never call ``time.sleep``."""
        self.token.wait(seconds)

    def report(self, progress: Progress) -> None:
        """Pass progress on, at most ten times a second; a complete report always passes."""
        if self._on_progress is None:
            return
        now = time.monotonic()
        complete = progress.total is not None and progress.done >= progress.total
        with self._lock:
            if not complete and now - self._last < REPORT_INTERVAL_S:
                return
            self._last = now
        self._on_progress(progress)
