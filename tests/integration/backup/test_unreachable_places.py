"""Places of backups that cannot even be asked about hold none now: nothing ends with a traceback for it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.backup import folder_reading
from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.paths import LibraryPaths
from app.domain.roles import owner
from app.services.backup_note import noted_backups, noted_library_id

OWNER, QUIET = owner("test"), JobContext.silent()


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that answers like a dead mount or another account's: with an error, not with "no"."""
    place = tmp_path / "dead"
    stat = Path.stat

    def refusing(self: Path, **options: bool):
        if self.is_relative_to(place):
            raise PermissionError(13, "Permission denied", str(self))
        return stat(self, **options)

    monkeypatch.setattr(Path, "stat", refusing)
    return place


def test_a_note_that_points_there(clinic: Path, dead: Path) -> None:
    paths = LibraryPaths(clinic)
    with open_library(clinic, create=False) as library:
        record = library.backups.create(OWNER, clinic.parent / "a.zip", QUIET).record
        document = json.loads(paths.backup_note.read_bytes())
        document["backups"][0]["path"] = str(dead / "a.zip")
        paths.backup_note.write_text(json.dumps(document))
        assert noted_backups(paths) == []
        library.store.database.execute("UPDATE backups SET path = ?", (str(dead / "a.zip"),))
        [listed] = library.backups.list(OWNER)
        assert (listed.id, listed.state.value) == (record.id, "missing")


def test_a_backup_folder_there(dead: Path) -> None:
    assert folder_reading.snapshots_of(dead) == []


@pytest.mark.parametrize(
    "change",
    [{"created_at": "2026-01-01T00:00:00"}, {"path": 5}, {"path": "x" * 5000}],
    ids=["naive", "number", "endless"],
)
def test_notes_that_nobody_wrote_so(clinic: Path, change: dict[str, object]) -> None:
    paths = LibraryPaths(clinic)
    with open_library(clinic, create=False) as library:
        library.backups.create(OWNER, clinic.parent / "a.zip", QUIET)
    document = json.loads(paths.backup_note.read_bytes())
    document["backups"][0].update(change)
    paths.backup_note.write_text(json.dumps(document))
    assert noted_backups(paths) == []
    assert noted_library_id(paths) is not None
