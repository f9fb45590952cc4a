"""A whole library through a backup and back: every row of every table and every file, compared (issue 3, item 3)."""

from __future__ import annotations

import hashlib
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.roles import owner
from app.domain.treatment import TreatmentDraft
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library
from app.sync.report import ImportArgs
from tests.integration.crash.driver import PlainExaminer

ACTOR, QUIET = owner("test"), JobContext.silent()
FILES, BYTES = 60, 20_000
LONG_FILES, LONG_BYTES = 5_000, 400_000
# What the program notes of its own running goes on after a restore, and secrets are in no backup.
_GOES_ON = frozenset({"jobs", "job_items", "change_log", "events", "state", "schedule_runs", "secrets", "backups"})
# The restore itself is written down there.
_GROWS = frozenset({"audit", "audit_heads"})


def _fill(root: Path, source: Path, files: int, each: int) -> None:
    source.mkdir()
    chance = random.Random(5)
    for number in range(files):
        size = chance.randint(each // 2, each * 3 // 2)
        (source / f"{number:05}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chance.randbytes(size))
    with open_library(root, create=True, examiner=PlainExaminer()) as library:
        library.imports.run(ACTOR, ImportArgs((source,)), QUIET)
        images = library.images.list(ACTOR)
        for number in range(0, len(images), 10):
            theirs = [image.id for image in images[number : number + 3]]
            library.treatments.add(ACTOR, images[0].patient_id, TreatmentDraft(f"Filling {number}"), theirs)
        library.images.delete(ACTOR, [image.id for image in images[:5]])
    shutil.rmtree(source)


def _rows(library: Library) -> dict[str, list[tuple]]:
    database = library.store.database
    tables = [row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {
        table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr)
        for table in tables
        if table not in _GOES_ON and not table.startswith("sqlite_")
    }


def _files(root: Path) -> dict[str, str]:
    found = {}
    for place in ("dental_images", "inbox", "quarantine"):
        for path in (root / place).rglob("*"):
            if path.is_file():
                with path.open("rb") as stream:
                    found[path.relative_to(root).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
    return found


@pytest.mark.parametrize("form", ["whole.zip", "folder/"])
def test_every_row_and_every_file_comes_back(tmp_path: Path, form: str, long_run: bool) -> None:
    root, new = tmp_path / "library", tmp_path / "new" / "library"
    files, each = (LONG_FILES, LONG_BYTES) if long_run else (FILES, BYTES)
    _fill(root, tmp_path / "source", files, each)
    with open_library(root, create=False) as library:
        before = _rows(library)
        report = library.backups.create(ACTOR, f"{tmp_path}/{form}", QUIET)
        backup = Path(report.record.path)
    wanted = _files(root)
    shutil.rmtree(root)
    new.parent.mkdir()
    with closing(open_archive(backup)) as archive:
        restore_library(ACTOR, RestoreArgs(new, archive), QUIET)
    got = _files(new)
    size = sum(path.stat().st_size for path in new.rglob("*") if path.is_file())
    print(f"{form}: {len(got)} files, {size / 1e9:.2f} GB, {sum(map(len, before.values()))} rows")
    assert len(wanted) == files
    assert got == wanted
    with open_library(new, create=False) as library:
        after = _rows(library)
        assert after.keys() == before.keys()
        assert library.store.audit.verify().holds
    for table, rows in before.items():
        if table in _GROWS:
            assert len(after[table]) >= len(rows)
        else:
            assert after[table] == rows, table
    # The log goes on where it was: nothing of it is gone.
    assert set(before["audit"]) <= set(after["audit"])
