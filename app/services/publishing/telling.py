"""What is written down once a copy is proven to be public, or proven to be gone: audit rows, and word to every view."""

from __future__ import annotations

from dataclasses import replace

from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action
from app.services.door import Unit
from app.storage.outbox import Entry, Wish
from app.sync.outbox import Sent


def tell_done(unit: Unit, entry: Entry, sent: Sent) -> None:
    """Write down that an entry was carried out, in the transaction that settles it."""
    copy = unit.store.publications.get(entry.destination, entry.remote_id or "")
    if copy is None:
        return
    is_public = entry.wish is Wish.PUT
    # Made public by who wanted it so, not by who happened to send what waited.
    author = Unit(replace(unit.actor, id=copy.asked_by), unit.action, unit.store) if is_public else unit
    author.audit_as(
        Action.IMAGE_PUBLISH if is_public else Action.IMAGE_WITHDRAW,
        Entity.IMAGE,
        entry.image_id,
        publication=copy.id,
        destination=entry.destination,
        became="public" if is_public else "private",
        proven_by=sent.how,
        sent_by=unit.actor.id,
    )
    unit.changed(Entity.IMAGE, ChangeKind.CHANGED, entry.image_id, copy.patient_id)
