"""One image to an archive that speaks only DIMSE: stored, and proven by a commitment or by the archive's own answer.

Nothing can be called back that way: what is to be gone there waits for a person who asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence, Set

from app.core.errors import EnvironmentFault
from app.core.files import translate_os_error
from app.services.archiving.preparing import Goods
from app.services.archiving.renditions import Outgoing, Renditions
from app.storage.catalogue import Catalogue
from app.storage.outbox import Entry, Known
from app.sync.outbox import Ready, Sent
from app.transfer.dimse.proving import DimseArchive
from app.transfer.dimse.storing import named


class DimseSender:
    """Carries out entries at one archive. Any thread."""

    def __init__(self, store: Catalogue, archive: DimseArchive, renditions: Renditions) -> None:
        self._archive = archive
        self._goods = Goods(store, renditions)

    def probe(self) -> None:
        """Ask for a sign of life."""
        self._archive.probe()

    def prepare(self, entry: Entry) -> Ready | None:
        """Make ready the object to be sent; ``None`` when the image is not to go any more.

        Raises
        ------
        BitewingError
            As :meth:`Renditions.of`.
        """
        outgoing = self._goods.of(entry)
        if outgoing is None:
            return None
        instance = _uids(outgoing.key)[2]
        return Ready(instance, outgoing.md5, outgoing, self._goods.known_as(entry, instance))

    def survey(self, ready: Sequence[Ready]) -> Set[str]:
        """Return nothing: by DIMSE nothing is ever taken back, so it does not matter whose it is."""
        del ready
        return frozenset()

    def send(self, entry: Entry, ready: Ready) -> Sent | None:
        """Bring an image there and have it proven; ``None`` when it is not to go any more.

        Raises
        ------
        BitewingError
            As :meth:`DimseArchive.store_and_prove`; ``disk.*``.
        """
        if not self._goods.still_goes(entry):
            return None
        outgoing: Outgoing = ready.carried
        study, series, instance = _uids(outgoing.key)
        try:
            what, size = named(outgoing.path), outgoing.path.stat().st_size
            how = self._archive.store_and_prove(outgoing.path, what.sop_class_uid, instance, study, series)
        except OSError as error:
            raise translate_os_error(error) from error
        return Sent(instance, ready.digest, how, bytes=size, is_foreign=ready.known is Known.FOREIGN)

    def remove(self, entry: Entry) -> Sent | None:
        """Give up a recall where the image came back under this very UID.

        Raises
        ------
        EnvironmentFault
            ``dimse.cannot_remove`` otherwise: that is for a person to settle with whoever runs the archive.
        """
        wanted = self._goods.key_wanted(entry.image_id)
        if wanted is not None and _uids(wanted)[2] == entry.remote_id:
            return None
        raise EnvironmentFault("dimse.cannot_remove", instance=entry.remote_id or "")


def _uids(key: str) -> tuple[str, str, str]:
    """Return study, series and instance of what names an object; a patient's number may hold anything."""
    _patient, study, series, instance = key.rsplit("|", 3)
    return study, series, instance
