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
_AFTERMATH = ("cannot rollback", "cannot commit")
_UNDECODABLE = "Could not decode to UTF-8"
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL})


def database_fault(error: Exception) -> BitewingError | None:
    """Return the fault that ``error`` means, or ``None`` when it is a programming error."""
    cause = _sqlite_error(error)
    if cause is None:
        return None
    if is_garbled(error):
        return EnvironmentFault("database.corrupt")
    if str(cause).startswith(_AFTERMATH):
        # A full disk or a damaged file ends the transaction by itself; peewee's rollback then finds none.
        return _earlier_fault(cause) or EnvironmentFault("database.failed")
    # Extended codes keep the primary one in their low byte.
    number = (getattr(cause, "sqlite_errorcode", None) or 0) & 0xFF
    if number in _BUSY:
        return TransientFault("database.locked", _RETRY_AFTER_S)
    code = _BY_NUMBER.get(number)
    return EnvironmentFault(code) if code else None


def is_garbled(error: Exception) -> bool:
    """Whether a stored text is no Unicode any more. Such an error quotes the text: it must never reach a log."""
    return str(_sqlite_error(error)).startswith(_UNDECODABLE)


def _earlier_fault(aftermath: BaseException) -> BitewingError | None:
    """Return what really happened before a rollback that had nothing left to roll back."""
    earlier = aftermath.__context__
    while earlier is not None:
        if isinstance(earlier, BitewingError):
            return earlier
        if isinstance(earlier, sqlite3.Error | peewee.PeeweeException):
            found = database_fault(earlier)
            if found is not None:
                return found
        earlier = earlier.__context__
    return None


def _sqlite_error(error: BaseException | None) -> sqlite3.Error | None:
    """Find SQLite's own error inside peewee's."""
    if isinstance(error, peewee.PeeweeException):
        error = getattr(error, "orig", None) or error.__cause__ or error.__context__
    return error if isinstance(error, sqlite3.Error) else None
