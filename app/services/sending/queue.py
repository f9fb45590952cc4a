"""A destination's queue as the drainer sees it: settles in the catalogue, says aloud what a person must know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from app.core.clock import utc_now
from app.core.errors import BitewingError
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.events import EventLog
from app.storage.events import Level
from app.storage.outbox import Entry, EntryState, Known
from app.sync.outbox import AWAY, Ready, Sent

TOPIC = "push"


class DestinationQueue:
    """The queue of one destination. Any thread."""

    def __init__(
        self,
        door: Door,
        events: EventLog,
        actor: Actor,
        destination: str,
        hold: Callable[[], None] | None = None,
        told: Callable[[Unit, Entry, Sent], None] | None = None,
    ) -> None:
        self._door = door
        self._outbox = door.store.outbox
        self._events = events
        self._actor = actor
        self._destination = destination
        self._hold = hold
        self._told = told
        with door.store.read():
            self._generation = door.store.destinations.generation(destination)

    def take(self, now: datetime, limit: int) -> list[Entry]:
        """Claim what is due; nothing while the destination is blocked."""
        with self._door.store.read():
            is_elsewhere = self._is_elsewhere()
        if is_elsewhere or self.is_blocked():
            return []
        with self._door.store.write():
            if self._hold is not None:
                self._hold()
            return self._outbox.take(self._destination, now, limit)

    def attempt(self, about: Sequence[tuple[Entry, Ready]]) -> None:
        """Write down together that these are about to be sent."""
        with self._door.store.write():
            if self._is_elsewhere():
                return
            for entry, ready in about:
                is_foreign = ready.known is Known.FOREIGN
                self._door.store.copies.attempt(entry, ready.remote_id, ready.digest, utc_now(), is_foreign=is_foreign)

    def confirm(self, done: Sequence[tuple[Entry, Sent]]) -> None:
        """Write down together that these are done."""
        unit = Unit(self._actor, Action.ARCHIVE_PUSH, self._door.store)
        with self._door.store.write():
            is_elsewhere = self._is_elsewhere()
            for entry, sent in done:
                if is_elsewhere:
                    # It lies where the destination was: that proves nothing of where it is now.
                    self._outbox.again(entry)
                    continue
                self._outbox.confirm(
                    entry, sent.remote_id, sent.digest, sent.how, utc_now(), is_foreign=sent.is_foreign
                )
                if self._told is not None:
                    self._told(unit, entry, sent)
            self._door.store.changes.append(tuple(unit.changes))
        if unit.changes:
            self._door.publish(ChangeSet(tuple(unit.changes)))
        self._say(*(entry for entry, _sent in done))

    def settle(self, entry: Entry, state: EntryState, fault: BitewingError | None, due: datetime | None) -> EntryState:
        """Write down that an entry waits again, is parked or cancelled."""
        code, facts = (fault.code, fault.facts) if fault is not None else (None, {})
        state = self._outbox.settle(entry, state, code, facts, utc_now(), due)
        if state is EntryState.PARKED and fault is not None:
            self._events.say(
                self._actor,
                Level.ERROR,
                TOPIC,
                "outbox.parked",
                destination=self._destination,
                image=entry.image_id,
                cause=fault.code,
            )
        self._say(entry)
        return state

    def block(self, fault: BitewingError) -> None:
        """Send nothing more until a person acts."""
        self._door.store.destinations.block(self._destination, fault.code, fault.facts)
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

    def _is_elsewhere(self) -> bool:
        """Whether the destination is at another place by now than the one that is sent to here."""
        return self._door.store.destinations.generation(self._destination) != self._generation

    def _say(self, *entries: Entry) -> None:
        changes = [Change(Entity.OUTBOX, ChangeKind.CHANGED, entry.image_id, entry.patient_id) for entry in entries]
        self._door.publish(ChangeSet(tuple(changes)))
