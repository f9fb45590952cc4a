"""Where a catalogue may live: not on network drives, not in folders that a cloud service synchronises.

WAL needs shared memory between processes of one computer (RELIABILITY E2), and a synchroniser copies
half-written databases (E3).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.core.errors import UserError

_NETWORK_TYPES = frozenset(
    {
        *("nfs", "nfs3", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afpfs", "afs", "ncpfs", "webdav", "davfs"),
        *("fuse.sshfs", "fuse.davfs2", "fuse.rclone", "fuse.s3fs", "fuse.gvfsd-fuse", "fuse.glusterfs", "fuse.ceph"),
        *("glusterfs", "ceph", "lustre", "beegfs", "ocfs2", "gfs2"),
    }
)
_CLOUD_NAMES = ("onedrive", "dropbox", "google drive", "googledrive", "icloud drive", "mobile documents", "nextcloud")
_CLOUD_MARKERS = (".dropbox", ".dropbox.cache", ".owncloudsync.log", ".sync_nextcloud.db", ".stfolder")
_CLOUD_VARIABLES = ("OneDrive", "OneDriveConsumer", "OneDriveCommercial")
_DRIVE_REMOTE = 4


def require_safe_place(folder: Path) -> None:
    """Refuse a folder in which SQLite would lose data.

    Raises
    ------
    UserError
        ``database.network_drive`` or ``database.cloud_folder`` with the path.
    """
    resolved = folder.resolve()
    if is_network_drive(resolved):
        raise UserError("database.network_drive", path=str(folder))
    if is_cloud_folder(resolved):
        raise UserError("database.cloud_folder", path=str(folder))


def is_network_drive(folder: Path) -> bool:
    """Whether the folder lies on another computer's disk, as far as the system tells."""
    platform = sys.platform
    if platform == "win32":
        return _is_remote_windows(folder)
    mounts = _linux_mounts() if platform == "linux" else _other_mounts()
    return _type_from_mounts(folder, mounts) in _NETWORK_TYPES


def is_cloud_folder(folder: Path) -> bool:
    """Whether a known synchroniser looks after the folder: by name, marker file or environment."""
    places = (folder, *folder.parents)
    named = any(_is_cloud_name(place.name) for place in places)
    marked = any((place / marker).exists() for place in places for marker in _CLOUD_MARKERS)
    known = (os.environ.get(variable) for variable in _CLOUD_VARIABLES)
    inside = any(folder.is_relative_to(Path(path)) for path in known if path)
    return named or marked or inside


def _is_cloud_name(name: str) -> bool:
    lowered = name.lower()
    return any(lowered == word or lowered.startswith((f"{word} - ", f"{word}-")) for word in _CLOUD_NAMES)


def _type_from_mounts(folder: Path, mounts: Iterable[tuple[str, str]]) -> str:
    """Return the file system type of the deepest mount point above ``folder``; later mounts hide earlier ones."""
    best, found = -1, ""
    for point, kind in mounts:
        if folder.is_relative_to(point) and len(point) >= best:
            best, found = len(point), kind
    return found.lower()


def _linux_mounts() -> list[tuple[str, str]]:
    try:
        lines = Path("/proc/self/mounts").read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return []
    parts = (line.split(" ") for line in lines)
    return [(_unescape(part[1]), part[2]) for part in parts if len(part) > 2]


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def _other_mounts() -> list[tuple[str, str]]:
    import psutil

    return [(part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True)]


def _is_remote_windows(folder: Path) -> bool:
    import ctypes

    windll: Any = getattr(ctypes, "windll")  # noqa: B009 - exists on Windows only, and mypy knows
    return bool(windll.kernel32.GetDriveTypeW(folder.anchor) == _DRIVE_REMOTE)
