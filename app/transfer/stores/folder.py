"""A store in a folder of this computer or of the network: durable, and never mistaken about a drive that is away.

An unplugged drive often leaves its empty mount point behind. The base folder is therefore never made here, and
where a marker was left in it (:meth:`FolderStore.adopt`), one with another marker or none counts as away.
"""

from __future__ import annotations

import os
import secrets
import stat as modes
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import (
    free_bytes,
    fsync_directory,
    make_directories,
    replace_durably,
    sha256_file,
    write_atomically,
)
from app.transfer.stores.blocks import receiving, require_digest, require_size, sending
from app.transfer.stores.checking import space_warnings, try_out
from app.transfer.stores.folder_errors import translated
from app.transfer.stores.names import checked, checked_folder, is_part, is_shown, part_name
from app.transfer.stores.store import Capabilities, Digest, Entry, OnBlock, Stat, System

MARKER = ".bitewing-store"
_READ_BYTES = 1 << 20
_FILE_FOR_ALL, _FOLDER_FOR_ALL = 0o644, 0o755


@dataclass(frozen=True, slots=True)
class FolderArgs:
    """Which folder. ``marker``: what :meth:`FolderStore.adopt` returned; empty: none is asked for."""

    path: Path
    marker: str = ""


class FolderStore:
    """Files below a folder. Any thread. Keeps :class:`app.transfer.stores.store.Store`."""

    capabilities = Capabilities(atomic_rename=True, free_space=True, any_thread=True)

    def __init__(self, args: FolderArgs) -> None:
        self._base, self._marker = args.path, args.marker

    def adopt(self) -> str:
        """Leave a marker in the folder, or find the one that is there; return what it says.

        Raises
        ------
        TransientFault, EnvironmentFault
            As every call.
        """
        with translated(self._base):
            self._require_base()
            marker = self._base / MARKER
            if not marker.exists():
                write_atomically(marker, secrets.token_hex(16).encode("ascii"))
            return marker.read_text("ascii", "replace").strip()

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Copy a file here; proven by reading it back. See the protocol."""
        with sending(source, ctx, on_block, "sha256") as reader, translated(self._base, name):
            final = self._path(name)
            make_directories(final.parent, self._base)
            temporary = _beside(final, self._path(part_name(name)))
            try:
                with temporary.open("xb") as writer:
                    for block in reader.blocks(_READ_BYTES):
                        writer.write(block)
                    writer.flush()
                    os.fsync(writer.fileno())
                digest, size = sha256_file(temporary, lambda _size: ctx.check())
                require_size(name, reader.sent, size)
                require_digest(name, reader.digest("sha256"), digest)
                if is_shown(name):
                    _show(temporary, final.parent)
                replace_durably(temporary, final)
            finally:
                # Gone after a success; after a drive was pulled out nothing can be removed either.
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
            return Stat(name, size, _modified(final.stat()), Digest("sha256", digest))

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Copy a file from here. See the protocol."""
        with translated(self._base, name):
            path = self._path(name)
            reader = path.open("rb")
        with reader, receiving(target, ctx, on_block) as sink:
            with translated(self._base, name):
                told = os.fstat(reader.fileno())
            while True:
                with translated(self._base, name):
                    block = reader.read(_READ_BYTES)
                if not block:
                    break
                sink.write(block)
            require_size(name, told.st_size, sink.received)
            return Stat(name, sink.received, _modified(told), Digest("sha256", sink.digest("sha256")))

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file. See the protocol."""
        with translated(self._base, name):
            try:
                found = self._path(name).stat(follow_symlinks=False)
            except (FileNotFoundError, NotADirectoryError):
                return None
            return Stat(name, found.st_size, _modified(found)) if modes.S_ISREG(found.st_mode) else None

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder; links are left out. See the protocol."""
        waiting = [checked_folder(folder)]
        while waiting:
            for entry in self._listing(waiting.pop()):
                if entry.is_folder and recursive:
                    waiting.append(entry.name)
                else:
                    yield entry

    def _listing(self, folder: str) -> Sequence[Entry]:
        with translated(self._base, folder):
            path = self._path(folder) if folder else self._require_base()
            try:
                with os.scandir(path) as found:
                    return [entry for item in found if (entry := _entry(folder, item))]
            except (FileNotFoundError, NotADirectoryError):
                self._require_base()
                return []

    def delete(self, name: str) -> bool:
        """Delete a file. See the protocol."""
        with translated(self._base, name):
            path = self._path(name)
            try:
                path.unlink()
            except (FileNotFoundError, NotADirectoryError):
                return False
            fsync_directory(path.parent)
            return True

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what has the name. See the protocol."""
        with translated(self._base, old):
            before, after = self._path(old), self._path(new)
            before.lstat()
            make_directories(after.parent, self._base)
            replace_durably(before, after)
            if before.parent != after.parent:
                fsync_directory(before.parent)

    def probe(self) -> None:
        """See whether the folder is there. See the protocol."""
        with translated(self._base):
            self._require_base()

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small file, and tell the free space. See the protocol."""
        try_out(self, ctx)
        with translated(self._base):
            free = free_bytes(self._base)
        return System("folder", free_bytes=free, warnings=space_warnings(free))

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished. See the protocol."""
        with translated(self._base):
            oldest = time.time() - older_than.total_seconds()
            stale = [
                Path(folder) / name
                for folder, _folders, files in os.walk(self._require_base())
                for name in files
                if is_part(name) and (Path(folder) / name).stat(follow_symlinks=False).st_mtime <= oldest
            ]
            for path in stale:
                path.unlink(missing_ok=True)
            return len(stale)

    def close(self) -> None:
        """Nothing is kept open."""

    def _path(self, name: str) -> Path:
        """Return the path of a name; a link on the way must not lead out of the folder."""
        base = self._require_base()
        path = base / checked(name)
        if not path.parent.resolve().is_relative_to(base.resolve()):
            raise EnvironmentFault("store.bad_name", name=name)
        return path

    def _require_base(self) -> Path:
        if not self._base.is_dir():
            raise TransientFault("store.unreachable", name=str(self._base))
        if self._marker:
            try:
                found = (self._base / MARKER).read_text("ascii", "replace").strip()
            except FileNotFoundError:
                found = ""
            if found != self._marker:
                raise TransientFault("store.unreachable", name=str(self._base))
        return self._base


def _modified(found: os.stat_result) -> datetime:
    return datetime.fromtimestamp(found.st_mtime, UTC)


def _entry(folder: str, item: os.DirEntry[str]) -> Entry | None:
    """Return what to tell of an item, ``None`` for links, unfinished uploads and the marker."""
    if item.is_symlink() or is_part(item.name) or (not folder and item.name == MARKER):
        return None
    name = f"{folder}/{item.name}" if folder else item.name
    if item.is_dir(follow_symlinks=False):
        return Entry(name, 0, is_folder=True)
    try:
        found = item.stat(follow_symlinks=False)
    except FileNotFoundError:
        # Deleted since the listing began.
        return None
    return Entry(name, found.st_size, modified=_modified(found)) if modes.S_ISREG(found.st_mode) else None


def _beside(final: Path, temporary: Path) -> Path:
    """Return where to write before the rename: a link may have put the public folder on another volume."""
    if temporary.parent.stat().st_dev == final.parent.stat().st_dev:
        return temporary
    return final.with_name(temporary.name)


def _show(file: Path, folder: Path) -> None:
    """Let a web server of another account read a file and its folder, whatever this account is used to give."""
    # Where rights are not known, or are not ours to give, the public address says whether it is seen.
    with suppress(OSError):
        file.chmod(_FILE_FOR_ALL)
    with suppress(OSError):
        if folder.stat().st_mode & _FOLDER_FOR_ALL != _FOLDER_FOR_ALL:
            folder.chmod(_FOLDER_FOR_ALL)
