"""Turns what SQLite and peewee raise into the program's own errors.

Programming errors (bad SQL, broken constraints) stay what they are: they are ours to fix.
"""

from __future__ import annotations

import sqlite3

import peewee

from app.core.errors import BitewingError, EnvironmentFault, TransientFault

_RETRY_AFTER_S = 2.0
_BY_NUMBER = {
    sqlite3.SQLITE_FULL: "disk.full",
    sqlite3.SQLITE_CORRUPT: "database.corrupt",
    sqlite3.SQLITE_NOTADB: "database.corrupt",
    sqlite3.SQLITE_READONLY: "disk.read_only",
    sqlite3.SQLITE_CANTOPEN: "database.failed",
    sqlite3.SQLITE_PERM: "disk.permission",
    sqlite3.SQLITE_IOERR: "disk.failed",
    sqlite3.SQLITE_NOMEM: "database.failed",
}
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


def database_fault(error: Exception) -> BitewingError | None:
    """Return the fault that ``error`` means, or ``None`` when it is a programming error."""
    cause = _sqlite_error(error)
    if cause is None:
        return None
    # Extended codes keep the primary one in their low byte.
    number = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    if number in _BUSY:
        return TransientFault("database.locked", _RETRY_AFTER_S)
    code = _BY_NUMBER.get(number)
    return EnvironmentFault(code) if code else None


def _sqlite_error(error: BaseException | None) -> sqlite3.Error | None:
    """Find SQLite's own error inside peewee's."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, sqlite3.Error):
            return error
        inner = error.args[0] if isinstance(error, peewee.PeeweeException) and error.args else None
        error = inner if isinstance(inner, BaseException) else error.__cause__ or error.__context__
    return None
