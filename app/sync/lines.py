"""Work in lines: items of one line one after the other, several lines at once, nothing waits for a whole round.

Generic: knows neither patients nor destinations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lines(Generic[Item]):
    """Feeds a pool of threads. ``feed`` and ``join`` belong to one thread.

    Parameters
    ----------
    pool
        Where the lines are served.
    serve
        Does one item. What it raises stops every line and is raised by ``join``.
    room
        So many items may wait or be in work; ``feed`` blocks beyond it.
    """

    def __init__(self, pool: ThreadPoolExecutor, serve: Callable[[Item], None], room: int) -> None:
        self._pool = pool
        self._serve = serve
        self._room = room
        self._lines: dict[Hashable, deque[Item]] = {}
        self._changed = Condition()
        self._inside = 0
        self._error: BaseException | None = None

    def feed(self, line: Hashable, item: Item) -> None:
        """Put an item at the end of its line."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < self._room or self._error is not None)
            self._inside += 1
            if line in self._lines:
                self._lines[line].append(item)
                return
            self._lines[line] = deque([item])
        try:
            self._pool.submit(self._run, line)
        except RuntimeError:
            # The pool takes nothing any more: the item goes nowhere, and nobody waits for it.
            with self._changed:
                self._inside -= len(self._lines.pop(line))
                self._changed.notify_all()
            raise

    def join(self) -> None:
        """Wait until everything is done. Raises what an item raised; the items behind it were left alone."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside == 0)
            if self._error is not None:
                raise self._error

    def _run(self, line: Hashable) -> None:
        while True:
            with self._changed:
                waiting = self._lines[line]
                if not waiting:
                    del self._lines[line]
                    return
                item, is_stopped = waiting.popleft(), self._error is not None
            try:
                if not is_stopped:
                    self._serve(item)
            except BaseException as error:  # noqa: BLE001 - raised again by join
                with self._changed:
                    self._error = self._error or error
            finally:
                with self._changed:
                    self._inside -= 1
                    self._changed.notify_all()
