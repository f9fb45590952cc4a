"""Which process works on what, and whether it still lives: a locked file per process in ``.incoming``.

The system drops a lock when its process dies, however it dies; process numbers get used again and
clocks jump, locks do not.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import uuid
from pathlib import Path

from app.core.errors import TransientFault

SUFFIX = ".owner"
_TRIES = 50
_PAUSE_S = 0.02


class FileLock:
    """A lock on a file that ends with the process. One thread at a time; not re-entrant."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> bool:
        """Take the lock unless somebody else has it; makes the file."""
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(descriptor) or not self._is_still_there(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self, *, remove: bool = False) -> None:
        """Give the lock back; with ``remove`` the file goes too, while it is still locked."""
        if self._descriptor is None:
            return
        if remove and sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)
        self._descriptor = None
        if remove and sys.platform == "win32":
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _is_still_there(self, descriptor: int) -> bool:
        """Whether the locked file still has its name: a cleaner may have removed it in between."""
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except OSError:
            return False


class Owner:
    """This process as the owner of unfinished work. Any thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._token = uuid.uuid4().hex
        self._lock = FileLock(folder / f"{self._token}{SUFFIX}")
        self._guard = threading.Lock()

    @property
    def name(self) -> str:
        """The token, whether or not anything is held yet."""
        return self._token

    def token(self) -> str:
        """Return this process's token and make sure that others see it alive from now on.

        Raises
        ------
        TransientFault
            ``disk.busy`` when the lock cannot be had.
        """
        with self._guard:
            for _attempt in range(_TRIES):
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                if self._lock.acquire():
                    return self._token
                time.sleep(_PAUSE_S)
        raise TransientFault("disk.busy")

    def is_alive(self, token: str) -> bool:
        """Whether the process with this token lives."""
        if token == self._token:
            return True
        path = self._folder / f"{token}{SUFFIX}"
        if not token.isalnum() or not path.exists():
            return False
        other = FileLock(path)
        if not other.acquire():
            return path.exists()
        other.release()
        return False

    def close(self) -> None:
        """Stop owning anything."""
        with self._guard:
            self._lock.release(remove=True)


def _lock(descriptor: int) -> bool:
    try:
        _lock_or_raise(descriptor)
    except OSError:
        return False
    return True


if sys.platform == "win32":
    import msvcrt

    def _lock_or_raise(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock_or_raise(descriptor: int) -> None:
        # flock, not lockf: the lock belongs to the open file, so two libraries in one process see each other.
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
