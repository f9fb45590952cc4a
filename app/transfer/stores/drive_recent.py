"""What a store has just done on Google Drive, for as long as Google's own lists may not know it yet.

A list is put together from an index that follows after moments, seldom minutes; a file by its id is always as it is.
So that whoever has written a file finds it, and nobody finds what is gone, a list is corrected by what was done here.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from app.transfer.drive.remote import RemoteFile
from app.transfer.stores.drive_labels import name_of

KEPT_S = 300.0


@dataclass(frozen=True, slots=True)
class _Note:
    """What a file is called; ``None`` when it is gone."""

    name: str | None
    until: float


class Recent:
    """The last doings of one store. Any thread."""

    def __init__(self) -> None:
        self._notes: dict[str, _Note] = {}
        self._lock = threading.Lock()

    def note(self, file_id: str, name: str | None) -> None:
        """Remember what a file is called from now on; ``None``: it is gone."""
        now = time.monotonic()
        with self._lock:
            # In the order they were written: those that are known by now stand first.
            while self._notes and next(iter(self._notes.values())).until < now:
                self._notes.pop(next(iter(self._notes)))
            self._notes.pop(file_id, None)
            self._notes[file_id] = _Note(name, now + KEPT_S)

    def corrected(
        self,
        listed: Iterable[RemoteFile],
        belongs: Callable[[str], bool],
        look: Callable[[str], RemoteFile | None],
    ) -> list[RemoteFile]:
        """Return a list without what is gone or called otherwise by now, and with what ``belongs`` there too.

        ``look`` asks for a file by its id: it may have been taken away by others. Raises as ``look`` does.
        """
        now = time.monotonic()
        with self._lock:
            notes = {file_id: note for file_id, note in self._notes.items() if note.until >= now}
        files = [one for one in listed if one.id not in notes or notes[one.id].name == name_of(one)]
        known = {one.id for one in files}
        for file_id, note in notes.items():
            if note.name is not None and file_id not in known and belongs(note.name):
                found = look(file_id)
                if found is not None and not found.trashed and name_of(found) == note.name:
                    files.append(found)
        return files
