"""Whether a catalogue that came from elsewhere has our schema alone: nothing in it that acts by itself but our own.

A trigger or a view that somebody added would run with the next change of a row.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from app.storage.database import Database, translated
from app.storage.migrating import known_migrations

_ACTING = frozenset({"trigger", "view"})


def odd_parts_of(copy: Path, work: Path) -> list[str]:
    """Return the names of tables, triggers and views that our schema of the same number does not have just so.

    ``work`` is a new file for a catalogue to compare with; it is removed again. A schema that is newer than the
    program cannot be judged and gives nothing: it is refused by its number.

    Raises
    ------
    EnvironmentFault
        ``database.corrupt``, ``disk.full``, …
    """
    with translated(), contextlib.closing(_opened(copy)) as connection:
        number = int(connection.execute("PRAGMA user_version").fetchone()[0])
        found = _parts(connection)
    scripts = known_migrations()
    if number > scripts[-1].number:
        return []
    ours = Database(work)
    try:
        with ours.write():
            for script in scripts:
                if script.number <= number:
                    script.load().up(ours.execute)
    finally:
        ours.close()
    with translated(), contextlib.closing(_opened(work)) as connection:
        expected = _parts(connection)
    for suffix in ("", "-wal", "-shm"):
        work.with_name(work.name + suffix).unlink(missing_ok=True)
    return sorted(name for (kind, name), sql in found.items() if _is_odd(kind, name, sql, expected))


def _is_odd(kind: str, name: str, sql: str, expected: dict[tuple[str, str], str]) -> bool:
    if kind in _ACTING:
        return expected.get((kind, name)) != sql
    # What the runner itself makes, and SQLite's own.
    is_known = (kind, name) in expected or name in {"schema_history"} or name.startswith("sqlite_")
    return kind == "table" and not is_known


def _parts(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    rows = connection.execute("SELECT type, name, COALESCE(sql, '') FROM sqlite_master")
    return {(row[0], row[1]): row[2] for row in rows}


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
