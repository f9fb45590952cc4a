"""Runs and what they did: one row per run, one per file, also what an interrupted import continues from."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database, Row
from app.storage.owner import Owner
from app.storage.rows import moment, moment_or_none, sound, to_json


class JobState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One run. ``started_by`` is ``user``, ``schedule``, ``startup`` or ``command``."""

    id: str
    kind: str
    started_by: str
    actor_id: str
    state: JobState
    started_at: datetime
    ended_at: datetime | None = None
    arguments: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    error_code: str | None = None
    error_facts: dict[str, Any] = field(default_factory=dict)
    number: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class JobItem:
    """What a run did with one file; ``size`` and ``mtime_ns`` recognise the file on a later run."""

    path: str
    status: str
    size: int = 0
    mtime_ns: int = 0
    image_id: str | None = None
    patient_id: str | None = None
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    similar_to: str | None = None


JobItems = list[JobItem]
JobRecords = list[JobRecord]
_COLUMNS = (
    "id, kind, started_by, actor_id, state, started_at, ended_at, arguments, counts, error_code, error_facts, number"
)
_ITEM_COLUMNS = "path, status, size, mtime_ns, image_id, patient_id, code, facts, similar_to"


class Jobs:
    """The runs of one library. Any thread. ``owner`` is this process."""

    def __init__(self, database: Database, owner: Owner | str = "") -> None:
        self._db = database
        self._owner = owner

    def start(self, kind: str, started_by: str, actor_id: str, arguments: Mapping[str, Any] | None = None) -> JobRecord:
        """Write down that a run begins."""
        record = JobRecord(
            str(uuid.uuid4()), kind, started_by, actor_id, JobState.RUNNING, utc_now(), arguments=dict(arguments or {})
        )
        if self._db.read_only:
            # Checking and rescuing what is there must not fail for want of a note about it.
            return record
        with self._db.write():
            self._db.execute(
                "INSERT INTO jobs (id, kind, started_by, actor_id, state, owner, started_at, arguments, counts,"
                " error_facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?, '{}', '{}')",
                (
                    record.id,
                    kind,
                    started_by,
                    actor_id,
                    record.state.value,
                    self._owner if isinstance(self._owner, str) else self._owner.token(),
                    epoch_ms(record.started_at),
                    to_json(record.arguments),
                ),
            )
        return record

    def finish(
        self,
        job_id: str,
        state: JobState,
        counts: Mapping[str, int] | None = None,
        error_code: str | None = None,
        error_facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write down how a run ended."""
        if self._db.read_only:
            return
        with self._db.write():
            self._db.execute(
                "UPDATE jobs SET state = ?, ended_at = ?, counts = COALESCE(?, counts), error_code = ?,"
                " error_facts = ? WHERE id = ?",
                (
                    state.value,
                    epoch_ms(utc_now()),
                    None if counts is None else to_json(dict(counts)),
                    error_code,
                    to_json(dict(error_facts or {})),
                    job_id,
                ),
            )

    def drop(self, job_id: str) -> None:
        """Take a run away that is not worth remembering, with its lines."""
        with self._db.write():
            self._db.execute("DELETE FROM job_items WHERE job_id = ?", (job_id,))
            self._db.execute("DELETE FROM jobs WHERE id = ?", (job_id,))

    def get(self, job_id: str) -> JobRecord | None:
        """Return a run."""
        row = self._db.row(f"SELECT {_COLUMNS} FROM jobs WHERE id = ?", (job_id,))  # noqa: S608 - our own text
        return _job_of(row) if row else None

    def list(self, limit: int = 50, kind: str | None = None) -> list[JobRecord]:
        """Return runs, newest first."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM jobs WHERE ? IS NULL OR kind = ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - our own text
            (kind, kind, limit),
        )
        return [_job_of(row) for row in rows]

    def with_arguments(self, arguments: Mapping[str, Any], limit: int) -> JobRecords:
        """Return the runs that were started with exactly these, newest first."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM jobs WHERE arguments = ? ORDER BY number DESC LIMIT ?",  # noqa: S608 - our own text
            (to_json(dict(arguments)), limit),
        )
        return [_job_of(row) for row in rows]

    def page(
        self,
        kinds: Sequence[str] | None,
        states: Sequence[JobState] | None,
        since: datetime | None,
        upto: datetime | None,
        limit: int,
    ) -> JobRecords:
        """Return runs that began from ``since`` to ``upto``, newest first; ``None`` means all."""
        clauses: list[str] = ["1"]
        values: list[Any] = []
        if kinds is not None:
            clauses.append(f"kind IN ({', '.join('?' * len(kinds))})")
            values += list(kinds)
        if states is not None:
            clauses.append(f"state IN ({', '.join('?' * len(states))})")
            values += [state.value for state in states]
        for clause, moment_ in (("started_at >= ?", since), ("started_at <= ?", upto)):
            if moment_ is not None:
                clauses.append(clause)
                values.append(epoch_ms(moment_))
        rows = self._db.rows(
            f"SELECT {_COLUMNS} FROM jobs WHERE {' AND '.join(clauses)} ORDER BY started_at DESC, number DESC LIMIT ?",  # noqa: S608 - our own text
            (*values, limit),
        )
        return [_job_of(row) for row in rows]

    def unfinished(self, kind: str, arguments: Mapping[str, Any] | None = None) -> JobRecord | None:
        """Return the newest run of a kind if it was cancelled, failed or interrupted: what a new one continues.

        With ``arguments`` only a run that was started with exactly these.
        """
        wanted = None if arguments is None else to_json(dict(arguments))
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM jobs WHERE kind = ? AND state <> 'running' AND (? IS NULL OR arguments = ?)"  # noqa: S608 - our own text
            " ORDER BY number DESC LIMIT 1",
            (kind, wanted, wanted),
        )
        found = _job_of(row) if row else None
        return found if found is not None and found.state is not JobState.SUCCEEDED else None

    def interrupt_dead(self, is_alive: Callable[[str], bool]) -> int:
        """Mark runs as interrupted whose process is gone; return how many."""
        with self._db.read():
            rows = self._db.rows("SELECT id, owner FROM jobs WHERE state = 'running'")
            dead = [row[0] for row in rows if not is_alive(row[1])]
        for job_id in dead:
            self.finish(job_id, JobState.INTERRUPTED)
        return len(dead)

    def add_items(self, job_id: str, items: Sequence[JobItem]) -> None:
        """Write down what became of files; inside the transaction that catalogued them."""
        now = epoch_ms(utc_now())
        with self._db.write():
            self._db.execute_many(
                f"INSERT INTO job_items (job_id, {_ITEM_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own text
                [
                    (
                        job_id,
                        item.path,
                        item.status,
                        item.size,
                        item.mtime_ns,
                        item.image_id,
                        item.patient_id,
                        item.code,
                        to_json(item.facts),
                        item.similar_to,
                        now,
                    )
                    for item in items
                ],
            )

    def items(self, job_id: str, limit: int = 1000, offset: int = 0) -> JobItems:
        """Return what a run did with each file, in order."""
        rows = self._db.rows(
            f"SELECT {_ITEM_COLUMNS} FROM job_items WHERE job_id = ? ORDER BY number LIMIT ? OFFSET ?",  # noqa: S608 - our own text
            (job_id, limit, offset),
        )
        return [_item_of(row) for row in rows]

    def item_of(self, job_id: str, path: str, size: int, mtime_ns: int) -> JobItem | None:
        """Return what a run did with this very file, if it finished it."""
        row = self._db.row(
            f"SELECT {_ITEM_COLUMNS} FROM job_items WHERE job_id = ? AND path = ? AND size = ? AND mtime_ns = ?"  # noqa: S608 - our own text
            " ORDER BY number DESC LIMIT 1",
            (job_id, path, size, mtime_ns),
        )
        return _item_of(row) if row else None


@sound
def _job_of(row: Row) -> JobRecord:
    return JobRecord(
        id=row[0],
        kind=row[1],
        started_by=row[2],
        actor_id=row[3],
        state=JobState(row[4]),
        started_at=moment(row[5]),
        ended_at=moment_or_none(row[6]),
        arguments=json.loads(row[7]),
        counts=json.loads(row[8]),
        error_code=row[9],
        error_facts=json.loads(row[10]),
        number=row[11],
    )


@sound
def _item_of(row: Row) -> JobItem:
    return JobItem(
        path=row[0],
        status=row[1],
        size=row[2],
        mtime_ns=row[3],
        image_id=row[4],
        patient_id=row[5],
        code=row[6],
        facts=json.loads(row[7]),
        similar_to=row[8],
    )
