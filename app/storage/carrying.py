"""What a restored catalogue takes over from the one it replaces: the audit log's later rows, and sealed secrets.

The log is append-only across a restore: what was done after the backup stays written down (ARCHITECTURE, Audit).
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import peewee

from app.core.clock import utc_now
from app.core.errors import EnvironmentFault
from app.domain.audit import GENESIS, chain_hash
from app.storage.audit import entry_of
from app.storage.database import Database, Row
from app.storage.outbox import OPEN
from app.storage.publications import Publications

log = logging.getLogger(__name__)

# More than any time in milliseconds, size in bytes or count that a library holds; SQLite's integers go further.
_MOST = 1 << 45
_AUDIT = "writer, sequence, at, actor_id, action, entity, entity_id, outcome, details, previous, hash"


@dataclass(frozen=True, slots=True)
class Carried:
    """How much was taken over.

    ``diverged`` names writers whose two chains do not fit together, ``unreadable`` what the old one could not give.
    """

    entries: int = 0
    secrets: int = 0
    diverged: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


class _Garbled(Exception):
    """The old catalogue gives something that cannot be right."""


@dataclass(slots=True)
class _Tally:
    entries: int = 0
    secrets: int = 0
    diverged: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def carry_over(restored: Database, present: Path, library_id: str) -> Carried:
    """Take over from the catalogue at ``present`` what the restored one must not lose.

    Nothing is taken from another library's catalogue. From a damaged one every part is taken that can be read.

    Raises
    ------
    EnvironmentFault
        ``disk.full``, … of the restored catalogue; never for what the old one is like.
    """
    tally = _Tally()
    with restored.write():
        # What was sent, moved or called back since the backup is not known here: everything is asked for anew.
        restored.execute("UPDATE copies SET is_stale = 1")
        restored.execute("UPDATE destinations SET filled_rank = 0 WHERE enabled = 1")
    with contextlib.ExitStack() as stack:
        try:
            old = stack.enter_context(
                contextlib.closing(sqlite3.connect(f"{present.absolute().as_uri()}?mode=ro", uri=True))
            )
            found = old.execute("SELECT id FROM library").fetchone()
        except sqlite3.Error:
            return Carried(unreadable=tuple(_PARTS))
        if found is None or found[0] != library_id:
            return Carried()
        for name, part in _PARTS.items():
            with _left_out_when_garbled(name, tally), restored.write():
                part(restored, old, tally)
    return Carried(tally.entries, tally.secrets, tuple(tally.diverged), tuple(tally.unreadable))


@contextlib.contextmanager
def _left_out_when_garbled(name: str, tally: _Tally) -> Iterator[None]:
    try:
        yield
    except _Garbled:
        log.warning("restoring: %s of the damaged catalogue cannot be taken over", name)
        tally.unreadable.append(name)


def _read(old: sqlite3.Connection, sql: str, *values: object) -> tuple[list[str], list[Row]]:
    try:
        cursor = old.execute(sql, values)
        return [item[0] for item in cursor.description], cursor.fetchall()
    except sqlite3.Error as error:
        raise _Garbled from error


def _write_rows(restored: Database, sql: str, rows: list[Row]) -> None:
    try:
        restored.execute_many(sql, rows)
    except (sqlite3.IntegrityError, peewee.IntegrityError) as error:
        # The schema's own rules refuse it: what was read is not what was written.
        raise _Garbled from error


def _carry_audit(restored: Database, old: sqlite3.Connection, tally: _Tally) -> None:
    entries, diverged = 0, []
    for writer, sequence, digest in _read(old, "SELECT writer, sequence, hash FROM audit_heads")[1]:
        if not (isinstance(writer, str) and isinstance(sequence, int) and isinstance(digest, str)):
            raise _Garbled
        head = restored.row("SELECT sequence, hash FROM audit_heads WHERE writer = ?", (writer,)) or (0, None)
        if head[0] >= sequence:
            continue
        fits = "SELECT 1 FROM audit WHERE writer = ? AND sequence = ? AND hash = ?"
        if head[1] is not None and not _read(old, fits, writer, *head)[1]:
            diverged.append(writer)
            continue
        rows = _read(
            old,
            f"SELECT {_AUDIT} FROM audit WHERE writer = ? AND sequence > ? ORDER BY sequence",  # noqa: S608 - our own text
            writer,
            head[0],
        )[1]
        _require_chained(rows, head[1] or GENESIS, sequence - head[0])
        _write_rows(restored, f"INSERT INTO audit ({_AUDIT}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
        restored.execute(
            "INSERT INTO audit_heads (writer, sequence, hash) VALUES (?, ?, ?)"
            " ON CONFLICT (writer) DO UPDATE SET sequence = excluded.sequence, hash = excluded.hash",
            (writer, sequence, digest),
        )
        entries += len(rows)
    tally.entries, tally.diverged = entries, diverged


def _require_chained(rows: list[Row], previous: str, count: int) -> None:
    """See that entries are whole and follow one another, so that the log holds after they were added."""
    if len(rows) != count:
        raise _Garbled
    for row in rows:
        try:
            entry = entry_of(row)
            fits = entry.previous == previous and entry.hash == chain_hash(previous, entry)
        except (EnvironmentFault, ValueError, TypeError) as error:
            raise _Garbled from error
        if not fits:
            raise _Garbled
        previous = entry.hash


def _carry_secrets(restored: Database, old: sqlite3.Connection, tally: _Tally) -> None:
    secrets = _read(old, "SELECT name, sealed, updated_at FROM secrets")[1]
    _write_rows(restored, "INSERT OR REPLACE INTO secrets (name, sealed, updated_at) VALUES (?, ?, ?)", secrets)
    tally.secrets = len(secrets)


def _carry_rows(table: str, known_row: str = "IGNORE") -> _Part:
    """Return what takes over the rows of a table that the backup could not know yet, by number.

    With ``REPLACE`` also those that it knew as they were then.
    """

    def carry(restored: Database, old: sqlite3.Connection, _tally: _Tally) -> None:
        known = {row[1] for row in restored.rows(f"PRAGMA table_info({table})")}
        if not _read(old, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table)[1]:
            # An earlier program's catalogue.
            return
        names, rows = _read(old, f"SELECT * FROM {table}")  # noqa: S608 - our own names
        rows = [row for row in rows if all(_is_likely(name, value) for name, value in zip(names, row, strict=True))]
        if set(names) <= known:
            places = ", ".join("?" * len(names))
            _write_rows(
                restored,
                f"INSERT OR {known_row} INTO {table} ({', '.join(names)}) VALUES ({places})",  # noqa: S608 - our own names
                rows,
            )

    return carry


def _carry_public(restored: Database, old: sqlite3.Connection, tally: _Tally) -> None:
    """Take over what is public now, and what was taken back since the backup: nobody else knows where it lies.

    Its queue comes along; what the backup had queued then is done or overtaken. The schema's triggers keep the dates.
    What the restored catalogue has deleted, or given to somebody else, is called back.
    """
    if not _read(old, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'publications'")[1]:
        return
    restored.execute(f"DELETE FROM outbox WHERE substr(destination, 1, 7) = 'public.' AND state IN {OPEN}")  # noqa: S608
    _carry_rows("publications", "REPLACE")(restored, old, tally)
    for table, skipped in (("copies", ()), ("outbox", ("number",))):
        names, rows = _read(
            old,
            f"SELECT * FROM {table} WHERE substr(destination, 1, 7) = 'public.'"  # noqa: S608 - our own names
            + (f" AND state IN {OPEN} ORDER BY number" if table == "outbox" else ""),
        )
        kept = [number for number, name in enumerate(names) if name not in skipped]
        if not set(names) <= {row[1] for row in restored.rows(f"PRAGMA table_info({table})")}:
            # A newer program's catalogue.
            continue
        if not all(_is_likely(name, value) for row in rows for name, value in zip(names, row, strict=True)):
            raise _Garbled
        _write_rows(
            restored,
            f"INSERT OR REPLACE INTO {table} ({', '.join(names[place] for place in kept)})"  # noqa: S608
            f" VALUES ({', '.join('?' * len(kept))})",
            [tuple(row[place] for place in kept) for row in rows],
        )
    restored.execute(
        "INSERT OR IGNORE INTO destinations (name, kind, enabled) SELECT DISTINCT destination, 'public', 0"
        " FROM publications"
    )
    Publications(restored).call_back_strays(utc_now())


def _is_likely(name: str, value: object) -> bool:
    """Whether a value can be one that was written: times within a thousand years of 1970, counts of no more."""
    if value is None or isinstance(value, str):
        return not name.endswith("_at") or value is None
    return isinstance(value, int) and abs(value) < _MOST


_Part = Callable[[Database, sqlite3.Connection, _Tally], None]
_PARTS: dict[str, _Part] = {
    "audit": _carry_audit,
    "secrets": _carry_secrets,
    "backups": _carry_rows("backups"),
    "drills": _carry_rows("drills"),
    "drive": _carry_rows("drive_backups"),
    # What was given out, or called back, since the backup: it lies somewhere, or must not any more.
    "shares": _carry_rows("shares", "REPLACE"),
    "public": _carry_public,
}
