"""What goes to an archive for an entry of its queue, whatever the archive speaks: whether it goes, and which object."""

from __future__ import annotations

from app.domain.image import ImageRecord, Placement
from app.domain.patient import Patient
from app.services.archiving.renditions import Outgoing, Renditions
from app.storage.catalogue import Catalogue
from app.storage.outbox import Entry, Known


class Goods:
    """Finds what is to be sent. Any thread; one thread at a time for one image."""

    def __init__(self, store: Catalogue, renditions: Renditions) -> None:
        self._store = store
        self._renditions = renditions

    def of(self, entry: Entry, *, is_proven_later: bool = False) -> Outgoing | None:
        """Make ready the object to be sent; ``None`` when the image is not to go any more.

        Parameters
        ----------
        is_proven_later
            As in :meth:`Renditions.of`.

        Raises
        ------
        BitewingError
            As :meth:`Renditions.of`.
        """
        with self._store.read():
            record = self._store.images.get(entry.image_id)
            patient = self._store.patients.get(entry.patient_id or "")
        # Of another patient by now, through a move or a merge: what is to go there is queued for them.
        if record is None or patient is None or not is_filed_for(record, patient):
            return None
        return self._renditions.of(record, patient, is_proven_later=is_proven_later)

    def still_goes(self, entry: Entry) -> bool:
        """Whether it is to go still; asked right before it is sent."""
        with self._store.read():
            return self._store.outbox.still_goes(entry)

    def known_as(self, entry: Entry, remote_id: str) -> Known:
        """Return whether this object may be there already, and whether it is one that we sent."""
        with self._store.read():
            return self._store.copies.known_as(entry, remote_id)

    def key_wanted(self, image_id: str) -> str | None:
        """Return what names the object that is to be in an archive for an image now; ``None`` where none is."""
        with self._store.read():
            record = self._store.images.get(image_id)
            patient = self._store.patients.get(record.patient_id) if record and record.patient_id else None
        if record is None or patient is None or not is_filed_for(record, patient):
            return None
        return self._renditions.key_now(record, patient)


def is_filed_for(record: ImageRecord, patient: Patient) -> bool:
    """Whether an image is in the library, as this very patient's."""
    is_filed = record.placement is Placement.FILED and record.deleted_at is None
    return is_filed and record.patient_id == patient.id and patient.merged_into is None
