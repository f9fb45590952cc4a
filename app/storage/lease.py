"""One process at a time does a library's background work: a lock that ends with it, and a note of who it is."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import EnvironmentFault
from app.core.file_lock import FileLock
from app.core.files import translate_os_error, write_atomically

LOCK = "background.lock"
NOTE = "background.json"
FOLDER = ".open"


@dataclass(frozen=True, slots=True)
class LeaseHolder:
    """Who does the background work: ``kind`` is ``window``, ``watch`` or ``agent``."""

    kind: str
    pid: int


class Lease:
    """The right to do a library's background work. One thread."""

    def __init__(self, root: Path, kind: str) -> None:
        self._folder = root / FOLDER
        self._kind = kind
        self._lock = FileLock(self._folder / LOCK)

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._lock.held

    def try_take(self) -> bool:
        """Take the lease unless somebody else has it."""
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if not self._lock.acquire():
                return False
            fields = {"kind": self._kind, "pid": os.getpid()}
            write_atomically(self._folder / NOTE, json.dumps(fields).encode("ascii"))
        except OSError as error:
            self._lock.release()
            raise translate_os_error(error) from error
        return True

    def take(self) -> None:
        """Take the lease. Raises ``library.busy`` (facts ``kind``, ``pid``) when somebody else has it."""
        if not self.try_take():
            holder = holder_of(self._folder.parent)
            raise EnvironmentFault(
                "library.busy", kind=holder.kind if holder else None, pid=holder.pid if holder else None
            )

    def give(self) -> None:
        """Give the lease back."""
        if self._lock.held:
            (self._folder / NOTE).unlink(missing_ok=True)
        self._lock.release()


def holder_of(root: Path) -> LeaseHolder | None:
    """Return who does the background work now; ``None`` when nobody does."""
    probe = FileLock(root / FOLDER / LOCK)
    if not probe.path.exists():
        return None
    with contextlib.suppress(OSError):
        if probe.acquire():
            probe.release()
            return None
    try:
        fields = json.loads((root / FOLDER / NOTE).read_text("ascii"))
        return LeaseHolder(str(fields["kind"]), int(fields["pid"]))
    except (OSError, ValueError, KeyError):
        return LeaseHolder("", 0)
