"""What a mirror gets after a round beside its images: a copy of the catalogue now and then, unfinished uploads swept.

Never a reason to fail the round: what does not work now is said and tried again.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault
from app.domain.remote_names import Layout
from app.domain.roles import Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.mirroring.catalogue_copy import CatalogueKeeper
from app.storage.events import Level
from app.transfer.stores.store import Store

log = logging.getLogger(__name__)

TOPIC = "mirror"
UNFINISHED = timedelta(hours=24)
_DAY_MS = 24 * 60 * 60 * 1000


class MirrorCare:
    """Looks after the mirrors of one library. Any thread."""

    def __init__(self, door: Door, events: EventLog, keeper: CatalogueKeeper) -> None:
        self._door = door
        self._events = events
        self._keeper = keeper

    def after_round(self, actor: Actor, mirror: MirrorSettings, store: Store, trigger: str, ctx: JobContext) -> None:
        """Do what is due. Raises Cancelled."""
        if self._door.store.database.read_only:
            return
        try:
            is_due = mirror.layout == Layout.LIBRARY.value and self._keeper.is_due(mirror, trigger)
            if is_due or self._is_new_day(mirror, "swept"):
                # Before a large catalogue is copied for a mirror that is away.
                store.probe()
            if is_due:
                self._keeper.keep(actor, mirror, store, ctx)
            if self._is_new_day(mirror, "swept"):
                swept = store.sweep(UNFINISHED)
                self._note(mirror, "swept")
                if swept:
                    log.info("unfinished uploads removed at a mirror: %d", swept)
        except Cancelled:
            raise
        except TransientFault as fault:
            # The next round asks again; a mirror that is away is told of by its queue.
            log.info("mirror not looked after: %s", fault.code)
        except BitewingError as fault:
            log.warning("mirror not looked after: %s", fault.code)
            if self._is_new_day(mirror, "warned"):
                self._say(actor, mirror, fault)

    def _say(self, actor: Actor, mirror: MirrorSettings, fault: BitewingError) -> None:
        self._events.say(
            actor, Level.WARNING, TOPIC, "mirror.not_kept", destination=mirror.destination, cause=fault.code
        )
        self._note(mirror, "warned")

    def _is_new_day(self, mirror: MirrorSettings, what: str) -> bool:
        with self._door.store.read():
            last = self._door.store.state.get(f"{mirror.destination}.{what}")
        return not isinstance(last, int) or not 0 <= epoch_ms(utc_now()) - last < _DAY_MS

    def _note(self, mirror: MirrorSettings, what: str) -> None:
        try:
            self._door.store.state.set(f"{mirror.destination}.{what}", epoch_ms(utc_now()))
        except EnvironmentFault as fault:
            log.warning("not noted that a mirror was looked after: %s", fault.code)
