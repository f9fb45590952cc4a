"""What waits to be sent, where images are beside the library: read from the catalogue alone, without any network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.patient import Patient
from app.domain.publication import is_public
from app.domain.roles import Action, Actor
from app.domain.sharing import Share
from app.services.door import Door
from app.storage.catalogue import Catalogue
from app.storage.destinations import Queue
from app.storage.outbox import ATTEMPTED, LEFT_OUT, Copy, Entry, EntryState, Wish
from app.storage.publications import PublicEntry

_NO_COPIES = frozenset({ATTEMPTED, LEFT_OUT})


@dataclass(frozen=True, slots=True)
class Queued:
    """An entry of a queue as people see it: whose image, and which."""

    entry: Entry
    patient: Patient | None
    image: str


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The copies of an image that are known to be elsewhere now, what is on its way, and what gives it out.

    ``shares``: links; ``public``: what anybody sees, or may see still.
    """

    copies: tuple[Copy, ...]
    entries: tuple[Entry, ...]
    shares: tuple[Share, ...] = ()
    public: tuple[PublicEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Lacking:
    """An image that is not everywhere yet, and the destinations that lack it."""

    image_id: str
    patient: Patient | None
    image: str
    destinations: tuple[str, ...]


class OutboxService:
    """The queues of one library, to be looked at. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def queues(self, actor: Actor) -> list[Queue]:
        """Return how every queue stands."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return store.destinations.queues()

    def queued(self, actor: Actor, destination: str, limit: int = 200) -> list[Queued]:
        """Return what is parked, then what waits, oldest first, with whose and which image it is."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            entries = store.outbox.entries(destination, (EntryState.PARKED,), limit)
            open_states = (EntryState.SENDING, EntryState.WAITING)
            entries += store.outbox.entries(destination, open_states, limit - len(entries))
            return [_queued(store, entry) for entry in entries]

    def retry(self, actor: Actor, number: int) -> Entry:
        """Let a parked entry be sent again, and its destination be sent to.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``outbox.not_parked`` when there is no such entry, or it needs no decision any more.
        """
        return self._decide(actor, number, "retry")

    def settle(self, actor: Actor, number: int) -> Entry:
        """Leave a parked entry as things stand: a recall counts as done by hand, a conflict stays what it is.

        Raises
        ------
        RefusedError, UserError
            As :meth:`retry`; ``publish.only_proof`` for what is to be called back from public.
        """
        return self._decide(actor, number, "settle")

    def _decide(self, actor: Actor, number: int, decision: str) -> Entry:
        with self._door.store.read():
            found = self._door.store.outbox.entry(number)
        with self._door.writing(actor, _right(found, decision)) as unit:
            entry, decisions = unit.store.outbox.entry(number), unit.store.decisions
            decide = decisions.retry if decision == "retry" else decisions.settle
            if entry is not None and _is_recall(entry) and decision == "settle":
                # Nobody's word makes private what strangers may see still.
                raise UserError("publish.only_proof")
            if entry is None or not decide(entry, utc_now()):
                raise UserError("outbox.not_parked", number=number)
            unit.audit(
                Entity.OUTBOX,
                str(number),
                decision=decision,
                wish=entry.wish.value,
                destination=entry.destination,
                image=entry.image_id,
                code=entry.code,
            )
            unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, entry.image_id, entry.patient_id)
            return entry

    def may_be_public(self, actor: Actor, ids: Iterable[str]) -> frozenset[str]:
        """Return which of these images are public, are to be, or are not proven to be private again."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return store.publications.open_images(ids)

    def lacking(self, actor: Actor, limit: int = 200) -> tuple[tuple[int, bool], list[Lacking]]:
        """Return how many images are not everywhere yet (and whether exactly), and those that wait longest."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            found = [_lacking(store, image_id, names) for image_id, names in store.outbox.lacking(limit)]
            return store.outbox.count_lacking(), found

    def whereabouts(self, actor: Actor, image_id: str) -> Whereabouts:
        """Return where an image is beside the library, and what is still to be sent or called back."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            copies = [
                copy for copy in store.copies.of_image(image_id) if copy.gone_at is None and copy.how not in _NO_COPIES
            ]
            shares = tuple(store.shares.of_image(image_id))
            public = [entry for entry in store.publications.of_image(image_id) if entry.publication.gone_at is None]
            return Whereabouts(tuple(copies), tuple(store.outbox.of_image(image_id)), shares, tuple(public))

    def copies(self, actor: Actor, image_id: str) -> list[Copy]:
        """Return where an image is beside the library, and where it was until it was called back."""
        with self._door.reading(actor, Action.IMAGE_VIEW) as store:
            return [copy for copy in store.copies.of_image(image_id) if copy.how not in _NO_COPIES]


def _is_recall(entry: Entry) -> bool:
    return entry.wish is Wish.REMOVE and is_public(entry.destination)


def _right(entry: Entry | None, decision: str) -> Action:
    """Return what somebody must be allowed to do who decides that."""
    if entry is None or not is_public(entry.destination):
        return Action.ARCHIVE_PUSH
    goes = entry.wish is Wish.PUT and decision == "retry"
    return Action.IMAGE_PUBLISH if goes else Action.IMAGE_WITHDRAW


def _lacking(store: Catalogue, image_id: str, destinations: tuple[str, ...]) -> Lacking:
    image = store.images.get(image_id)
    patient = store.patients.get(image.patient_id) if image is not None and image.patient_id else None
    shown = (image.caption or image.original_name) if image is not None else ""
    return Lacking(image_id, patient, shown, destinations)


def _queued(store: Catalogue, entry: Entry) -> Queued:
    patient = store.patients.get(entry.patient_id) if entry.patient_id else None
    image = store.images.get(entry.image_id)
    return Queued(entry, patient, (image.caption or image.original_name) if image else "")
