"""The history of backups to Google Drive: begun, under way, arrived and proven, failed, deleted again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.clock import epoch_ms
from app.storage.database import Database, Row
from app.storage.rows import moment, moment_or_none, sound

_COLUMNS = (
    "id, started_at, finished_at, file_name, remote_id, bytes, images, contents, encrypted, sha256, md5, state,"
    " code, started_by, workstation"
)


class UploadState(StrEnum):
    """How an upload stands; a ``WAITING`` one goes on where it stopped."""

    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class DriveRecord:
    """One backup on its way, there, or not. ``file_name`` is empty when no archive was made."""

    id: str
    started_at: datetime
    finished_at: datetime | None
    file_name: str
    remote_id: str | None
    bytes: int
    images: int
    contents: str
    encrypted: bool
    sha256: str
    md5: str
    state: UploadState
    code: str | None
    started_by: str
    workstation: str


class DriveBackups:
    """The history of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, record: DriveRecord) -> None:
        """Write one down."""
        with self._db.write():
            self._db.execute(
                f"INSERT INTO drive_backups ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own text
                (
                    record.id,
                    epoch_ms(record.started_at),
                    None if record.finished_at is None else epoch_ms(record.finished_at),
                    record.file_name,
                    record.remote_id,
                    record.bytes,
                    record.images,
                    record.contents,
                    int(record.encrypted),
                    record.sha256,
                    record.md5,
                    record.state.value,
                    record.code,
                    record.started_by,
                    record.workstation,
                ),
            )

    def set_state(
        self,
        backup_id: str,
        state: UploadState,
        *,
        code: str | None = None,
        remote_id: str | None = None,
        finished_at: datetime | None = None,
    ) -> None:
        """Say how one stands now; ``remote_id`` and ``finished_at`` are kept when they are ``None``."""
        with self._db.write():
            self._db.execute(
                "UPDATE drive_backups SET state = ?, code = ?, remote_id = COALESCE(?, remote_id),"
                " finished_at = COALESCE(?, finished_at) WHERE id = ?",
                (state.value, code, remote_id, None if finished_at is None else epoch_ms(finished_at), backup_id),
            )

    def list(self, limit: int = 200) -> list[DriveRecord]:
        """Return the newest, newest first in the order they were begun, not by clock."""
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM drive_backups ORDER BY number DESC LIMIT ?", (limit,))  # noqa: S608 - our own text
        return [_record_of(row) for row in rows]

    def last(self, state: UploadState | None = None) -> DriveRecord | None:
        """Return the one begun last, of all or of those in a state; what was deleted again does not count."""
        row = self._db.row(
            f"SELECT {_COLUMNS} FROM drive_backups WHERE state <> 'deleted' AND state = COALESCE(?, state)"  # noqa: S608 - our own text
            " ORDER BY number DESC LIMIT 1",
            (None if state is None else state.value,),
        )
        return _record_of(row) if row else None


@sound
def _record_of(row: Row) -> DriveRecord:
    return DriveRecord(
        id=row[0],
        started_at=moment(row[1]),
        finished_at=moment_or_none(row[2]),
        file_name=row[3],
        remote_id=row[4],
        bytes=row[5],
        images=row[6],
        contents=row[7],
        encrypted=bool(row[8]),
        sha256=row[9],
        md5=row[10],
        state=UploadState(row[11]),
        code=row[12],
        started_by=row[13],
        workstation=row[14],
    )
