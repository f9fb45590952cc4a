"""Reading back what has just been written, while the rest is still being written.

One SHA-256 of the bytes in the archive then does for two: compared with the one that the catalogue holds since the
import it proves the library's file and the copy at once.
"""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO

from app.core.files import BLOCK_BYTES

_THREADS = 2


class ReadBack:
    """Hashes parts of a growing file on threads of its own; as a context. Whoever adds a part has flushed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = threading.local()
        self._open: list[BinaryIO] = []
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="backup-read-back")

    def __enter__(self) -> ReadBack:
        """Return it."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Give up what has not begun and close the file."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        for handle in self._open:
            handle.close()

    def sha256(self, start: int, size: int) -> Future[str]:
        """Hash ``size`` bytes from ``start``. The future raises OSError, also for a file that is shorter."""
        return self._pool.submit(self._hash, start, size)

    def _hash(self, start: int, size: int) -> str:
        handle = self._handle()
        handle.seek(start)
        buffer, digest, left = self._own.buffer, hashlib.sha256(), size
        while left:
            got = handle.readinto(buffer[: min(left, len(buffer))])  # type: ignore[attr-defined]
            if not got:
                raise OSError("the archive is shorter than what was written")
            digest.update(buffer[:got])
            left -= got
        return digest.hexdigest()

    def _handle(self) -> BinaryIO:
        handle: BinaryIO | None = getattr(self._own, "handle", None)
        if handle is None:
            handle = self._own.handle = self._path.open("rb", buffering=0)
            self._own.buffer = memoryview(bytearray(BLOCK_BYTES))
            with self._lock:
                self._open.append(handle)
        return handle
