"""Backups that lie about without being written down are listed, can be verified, and are never rotated away."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.errors import UserError
from app.storage.backups import BackupState

QUIET = JobContext.silent()
PASSWORD = "correct horse battery staple"


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_copied_by_hand_listed_verified_and_kept(clinic: Path, tmp_path: Path, form: str) -> None:
    place = tmp_path / "stick"
    target = str(tmp_path / "a.zip") if form == "zip" else f"{tmp_path / 'first'}/"
    with open_library(clinic, create=False) as library:
        actor = library.owner()
        made = library.backups.create(actor, target, QUIET).record
        if form == "zip":
            place.mkdir()
            copy = Path(shutil.copy(made.path, place / "by-hand.zip"))
        else:
            shutil.copytree(tmp_path / "first", place)
            copy = place / "snapshots" / Path(made.path).name
        library.settings.set(actor, "backup.folder", str(place))
        found = library.backups.list(actor)[-1]
        assert (found.state, found.path, found.created_at) == (BackupState.FOUND, str(copy), made.created_at)
        assert found.verified_at is None
        with pytest.raises(UserError, match=r"backup\.none"):
            library.backups.delete(actor, found.id)
        assert library.backups.verify(actor, copy, QUIET).is_sound
        assert [record.state for record in library.backups.list(actor)] == [BackupState.GOOD] * 2
        library.backups.rotate(actor, 0)
        assert copy.exists()


def test_those_of_other_libraries_and_other_zips_are_not_listed(clinic: Path, tmp_path: Path) -> None:
    place = tmp_path / "stick"
    place.mkdir()
    with open_library(tmp_path / "other", create=True) as other:
        other.backups.create(other.owner(), place / "other.zip", QUIET)
    (place / "holiday.zip").write_bytes(b"PK\x05\x06" + bytes(18))
    with open_library(clinic, create=False) as library:
        library.settings.set(library.owner(), "backup.folder", str(place))
        assert library.backups.list(library.owner()) == []


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_a_sealed_backup_says_outside_not_whose_it_is(clinic: Path, tmp_path: Path, form: str) -> None:
    place = tmp_path / "place"
    place.mkdir()
    target = place / "a.zip" if form == "zip" else f"{place}/"
    with open_library(clinic, create=False) as library:
        library.backups.create(library.owner(), target, QUIET, password=PASSWORD)
    assert not any(b"Nile" in path.read_bytes() for path in place.rglob("*") if path.is_file())


def test_the_same_drive_is_said(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        assert library.backups.create(library.owner(), tmp_path / "a.zip", QUIET).same_volume
