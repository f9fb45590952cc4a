"""Which process works on what, and whether it still lives: a locked file per process in ``.incoming``."""

from __future__ import annotations

import threading
import time
import uuid
from pathlib import Path

from app.core.errors import TransientFault
from app.core.file_lock import FileLock
from app.core.files import translate_os_error

SUFFIX = ".owner"
_TRIES = 50
_PAUSE_S = 0.02


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
        EnvironmentFault
            ``disk.full``, ``disk.read_only``, … when there can be no such file.
        """
        with self._guard:
            for _attempt in range(_TRIES):
                try:
                    self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                    if self._lock.acquire():
                        return self._token
                except OSError as error:
                    raise translate_os_error(error) from error
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
