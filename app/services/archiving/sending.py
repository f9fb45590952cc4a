"""One image to an Orthanc and back: sent, proven by its MD5 there, removed only when it is still ours."""

from __future__ import annotations

from collections.abc import Sequence, Set

from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import translate_os_error
from app.services.archiving.preparing import Goods
from app.services.archiving.renditions import Outgoing, Renditions
from app.storage.catalogue import Catalogue
from app.storage.outbox import Entry, Known
from app.sync.outbox import CONFLICT, Ready, Sent
from app.transfer.orthanc import Orthanc, Stored, instance_id

HOW = "md5"


class OrthancSender:
    """Carries out entries at one Orthanc. Any thread."""

    def __init__(self, store: Catalogue, orthanc: Orthanc, renditions: Renditions, *, by_web: bool = False) -> None:
        """``by_web``: stored by STOW-RS instead of Orthanc's own way."""
        self._by_web = by_web
        self._store = store
        self._orthanc = orthanc
        self._goods = Goods(store, renditions)

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._orthanc.probe()

    def prepare(self, entry: Entry) -> Ready | None:
        """Make ready the object to be sent; ``None`` when the image is not to go any more.

        Raises
        ------
        BitewingError
            As :meth:`Renditions.of`.
        """
        outgoing = self._goods.of(entry, is_proven_later=True)
        if outgoing is None:
            return None
        instance = instance_id(outgoing.key)
        return Ready(instance, outgoing.md5, outgoing, self._goods.known_as(entry, instance))

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return which of these others have put there; under numbers that were made here nobody can have.

        Raises
        ------
        BitewingError
            As :meth:`Orthanc.system`.
        """
        uids = [one.carried.key.rsplit("|", 1)[-1] for one in ready if not one.carried.is_made]
        return self._orthanc.present(uids) if uids else frozenset()

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring an image there; ``None`` when it is not to go any more, which may have become so meanwhile.

        Raises
        ------
        ItemError
            ``file.corrupt``.
        TransientFault
            As :meth:`Orthanc.store`; ``pacs.not_proven`` when it is not there after all.
        EnvironmentFault
            ``pacs.conflict`` when something else lies there under its UIDs, ``pacs.altered`` when the server
            keeps other bytes than it was sent.
        """
        if not self._goods.still_goes(entry):
            return None
        outgoing: Outgoing = ready.carried
        try:
            stored, size = self._stored(outgoing, ready), outgoing.path.stat().st_size
        except OSError as error:
            raise translate_os_error(error) from error
        there = self._orthanc.md5(stored.instance)
        if there is None:
            raise TransientFault("pacs.not_proven")
        if there != ready.digest:
            raise EnvironmentFault("pacs.altered" if stored.is_new else CONFLICT, instance=stored.instance)
        # Under numbers that were made here nobody else can have put anything.
        is_foreign = not stored.is_new and not outgoing.is_made and ready.known is not Known.OURS
        size = size if stored.is_new else 0
        return Sent(stored.instance, there, HOW, was_there=not stored.is_new, bytes=size, is_foreign=is_foreign)

    def _stored(self, outgoing: Outgoing, ready: Ready) -> Stored:
        # STOW-RS does not tell what was there from what is new, and what was sent once need not be sent again.
        if (self._by_web or ready.known is not Known.NOT_AT_ALL) and self._orthanc.md5(ready.remote_id) is not None:
            return Stored(ready.remote_id, is_new=False)
        if not self._by_web:
            return self._orthanc.store(outgoing.path, outgoing.sha256)
        self._orthanc.stow(outgoing.path, outgoing.sha256)
        return Stored(ready.remote_id, is_new=True)

    def remove(self, entry: Entry) -> Sent | None:
        """Call an image back; what lies there by now and is not ours stays.

        Raises
        ------
        EnvironmentFault
            ``pacs.conflict`` when other bytes lie there than we had sent.
        """
        instance = entry.remote_id or ""
        wanted = self._goods.key_wanted(entry.image_id)
        if wanted is not None and instance_id(wanted) == instance:
            # The image came back meanwhile: this very object is to be there.
            return None
        with self._store.read():
            ours = {copy.digest for copy in self._store.copies.of_image(entry.image_id) if copy.remote_id == instance}
        there = self._orthanc.md5(instance)
        if there is not None:
            if there not in ours:
                raise EnvironmentFault(CONFLICT, instance=instance)
            self._orthanc.remove(instance)
            if self._orthanc.md5(instance) is not None:
                raise TransientFault("pacs.not_proven")
        return Sent(instance, "", HOW, was_there=there is None)
