"""What lies where shares do and belongs to none: left by a crash, by a library that was lost, by a send that came late.

The bucket is asked to do the same by itself, for when no computer of ours is left. Nothing that a link can still
lead to is touched: no link works for longer than seven days.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, RefusedError
from app.domain.changes import Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.sharing.collecting import TOPIC
from app.services.sharing.places import RECEIVED, SHARED, SharePlace, SharePlaces, address_of, name_of
from app.storage.events import Level

log = logging.getLogger(__name__)

# SEC-21: what a link led to is gone after eight days at the latest.
OLDEST = timedelta(days=8)
EVERY = timedelta(days=1)
_STATE = "shares.swept"


class Sweeping:
    """Deletes them once a day. Any thread."""

    def __init__(self, door: Door, places: SharePlaces, events: EventLog) -> None:
        self._door = door
        self._places = places
        self._events = events
        self._tried: datetime | None = None

    def sweep_if_due(self, actor: Actor, now: datetime, ctx: JobContext) -> int:
        """Delete what is left over where shares go now; return how many objects that were. Raises Cancelled."""
        if self._tried is not None and timedelta() <= now - self._tried < EVERY / 24:
            return 0
        self._tried = now
        try:
            mirror = self._places.chosen()
            with self._door.store.read():
                last = self._door.store.state.get(_STATE)
            place_now = address_of(mirror)
            is_known = isinstance(last, dict) and last.get("place") == place_now
            if is_known:
                since = timedelta(seconds=now.timestamp() - float(last["at"]))
                if timedelta() <= since < EVERY:
                    return 0
            with self._places.open(mirror, ctx) as place:
                swept, is_ours = self._sweep(place, now, ctx)
                # A rule knows no names but folders: only where all in them is ours, in a folder of ours.
                expires = is_ours and bool(mirror.path) and place.links.expires((SHARED, RECEIVED), OLDEST.days)
        except (Cancelled, RefusedError):
            raise
        except BitewingError as fault:
            # Nothing waits for it; an hour later it is tried again.
            log.info("what shares left was not looked for: %s", fault.code)
            return 0
        with self._door.writing(actor, Action.SHARE_REVOKE) as unit:
            unit.store.state.set(_STATE, {"place": place_now, "at": now.timestamp()})
            if not (expires or is_known):
                self._events.say(actor, Level.WARNING, TOPIC, "share.no_expiry", bucket=mirror.bucket)
            if swept:
                unit.audit(Entity.SHARE, "", outcome="swept", objects=swept)
        return swept

    def _sweep(self, place: SharePlace, now: datetime, ctx: JobContext) -> tuple[int, bool]:
        """Return how many objects were deleted, and whether everything there was made by a share."""
        with self._door.store.read():
            known = {share.object_name for share in self._door.store.shares.open()}
        swept, is_ours = 0, True
        for folder in (SHARED, RECEIVED):
            for entry in place.links.everything(folder):
                ctx.check()
                name = name_of(entry.name)
                if name is None:
                    is_ours = False
                elif name not in known and entry.modified is not None and entry.modified < now - OLDEST:
                    place.links.erase(entry.name)
                    swept += 1
        return swept, is_ours
