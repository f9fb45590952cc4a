"""The log that people read: what was found, what failed, what was done about it. Codes and facts only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database, Row
from app.storage.rows import moment, sound, to_json

_COLUMNS = "number, at, level, topic, code, facts, job_id, actor_id, workstation"


class Level(StrEnum):
    """How much an event asks for attention."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the log; words for ``code`` and ``facts`` are made where they are shown."""

    number: int
    at: datetime
    level: Level
    topic: str
    code: str
    facts: dict[str, Any] = field(default_factory=dict)
    job_id: str | None = None
    actor_id: str = ""
    workstation: str = ""


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are wanted; ``None`` means all. ``since`` and ``upto`` count, ``until`` does not."""

    topics: tuple[str, ...] | None = None
    levels: tuple[Level, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    job_id: str | None = None
    upto: datetime | None = None


class Events:
    """The log of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def append(
        self,
        level: Level,
        topic: str,
        code: str,
        facts: Mapping[str, Any],
        *,
        job_id: str | None = None,
        actor_id: str = "",
        workstation: str = "",
    ) -> None:
        """Write one event; a library that can only be read keeps none."""
        if self._db.read_only:
            return
        with self._db.write():
            self._db.execute(
                "INSERT INTO events (at, level, topic, code, facts, job_id, actor_id, workstation)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (epoch_ms(utc_now()), level.value, topic, code, to_json(dict(facts)), job_id, actor_id, workstation),
            )

    def list(self, wanted: EventFilter | None = None, limit: int = 200, before: int | None = None) -> list[Event]:
        """Return events, newest first; ``before`` is the number of the last event already seen (paging by key)."""
        wanted = wanted or EventFilter()
        clauses: list[str] = []
        parameters: list[Any] = []

        def narrow(clause: str, *values: Any) -> None:
            clauses.append(clause)
            parameters.extend(values)

        if wanted.topics is not None:
            narrow(f"topic IN ({', '.join('?' * len(wanted.topics))})", *wanted.topics)
        if wanted.levels is not None:
            narrow(f"level IN ({', '.join('?' * len(wanted.levels))})", *(level.value for level in wanted.levels))
        if wanted.since is not None:
            narrow("at >= ?", epoch_ms(wanted.since))
        if wanted.until is not None:
            narrow("at < ?", epoch_ms(wanted.until))
        if wanted.upto is not None:
            narrow("at <= ?", epoch_ms(wanted.upto))
        if wanted.job_id is not None:
            narrow("job_id = ?", wanted.job_id)
        if before is not None:
            narrow("number < ?", before)
        where = f"WHERE {' AND '.join(clauses)}" if clauses else ""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM events {where} ORDER BY number DESC LIMIT ?",  # noqa: S608 - our own text
            (*parameters, limit),
        )
        return [_event_of(row) for row in rows]


@sound
def _event_of(row: Row) -> Event:
    return Event(
        number=row[0],
        at=moment(row[1]),
        level=Level(row[2]),
        topic=row[3],
        code=row[4],
        facts=json.loads(row[5]),
        job_id=row[6],
        actor_id=row[7],
        workstation=row[8],
    )
