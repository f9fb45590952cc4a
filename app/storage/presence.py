"""Who has a library open: one locked file per process in ``.open``; restoring needs to be alone.

Whoever opens makes its file first and then looks for a restore under way; a restore claims first and then
looks for files. So one of two always sees the other. Locks end with their process, however it ends. The claim
lies beside the library: on Windows a folder with an open file in it cannot be renamed.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.core.errors import EnvironmentFault
from app.core.file_lock import FileLock
from app.core.files import translate_os_error

FOLDER = ".open"
SUFFIX = ".open"
_PAUSE_S = 0.005


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has the library open; ``kind`` is ``window``, ``command`` or ``agent``."""

    kind: str
    pid: int
    since: datetime


class Presence:
    """This process in one library's list of those who have it open."""

    def __init__(self, root: Path, kind: str = "command") -> None:
        self._root = root
        self._folder = root / FOLDER
        # The name says who: on Windows nobody else may read a locked file.
        name = f"{kind}-{os.getpid()}-{int(time.time())}-{uuid.uuid4().hex[:12]}{SUFFIX}"
        self._lock = FileLock(self._folder / name)

    def enter(self) -> None:
        """Sign in. A library that nobody can write cannot be restored either, and keeps no list.

        Raises
        ------
        EnvironmentFault
            ``library.restoring`` while a restore is under way.
        """
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            # Somebody who counts may be looking at the new file in this very moment, and take it for a dead one's.
            while not self._lock.acquire():
                time.sleep(_PAUSE_S)
        except OSError:
            return
        if is_claimed(self._root):
            self.leave()
            raise EnvironmentFault("library.restoring")

    def leave(self) -> None:
        """Sign out."""
        with contextlib.suppress(OSError):
            self._lock.release(remove=True)


def holders(root: Path) -> list[Holder]:
    """Return who has the library open; files of dead processes are removed."""
    found = []
    folder = root / FOLDER
    for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []:
        other = FileLock(path)
        with contextlib.suppress(OSError):
            if other.acquire():
                other.release(remove=True)
            elif path.exists():
                found.append(_holder_of(path))
    return found


def claim_of(root: Path) -> FileLock:
    """Return the lock that whoever restores ``root`` holds."""
    return FileLock(root.with_name(f".{root.name}.restore-claim"))


def is_claimed(root: Path) -> bool:
    """Whether somebody restores ``root`` now."""
    claim = claim_of(root)
    if not claim.path.exists():
        return False
    try:
        if not claim.acquire():
            return claim.path.exists()
        claim.release()
    except OSError:
        return False
    return False


class Alone:
    """A library claimed by one process: nobody else may open it meanwhile."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._claim = claim_of(root)

    def __enter__(self) -> Alone:
        """Claim the library.

        Raises
        ------
        EnvironmentFault
            ``library.in_use`` (facts ``kind``, ``pid``, ``since``) while anybody has it open, or
            ``library.restoring``.
        """
        try:
            self._claim.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._claim.acquire():
                raise EnvironmentFault("library.restoring")
        except OSError as error:
            raise translate_os_error(error, path=str(self._root.parent)) from error
        there = holders(self._root)
        if there:
            self._claim.release()
            first = there[0]
            raise EnvironmentFault(
                "library.in_use", kind=first.kind, pid=first.pid, since=first.since.isoformat(timespec="minutes")
            )
        return self

    def __exit__(self, *_error: object) -> None:
        """Let others in again."""
        self._claim.release(remove=True)


def _holder_of(path: Path) -> Holder:
    kind, pid, since, _token = path.name.removesuffix(SUFFIX).split("-", 3)
    return Holder(kind, int(pid), datetime.fromtimestamp(int(since), UTC))
