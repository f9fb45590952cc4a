"""Clinic settings and sealed secrets as stored: keys and values, nothing of their meaning."""

from __future__ import annotations

import json
from typing import Any

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database
from app.storage.rows import to_json


class Settings:
    """The clinic's settings. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> dict[str, Any]:
        """Return every stored value by key."""
        return {row[0]: json.loads(row[1]) for row in self._db.rows("SELECT key, value FROM settings ORDER BY key")}

    def get(self, key: str) -> Any:
        """Return one stored value, ``None`` when it was never set."""
        text = self._db.value("SELECT value FROM settings WHERE key = ?", (key,))
        return None if text is None else json.loads(text)

    def set(self, key: str, value: Any) -> None:
        """Store a value that JSON can hold."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO settings (key, value, updated_at) VALUES (?, ?, ?)"
                " ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
                (key, to_json(value), epoch_ms(utc_now())),
            )

    def remove(self, key: str) -> None:
        """Forget a value: its default holds again."""
        with self._db.write():
            self._db.execute("DELETE FROM settings WHERE key = ?", (key,))


class SealedSecrets:
    """Secrets sealed with the library's key (SEC-15); sealing itself is ``core.secrets``'. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def names(self) -> list[str]:
        """Return the names of stored secrets."""
        return [row[0] for row in self._db.rows("SELECT name FROM secrets ORDER BY name")]

    def get(self, name: str) -> str | None:
        """Return a sealed value."""
        sealed = self._db.value("SELECT sealed FROM secrets WHERE name = ?", (name,))
        return None if sealed is None else str(sealed)

    def set(self, name: str, sealed: str) -> None:
        """Store a sealed value."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO secrets (name, sealed, updated_at) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at",
                (name, sealed, epoch_ms(utc_now())),
            )

    def remove(self, name: str) -> None:
        """Forget a secret."""
        with self._db.write():
            self._db.execute("DELETE FROM secrets WHERE name = ?", (name,))
