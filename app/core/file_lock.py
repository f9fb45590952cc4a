"""Locks on files, which end with their process, however it ends.

Process numbers get used again and clocks jump; the system drops a lock when whoever holds it dies.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from app.core.errors import TransientFault
from app.core.files import translate_os_error

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


@contextlib.contextmanager
def exclusively(path: Path, timeout_s: float = 10.0) -> Iterator[None]:
    """Hold the lock on the file ``path``, which is made and stays, against other threads and processes.

    Raises
    ------
    TransientFault
        ``disk.busy`` when somebody else keeps it for longer than ``timeout_s``.
    EnvironmentFault
        ``disk.permission`` and its kin when there can be no such file.
    """
    lock, deadline = FileLock(path), time.monotonic() + timeout_s
    try:
        while not lock.acquire():
            if time.monotonic() > deadline:
                raise TransientFault("disk.busy")
            time.sleep(_PAUSE_S)
    except OSError as error:
        raise translate_os_error(error) from error
    try:
        yield
    finally:
        lock.release()


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
