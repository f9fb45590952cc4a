"""Schema scripts: applied once, together or not at all, after a copy; newer schemas refused."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from pathlib import Path

import pytest

from app.core.errors import EnvironmentFault
from app.storage import migrating
from app.storage.database import Database
from app.storage.migrating import known_migrations, migrate, schema_number

SECOND = """
def up(execute):
    execute("ALTER TABLE patients ADD COLUMN nickname TEXT NOT NULL DEFAULT ''")
"""
FAILING = """
def up(execute):
    execute("ALTER TABLE patients ADD COLUMN nickname TEXT NOT NULL DEFAULT ''")
    execute("DROP TABLE images")
    raise ValueError("half way")
"""
DANGLING = """
def up(execute):
    execute("UPDATE patients SET merged_into = 'nobody'")
"""
PATIENT = (
    "INSERT INTO patients (id, family_name, given_name, chart_number, sex, phone, notes, sort_name, name_words,"
    " folded_chart, created_at, updated_at) VALUES ('p', 'a', 'b', '', '', '', '', 'a b', 'a b', '', 1, 1)"
)


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    """The first script alone: what comes after it is each test's own."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    shutil.copy(known_migrations()[0].path, folder)
    return folder


@pytest.fixture
def database(tmp_path: Path, scripts: Path):
    opened = Database(tmp_path / "bitewing.db")
    migrate(opened, scripts)
    opened.execute(PATIENT)
    yield opened
    opened.close()


def _columns(database: Database) -> set[str]:
    return {row[1] for row in database.rows("PRAGMA table_info(patients)")}


def test_a_new_file_gets_everything_and_no_copy(tmp_path: Path) -> None:
    newest = known_migrations()[-1].number
    database = Database(tmp_path / "new.db")
    assert migrate(database) == list(range(1, newest + 1))
    assert schema_number(database) == newest
    assert database.value("SELECT COUNT(*) FROM schema_history") == newest
    assert list(tmp_path.glob("*.before-*")) == []
    assert database.integrity_check()
    database.close()


def test_the_first_schema_becomes_the_newest_with_its_rows(database: Database) -> None:
    numbers = [script.number for script in known_migrations()]
    assert migrate(database) == numbers[1:]
    assert schema_number(database) == numbers[-1]
    assert database.value("SELECT id FROM patients") == "p"
    assert database.integrity_check()


def test_nothing_to_do_the_second_time(database: Database, scripts: Path) -> None:
    assert migrate(database, scripts) == []


def test_the_next_script_runs_after_a_copy(database: Database, scripts: Path, tmp_path: Path) -> None:
    (scripts / "0002_nickname.py").write_text(SECOND)
    assert migrate(database, scripts) == [2]
    assert "nickname" in _columns(database)
    assert database.value("PRAGMA foreign_keys") == 1
    copy = sqlite3.connect(tmp_path / "bitewing.db.before-2")
    assert copy.execute("SELECT id FROM patients").fetchall() == [("p",)]
    assert copy.execute("PRAGMA user_version").fetchone() == (1,)
    copy.close()


def test_the_copy_is_durable_before_anything_changes(
    database: Database, scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (scripts / "0002_nickname.py").write_text(SECOND)

    def broken(folder: Path) -> None:
        assert (folder / "bitewing.db.before-2").is_file()
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(migrating, "fsync_directory", broken)
    with pytest.raises(OSError, match="broken"):
        migrate(database, scripts)
    assert "nickname" not in _columns(database)


@pytest.mark.parametrize("script", [FAILING, DANGLING, "def up(execute):\n    execute('NONSENSE')\n"])
def test_a_failing_script_changes_nothing(database: Database, scripts: Path, script: str) -> None:
    (scripts / "0002_fine.py").write_text(SECOND)
    (scripts / "0003_failing.py").write_text(script)
    before = _columns(database)
    with pytest.raises(EnvironmentFault) as caught:
        migrate(database, scripts)
    assert caught.value.code == "database.migration_failed"
    assert schema_number(database) == 1
    assert _columns(database) == before
    assert database.value("SELECT COUNT(*) FROM images") == 0
    assert database.value("PRAGMA foreign_keys") == 1


def test_a_newer_schema_is_refused_untouched(database: Database, scripts: Path) -> None:
    database.execute("PRAGMA user_version = 99")
    with pytest.raises(EnvironmentFault) as caught:
        migrate(database, scripts)
    assert caught.value.code == "database.newer"
    assert caught.value.facts == {"found": 99, "known": 1}


def test_numbers_have_no_gaps_and_no_twins() -> None:
    numbers = [script.number for script in known_migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(("column", "value"), [("sex", "X"), ("id", "p")], ids=["check holds", "ids are unique"])
def test_the_schema_refuses_nonsense(database: Database, column: str, value: str) -> None:
    bad = PATIENT.replace("'p'", "'q'")
    database.execute(bad)
    with pytest.raises(Exception, match=r"CHECK|UNIQUE"):
        database.execute(f"UPDATE patients SET {column} = ? WHERE id = 'q'", (value,))


def test_a_program_built_without_its_scripts_says_so(tmp_path: Path) -> None:
    database = Database(tmp_path / "bitewing.db")
    with pytest.raises(EnvironmentFault) as caught:
        migrate(database, tmp_path)
    assert caught.value.code == "database.migration_failed"
    database.close()
