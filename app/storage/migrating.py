"""Brings a catalogue's schema up to what this program knows: all pending scripts in one transaction.

The file is copied before anything changes; when a script fails, the catalogue is as it was.
"""

from __future__ import annotations

import importlib.util
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from app.core.clock import epoch_ms, utc_now
from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import fsync_directory
from app.storage.database import Database

log = logging.getLogger(__name__)

FOLDER = Path(__file__).parent / "migrations"
_SCRIPT = re.compile(r"(\d{4})_\w+\.py")
_HISTORY = """
CREATE TABLE IF NOT EXISTS schema_history (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
)"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered script with a function ``up(execute)``."""

    number: int
    path: Path

    def load(self) -> ModuleType:
        """Run the script at its path, beside the import system: frozen programs ship it as data."""
        spec = importlib.util.spec_from_file_location(f"bitewing_migration_{self.number}", self.path)
        if spec is None or spec.loader is None:
            raise EnvironmentFault("database.migration_failed", number=self.number)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


def known_migrations(folder: Path = FOLDER) -> list[Migration]:
    """Return the scripts of ``folder`` in order."""
    matches = [(match, path) for path in folder.glob("*.py") if (match := _SCRIPT.fullmatch(path.name))]
    return sorted((Migration(int(match[1]), path) for match, path in matches), key=lambda item: item.number)


def schema_number(database: Database) -> int:
    """Return the number of the last script that was applied; 0 for an empty file."""
    return int(database.value("PRAGMA user_version"))


def migrate(database: Database, folder: Path = FOLDER) -> list[int]:
    """Apply what is pending and return the numbers of the scripts.

    Raises
    ------
    EnvironmentFault
        ``database.newer`` (facts ``found``, ``known``) or ``database.migration_failed``.
    """
    scripts = known_migrations(folder)
    if not scripts:
        # A frozen program that was built without its scripts.
        raise EnvironmentFault("database.migration_failed", number=0)
    found, known = schema_number(database), scripts[-1].number
    if found == known:
        return []
    if found > known:
        raise EnvironmentFault("database.newer", found=found, known=known)
    # A script that rebuilds a table must not trip over references; they are checked before the commit.
    database.execute("PRAGMA foreign_keys = 0")
    try:
        return _apply(database, scripts)
    finally:
        database.execute("PRAGMA foreign_keys = 1")


def _apply(database: Database, scripts: list[Migration]) -> list[int]:
    done = []
    with database.write():
        # Another process may have been first while this one waited for the lock.
        found = schema_number(database)
        if found > scripts[-1].number:
            raise EnvironmentFault("database.newer", found=found, known=scripts[-1].number)
        pending = [script for script in scripts if script.number > found]
        if found and pending:
            _copy_aside(database, found)
        database.execute(_HISTORY)
        for script in pending:
            _run(database, script)
            done.append(script.number)
    log.info("schema is now %d", scripts[-1].number)
    return done


def _run(database: Database, script: Migration) -> None:
    up: Callable[[Callable[..., object]], None] = script.load().up
    try:
        up(database.execute)
    except BitewingError:
        raise
    except Exception as error:
        # A script may fail in any way; the transaction undoes what it did.
        raise EnvironmentFault("database.migration_failed", number=script.number) from error
    if database.rows("PRAGMA foreign_key_check"):
        raise EnvironmentFault("database.migration_failed", number=script.number)
    database.execute(
        "INSERT INTO schema_history (number, name, applied_at) VALUES (?, ?, ?)",
        (script.number, script.path.stem, epoch_ms(utc_now())),
    )
    # PRAGMA takes no parameters; the number is our own.
    database.execute(f"PRAGMA user_version = {script.number:d}")


def _copy_aside(database: Database, found: int) -> None:
    """Copy the file as it is before the change, once per schema, readable by its owner alone."""
    target = database.path.with_name(f"{database.path.name}.before-{found + 1}")
    if target.exists():
        return
    before = Database(database.path)
    partial = target.with_name(f"{target.name}.part")
    partial.unlink(missing_ok=True)
    try:
        before.backup_to(partial)
    finally:
        before.close()
    partial.chmod(0o600)
    partial.replace(target)
    fsync_directory(target.parent)
