"""What a person decides about entries that are parked: to be tried again, or settled as things stand."""

from __future__ import annotations

from datetime import datetime

from app.core.clock import epoch_ms
from app.storage.database import Database
from app.storage.outbox import LEFT_OUT, Entry, Wish

# How it is known that a copy is gone when a person says so.
BY_HAND = "by hand"


class Decisions:
    """Decisions about the queues of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def retry(self, entry: Entry, now: datetime) -> bool:
        """Let a parked entry wait again and its destination be sent to; whether it was parked still."""
        with self._db.write():
            done = self._db.execute(
                "UPDATE outbox SET state = 'waiting', due_at = 0, code = NULL, facts = NULL, changed_at = ?"
                " WHERE number = ? AND state = 'parked'",
                (epoch_ms(now), entry.number),
            ).rowcount
            if done:
                self._db.execute(
                    "UPDATE destinations SET blocked_code = NULL, blocked_facts = NULL WHERE name = ?",
                    (entry.destination,),
                )
            return bool(done)

    def settle(self, entry: Entry, now: datetime) -> bool:
        """Settle a parked entry as things stand; whether it was parked still.

        A recall counts as done: somebody saw to it that the copy is gone, except in public, where only its address
        says so. What was to be sent is not sent, and what lies there stays there.
        """
        at = epoch_ms(now)
        is_recall = entry.wish is Wish.REMOVE
        with self._db.write():
            done = self._db.execute(
                "UPDATE outbox SET state = ?, changed_at = ? WHERE number = ? AND state = 'parked'"
                " AND NOT (wish = 'remove' AND substr(destination, 1, 7) = 'public.')",
                ("confirmed" if is_recall else "cancelled", at, entry.number),
            ).rowcount
            if done and is_recall:
                self._db.execute(
                    "UPDATE copies SET gone_at = ?, how = ? WHERE image_id = ? AND destination = ? AND remote_id = ?",
                    (at, BY_HAND, entry.image_id, entry.destination, entry.remote_id),
                )
            if done and not is_recall:
                # Left out on purpose: no later change of the settings queues it again. Not ours to call back.
                self._db.execute(
                    "INSERT OR IGNORE INTO copies (image_id, destination, remote_id, digest, how, confirmed_at,"
                    " is_foreign) VALUES (?, ?, '', '', ?, ?, 1)",
                    (entry.image_id, entry.destination, LEFT_OUT, at),
                )
            return bool(done)
