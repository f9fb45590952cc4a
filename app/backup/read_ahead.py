"""Reading files ahead of whoever writes them: in order, on two threads, with bounded memory."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")

THREADS = 2
AHEAD = 12
# Files up to this size are read whole; larger ones are copied block by block.
WHOLE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Content:
    """The bytes of one file with their SHA-256."""

    data: bytes
    sha256: str


def read_whole(path: Path) -> Content:
    """Read and hash one file. Raises OSError."""
    data = path.read_bytes()
    return Content(data, hashlib.sha256(data).hexdigest())


class ReadAhead(Generic[Item, Answer]):
    """Works on items ahead of the loop that wants them, a few at a time."""

    def __init__(self, items: Iterable[Item], work: Callable[[Item], Answer]) -> None:
        self._items = iter(items)
        self._work = work

    def __iter__(self) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its answer, in order; an exception of the work comes out here."""
        pending: deque[tuple[Item, Future[Answer]]] = deque()
        with ThreadPoolExecutor(THREADS, thread_name_prefix="backup") as pool:
            try:
                for item in self._items:
                    pending.append((item, pool.submit(self._work, item)))
                    if len(pending) >= AHEAD:
                        first, answer = pending.popleft()
                        yield first, answer.result()
                while pending:
                    first, answer = pending.popleft()
                    yield first, answer.result()
            finally:
                for _item, answer in pending:
                    answer.cancel()
