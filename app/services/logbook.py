"""The log page: jobs and events in one list, newest first. For admins; holds no names of patients or their files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import UserError
from app.core.files import translate_os_error, write_atomically
from app.core.progress import Progress
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.export.csv_text import csv_bytes
from app.storage.events import Event, EventFilter, Level
from app.storage.jobs import JobRecord, JobState

_PAGE = 500
_LEVELS = {
    JobState.RUNNING: Level.INFO,
    JobState.SUCCEEDED: Level.INFO,
    JobState.CANCELLED: Level.WARNING,
    JobState.INTERRUPTED: Level.WARNING,
    JobState.FAILED: Level.ERROR,
}


class LogTopic(StrEnum):
    """What the log is filtered by."""

    IMPORT = "import"
    FOLDERS = "folders"
    MIGRATION = "migration"
    BACKUP = "backup"
    CHECK = "check"
    EXPORT = "export"
    RECOVERY = "recovery"


# Which kinds of job and which topics of events belong to each.
_KINDS: dict[LogTopic, tuple[str, ...]] = {
    LogTopic.IMPORT: ("import", "fetch", "demo", "patients"),
    LogTopic.MIGRATION: ("migrate", "migration-files"),
    LogTopic.BACKUP: ("backup", "verify", "drill"),
    LogTopic.CHECK: ("check", "proof"),
    LogTopic.EXPORT: ("export", "export.everything"),
}
_EVENTS: dict[LogTopic, tuple[str, ...]] = {
    LogTopic.FOLDERS: ("monitor",),
    LogTopic.MIGRATION: ("migrate",),
    LogTopic.BACKUP: ("backup", "drill", "restore"),
    LogTopic.CHECK: ("proof",),
    LogTopic.RECOVERY: ("recovery", "restore"),
}


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line: a job (``kind`` set) or an event (``code`` set). ``key`` pages: entries before it are older."""

    at: datetime
    level: Level
    key: tuple[datetime, int, int]
    kind: str = ""
    state: str = ""
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)
    ended_at: datetime | None = None
    job_id: str | None = None
    started_by: str = ""
    actor_id: str = ""
    workstation: str = ""


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which entries are wanted; ``None`` means all."""

    topic: LogTopic | None = None
    levels: tuple[Level, ...] | None = None
    since: datetime | None = None


Describe = Callable[[LogEntry], tuple[str, str]]


class Logbook:
    """Reads the log of one library. Any thread."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def page(
        self, actor: Actor, wanted: LogFilter | None = None, limit: int = 200, after: LogEntry | None = None
    ) -> list[LogEntry]:
        """Return entries, newest first; ``after`` is the last one of the page before. Raises ``role.refused``."""
        wanted = wanted or LogFilter()
        until = None if after is None else after.at
        with self._door.reading(actor, Action.LOG_VIEW) as store:
            # Entries of one instant may stand on both sides of a page's edge; the key tells them apart.
            extra = limit + _PAGE
            entries = [_of_job(job) for job in self._jobs(store, wanted, until, extra)]
            # An event that only tells how a job went well is said by the job.
            told = (event for event in self._events(store, wanted, until, extra) if not _is_said_by_job(event))
            entries += [_of_event(event) for event in told]
        entries.sort(key=lambda entry: entry.key, reverse=True)
        if after is not None:
            entries = [entry for entry in entries if entry.key < after.key]
        return entries[:limit]

    def export(
        self, actor: Actor, path: Path, describe: Describe, ctx: JobContext, wanted: LogFilter | None = None
    ) -> int:
        """Write the log to a CSV or JSON file, by its ending, and return the number of lines.

        ``describe`` puts an entry into words: title and sentence.

        Raises
        ------
        UserError
            ``export.unknown_format`` for other endings.
        EnvironmentFault
            ``disk.full`` and kin.
        """
        if path.suffix.casefold() not in {".csv", ".json"}:
            raise UserError("export.unknown_format", format=path.suffix)
        rows = []
        for entry in self._all(actor, wanted):
            ctx.check()
            rows.append(_row(entry, *describe(entry)))
            ctx.report(Progress(len(rows), None, "rows"))
        if path.suffix.casefold() == ".json":
            data = json.dumps(rows, ensure_ascii=False, indent=1).encode("utf-8")
        else:
            data = csv_bytes(_HEADER, [row.values() for row in rows])
        try:
            write_atomically(path, data)
        except OSError as error:
            raise translate_os_error(error, path=str(path)) from error
        return len(rows)

    def _all(self, actor: Actor, wanted: LogFilter | None) -> Iterator[LogEntry]:
        last = None
        while page := self.page(actor, wanted, _PAGE, last):
            yield from page
            last = page[-1]

    @staticmethod
    def _jobs(store: Any, wanted: LogFilter, until: datetime | None, limit: int) -> list[JobRecord]:
        kinds = None if wanted.topic is None else _KINDS.get(wanted.topic, ())
        states = None
        if wanted.levels is not None:
            states = tuple(state for state, level in _LEVELS.items() if level in wanted.levels)
        if kinds == () or states == ():
            return []
        found: list[JobRecord] = store.jobs.page(kinds, states, wanted.since, until, limit)
        return found

    @staticmethod
    def _events(store: Any, wanted: LogFilter, until: datetime | None, limit: int) -> list[Event]:
        topics = None if wanted.topic is None else _EVENTS.get(wanted.topic, ())
        if topics == ():
            return []
        # One instant more: events are kept to the millisecond.
        found: list[Event] = store.events.list(EventFilter(topics, wanted.levels, wanted.since, upto=until), limit)
        return found


_HEADER = ("at", "ended_at", "level", "what", "title", "text", "who", "workstation", "job")


def _row(entry: LogEntry, title: str, text: str) -> dict[str, Any]:
    ended = entry.ended_at.isoformat() if entry.ended_at else ""
    what = entry.code or entry.kind
    values = (
        entry.at.isoformat(),
        ended,
        entry.level.value,
        what,
        title,
        text,
        entry.actor_id,
        entry.workstation,
        entry.job_id or "",
    )
    return dict(zip(_HEADER, values, strict=True))


def _of_job(job: JobRecord) -> LogEntry:
    level = _LEVELS[job.state]
    if level is Level.INFO and any(job.counts.get(name) for name in ("failed", "quarantined", "damaged", "missing")):
        level = Level.WARNING
    return LogEntry(
        job.started_at,
        level,
        (job.started_at, 0, job.number),
        kind=job.kind,
        state=job.state.value,
        code=job.error_code,
        facts=job.error_facts,
        counts=job.counts,
        ended_at=job.ended_at,
        job_id=job.id,
        started_by=job.started_by,
        actor_id=job.actor_id,
    )


def _of_event(event: Event) -> LogEntry:
    return LogEntry(
        event.at,
        event.level,
        (event.at, 1, event.number),
        code=event.code,
        facts=event.facts,
        job_id=event.job_id,
        actor_id=event.actor_id,
        workstation=event.workstation,
    )


def since_days(days: int) -> datetime:
    """Return the moment so many days ago."""
    return utc_now() - timedelta(days=days)


def _is_said_by_job(event: Event) -> bool:
    return event.level is Level.INFO and event.job_id is not None
