"""The ledger of watched folders: which file was handled, recognised by path, size and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database
from app.storage.rows import moment


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


class MonitorFiles:
    """The ledger of one library. Any thread. A folder is named by its path."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def marks(self, folder: str) -> dict[str, tuple[int, int]]:
        """Return size and time of every handled file of a folder, by path."""
        rows = self._db.rows("SELECT path, size, mtime_ns FROM monitor_files WHERE folder = ?", (folder,))
        return {row[0]: (row[1], row[2]) for row in rows}

    def note(self, folder: str, files: Sequence[HandledFile]) -> None:
        """Write down what became of files."""
        now = epoch_ms(utc_now())
        with self._db.write():
            self._db.execute_many(
                "INSERT OR REPLACE INTO monitor_files (folder, path, size, mtime_ns, status, code, image_id, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (folder, file.path, file.size, file.mtime_ns, file.status, file.code, file.image_id, now)
                    for file in files
                ],
            )

    def forget(self, folder: str, paths: Sequence[str]) -> None:
        """Forget files that are not in the folder any more."""
        with self._db.write():
            self._db.execute_many(
                "DELETE FROM monitor_files WHERE folder = ? AND path = ?", [(folder, path) for path in paths]
            )

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
