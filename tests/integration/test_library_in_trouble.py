"""Libraries that cannot be written or whose catalogue is damaged or gone: refused or read, never replaced."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.core.paths import LibraryPaths
from app.domain.patient import PatientDraft
from app.storage import database as database_module
from app.storage.database import Database
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph

REPO = Path(__file__).resolve().parents[2]
QUIET = JobContext.silent()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A closed library with one patient and one image."""
    folder = tmp_path / "library"
    with open_library(folder, create=True) as library:
        library.settings.set(library.owner(), "storage.reserve_bytes", "0")
        source = radiograph(tmp_path / "in" / "a.dcm", 1)
        library.imports.run(library.owner(), ImportArgs((source,)), QUIET, lambda _item: None)
    return folder


def bitewing(root: Path, *arguments: object, full: bool = False) -> tuple[int, Any]:
    """Run a command; ``full`` lets no file grow, as on a full disk."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))) if full else None
    done = subprocess.run(
        [sys.executable, "-m", "app", *map(str, arguments), "--json", "--library", str(root)],
        cwd=REPO,
        env={**os.environ, "XDG_STATE_HOME": str(root.parent / "state")},
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=limit,
    )
    return done.returncode, json.loads(done.stdout) if done.stdout else None


@pytest.mark.parametrize("left", [None, b""])
@pytest.mark.parametrize("create", [True, False])
def test_images_without_a_catalogue_are_not_a_new_library(root: Path, left: bytes | None, create: bool) -> None:
    paths = LibraryPaths(root)
    paths.database.unlink()
    if left is not None:
        paths.database.write_bytes(left)
    with pytest.raises(EnvironmentFault) as caught:
        open_library(root, create=create)
    assert (caught.value.code, caught.value.facts) == ("library.catalogue_lost", {"path": str(root)})
    assert paths.database.exists() == (left is not None)
    code, document = bitewing(root, "list", "images")
    assert (code, document["error"]["code"]) == (1, "library.catalogue_lost")


def test_an_empty_folder_and_a_half_made_library_are_new(tmp_path: Path) -> None:
    for half in (False, True):
        folder = tmp_path / str(half)
        if half:
            LibraryPaths(folder).make()
            LibraryPaths(folder).database.touch()
        with open_library(folder, create=True) as library:
            assert library.patients.page(library.owner(), None, 10) == []


def test_a_damaged_catalogue_is_read_and_not_written(root: Path, tmp_path: Path) -> None:
    paths = LibraryPaths(root)
    database = Database(paths.database)
    page = database.value("SELECT rootpage FROM sqlite_master WHERE name = 'file_intents'")
    database.close()
    data = bytearray(paths.database.read_bytes())
    data[(page - 1) * 4096 : page * 4096] = b"\x55" * 4096
    paths.database.write_bytes(data)
    with pytest.raises(EnvironmentFault, match=r"database\.corrupt"):
        open_library(root, create=True)
    with open_library(root, create=False) as library:
        owner = library.owner()
        assert library.store.database.read_only == "database.corrupt"
        assert len(library.images.list(owner)) == 1
        assert library.check.run(owner, True, QUIET).database == "damaged"
        assert library.export.everything(owner, tmp_path / "rescued", QUIET).images == 1
        with pytest.raises(EnvironmentFault, match=r"database\.corrupt"):
            library.patients.add(owner, PatientDraft("Roe", "Rick", "18"))
    assert paths.database.read_bytes() == bytes(data)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on files there")
def test_a_full_disk_can_still_be_read(root: Path) -> None:
    code, images = bitewing(root, "list", "images", full=True)
    assert (code, len(images)) == (0, 1)
    code, report = bitewing(root, "check", full=True)
    assert (code, report["images"], report["database"]) == (0, 1, "ok")


@pytest.mark.parametrize("leftover_wal", [False, True])
def test_a_library_that_cannot_be_written_is_read(root: Path, leftover_wal: bool) -> None:
    paths = LibraryPaths(root)
    if leftover_wal:
        paths.database.with_name("bitewing.db-wal").touch()
    reading = Database(paths.database, read_only="disk.read_only")
    assert reading.value("SELECT COUNT(*) FROM images") == 1
    with pytest.raises(EnvironmentFault, match=r"disk\.read_only"), reading.write():
        reading.execute("DELETE FROM settings")
    reading.close()
    assert not paths.database.with_name("bitewing.db-shm").exists()


def test_an_input_output_error_on_a_full_disk_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(LibraryPaths(root).database)
    monkeypatch.setattr(database_module, "free_bytes", lambda _folder: 0)
    assert [database._cause_of(code) for code in ("disk.failed", "database.corrupt")] == [
        "disk.full",
        "database.corrupt",
    ]
    database.close()
