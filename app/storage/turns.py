"""Writers of one process take turns, first come first served.

SQLite lets waiting writers poll, so that a lucky thread can pass an unlucky one for seconds; within a
process that is avoided here, between processes its polling remains.
"""

from __future__ import annotations

import threading
from collections import deque


class Turns:
    """A lock that is handed on in the order of asking. Any thread; not re-entrant."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def take(self, timeout_s: float) -> bool:
        """Wait for this thread's turn; whether it came in time."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            gate = threading.Lock()
            gate.acquire()
            self._waiting.append(gate)
        if gate.acquire(timeout=timeout_s):
            return True
        with self._guard:
            if gate in self._waiting:
                self._waiting.remove(gate)
                return False
        # The turn came between the end of waiting and now.
        return True

    def give(self) -> None:
        """End this thread's turn."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False
