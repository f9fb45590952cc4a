"""Files and rows together: an image comes in, or moves, as a whole, whenever the program dies.

Each is a context manager: inside, the file stands at its new place; the caller opens its transaction,
calls ``write_rows()`` in it and adds what else belongs there. Leaving without that undoes the file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from app.core.clock import utc_now
from app.core.errors import BitewingError, ItemError, UserError
from app.domain.image import ImageRecord
from app.storage.image_store import ImageStore
from app.storage.images import Images
from app.storage.intents import Intents

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Placed:
    """A file at its new place, waiting for its row. ``record`` holds the name it really got."""

    record: ImageRecord
    _write: Callable[[ImageRecord], None]

    def write_rows(self) -> ImageRecord:
        """Write the image's row and settle the intent; call inside one ``write()`` with all that belongs to it."""
        self._write(self.record)
        return self.record


class Filing:
    """Brings images in and moves them. Any thread."""

    def __init__(self, store: ImageStore, images: Images, intents: Intents) -> None:
        self._store = store
        self._images = images
        self._intents = intents

    @contextmanager
    def arrival(
        self, record: ImageRecord, source: Path, on_block: Callable[[int], None] | None = None
    ) -> Iterator[Placed]:
        """Copy ``source`` to the place of ``record``, whose SHA-256 it must have.

        Raises
        ------
        EnvironmentFault
            ``file.changed``, ``disk.full``, …: neither file nor row is there then.
        ItemError
            From ``write_rows()``: ``image.duplicate`` (fact ``image``) when somebody else brought these bytes
            in since the caller looked; likewise.
        """
        staged = self._store.stage(source, record.sha256, on_block)
        # What was copied is what is catalogued.
        final = replace(record, size_bytes=staged.size_bytes)
        try:
            intent = self._intents.begin_arrivals([final])[0]
        except BaseException:
            self._store.discard(staged)
            raise

        def announce(name: str) -> None:
            nonlocal final
            final = replace(final, filename=name)
            self._intents.rename(intent, final)

        def write(stored: ImageRecord) -> None:
            # Only here, while no other process can write, is the answer still true when it is used.
            twin = self._images.twin_of(stored)
            if twin is not None:
                raise ItemError("image.duplicate", image=twin.id)
            self._images.insert(stored)
            self._intents.complete(intent)

        claimed = False
        try:
            self._store.claim(staged, final.directory, final.filename, announce)
            claimed = True
            yield Placed(final, write)
        finally:
            now = self._images.get(final.id)
            if now is None or now.path != final.path:
                self._store.discard(staged)
                self._undo(final.path if claimed else None, intent)

    @contextmanager
    def moving(self, before: ImageRecord, after: ImageRecord) -> Iterator[Placed]:
        """Move an image's file to the directory of ``after``; the row gets the next version.

        Raises
        ------
        EnvironmentFault
            ``file.missing``, ``disk.full``, …: the image is where it was then.
        UserError
            From ``write_rows()``: ``image.changed_elsewhere`` when somebody else changed it since ``before``.
        """
        final = replace(after, version=before.version + 1, changed_at=utc_now(), filename=before.filename)
        if final.directory == before.directory:
            yield Placed(final, self._update)
            return
        self._require_unchanged(before)
        intent = self._intents.begin_move(before.path, final)

        def announce(name: str) -> None:
            nonlocal final
            final = replace(final, filename=name)
            self._intents.rename(intent, final)

        def write(stored: ImageRecord) -> None:
            self._update(stored)
            self._intents.commit(intent)

        claimed = False
        try:
            self._store.link(before, final.directory, final.filename, announce)
            claimed = True
            yield Placed(final, write)
        finally:
            now = self._images.get(before.id)
            if now is not None and claimed and now.path == final.path:
                self._undo(before.path, intent)
            else:
                self._undo(final.path if claimed else None, intent)

    def _require_unchanged(self, before: ImageRecord) -> None:
        now = self._images.get(before.id)
        if now is None:
            raise UserError("image.none", text=before.id)
        if now.version != before.version:
            raise UserError("image.changed_elsewhere", id=before.id)

    def _update(self, stored: ImageRecord) -> None:
        self._images.update(stored)

    def _undo(self, unwanted: str | None, intent: str) -> None:
        """Remove a file that no row wants and strike the intent out; what fails is the next start's."""
        if unwanted is not None:
            self._store.remove(unwanted)
            if self._store.paths.inside(unwanted).exists():
                return
        with suppress(BitewingError):
            self._intents.complete(intent)
