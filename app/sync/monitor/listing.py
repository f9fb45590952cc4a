"""One full look through a watched folder: every file with its size and times. Follows no links (B23)."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.sync.monitor.names import is_ignored_file, is_ignored_folder


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as one look saw it; two looks that are equal saw the same content, as far as anybody can tell."""

    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int


class FolderAway(Exception):
    """The folder is not there, or its volume went away while it was looked through."""


def look(root: Path, unread: set[str] | None = None) -> Iterator[tuple[str, Seen]]:
    """Yield every file below ``root`` as (path relative to it, what was seen).

    A file or folder inside that vanishes meanwhile is left out; the root itself must stay.

    Parameters
    ----------
    unread
        Takes the folders (``a/b/``) that are there and could not be listed: what they hold is not known.

    Raises
    ------
    FolderAway
        When the root cannot be listed: nothing that was seen may be taken for all there is.
    """
    waiting = [""]
    while waiting:
        relative = waiting.pop()
        try:
            with os.scandir(root / relative if relative else root) as entries:
                found = list(entries)
        except OSError as error:
            if not relative or not root.is_dir():
                raise FolderAway from error
            if unread is not None and not isinstance(error, FileNotFoundError | NotADirectoryError):
                unread.add(relative)
            continue
        for entry in found:
            path = f"{relative}{entry.name}"
            if entry.is_symlink() or _is_junction(entry):
                continue
            if entry.is_dir(follow_symlinks=False):
                if not is_ignored_folder(entry.name, at_top=not relative):
                    waiting.append(f"{path}/")
            elif not is_ignored_file(entry.name):
                seen = _seen(entry)
                if seen is not None:
                    yield path, seen


def look_at(path: Path) -> Seen | None:
    """Return what one file looks like now; ``None`` when it is gone or no plain file any more."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return _of(status) if stat.S_ISREG(status.st_mode) else None


def _seen(entry: os.DirEntry[str]) -> Seen | None:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return _of(status) if stat.S_ISREG(status.st_mode) else None


def _of(status: os.stat_result) -> Seen:
    return Seen(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _is_junction(entry: os.DirEntry[str]) -> bool:
    is_junction = getattr(entry, "is_junction", None)
    return bool(is_junction and is_junction())
