"""A copy of the catalogue for a backup, without secrets, and what the copy says of itself.

Files are listed from the copy, not from the living catalogue: database and files of a backup then agree.
"""

from __future__ import annotations

import contextlib
import sqlite3
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.storage.database import Database, translated

_COUNTED = ("patients", "images", "treatments")
# What the program notes about its own running, and search indices, which are made from the rest.
_NOTES = frozenset({"jobs", "job_items", "change_log", "events", "state", "schedule_runs", "secrets", "file_intents"})
_INDEX = "patient_search"


@dataclass(frozen=True, slots=True)
class CataloguedFile:
    """A file that the catalogue knows; ``path`` is relative to the library's root."""

    image_id: str
    path: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class CatalogueFacts:
    """What a copied catalogue holds."""

    library_id: str
    schema: int
    counts: dict[str, int]
    heads: tuple[dict[str, Any], ...]


def copy_catalogue(database: Database, target: Path) -> None:
    """Copy the catalogue as it is now to the new file ``target``, overwriting secrets in the copy.

    Raises
    ------
    EnvironmentFault
        ``disk.full``, ``database.corrupt``, …
    """
    database.backup_to(target)
    with translated(), contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy:
        copy.execute("PRAGMA secure_delete = ON")
        copy.execute("DELETE FROM secrets")
    target.chmod(0o600)


def facts_of(copy: Path) -> CatalogueFacts:
    """Return what a copied catalogue says of itself. Raises as :func:`copy_catalogue`."""
    with translated(), contextlib.closing(_opened(copy)) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        counts = {
            name: int(connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0])  # noqa: S608 - our own names
            for name in _COUNTED
            if name in tables
        }
        heads = connection.execute("SELECT writer, sequence, hash FROM audit_heads ORDER BY writer").fetchall()
        return CatalogueFacts(
            library_id=str(connection.execute("SELECT id FROM library").fetchone()[0]),
            schema=int(connection.execute("PRAGMA user_version").fetchone()[0]),
            counts=counts,
            heads=tuple({"writer": row[0], "sequence": row[1], "hash": row[2]} for row in heads),
        )


def files_of(copy: Path) -> Iterator[CataloguedFile]:
    """Yield every file the copied catalogue knows, deleted images and quarantined files included."""
    with translated(), contextlib.closing(_opened(copy)) as connection:
        rows = connection.execute("SELECT id, directory || filename, sha256, size_bytes FROM images ORDER BY rank")
        for row in rows:
            yield CataloguedFile(*row)


def is_sound(copy: Path) -> bool:
    """Whether a catalogue file passes SQLite's whole check."""
    try:
        with contextlib.closing(_opened(copy)) as connection:
            sound = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
            return bool(sound and not connection.execute("PRAGMA foreign_key_check").fetchone())
    except sqlite3.Error:
        return False


def row_counts(copy: Path) -> dict[str, int]:
    """Return the number of rows of every table that clinics fill."""
    with translated(), contextlib.closing(_opened(copy)) as connection:
        return {
            name: int(connection.execute(f"SELECT COUNT(*) FROM {name}").fetchone()[0])  # noqa: S608 - from the schema
            for name in _tables(connection)
        }


def rows_that_differ(copy: Path, living: Database) -> int:
    """Count rows of a copied catalogue that the living one does not have just so: what changed since."""
    different = 0
    with translated(), contextlib.closing(_opened(copy)) as connection:
        for name in _tables(connection):
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            now = {row[1] for row in living.rows(f"PRAGMA table_info({name})")}
            if not set(columns) <= now:
                continue
            sql = f"SELECT {', '.join(columns)} FROM {name}"  # noqa: S608 - from the schema
            present = {hash(row) for row in living.rows(sql)}
            different += sum(hash(row) not in present for row in connection.execute(sql))
    return different


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables whose rows people care for: not SQLite's own, not what the program only notes."""
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [row[0] for row in connection.execute(sql) if row[0] not in _NOTES and not row[0].startswith(_INDEX)]


def library_id_of(database: Path) -> str | None:
    """Return whose library a catalogue is; ``None`` when it cannot say."""
    try:
        with contextlib.closing(sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            found = connection.execute("SELECT id FROM library").fetchone()
            # A damaged one may say anything.
            return None if found is None else str(uuid.UUID(found[0]))
    except (sqlite3.Error, ValueError, TypeError, AttributeError):
        return None


def fold_wal(database: Path) -> None:
    """Bring what a WAL still holds into the catalogue itself; a damaged one is left as it is."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _opened(copy: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
