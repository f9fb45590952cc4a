"""What ran and how it ended: the job log."""

from __future__ import annotations

from app.domain.roles import Action, Actor
from app.services.door import Door
from app.storage.jobs import JobItem, JobRecord


class ActivityService:
    """Reads the job log. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def jobs(self, actor: Actor, limit: int = 100) -> list[JobRecord]:
        """Return the last runs, newest first."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return store.jobs.list(limit)

    def runs(self, actor: Actor, destination: str, limit: int = 100) -> list[JobRecord]:
        """Return the last runs of a destination of the queues, newest first."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return store.jobs.with_arguments({"destination": destination}, limit)

    def items(self, actor: Actor, job_id: str, limit: int = 1000, offset: int = 0) -> list[JobItem]:
        """Return what a run did with each file, in order."""
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            return store.jobs.items(job_id, limit, offset)
