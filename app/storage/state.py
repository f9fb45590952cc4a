"""What the program learned and must remember (where a scrub stands, when something was last seen): keys and values.

Not settings: those are what people chose.
"""

from __future__ import annotations

import json
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database
from app.storage.rows import to_json


class State:
    """Remembered values of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, key: str) -> Any:
        """Return a value, ``None`` when there is none."""
        text = self._db.value("SELECT value FROM state WHERE key = ?", (key,))
        return None if text is None else json.loads(text)

    def remove(self, key: str) -> bool:
        """Forget a value; whether there was one."""
        with self._db.write():
            return bool(self._db.execute("DELETE FROM state WHERE key = ?", (key,)).rowcount)

    def set(self, key: str, value: Any) -> None:
        """Remember a value that JSON can hold."""
        if self._db.read_only:
            return
        with self._db.write():
            self._db.execute(
                "INSERT INTO state (key, value, updated_at) VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                (key, to_json(value), epoch_ms(utc_now())),
            )
