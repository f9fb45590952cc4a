"""The catalogue's two doors, ``read()`` and ``write()``, and the connection behind each thread.

``write`` is BEGIN IMMEDIATE: a deferred transaction that turns into a writer fails at once with
"database is locked", whatever the timeout (RELIABILITY, fact 8). No file or network I/O inside it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import peewee

from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.core.files import free_bytes
from app.storage.faults import database_fault, is_garbled
from app.storage.turns import Turns

BUSY_TIMEOUT_MS = 10_000
_CACHE_KIB = 16 * 1024
_BACKUP_PAGES = 256
_BACKUP_PAUSE_S = 0.05
_OPEN_TRIES = 40
_OPEN_PAUSE_S = 0.05
# Statements SQLite keeps compiled per connection; the catalogue uses about a hundred.
_KEPT_STATEMENTS = 256
# synchronous=FULL: NORMAL loses committed rows at a power cut (RELIABILITY, fact 9).
_PRAGMAS = (
    ("busy_timeout", BUSY_TIMEOUT_MS),
    ("journal_mode", "wal"),
    ("synchronous", "full"),
    ("foreign_keys", 1),
    ("cache_size", -_CACHE_KIB),
    ("temp_store", "memory"),
)
_READING_PRAGMAS = (
    ("busy_timeout", BUSY_TIMEOUT_MS),
    ("query_only", 1),
    ("cache_size", -_CACHE_KIB),
    ("temp_store", "memory"),
)
# Less is as good as nothing: the shared memory beside a WAL alone takes 32 KiB.
_NO_ROOM_BYTES = 64 * 1024

Row = tuple[Any, ...]


class _Connection(sqlite3.Connection):
    """A connection that can be found again for closing, without being kept alive."""

    __slots__ = ("__weakref__",)


class _ThreadEnd:
    """Closes a connection when its thread ends: kept in a thread's own storage, which goes with the thread."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    def __del__(self) -> None:
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


class _Sqlite(peewee.SqliteDatabase):
    """peewee's SQLite database that remembers the connections of all threads, and ends each with its thread.

    A connection is part of a cycle, so that the garbage collector alone would close it, some time or never.
    """

    def __init__(self, path: Path, *, read_only: bool) -> None:
        self._own = threading.local()
        self.open_connections: weakref.WeakSet[_Connection] = weakref.WeakSet()
        self.connections_lock = threading.Lock()
        super().__init__(
            _reading_uri(path) if read_only else str(path),
            uri=read_only,
            pragmas=_READING_PRAGMAS if read_only else _PRAGMAS,
            autoconnect=False,
            timeout=BUSY_TIMEOUT_MS / 1000,
            check_same_thread=False,
            factory=_Connection,
            cached_statements=_KEPT_STATEMENTS,
        )

    def _connect(self) -> _Connection:
        connection: _Connection = super()._connect()  # type: ignore[misc]
        with self.connections_lock:
            self.open_connections.add(connection)
        self._own.end = _ThreadEnd(connection)
        return connection


class Database:
    """One library's catalogue. Any thread; a connection per thread, closed when the thread ends.

    Reads outside a transaction see what is committed when the statement runs, since every statement is read
    to its end at once; inside ``write()`` they see the transaction's own changes too.

    Parameters
    ----------
    read_only
        The code of why nothing may be written (``database.corrupt``, ``disk.full``, …): the file is opened
        without touching its folder, and whoever tries to write gets this code.
    """

    def __init__(self, path: Path, *, read_only: str | None = None) -> None:
        self.path = path
        self.read_only = read_only
        # peewee is untyped where it matters here.
        self._engine: Any = _Sqlite(path, read_only=read_only is not None)
        self._turns = Turns()
        self._ended = threading.local()
        self._closed = False
        self._translating = _Translating(self._fault_of)
        self._noting_the_end = _Translating(self._fault_that_ends)

    @property
    def engine(self) -> peewee.Database:
        """peewee's database, for its query builder."""
        engine: peewee.Database = self._engine
        return engine

    @property
    def in_write(self) -> bool:
        """Whether this thread is inside ``write()``."""
        return bool(self._engine.in_transaction())

    @contextmanager
    def read(self) -> Iterator[None]:
        """Make sure that this thread has a connection. Cheap; may be nested, also inside ``write()``."""
        self._connect()
        yield

    @contextmanager
    def write(self) -> Iterator[None]:
        """Run the block as one transaction; inside another ``write()`` it joins that one.

        Raises
        ------
        TransientFault
            ``database.locked`` when somebody else writes for longer than ten seconds.
        EnvironmentFault
            ``disk.full``, ``database.corrupt``, …; nothing of the block is stored then.
        """
        self._connect()
        if self.read_only is not None or self._engine.in_transaction():
            # Where nothing can be written the block may still read; its first change is refused.
            yield
            return
        if not self._turns.take(BUSY_TIMEOUT_MS / 1000):
            raise TransientFault("database.locked")
        try:
            with self._translating, self._engine.atomic("IMMEDIATE"):
                yield
                self._require_transaction()
        finally:
            self._turns.give()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads of the block see the catalogue as of the first one. No ``write()`` inside."""
        self._connect()
        if self.in_write:
            yield
            return
        connection = self._engine.connection()
        with self._translating:
            connection.execute("BEGIN")
        try:
            yield
        finally:
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Run one statement with ``?`` parameters.

        Raises
        ------
        EnvironmentFault
            ``disk.full``, …; again for every further statement of a block whose transaction that ended.
        """
        if self._engine.is_closed():
            self._connect()
        self._require_transaction()
        # Past peewee, which wraps each cursor and each error: every list and every queue waits for this line.
        with self._noting_the_end:
            cursor: sqlite3.Cursor = self._engine.connection().execute(sql, [storable(value) for value in parameters])
        return cursor

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement for every row; only inside ``write()``."""
        if self.read_only is not None:
            raise EnvironmentFault(self.read_only)
        if not self.in_write:
            raise RuntimeError("execute_many outside write()")
        self._require_transaction()
        with self._noting_the_end:
            self._engine.connection().executemany(sql, ([storable(value) for value in row] for row in rows))

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """Return all rows of a query."""
        cursor = self.execute(sql, parameters)
        with self._noting_the_end:
            found: list[Row] = cursor.fetchall()
        return found

    def row(self, sql: str, parameters: Sequence[Any] = ()) -> Row | None:
        """Return the first row of a query, or ``None``."""
        found = self.rows(sql, parameters)
        return found[0] if found else None

    def value(self, sql: str, parameters: Sequence[Any] = ()) -> Any:
        """Return the first column of the first row, or ``None``."""
        found = self.row(sql, parameters)
        return found[0] if found else None

    def quick_check(self) -> bool:
        """Whether the file's structure is sound (without comparing indices with their tables)."""
        return self._check("PRAGMA quick_check(1)")

    def integrity_check(self) -> bool:
        """Whether file, tables and indices are sound; reads everything."""
        return self._check("PRAGMA integrity_check(1)") and not self.rows("PRAGMA foreign_key_check")

    def _check(self, pragma: str) -> bool:
        try:
            return bool(self.value(pragma) == "ok")
        except EnvironmentFault as error:
            if error.code != "database.corrupt":
                raise
            return False

    def backup_to(self, target: Path) -> None:
        """Copy the catalogue as of now into the new file ``target`` (a plain copy would miss the WAL).

        Raises
        ------
        EnvironmentFault
            ``disk.full``, ``database.corrupt`` when the copy does not pass its check.
        """
        self._connect()
        copy = sqlite3.connect(target, isolation_level=None)
        try:
            with self._translating:
                self._engine.connection().backup(copy, pages=_BACKUP_PAGES, sleep=_BACKUP_PAUSE_S)
                copy.execute("PRAGMA journal_mode=delete")
                sound = copy.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok"
        except BaseException:
            copy.close()
            target.unlink(missing_ok=True)
            raise
        copy.close()
        if not sound:
            target.unlink(missing_ok=True)
            raise EnvironmentFault("database.corrupt")

    def close_thread(self) -> None:
        """Close this thread's connection; it is opened again when needed."""
        if not self._engine.is_closed():
            self._engine.close()

    def close(self) -> None:
        """Close every thread's connection for good; no thread may be working with them."""
        self._closed = True
        self.close_thread()
        with self._engine.connections_lock:
            left = list(self._engine.open_connections)
            self._engine.open_connections.clear()
        for connection in left:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def _require_transaction(self) -> None:
        """Refuse to go on when SQLite ended the transaction that this thread's block believes to be in."""
        if self._has_lost_its_transaction():
            raise EnvironmentFault(getattr(self._ended, "by", "database.failed"))

    def _fault_that_ends(self, error: Exception) -> BitewingError | None:
        """Translate, and remember the fault by which SQLite ended a transaction (a full disk does that)."""
        fault = self._fault_of(error)
        told = fault or error
        if isinstance(told, EnvironmentFault) and self._has_lost_its_transaction():
            self._ended.by = told.code
        return fault

    def _fault_of(self, error: Exception) -> BitewingError | None:
        """Translate; what SQLite calls an I/O error is mostly a full disk or a folder closed to writing."""
        fault = error if isinstance(error, BitewingError) else fault_of(error)
        if not isinstance(fault, EnvironmentFault):
            return fault
        code = self._cause_of(fault.code)
        return fault if code == fault.code else EnvironmentFault(code)

    def _cause_of(self, code: str) -> str:
        if self.read_only is not None and code == "disk.read_only":
            return self.read_only
        if code not in {"disk.failed", "database.failed"}:
            return code
        folder = self.path.parent
        with contextlib.suppress(OSError):
            if free_bytes(folder) < _NO_ROOM_BYTES:
                return "disk.full"
        return code if os.access(folder, os.W_OK) else "disk.read_only"

    def _has_lost_its_transaction(self) -> bool:
        return self.in_write and not self._engine.connection().in_transaction

    def _connect(self) -> None:
        if not self._engine.is_closed():
            return
        if self._closed:
            raise RuntimeError("the catalogue is closed")
        for attempt in range(_OPEN_TRIES):
            try:
                with self._translating:
                    self._engine.connect()
                return
            except TransientFault:
                # Turning a new file into a WAL one does not wait for another process doing the same.
                if attempt == _OPEN_TRIES - 1:
                    raise
                time.sleep(_OPEN_PAUSE_S)


def _reading_uri(path: Path) -> str:
    """Return how SQLite opens a file for reading alone.

    ``immutable`` needs no files beside it, which could not be made in a full or closed folder, and would
    miss what a WAL still holds.
    """
    wal = path.with_name(f"{path.name}-wal")
    try:
        has_wal = wal.stat().st_size > 0
    except OSError:
        has_wal = False
    return f"{path.absolute().as_uri()}?mode=ro{'' if has_wal else '&immutable=1'}"


def storable(value: Any) -> Any:
    """Return a value as SQLite takes it: what is no Unicode in a text becomes ``\\udcXX``.

    Names of files may hold any bytes, which Python carries as lone surrogates. Searched for and stored in
    the same form, such a name is found again; inside JSON it even comes back as it was.
    """
    if not isinstance(value, str) or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def fault_of(error: Exception) -> BitewingError | None:
    """Return what SQLite's or peewee's error means; ``None`` for a programming error, and for anybody else's."""
    return database_fault(error) if isinstance(error, peewee.PeeweeException | sqlite3.Error) else None


class _Translating:
    """Raises what SQLite and peewee raise inside as the program's own errors. May be entered by many threads at once.

    Not made from a generator: that would take longer than most of the statements that go through it.
    """

    __slots__ = ("_fault_of",)

    def __init__(self, fault_of: Callable[[Exception], BitewingError | None]) -> None:
        self._fault_of = fault_of

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception):
            return
        fault = self._fault_of(error)
        if fault is not None and fault is not error:
            # What quotes a damaged text must never reach a log.
            raise fault from (None if is_garbled(error) else error)


def translated() -> _Translating:
    """Return a block that raises what SQLite and peewee raise inside as the program's own errors."""
    return _Translating(fault_of)
