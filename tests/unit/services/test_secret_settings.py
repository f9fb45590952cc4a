"""Secrets among the settings: sealed in the catalogue, never shown, nothing kept where nothing is safe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.errors import EnvironmentFault, UserError
from app.core.secrets import SECRETS_FILE_VARIABLE

SECRET = "correct horse battery staple"


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def test_a_secret_is_sealed_and_never_shown(library: Library) -> None:
    settings, actor = library.settings, library.owner()
    assert settings.set(actor, "backup.password", SECRET) is None
    assert settings.get(actor, "backup.password") is None
    (row,) = [entry for entry in settings.list(actor) if entry.key == "backup.password"]
    assert (row.value, row.is_set) == (None, True)
    assert settings.secret("backup.password") == SECRET
    library.store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert SECRET.encode() not in library.paths.database.read_bytes()


def test_an_empty_secret_is_forgotten(library: Library) -> None:
    settings, actor = library.settings, library.owner()
    settings.set(actor, "backup.password", SECRET)
    settings.set(actor, "backup.password", "")
    assert not settings.has_secret("backup.password")
    assert settings.secret("backup.password") is None


def test_without_a_safe_store_no_secret_is_kept(
    library: Library, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(SECRETS_FILE_VARIABLE)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    with open_library(tmp_path / "other", create=True) as other:
        with pytest.raises(EnvironmentFault) as caught:
            other.settings.set(other.owner(), "backup.password", SECRET)
        assert caught.value.code == "secrets.no_store"
        assert not other.settings.has_secret("backup.password")


@pytest.mark.parametrize("text", ["2:00", "24:00", "02:60", "noon", ""])
def test_times_are_hours_and_minutes(library: Library, text: str) -> None:
    with pytest.raises(UserError) as caught:
        library.settings.set(library.owner(), "backup.time", text)
    assert caught.value.code == "settings.invalid_value"
    assert library.settings.set(library.owner(), "backup.time", "23:59") == "23:59"


def test_folders_are_a_list_in_the_workstations_file(library: Library) -> None:
    folders = [{"path": "/in box", "rule": "dicom", "after": "leave"}]
    library.settings.set_value(library.owner(), "monitor.folders", folders)
    assert library.settings.workstation().monitor_folders == folders
