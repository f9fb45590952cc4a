"""Many removals at once are held until a person agrees: whoever deletes a library by mistake has the mirror still.

Held is what would make images vanish from the mirror: more than fifty, or more than a fifth of what is there (from
five on, so that a small library can be used). What went in the last hour without being agreed to counts too.
Corrections (another tooth, another patient) never count: the image lies there anew before its old name goes.
"""

from __future__ import annotations

from datetime import timedelta

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door

MOST = 50
MOST_SHARE = 0.2
LEAST = 5
WINDOW = timedelta(hours=1)


def are_too_many(going: int, there: int) -> bool:
    """Whether so many images may not vanish from a mirror of so many without a person's word."""
    return going > MOST or (going >= LEAST and going > there * MOST_SHARE)


class RemovalGuard:
    """Watches the removals of one library's mirrors. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def hold(self, destination: str) -> None:
        """Park removals that are too many; inside the transaction that claims what is to be done."""
        ledger, now = self._door.store.ledger, utc_now()
        found = ledger.removals(destination, now - WINDOW, LEAST)
        if found.waiting and are_too_many(found.waiting + found.lately, found.there + found.lately):
            ledger.hold_removals(destination, found.waiting, found.there, now)

    def would_hold(self, destination: str) -> int:
        """Return how many removals wait for a person, or would from the next round on."""
        with self._door.store.read():
            ledger = self._door.store.ledger
            found = ledger.removals(destination, utc_now() - WINDOW, LEAST)
            held = ledger.held(destination)
        is_too_much = are_too_many(found.waiting + found.lately, found.there + found.lately)
        return held + (found.waiting if found.waiting and is_too_much else 0)

    def agree(self, actor: Actor, destination: str) -> int:
        """Let the removals that wait now be done; return how many.

        Raises
        ------
        RefusedError
            ``role.refused``: it takes somebody who may change settings.
        UserError
            ``settings.no_connection`` for an unknown destination.
        """
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            if destination not in {queue.name for queue in unit.store.destinations.queues()}:
                raise UserError("settings.no_connection", name=destination.partition(".")[2])
            agreed = unit.store.ledger.agree(destination, utc_now())
            unit.audit(Entity.SETTING, destination, removals_agreed=agreed)
        self._door.publish(ChangeSet((Change(Entity.OUTBOX, ChangeKind.CHANGED, destination),)))
        return agreed
