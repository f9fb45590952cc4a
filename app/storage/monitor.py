"""The ledger of watched folders: which file was handled, recognised by path, size and times.

A file that is gone is no longer recognised, yet its line stays a while: it counts for today and in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database
from app.storage.rows import moment

# How long a line stays whose file is gone.
_KEPT_GONE = timedelta(days=92)
_COLUMNS = "folder, path, size, mtime_ns, ctime_ns, status, code, image_id, at"


@dataclass(frozen=True, slots=True)
class HandledFile:
    """What became of one file of a watched folder."""

    path: str
    size: int
    mtime_ns: int
    status: str
    code: str | None = None
    image_id: str | None = None
    at: datetime | None = None
    ctime_ns: int = 0


class MonitorFiles:
    """The ledger of one library. Any thread. A folder is named by its path."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def marks(self, folder: str) -> dict[str, tuple[int, int, int]]:
        """Return size, time and change time (0: unknown) of every handled file that is still there, by path."""
        rows = self._db.rows(
            "SELECT path, size, mtime_ns, ctime_ns FROM monitor_files WHERE folder = ? AND gone = 0", (folder,)
        )
        return {row[0]: (row[1], row[2], row[3]) for row in rows}

    def note(self, folder: str, files: Sequence[HandledFile]) -> None:
        """Write down what became of files. One that turns out to be the image it was before keeps its history."""
        now = epoch_ms(utc_now())
        with self._db.write():
            self._db.execute_many(
                f"INSERT INTO monitor_files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - our own text
                " ON CONFLICT (folder, path) DO UPDATE SET size = excluded.size, mtime_ns = excluded.mtime_ns,"
                " ctime_ns = excluded.ctime_ns, gone = 0, image_id = excluded.image_id,"
                f" status = {_unless_same('status')}, code = {_unless_same('code')}, at = {_unless_same('at')}",
                [
                    (
                        folder,
                        file.path,
                        file.size,
                        file.mtime_ns,
                        file.ctime_ns,
                        file.status,
                        file.code,
                        file.image_id,
                        now,
                    )
                    for file in files
                ],
            )

    def forget(self, folder: str, paths: Sequence[str]) -> None:
        """Recognise files no more that left the folder, and drop the lines of those that left long ago."""
        with self._db.write():
            self._db.execute_many(
                "UPDATE monitor_files SET gone = 1 WHERE folder = ? AND path = ?", [(folder, path) for path in paths]
            )
            long_ago = epoch_ms(utc_now() - _KEPT_GONE)
            self._db.execute("DELETE FROM monitor_files WHERE folder = ? AND gone = 1 AND at < ?", (folder, long_ago))

    def count_since(self, folder: str, since: datetime, statuses: Sequence[str]) -> int:
        """Return how many files ended with one of ``statuses`` since a moment."""
        places = ", ".join("?" * len(statuses))
        return int(
            self._db.value(
                f"SELECT COUNT(*) FROM monitor_files WHERE folder = ? AND at >= ? AND status IN ({places})",  # noqa: S608 - our own text
                (folder, epoch_ms(since), *statuses),
            )
        )

    def recent(self, folder: str, limit: int = 200) -> list[HandledFile]:
        """Return what was handled last, newest first."""
        rows = self._db.rows(
            "SELECT path, size, mtime_ns, status, code, image_id, at FROM monitor_files WHERE folder = ?"
            " ORDER BY at DESC LIMIT ?",
            (folder, limit),
        )
        return [
            HandledFile(path, size, mtime_ns, status, code, image_id, moment(at))
            for path, size, mtime_ns, status, code, image_id, at in rows
        ]


def _unless_same(column: str) -> str:
    """Return SQL that keeps a column where a file was only touched and is the image that it was."""
    return (
        "CASE WHEN excluded.status = 'duplicate' AND excluded.image_id IS monitor_files.image_id"
        f" THEN monitor_files.{column} ELSE excluded.{column} END"
    )
