"""What a restored catalogue takes over from the one it replaces: the audit log's later rows, and sealed secrets.

The log is append-only across a restore: what was done after the backup stays written down (ARCHITECTURE, Audit).
"""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from app.storage.database import Database, translated

_AUDIT = "writer, sequence, at, actor_id, action, entity, entity_id, outcome, details, previous, hash"


@dataclass(frozen=True, slots=True)
class Carried:
    """How much was taken over; ``diverged`` names writers whose two chains do not fit together."""

    entries: int = 0
    secrets: int = 0
    diverged: tuple[str, ...] = ()


def carry_over(restored: Database, present: Path, library_id: str) -> Carried:
    """Take over from the catalogue at ``present`` what the restored one must not lose.

    Nothing is taken from another library's catalogue, nor from one that cannot be read.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{present.absolute().as_uri()}?mode=ro", uri=True)) as old:
            found = old.execute("SELECT id FROM library").fetchone()
            if found is None or found[0] != library_id:
                return Carried()
            with translated(), restored.write():
                return _carry(restored, old)
    except sqlite3.Error:
        return Carried()


def _carry(restored: Database, old: sqlite3.Connection) -> Carried:
    entries, diverged = 0, []
    for writer, sequence, digest in old.execute("SELECT writer, sequence, hash FROM audit_heads").fetchall():
        head = restored.row("SELECT sequence, hash FROM audit_heads WHERE writer = ?", (writer,)) or (0, None)
        if head[0] >= sequence:
            continue
        if (
            head[1] is not None
            and not old.execute(
                "SELECT 1 FROM audit WHERE writer = ? AND sequence = ? AND hash = ?", (writer, *head)
            ).fetchone()
        ):
            diverged.append(writer)
            continue
        rows = old.execute(
            f"SELECT {_AUDIT} FROM audit WHERE writer = ? AND sequence > ? ORDER BY sequence",  # noqa: S608 - our own text
            (writer, head[0]),
        ).fetchall()
        restored.execute_many(f"INSERT INTO audit ({_AUDIT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
        restored.execute(
            "INSERT INTO audit_heads (writer, sequence, hash) VALUES (?, ?, ?)"
            " ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
            (writer, sequence, digest),
        )
        entries += len(rows)
    secrets = old.execute("SELECT name, sealed, updated_at FROM secrets").fetchall()
    restored.execute_many("INSERT OR REPLACE INTO secrets (name, sealed, updated_at) VALUES (?, ?, ?)", secrets)
    for table in ("backups", "drills"):
        _carry_rows(restored, old, table)
    return Carried(entries, len(secrets), tuple(diverged))


def _carry_rows(restored: Database, old: sqlite3.Connection, table: str) -> None:
    """Take over rows that the backup could not know yet, by number."""
    known = {row[1] for row in restored.rows(f"PRAGMA table_info({table})")}
    cursor = old.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
    names = [item[0] for item in cursor.description]
    if not set(names) <= known:
        return
    places = ", ".join("?" * len(names))
    restored.execute_many(
        f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608 - our own names
        cursor.fetchall(),
    )
