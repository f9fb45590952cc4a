"""One image to a mirror and back: original bytes under a name made of ids, proven by hash or size."""

from __future__ import annotations

from collections.abc import Sequence, Set
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, ItemError, TransientFault
from app.core.files import sha256_file, translate_os_error
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout, remote_name
from app.services.locating import Locator
from app.storage.catalogue import Catalogue
from app.storage.copies import known_as
from app.storage.outbox import Entry, Known
from app.sync.outbox import Ready, Sent
from app.transfer.stores.store import Stat, Store

BY_SIZE = "size"


class MirrorSender:
    """Carries out entries at one mirror. Any thread."""

    def __init__(self, store: Catalogue, mirror: Store, layout: Layout, locator: Locator, ctx: JobContext) -> None:
        self._store = store
        self._mirror = mirror
        self._layout = layout
        self._locator = locator
        self._ctx = ctx

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._mirror.probe()

    def prepare(self, entry: Entry) -> Ready | None:
        """Find the file to be sent; ``None`` when the image is not to go any more.

        Raises
        ------
        BitewingError
            ``image.file_missing``; ``file.corrupt`` where its bytes are not the catalogue's; ``disk.*``.
        """
        with self._store.read():
            record = self._store.images.get(entry.image_id)
            goes = self._store.outbox.still_goes(entry)
        if record is None or not goes:
            return None
        path = self._locator.path_of(record)
        try:
            digest, _size = sha256_file(path)
        except OSError as error:
            raise translate_os_error(error) from error
        if digest != record.sha256:
            # A good copy there must not be replaced by one that rotted here.
            raise ItemError("file.corrupt")
        name = remote_name(record, self._layout)
        with self._store.read():
            copy = self._store.copies.at(entry, name)
        is_proven = copy is not None and copy.proves(digest)
        return Ready(name, digest, (path, record, is_proven), known_as(copy))

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return nothing: names are made of our ids, so nobody else has put anything there."""
        del ready
        return frozenset()

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring an image there; ``None`` when it is not to go any more.

        Raises
        ------
        BitewingError
            As :meth:`Store.put`.
        """
        path: Path
        record: ImageRecord
        is_proven: bool
        path, record, is_proven = ready.carried
        with self._store.read():
            if not self._store.outbox.still_goes(entry):
                return None
        if ready.known is not Known.NOT_AT_ALL:
            there = self._mirror.stat(ready.remote_id)
            known = proof(there, record) if there is not None else None
            # By its size alone only where the same bytes were proven to be there before.
            if known not in {None, BY_SIZE} or (known == BY_SIZE and is_proven):
                return Sent(ready.remote_id, ready.digest, str(known), was_there=True)
        stat = self._mirror.put(path, ready.remote_id, self._ctx)
        how = proof(stat, record)
        if how is None:
            raise TransientFault("store.altered", name=ready.remote_id)
        return Sent(ready.remote_id, ready.digest, how, bytes=stat.size)

    def remove(self, entry: Entry) -> Sent | None:
        """Call an image back; one that other bytes have replaced stays.

        Raises
        ------
        EnvironmentFault
            ``store.conflict`` when something else lies there by now.
        TransientFault
            ``store.altered`` when it is there still, though it was deleted; ``library.away``.
        """
        name = entry.remote_id or ""
        paths = self._store.paths
        if not (paths.exists() and paths.marker.exists()):
            # Whatever says so, from a library that is not there nothing is taken away elsewhere.
            raise TransientFault("library.away", path=str(paths.root))
        with self._store.read():
            record = self._store.images.get(entry.image_id)
            is_claimed = self._store.copies.is_claimed(entry, name)
        if record is not None and self._is_wanted(record, name):
            return None
        if is_claimed:
            # Another image has that name by now: what is to go is gone already.
            return Sent(name, "", "listing", was_there=True)
        there = self._mirror.stat(name)
        if there is not None:
            if record is not None and proof(there, record) is None:
                raise EnvironmentFault("store.conflict", name=name)
            self._mirror.delete(name)
            if self._mirror.stat(name) is not None:
                raise TransientFault("store.altered", name=name)
        return Sent(name, "", "listing", was_there=there is None)

    def _is_wanted(self, record: ImageRecord, name: str) -> bool:
        """Whether the image came back meanwhile, so that this very file is to be there."""
        is_filed = record.placement is Placement.FILED and record.deleted_at is None
        return is_filed and remote_name(record, self._layout) == name


def proof(stat: Stat, record: ImageRecord) -> str | None:
    """Return what shows that a stored file is this image; ``None`` when it is not."""
    if stat.size != record.size_bytes:
        return None
    if stat.digest is None:
        return BY_SIZE
    known = {"sha256": record.sha256, "md5": record.md5}.get(stat.digest.algorithm)
    if known is None:
        return BY_SIZE
    return stat.digest.algorithm if stat.digest.value == known else None
