"""Where a catalogue may not live."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import UserError
from app.core.paths import LibraryPaths
from app.storage import volume
from app.storage.catalogue import open_catalogue

MOUNTS = [
    ("/", "ext4"),
    ("/mnt/share", "cifs"),
    ("/mnt/share/local", "ext4"),
    ("/home", "nfs4"),
    ("/srv", "fuse.sshfs"),
]


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("/var/lib/clinic", False),
        ("/mnt/share/clinic", True),
        ("/mnt/share/local/clinic", False),
        ("/mnt/shared", False),
        ("/home/anna/clinic", True),
        ("/srv", True),
    ],
)
def test_network_drives(folder: str, refused: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(volume, "_linux_mounts", lambda: MOUNTS)
    monkeypatch.setattr(volume.sys, "platform", "linux")
    assert volume.is_network_drive(Path(folder)) is refused


@pytest.mark.parametrize(
    ("folder", "refused"),
    [
        ("/home/anna/Dropbox/clinic", True),
        ("/home/anna/OneDrive - Dental Ltd/clinic", True),
        ("/Users/anna/Library/Mobile Documents/clinic", True),
        ("/home/anna/dropboxes/clinic", False),
        ("/home/anna/clinic", False),
    ],
)
def test_cloud_folders_by_name(folder: str, refused: bool) -> None:
    assert volume.is_cloud_folder(Path(folder)) is refused


def test_cloud_folders_by_marker_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not volume.is_cloud_folder(tmp_path / "clinic")
    (tmp_path / ".dropbox").touch()
    assert volume.is_cloud_folder(tmp_path / "clinic")
    monkeypatch.setenv("OneDrive", "/data/files")
    assert volume.is_cloud_folder(Path("/data/files/clinic"))


def test_a_library_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    root = tmp_path / "Dropbox" / "clinic"
    with pytest.raises(UserError) as caught:
        open_catalogue(LibraryPaths(root), make=True)
    assert caught.value.code == "database.cloud_folder"
    assert not root.exists()


def test_mount_points_with_spaces() -> None:
    assert volume._unescape("/mnt/x\\040ray") == "/mnt/x ray"


def test_this_machine_allows_its_own_disk(tmp_path: Path) -> None:
    volume.require_safe_place(tmp_path)
