"""Reading a backup back: every member against its SHA-256, on two threads."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from app.backup.archive import Archive
from app.backup.manifest import Manifest, Member
from app.backup.read_ahead import ReadAhead
from app.core.context import JobContext
from app.core.errors import UserError
from app.core.files import BLOCK_BYTES
from app.core.progress import Progress


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What reading back found; ``damaged`` names members."""

    manifest: Manifest
    verified: int
    damaged: tuple[str, ...]

    @property
    def is_sound(self) -> bool:
        """Whether every member is as it was written."""
        return not self.damaged


def verify(archive: Archive, ctx: JobContext, done: int = 0, total: int | None = None) -> VerifyReport:
    """Read every member; ``done`` and ``total`` place this in a longer run, in bytes. Raises Cancelled."""
    members = archive.manifest.members
    whole = total if total is not None else archive.manifest.total_bytes()
    damaged = []

    def good(member: Member) -> bool:
        ctx.check()
        return matches(archive, member, ctx)

    for member, sound in ReadAhead(members, good):
        if not sound:
            damaged.append(member.path)
        done += member.bytes
        ctx.report(Progress(min(done, whole), whole, "bytes", Path(member.path).name))
    return VerifyReport(archive.manifest, len(members) - len(damaged), tuple(damaged))


def matches(archive: Archive, member: Member, ctx: JobContext) -> bool:
    """Whether a member has the bytes that the manifest says."""
    digest, size = hashlib.sha256(), 0
    try:
        with archive.open(member.path) as reader:
            while block := reader.read(BLOCK_BYTES):
                ctx.check()
                digest.update(block)
                size += len(block)
                if size > member.bytes:
                    return False
    except UserError:
        return False
    return size == member.bytes and digest.hexdigest() == member.sha256
