"""The log page's entries: written by every service that finds, fails or mends something; read by admins."""

from __future__ import annotations

import logging
from typing import Any

from app.core.errors import BitewingError
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.storage.events import Event, EventFilter, Level

log = logging.getLogger(__name__)


class EventLog:
    """Writes and reads the log of one library. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def say(
        self, actor: Actor, level: Level, topic: str, code: str, *, job_id: str | None = None, **facts: Any
    ) -> None:
        """Write an event down; never a reason to fail what it tells of.

        ``facts`` hold counts, codes, ids and paths of folders that admins chose; never names of patients or
        of their files.
        """
        try:
            self._door.store.events.append(
                level, topic, code, facts, job_id=job_id, actor_id=actor.id, workstation=actor.workstation
            )
        except BitewingError as error:
            log.warning("event %s not written: %s", code, error.code)
            return
        self._door.publish(ChangeSet((Change(Entity.EVENT, ChangeKind.ADDED, topic),)))

    def list(
        self, actor: Actor, wanted: EventFilter | None = None, limit: int = 200, before: int | None = None
    ) -> list[Event]:
        """Return events, newest first. Raises ``role.refused``: the log is for admins."""
        with self._door.reading(actor, Action.LOG_VIEW) as store:
            return store.events.list(wanted, limit, before)
