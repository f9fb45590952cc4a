"""Which backups were made and how they stand, and when restoring was last tried."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.core.clock import epoch_ms
from app.storage.database import Database, Row
from app.storage.rows import moment, moment_or_none, sound, to_json

_COLUMNS = "id, path, form, contents, created_at, verified_at, bytes, images, encrypted, state, started_by"


class BackupState(StrEnum):
    """How a backup stands; ``FOUND`` ones lie in a backup folder and were never verified here."""

    GOOD = "good"
    DAMAGED = "damaged"
    MISSING = "missing"
    DELETED = "deleted"
    FOUND = "found"


@dataclass(frozen=True, slots=True)
class BackupRecord:
    """One backup; ``path`` is a zip, or a snapshot in a backup folder."""

    id: str
    path: str
    form: str
    contents: str
    created_at: datetime
    verified_at: datetime | None
    bytes: int
    images: int
    encrypted: bool
    state: BackupState = BackupState.GOOD
    started_by: str = "user"


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """One trial of restoring."""

    at: datetime
    backup_path: str
    backup_created_at: datetime
    rows: int
    files: int
    different: int
    ok: bool
    code: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)


class Backups:
    """The backups of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, record: BackupRecord) -> None:
        """Write a backup down."""
        with self._db.write():
            self._db.execute(
                f"INSERT INTO backups ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own text
                (
                    record.id,
                    record.path,
                    record.form,
                    record.contents,
                    epoch_ms(record.created_at),
                    None if record.verified_at is None else epoch_ms(record.verified_at),
                    record.bytes,
                    record.images,
                    int(record.encrypted),
                    record.state.value,
                    record.started_by,
                ),
            )

    def set_state(self, backup_id: str, state: BackupState, verified_at: datetime | None = None) -> None:
        """Say how a backup stands now; ``verified_at`` is kept when it is ``None``."""
        with self._db.write():
            self._db.execute(
                "UPDATE backups SET state = ?, verified_at = COALESCE(?, verified_at) WHERE id = ?",
                (state.value, None if verified_at is None else epoch_ms(verified_at), backup_id),
            )

    def list(self) -> list[BackupRecord]:
        """Return every backup that was not deleted, newest first in the order they were made, not by clock."""
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM backups WHERE state <> 'deleted' ORDER BY number DESC")  # noqa: S608 - our own text
        return [_record_of(row) for row in rows]

    def at_path(self, path: str) -> BackupRecord | None:
        """Return the newest backup written down for a place."""
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM backups WHERE path = ? AND state <> 'deleted' ORDER BY number DESC LIMIT 1",  # noqa: S608 - our own text
            (path,),
        )
        return _record_of(row) if row else None

    def add_drill(self, drill: DrillRecord) -> None:
        """Write a trial of restoring down."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO drills (at, backup_path, backup_created_at, rows, files, different, ok, code, facts)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    epoch_ms(drill.at),
                    drill.backup_path,
                    epoch_ms(drill.backup_created_at),
                    drill.rows,
                    drill.files,
                    drill.different,
                    int(drill.ok),
                    drill.code,
                    to_json(dict(drill.facts)),
                ),
            )

    def last_drill(self, *, only_good: bool = False) -> DrillRecord | None:
        """Return the last trial of restoring."""
        row = self._db.row(
            "SELECT at, backup_path, backup_created_at, rows, files, different, ok, code, facts FROM drills"
            " WHERE ok = 1 OR ? = 0 ORDER BY number DESC LIMIT 1",
            (int(only_good),),
        )
        return None if row is None else _drill_of(row)


@sound
def _record_of(row: Row) -> BackupRecord:
    return BackupRecord(
        id=row[0],
        path=row[1],
        form=row[2],
        contents=row[3],
        created_at=moment(row[4]),
        verified_at=moment_or_none(row[5]),
        bytes=row[6],
        images=row[7],
        encrypted=bool(row[8]),
        state=BackupState(row[9]),
        started_by=row[10],
    )


@sound
def _drill_of(row: Row) -> DrillRecord:
    facts: Mapping[str, Any] = json.loads(row[8])
    return DrillRecord(
        at=moment(row[0]),
        backup_path=row[1],
        backup_created_at=moment(row[2]),
        rows=row[3],
        files=row[4],
        different=row[5],
        ok=bool(row[6]),
        code=row[7],
        facts=dict(facts),
    )
