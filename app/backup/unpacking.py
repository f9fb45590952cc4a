"""Unpacks a backup into an empty folder, every byte against its SHA-256 while it is written, on two threads."""

from __future__ import annotations

import ctypes
import hashlib
import os
import sys
from pathlib import Path
from typing import BinaryIO

from app.backup.archive import Archive
from app.backup.manifest import Member
from app.backup.read_ahead import ReadAhead
from app.core.context import JobContext
from app.core.errors import UserError
from app.core.files import BLOCK_BYTES, fsync_directory, translate_os_error
from app.core.progress import Progress


def unpack(archive: Archive, folder: Path, ctx: JobContext, *, wanted: frozenset[str] | None = None) -> int:
    """Write the members (those of ``wanted``, when given) below ``folder``, durably; return how many.

    Raises
    ------
    UserError
        ``backup.damaged`` (fact ``member``) at the first member that is not as the manifest says.
    EnvironmentFault
        ``disk.full`` and kin.
    Cancelled
        When stopped. What was written so far is the caller's to remove.
    """
    members = [member for member in archive.manifest.members if wanted is None or member.path in wanted]
    total = sum(member.bytes for member in members)
    try:
        for parent in sorted({(folder / member.path).parent for member in members}):
            parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        done = 0
        for member, _none in ReadAhead(
            members, lambda member: write_member(archive, member, folder / member.path, ctx)
        ):
            done += member.bytes
            ctx.report(Progress(done, total, "bytes", member.path.rpartition("/")[2]))
        _make_durable(folder)
    except OSError as error:
        raise translate_os_error(error, path=str(folder)) from error
    return len(members)


def write_member(archive: Archive, member: Member, target: Path, ctx: JobContext) -> None:
    """Write one member to the new file ``target``. Raises as :func:`unpack`, and OSError."""
    digest, size = hashlib.sha256(), 0
    with archive.open(member.path) as reader, _created(target) as writer:
        while block := reader.read(BLOCK_BYTES):
            ctx.check()
            size += len(block)
            if size > member.bytes:
                raise UserError("backup.damaged", member=member.path)
            digest.update(block)
            writer.write(block)
    if size != member.bytes or digest.hexdigest() != member.sha256:
        raise UserError("backup.damaged", member=member.path)


def _created(target: Path) -> BinaryIO:
    return os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _make_durable(folder: Path) -> None:
    """Bring everything below ``folder`` to the disk: the whole volume in one call, or file by file."""
    if sys.platform == "linux":
        sync = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if sync is not None:
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                if sync(descriptor) == 0:
                    return
            finally:
                os.close(descriptor)
    for path, _folders, files in os.walk(folder):
        for name in files:
            descriptor = os.open(Path(path) / name, os.O_RDWR)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        fsync_directory(Path(path))
