"""The folders that people see on Google Drive: made once, in the order they lie in each other, and remembered.

Nothing is found by them, so that two of one name (made by two workstations at once) or one that was moved do no harm.
"""

from __future__ import annotations

import posixpath
import threading

from app.core.context import JobContext
from app.transfer.drive.drive import Drive
from app.transfer.stores.drive_labels import Labels


class DriveFolders:
    """The folders of one store. Any thread: one at a time makes some, the others use what it made."""

    def __init__(self, drive: Drive, labels: Labels) -> None:
        self._drive, self._labels = drive, labels
        self._known: dict[str, str] = {}
        self._lock = threading.Lock()

    def ensure(self, folder: str, ctx: JobContext) -> str:
        """Return the id of a folder of the store (``""``: its own), made where there is none.

        Raises
        ------
        BitewingError
            ``drive.*``, as every call of :class:`Drive`.
        """
        with self._lock:
            return self._ensured(folder, ctx)

    def forget(self) -> None:
        """Look again for all of them: somebody deleted one, or put it into the bin."""
        with self._lock:
            self._known.clear()

    def _ensured(self, folder: str, ctx: JobContext) -> str:
        if folder in self._known:
            return self._known[folder]
        if folder:
            parent = self._ensured(posixpath.dirname(folder), ctx)
            wanted, label = self._labels.to_folder(folder), self._labels.folder(folder)
            found = self._found_or_made(posixpath.basename(folder), parent, wanted, label, ctx)
        else:
            found = self._root(ctx)
        self._known[folder] = found
        return found

    def _root(self, ctx: JobContext) -> str:
        """Return the folder of the store itself; those it lies in are shared with other stores."""
        parent, path = "", ""
        for part in filter(None, self._labels.base.split("/")):
            path = posixpath.join(path, part)
            above = Labels(path)
            parent = self._found_or_made(part, parent, above.to_root(), above.root(), ctx)
        return parent

    def _found_or_made(
        self, name: str, parent: str, wanted: dict[str, str], label: dict[str, str], ctx: JobContext
    ) -> str:
        found = list(self._drive.list(wanted, ctx))
        if found:
            # The oldest: everybody takes the same one.
            return found[-1].id
        # Without a parent it lies in the root of "My Drive".
        place = {"parents": [parent]} if parent else {}
        return self._drive.make_folder({"name": name, "appProperties": label, **place}, ctx)
