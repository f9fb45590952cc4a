"""Adds a snapshot to a backup folder: only contents that are not there yet are written.

Every snapshot is complete to restore. A content is fsynced and read back before a snapshot speaks of it, and
a snapshot gets its name last.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from app.backup.folder_layout import HEADING, PART, FolderLayout
from app.backup.folder_removing import USED
from app.backup.manifest import CATALOGUE, MANIFEST, SETTINGS, Manifest, Member
from app.backup.read_ahead import ReadAhead
from app.backup.sealing import new_key_file, open_key_file
from app.backup.source import Source, Wanted, Written
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.file_lock import exclusively
from app.core.files import BLOCK_BYTES, fsync_directory, translate_os_error, write_atomically
from app.core.progress import Progress

_PATIENCE_S = 60.0


class FolderWriter:
    """Writes into one backup folder. One thread."""

    def __init__(self, root: Path, password: str | None = None) -> None:
        """Take a folder, sealed from its first backup on or never.

        Raises
        ------
        UserError
            ``backup.password_needed``, ``backup.wrong_password``; ``backup.not_sealed`` when contents lie here
            unsealed and a password is given.
        """
        self._layout = _layout(root, password)
        self._sizes = self._layout.sizes()
        self._done = 0
        self._total = 0

    def missing_bytes(self, source: Source) -> int:
        """Return how much a backup would add."""
        new = sum(self._layout.stored_size(item.bytes) for item in source.wanted if not self._has(item))
        return new + source.catalogue.stat().st_size + len(source.settings)

    def write(self, source: Source, ctx: JobContext) -> tuple[Path, Manifest, int]:
        """Write what is missing and the snapshot; return its place, its manifest and the bytes added.

        Raises
        ------
        EnvironmentFault
            ``disk.full`` and kin, ``backup.not_verified``; ``disk.busy`` when another backup runs here.
        Cancelled
            When stopped; contents written so far serve the next run.
        """
        try:
            with exclusively(self._layout.lock, _PATIENCE_S):
                self._layout.objects.mkdir(mode=0o700, exist_ok=True)
                self._layout.snapshots.mkdir(mode=0o700, exist_ok=True)
                return self._write(source, ctx)
        except OSError as error:
            raise translate_os_error(error, path=str(self._layout.root)) from error

    def _write(self, source: Source, ctx: JobContext) -> tuple[Path, Manifest, int]:
        written, new, touched = Written(), [], set()
        for item in source.wanted:
            if self._has(item):
                written.members.append(Member(item.path, item.bytes, item.sha256))
            else:
                new.append(item)
        self._total, added = sum(item.bytes for item in new), 0
        for item, member in ReadAhead(new, lambda wanted: self._store(source, wanted, ctx)):
            if member is None:
                written.absent.append(item.path)
            else:
                written.members.append(member)
                added += member.bytes
                touched.add(self._layout.object(member.sha256).parent)
                if member.sha256 != item.sha256:
                    written.damaged.append(item.path)
            self._say(ctx, item)
        _fsync_all([*touched, self._layout.objects])
        snapshot, manifest = self._snapshot(source, written, ctx)
        return snapshot, manifest, added + source.catalogue.stat().st_size

    def _has(self, item: Wanted) -> bool:
        return self._sizes.get(self._layout.object(item.sha256).name) == self._layout.stored_size(item.bytes)

    def _store(self, source: Source, item: Wanted, ctx: JobContext) -> Member | None:
        """Store one content under the hash of what was read; ``None`` when the library does not have it."""
        for path in (source.root / item.path, source.relocate(item.image_id)):
            if path is not None and path.is_file() and not path.is_symlink():
                break
        else:
            return None
        part = self._layout.objects / f"{uuid.uuid4().hex}{PART}"
        try:
            with path.open("rb") as reader:
                sha256, size = _hash(reader, ctx)
                reader.seek(0)
                self._fill(part, reader, sha256)
            final = self._layout.object(sha256)
            if not final.parent.is_dir():
                final.parent.mkdir(mode=0o700, exist_ok=True)
            part.replace(final)
            if self._read_back(final, sha256, ctx) != (sha256, size):
                raise EnvironmentFault("backup.not_verified", member=item.path)
            return Member(item.path, size, sha256)
        finally:
            part.unlink(missing_ok=True)

    def _fill(self, target: Path, reader: BinaryIO, name: str) -> None:
        with target.open("xb") as writer:
            if self._layout.seal is None:
                shutil.copyfileobj(reader, writer, BLOCK_BYTES)
            else:
                self._layout.seal.seal(reader, writer, name)
            writer.flush()
            os.fsync(writer.fileno())

    def _read_back(self, path: Path, name: str, ctx: JobContext) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with path.open("rb") as reader:
            seal = self._layout.seal
            for block in seal.chunks(reader, name) if seal else iter(lambda: reader.read(BLOCK_BYTES), b""):
                ctx.check()
                digest.update(block)
                size += len(block)
        return digest.hexdigest(), size

    def _snapshot(self, source: Source, written: Written, ctx: JobContext) -> tuple[Path, Manifest]:
        name = self._layout.snapshot_name(source.heading.created_at, uuid.uuid4().hex)
        part, final = self._layout.snapshots / f".{name}{PART}", self._layout.snapshots / name
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(mode=0o700)
        try:
            for member, path in ((CATALOGUE, source.catalogue), (SETTINGS, None)):
                with path.open("rb") if path else io.BytesIO(source.settings) as reader:
                    written.members.append(self._put(part / member, reader, member, ctx))
            manifest = written.manifest(source)
            self._fill(part / MANIFEST, io.BytesIO(manifest.to_json()), MANIFEST)
            # In clear even where the folder is sealed: so that contents can be removed without the password.
            used = sorted({self._layout.object(m.sha256).name for m in manifest.members})
            write_atomically(part / USED, "\n".join(used).encode("ascii"))
            write_atomically(part / HEADING, source.heading.in_clear())
            fsync_directory(part)
            part.rename(final)
            fsync_directory(self._layout.snapshots)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
        return final, manifest

    def _put(self, target: Path, reader: BinaryIO, name: str, ctx: JobContext) -> Member:
        """Write a file of the snapshot and read it back."""
        sha256, size = _hash(reader, ctx)
        reader.seek(0)
        self._fill(target, reader, name)
        if self._read_back(target, name, ctx) != (sha256, size):
            raise EnvironmentFault("backup.not_verified", member=name)
        return Member(name, size, sha256)

    def _say(self, ctx: JobContext, item: Wanted) -> None:
        self._done += item.bytes
        ctx.check()
        ctx.report(Progress(self._done, max(self._total, self._done), "bytes", item.path.rpartition("/")[2]))


def _layout(root: Path, password: str | None) -> FolderLayout:
    plain = FolderLayout(root)
    if plain.key_file.exists():
        return FolderLayout(root, open_key_file(plain.key_file, password))
    if password is None:
        return plain
    if plain.objects.exists():
        raise UserError("backup.not_sealed", path=str(root))
    content, seal = new_key_file(password)
    try:
        write_atomically(plain.key_file, content)
    except OSError as error:
        raise translate_os_error(error, path=str(root)) from error
    return FolderLayout(root, seal)


def _hash(reader: BinaryIO, ctx: JobContext) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := reader.read(BLOCK_BYTES):
        ctx.check()
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _fsync_all(folders: Iterable[Path]) -> None:
    for folder in folders:
        fsync_directory(folder)
