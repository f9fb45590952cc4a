"""What is to be called back from a destination that insists on it: never left parked, and due when somebody asks."""

from __future__ import annotations

from datetime import datetime

from app.core.clock import epoch_ms
from app.storage.database import Database


class Recalls:
    """The recalls in the queues of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def is_due(self, destination: str, now: datetime) -> bool:
        """Whether anything might be called back now."""
        return bool(
            self._db.value(
                "SELECT EXISTS (SELECT 1 FROM outbox WHERE destination = ? AND wish = 'remove' AND state = 'waiting'"
                " AND due_at <= ?)",
                (destination, epoch_ms(now)),
            )
        )

    def wake(self, destination: str) -> int:
        """Let parked ones wait again, whoever parked them."""
        with self._db.write():
            return self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0 WHERE destination = ? AND wish = 'remove'"
                " AND state = 'parked'",
                (destination,),
            ).rowcount

    def hurry(self, destination: str) -> None:
        """Let all be due."""
        with self._db.write():
            self._db.execute(
                "UPDATE outbox SET due_at = 0 WHERE destination = ? AND wish = 'remove' AND state = 'waiting'",
                (destination,),
            )

    def postpone(self, destination: str, due: datetime) -> None:
        """Let none be due before: what kept one from being called back keeps all."""
        at = epoch_ms(due)
        with self._db.write():
            self._db.execute(
                "UPDATE outbox SET due_at = ? WHERE destination = ? AND wish = 'remove'"
                " AND state IN ('waiting', 'sending') AND due_at < ?",
                (at, destination, at),
            )
