"""Every run is a row: kind, who, start, end, state, counts, error. Begun and ended in one place."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.core.errors import BitewingError, Cancelled
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Actor
from app.services.door import Door
from app.storage.jobs import JobRecord, JobState

log = logging.getLogger(__name__)

# Counts that say that a run changed the library.
_BRINGS = ("imported", "inbox", "quarantined")


@dataclass(slots=True)
class RunningJob:
    """A run that goes on; its engine fills in ``counts`` and, when it stopped early, ``stopped``."""

    id: str
    counts: dict[str, Any] = field(default_factory=dict)
    stopped: str | None = None
    stop_facts: dict[str, Any] = field(default_factory=dict)
    keep_empty: bool = True


class JobLog:
    """Writes runs down. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    @contextlib.contextmanager
    def running(
        self,
        actor: Actor,
        kind: str,
        arguments: Mapping[str, Any],
        trigger: str = "user",
        *,
        keep_empty: bool = True,
    ) -> Iterator[RunningJob]:
        """Keep a row for the time of the block; however the block ends, the row says so.

        Without ``keep_empty`` the row goes when nothing was counted but what failed, was passed over or known.
        """
        self._door.witness(actor)
        record = self._door.store.jobs.start(kind, trigger, actor.id, arguments)
        self._say(record.id, ChangeKind.ADDED)
        job = RunningJob(record.id, keep_empty=keep_empty)
        try:
            yield job
        except Cancelled:
            self._finish(job, JobState.CANCELLED, None, {})
            raise
        except BitewingError as error:
            self._finish(job, JobState.FAILED, error.code, error.facts)
            raise
        except BaseException:
            self._finish(job, JobState.FAILED, "job.failed", {})
            raise
        self._finish(job, _state_of(job.stopped), job.stopped, job.stop_facts)

    def unfinished(self, kind: str, arguments: Mapping[str, Any]) -> str | None:
        """Return the id of the last run with the same arguments if it did not reach its end."""
        with self._door.store.read():
            found = self._door.store.jobs.unfinished(kind, arguments)
        return found.id if found else None

    def get(self, job_id: str) -> JobRecord | None:
        """Return a run."""
        with self._door.store.read():
            return self._door.store.jobs.get(job_id)

    def _finish(self, job: RunningJob, state: JobState, code: str | None, facts: Mapping[str, Any]) -> None:
        try:
            if not job.keep_empty and not any(job.counts.get(name) for name in _BRINGS):
                self._door.store.jobs.drop(job.id)
                return
            self._door.store.jobs.finish(job.id, state, job.counts, code, facts)
        except BitewingError as error:
            # Start-up marks it as interrupted; the work itself is what counts.
            log.warning("end of job %s not written: %s", job.id, error.code)
            return
        self._say(job.id, ChangeKind.CHANGED)

    def _say(self, job_id: str, kind: ChangeKind) -> None:
        self._door.publish(ChangeSet((Change(Entity.JOB, kind, job_id),)))


def _state_of(stopped: str | None) -> JobState:
    if stopped is None:
        return JobState.SUCCEEDED
    return JobState.CANCELLED if stopped == "cancelled" else JobState.FAILED
