"""The two doors: transactions, threads, faults in our words."""

from __future__ import annotations

import gc
import os
import random
import sqlite3
import sys
import threading
import time
from pathlib import Path

import pytest

from app.core.clock import utc_now
from app.core.errors import BitewingError, EnvironmentFault, TransientFault
from app.core.paths import LibraryPaths
from app.domain.patient import Patient, Sex
from app.storage import catalogue as catalogue_module
from app.storage import database as database_module
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.database import Database
from app.storage.faults import database_fault
from app.storage.turns import Turns

THREADS, WRITES = 8, 60


@pytest.fixture
def database(tmp_path: Path):
    opened = Database(tmp_path / "plain.db")
    with opened.write():
        opened.execute("CREATE TABLE numbers (value INTEGER NOT NULL)")
    yield opened
    opened.close()


def test_pragmas_hold_on_every_connection(database: Database) -> None:
    def pragmas() -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [database.value(f"PRAGMA {name}") for name in names]

    found: list[list[object]] = [pragmas()]
    thread = threading.Thread(target=lambda: (found.append(pragmas()), database.close_thread()))
    thread.start()
    thread.join()
    assert found == [["wal", 2, 1, 10_000]] * 2


def test_a_failed_block_leaves_nothing(database: Database) -> None:
    with pytest.raises(KeyError), database.write():  # noqa: PT012
        database.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError
    assert database.value("SELECT COUNT(*) FROM numbers") == 0


def test_an_inner_write_joins_the_outer_one(database: Database) -> None:
    with pytest.raises(KeyError), database.write():  # noqa: PT012
        with database.write():
            database.execute("INSERT INTO numbers VALUES (1)")
        raise KeyError
    assert database.value("SELECT COUNT(*) FROM numbers") == 0
    assert not database.in_write


def test_many_rows_only_inside_write(database: Database) -> None:
    with pytest.raises(RuntimeError):
        database.execute_many("INSERT INTO numbers VALUES (?)", [(1,)])


def test_many_threads_read_modify_write_without_one_lock_error(database: Database) -> None:
    with database.write():
        database.execute("INSERT INTO numbers VALUES (0)")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            for _count in range(WRITES):
                with database.write():
                    value = database.value("SELECT value FROM numbers")
                    database.execute("UPDATE numbers SET value = ?", (value + 1,))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)
        finally:
            database.close_thread()

    threads = [threading.Thread(target=work) for _number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert database.value("SELECT value FROM numbers") == THREADS * WRITES


def test_a_locked_catalogue_is_transient(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientFault) as caught, database.write():
        pass
    assert caught.value.code == "database.locked"
    other.close()


def test_a_full_disk_is_said_and_nothing_is_lost(database: Database) -> None:
    pages = database.value("PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(EnvironmentFault) as caught, database.write():  # noqa: PT012
        database.execute("CREATE TABLE big (text TEXT)")
        database.execute_many("INSERT INTO big VALUES (?)", [("x" * 4000,) for _row in range(50)])
    assert caught.value.code == "disk.full"
    assert database.quick_check()


def fill_up(database: Database) -> None:
    """Run into a full disk and go on as if nothing had been; SQLite has ended the transaction by itself then."""
    pages = database.value("PRAGMA page_count")
    database.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(EnvironmentFault, match=r"disk\.full"):
        database.execute_many("INSERT INTO texts VALUES (?)", [("x" * 4000,) for _row in range(50)])


@pytest.mark.parametrize("then", ["execute", "execute_many", "rows", "inner write", "nothing", "another error"])
def test_nothing_is_written_after_sqlite_ended_the_transaction(database: Database, then: str) -> None:
    with database.write():
        database.execute("CREATE TABLE texts (value TEXT)")

    def go_on() -> None:
        if then == "execute":
            database.execute("INSERT INTO numbers VALUES (2)")
        elif then == "execute_many":
            database.execute_many("INSERT INTO numbers VALUES (?)", [(2,)])
        elif then == "rows":
            database.rows("SELECT * FROM numbers")
        elif then == "inner write":
            with database.write():
                database.execute("INSERT INTO numbers VALUES (2)")
        elif then == "another error":
            raise KeyError

    with pytest.raises(EnvironmentFault) as caught, database.write():  # noqa: PT012
        database.execute("INSERT INTO numbers VALUES (1)")
        fill_up(database)
        go_on()
    assert caught.value.code in ({"database.failed"} if then == "another error" else {"disk.full"})
    assert not database.in_write
    assert database.rows("SELECT * FROM numbers") == []
    with database.write():
        database.execute("INSERT INTO numbers VALUES (3)")
    assert database.rows("SELECT * FROM numbers") == [(3,)]


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_short_threads_leave_no_connection_open(database: Database) -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - as it stands at this moment

    def work() -> None:
        with database.write():
            database.execute("INSERT INTO numbers VALUES (1)")

    before = descriptors()
    gc.disable()
    try:
        for _number in range(50):
            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
        assert descriptors() - before <= 5
    finally:
        gc.enable()
    assert database.value("SELECT COUNT(*) FROM numbers") == 50


def test_threads_that_were_there_together_take_their_connections_with_them(database: Database) -> None:
    # Of these SQLite itself keeps a descriptor each, for the next connection, while any other is open.
    barrier = threading.Barrier(9)

    def work() -> None:
        database.value("SELECT COUNT(*) FROM numbers")
        barrier.wait(30)

    threads = [threading.Thread(target=work) for _number in range(8)]
    gc.disable()
    try:
        for thread in threads:
            thread.start()
        barrier.wait(30)
        for thread in threads:
            thread.join()
        held = [connection for connection in database._engine.open_connections if not _is_closed(connection)]
    finally:
        gc.enable()
    assert len(held) == 1


def _is_closed(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return True
    return False


def test_a_file_that_is_no_catalogue(tmp_path: Path) -> None:
    path = tmp_path / "bitewing.db"
    path.write_bytes(b"this is no database" * 1000)
    with pytest.raises(EnvironmentFault) as caught:
        open_catalogue(LibraryPaths(tmp_path))
    assert caught.value.code == "database.corrupt"


def test_damaged_pages_are_found(tmp_path: Path) -> None:
    database = Database(tmp_path / "damaged.db")
    with database.write():
        database.execute("CREATE TABLE texts (value TEXT)")
        database.execute("CREATE INDEX by_value ON texts (value)")
        database.execute_many("INSERT INTO texts VALUES (?)", [(f"{n:0500}",) for n in range(200)])
    database.execute("PRAGMA wal_checkpoint(truncate)")
    database.close()
    data = bytearray(database.path.read_bytes())
    data[4096 * 5 : 4096 * 6] = bytes(4096)
    database.path.write_bytes(data)
    again = Database(database.path)
    assert not again.integrity_check()
    again.close()


def test_damage_is_found_at_the_start_of_all_but_large_libraries(
    paths: LibraryPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = open_catalogue(paths, make=True)
    for number in range(200):
        catalogue.settings.set(f"key {number:0200}", "x")
    catalogue.database.execute("PRAGMA wal_checkpoint(truncate)")
    # A page that a start by itself has no reason to read.
    page = catalogue.database.value("SELECT rootpage FROM sqlite_master WHERE name = 'settings'")
    catalogue.close()
    data = bytearray(paths.database.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = bytes(4096)
    paths.database.write_bytes(data)
    with pytest.raises(EnvironmentFault, match=r"database\.corrupt"):
        open_catalogue(paths, make=True)
    reading = open_catalogue(paths)
    assert reading.database.read_only == "database.corrupt"
    reading.close()
    monkeypatch.setattr(catalogue_module, "_CHECKED_AT_OPEN_BYTES", 0)
    open_catalogue(paths).close()


def test_programming_errors_stay_themselves(database: Database) -> None:
    with pytest.raises(Exception, match="no such table") as caught:
        database.execute("SELECT * FROM nowhere")
    assert database_fault(caught.value) is None


def test_a_backup_holds_what_is_still_in_the_wal(database: Database, tmp_path: Path) -> None:
    with database.write():
        database.execute("INSERT INTO numbers VALUES (7)")
    target = tmp_path / "copy.db"
    database.backup_to(target)
    copy = sqlite3.connect(target)
    assert copy.execute("SELECT value FROM numbers").fetchone() == (7,)
    copy.close()


def test_a_closed_catalogue_says_so_and_leaves_no_wal(database: Database) -> None:
    errors: list[BaseException] = []
    ready, done = threading.Event(), threading.Event()

    def hold() -> None:
        database.value("SELECT COUNT(*) FROM numbers")
        ready.set()
        done.wait(10)
        try:
            database.value("SELECT COUNT(*) FROM numbers")
        except Exception as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait(10)
    database.close()
    done.set()
    thread.join()
    assert len(errors) == 1
    assert not database.path.with_name("plain.db-wal").exists()
    with pytest.raises(RuntimeError):
        database.value("SELECT 1")


def test_two_libraries_in_one_process_do_not_mix(tmp_path: Path) -> None:
    first = open_catalogue(LibraryPaths(tmp_path / "one"), make=True)
    second = open_catalogue(LibraryPaths(tmp_path / "two"), make=True)
    first.settings.set("clinic.name", "One")
    assert second.settings.get("clinic.name") is None
    assert first.library_id != second.library_id
    first.close()
    second.close()


def test_the_library_keeps_its_id(catalogue: Catalogue) -> None:
    again = open_catalogue(catalogue.paths)
    assert again.library_id == catalogue.library_id
    again.close()


def test_opening_many_new_connections_at_once(tmp_path: Path) -> None:
    """Turning a new file into a WAL one does not wait by itself."""
    paths = LibraryPaths(tmp_path / "new")
    paths.make()
    ids, failures = set(), []
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        try:
            catalogue = open_catalogue(paths)
            ids.add(catalogue.library_id)
            catalogue.close()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(ids) == 1
    assert database_module.BUSY_TIMEOUT_MS == 10_000


def test_writers_take_turns_in_the_order_of_asking() -> None:
    turns, order = Turns(), []
    assert turns.take(0)
    assert not turns.take(0.01)
    threads = []
    for number in range(5):

        def work(mine: int = number) -> None:
            assert turns.take(10)
            order.append(mine)
            turns.give()

        thread = threading.Thread(target=work)
        thread.start()
        threads.append(thread)
        while len(turns._waiting) <= number:
            time.sleep(0.001)
    turns.give()
    for thread in threads:
        thread.join()
    assert order == [0, 1, 2, 3, 4]
    assert turns.take(0)


def test_every_damaged_page_is_found_or_was_free(tmp_path: Path, long_run: bool) -> None:
    """A3: whichever page is overwritten, opening and checking tell, and nothing crashes."""
    paths = LibraryPaths(tmp_path / "library")
    whole = open_catalogue(paths, make=True)
    for number in range(500):
        whole.settings.set(f"key {number}", "x" * 500)
    now = utc_now()
    for number in range(60):
        whole.patients.add(Patient(str(number), f"Family{number}", "G", f"{number}", None, Sex.UNKNOWN, "", now, now))
    whole.database.execute("PRAGMA wal_checkpoint(truncate)")
    free = whole.database.value("PRAGMA freelist_count")
    whole.close()
    data = paths.database.read_bytes()
    pages = len(data) // 4096
    tried, missed = range(0, pages, 1 if long_run else 7), 0
    codes: set[str] = set()
    for page in tried:
        damaged = bytearray(data)
        damaged[page * 4096 : (page + 1) * 4096] = random.Random(page).randbytes(4096)
        paths.database.write_bytes(damaged)
        try:
            catalogue = open_catalogue(paths)
        except BitewingError as error:
            codes.add(error.code)
            continue
        missed += catalogue.database.integrity_check()
        catalogue.close()
    assert pages > 100
    assert codes <= {"database.corrupt", "database.newer", "database.migration_failed"}
    assert missed <= free
