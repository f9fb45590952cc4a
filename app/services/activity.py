"""What ran and how it ended: the job log."""

from __future__ import annotations

from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.jobs import JobRow


class ActivityService:
    """Reads the job log. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def jobs(self, actor: Actor, limit: int = 100) -> list[JobRow]:
        """Return the last runs, newest first."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return list(store.jobs.recent(limit))
