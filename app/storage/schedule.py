"""On which local dates runs were begun: a date is claimed in a transaction, so that two processes make one run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database


class ScheduleRuns:
    """Claimed dates of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def is_claimed(self, task: str, day: date) -> bool:
        """Whether a date's run was begun, or is counted as done."""
        found = self._db.value("SELECT 1 FROM schedule_runs WHERE task = ? AND local_date = ?", (task, day.isoformat()))
        return found is not None

    def claim(self, task: str, days: Sequence[date]) -> bool:
        """Claim the first of ``days`` and count the others as done with it; ``False`` when it is claimed already."""
        with self._db.write():
            if self.is_claimed(task, days[0]):
                return False
            self._db.execute_many(
                "INSERT OR IGNORE INTO schedule_runs (task, local_date, started_at) VALUES (?, ?, ?)",
                [(task, day.isoformat(), epoch_ms(utc_now())) for day in days],
            )
            return True

    def release(self, task: str, days: Sequence[date]) -> None:
        """Give dates back: their run failed and is to be tried again."""
        with self._db.write():
            self._db.execute_many(
                "DELETE FROM schedule_runs WHERE task = ? AND local_date = ?", [(task, day.isoformat()) for day in days]
            )
