"""A destination's queue as the drainer sees it: settles in the catalogue, says aloud what a person must know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from app.core.clock import utc_now
from app.core.errors import BitewingError
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.events import EventLog
from app.services.sending.connector import Connection
from app.storage.copies import Attempt
from app.storage.events import Level
from app.storage.outbox import Entry, EntryState, Known, Proof, Wish
from app.sync.outbox import AWAY, MOST_TRIES, Ready, Sent

TOPIC = "push"


class DestinationQueue:
    """The queue of one destination. Any thread.

    ``recalls_only``: nothing is taken but what is to be called back.
    """

    def __init__(
        self,
        door: Door,
        events: EventLog,
        actor: Actor,
        destination: str,
        connection: Connection,
        *,
        recalls_only: bool = False,
    ) -> None:
        self._door = door
        self._outbox = door.store.outbox
        self._events = events
        self._actor = actor
        self._destination = destination
        self._connection = connection
        self._recalls_only = recalls_only
        with door.store.read():
            self._generation = door.store.destinations.generation(destination)

    def take(self, now: datetime, limit: int) -> list[Entry]:
        """Claim what is due; while the destination is blocked nothing but recalls that it insists on."""
        with self._door.store.read():
            is_elsewhere = self._is_elsewhere()
        is_blocked = self.is_blocked()
        if is_elsewhere or (is_blocked and not self._connection.insists):
            return []
        with self._door.store.write():
            if self._connection.hold is not None:
                self._connection.hold()
            if self._connection.insists:
                recalls = self._outbox.take(self._destination, now, limit, Wish.REMOVE)
                if recalls or is_blocked or self._recalls_only:
                    return recalls
            return self._outbox.take(self._destination, now, limit)

    def attempt(self, about: Sequence[tuple[Entry, Ready]]) -> None:
        """Write down together that these are about to be sent."""
        with self._door.store.write():
            if self._is_elsewhere():
                return
            self._door.store.copies.attempt(
                (
                    Attempt(entry, ready.remote_id, ready.digest, is_foreign=ready.known is Known.FOREIGN)
                    for entry, ready in about
                ),
                utc_now(),
            )

    def confirm(self, done: Sequence[tuple[Entry, Sent]]) -> None:
        """Write down together that these are done."""
        unit = Unit(self._actor, Action.ARCHIVE_PUSH, self._door.store)
        with self._door.store.write():
            if self._is_elsewhere():
                for entry, _sent in done:
                    # It lies where the destination was: that proves nothing of where it is now.
                    self._outbox.again(entry)
            elif done:
                self._settle_proven(done, unit)
            self._door.store.changes.append(tuple(unit.changes))
        if unit.changes:
            self._door.publish(ChangeSet(tuple(unit.changes)))
        self._say(*(entry for entry, _sent in done))

    def _settle_proven(self, done: Sequence[tuple[Entry, Sent]], unit: Unit) -> None:
        proofs = (Proof(entry, sent.remote_id, sent.digest, sent.how, sent.is_foreign) for entry, sent in done)
        self._outbox.confirm(proofs, utc_now())
        self._door.store.destinations.succeeded(self._destination, utc_now())
        if self._connection.done is not None:
            for entry, sent in done:
                self._connection.done(unit, entry, sent)

    def settle(self, entry: Entry, state: EntryState, fault: BitewingError | None, due: datetime | None) -> EntryState:
        """Write down that an entry waits again, is parked or cancelled."""
        is_given_up = state is EntryState.PARKED and fault is not None and fault.code in self._connection.given_up
        state = EntryState.CANCELLED if is_given_up else state
        code, facts = (fault.code, fault.facts) if fault is not None else (None, {})
        state = self._outbox.settle(entry, state, code, facts, utc_now(), due)
        if state is EntryState.PARKED and fault is not None:
            self._tell("outbox.parked", entry, fault)
        elif is_given_up and fault is not None:
            self._tell("outbox.given_up", entry, fault)
        elif fault is not None and self._is_overdue(entry):
            self._tell("outbox.not_recalled", entry, fault)
        self._say(entry)
        return state

    def block(self, fault: BitewingError, recalls_due: datetime | None = None) -> None:
        """Send nothing more until a person acts; recalls that go on all the same rest until they are due."""
        was_blocked = self.is_blocked()
        with self._door.store.write():
            self._door.store.destinations.block(self._destination, fault.code, fault.facts)
            if recalls_due is not None:
                self._door.store.recalls.postpone(self._destination, recalls_due)
        if not was_blocked:
            self._events.say(
                self._actor, Level.ERROR, TOPIC, "outbox.blocked", destination=self._destination, cause=fault.code
            )

    def is_blocked(self) -> bool:
        """Whether that is so."""
        with self._door.store.read():
            return self._door.store.destinations.is_blocked(self._destination)

    def hurry(self) -> None:
        """Let what waits out an absence be due."""
        self._outbox.hurry(self._destination, AWAY)

    def waiting(self) -> int:
        """Return how many entries wait."""
        with self._door.store.read():
            return self._outbox.waiting(self._destination)

    def _is_overdue(self, entry: Entry) -> bool:
        """Whether a recall that is asked for until it succeeds has become unlikely to by itself: said once."""
        return self._connection.insists and entry.wish is Wish.REMOVE and entry.tries + 1 == MOST_TRIES

    def _is_elsewhere(self) -> bool:
        """Whether the destination is at another place by now than the one that is sent to here."""
        return self._door.store.destinations.generation(self._destination) != self._generation

    def _tell(self, code: str, entry: Entry, fault: BitewingError) -> None:
        self._events.say(
            self._actor,
            Level.ERROR,
            TOPIC,
            code,
            destination=self._destination,
            image=entry.image_id,
            cause=fault.code,
        )

    def _say(self, *entries: Entry) -> None:
        changes = [Change(Entity.OUTBOX, ChangeKind.CHANGED, entry.image_id, entry.patient_id) for entry in entries]
        self._door.publish(ChangeSet(tuple(changes)))
