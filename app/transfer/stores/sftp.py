"""A store on an SFTP server (SSH): known host key, uploads of many requests at once, size proven, some read back.

Over SSH every byte is authenticated on its way; reading one in so many files back is for the server's disk.
"""

from __future__ import annotations

import posixpath
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.stores import sftp_wire as wires
from app.transfer.stores.blocks import receiving, require_digest, require_size, sending
from app.transfer.stores.checking import space_warnings, try_out
from app.transfer.stores.interrupting import interruptible
from app.transfer.stores.names import checked, checked_folder, is_part, is_shown, joined, part_name
from app.transfer.stores.sftp_errors import (
    NO_SUCH_FILE,
    SftpStatus,
    connecting,
    translated,
)
from app.transfer.stores.sftp_transfer import fetch, free_bytes, make_folders, move, reread, show, upload
from app.transfer.stores.sftp_wire import Attributes, Reader, Wire, text
from app.transfer.stores.ssh import SftpArgs, connect, host_key_fingerprint
from app.transfer.stores.store import Capabilities, Digest, Entry, OnBlock, Stat, System

if TYPE_CHECKING:
    import paramiko

_GRACE_S = 5.0


class SftpStore:
    """One connection, opened when needed and again after a fault. One thread at a time; see ``PooledStore``.

    Keeps :class:`app.transfer.stores.store.Store`.
    """

    capabilities = Capabilities(atomic_rename=True, free_space=True)

    def __init__(self, args: SftpArgs) -> None:
        self._args = args
        self._transport: paramiko.Transport | None = None
        self._wire: Wire | None = None
        self._home = b""
        self._count = 0

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Upload a file; proven by its size, one in so many by its hash. See the protocol."""
        checked(name)
        self._count += 1
        rereads = self._args.reread_every > 0 and self._count % self._args.reread_every == 0
        with sending(source, ctx, on_block, *(["sha256"] if rereads else [])) as reader:
            with self._session(name, ctx) as wire:
                final, part = self._path(name), self._path(part_name(name))
                handle = self._new_file(wire, part)
                try:
                    require_size(name, *upload(wire, part, handle, reader))
                    if rereads:
                        require_digest(name, reader.digest("sha256"), reread(wire, part, reader.sent, ctx))
                    if is_shown(name):
                        # Parts lie beside the public folder, which may not be there yet.
                        make_folders(wire, posixpath.dirname(final))
                        show(wire, part, posixpath.dirname(final))
                    move(wire, part, final)
                except BaseException as error:
                    wire.tell(wires.CLOSE, handle)
                    wire.tell(wires.REMOVE, text(part))
                    if isinstance(error, EnvironmentFault | SftpStatus):
                        # It answers, so it can be waited for: what half a file takes of a full disk is free again.
                        wire.settle()
                    raise
            return Stat(name, reader.sent, digest=Digest("sha256", reader.digest("sha256")) if rereads else None)

    def _new_file(self, wire: Wire, part: bytes) -> bytes:
        fields = wires.new_file(part, wires.FOR_WRITING | wires.NEW)
        try:
            return wire.handle(wires.OPEN, *fields)
        except SftpStatus as status:
            if status.number != NO_SUCH_FILE:
                raise
        make_folders(wire, posixpath.dirname(part))
        return wire.handle(wires.OPEN, *fields)

    def get(self, name: str, target: Path, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        """Download a file; proven by its size. See the protocol."""
        checked(name)
        with self._session(name, ctx) as wire:
            found = self._look(wire, name)
            if found is None:
                raise EnvironmentFault("store.not_there", name=name)
            handle = wire.handle(wires.OPEN, *wires.new_file(self._path(name), wires.FOR_READING))
            try:
                with receiving(target, ctx, on_block) as sink:
                    fetch(wire, handle, found.size, sink)
                    require_size(name, found.size, sink.received)
            finally:
                wire.tell(wires.CLOSE, handle)
            return Stat(name, found.size, _time(found), Digest("sha256", sink.digest("sha256")))

    def stat(self, name: str) -> Stat | None:
        """Return what is known of a file. See the protocol."""
        checked(name)
        with self._session(name) as wire:
            found = self._look(wire, name)
            return None if found is None else Stat(name, found.size, _time(found))

    def _look(self, wire: Wire, name: str) -> Attributes | None:
        try:
            found = wire.attributes(wires.LSTAT, text(self._path(name)))
        except SftpStatus as status:
            if status.number == NO_SUCH_FILE:
                return None
            raise
        return found if modes.S_ISREG(found.mode) else None

    def list(self, folder: str = "", *, recursive: bool = False) -> Iterator[Entry]:
        """Yield what is in a folder, links left out. See the protocol."""
        for entry in self._walk(checked_folder(folder), recursive=recursive):
            if not is_part(entry.name):
                yield entry

    def _walk(self, folder: str, *, recursive: bool) -> Iterator[Entry]:
        waiting = [folder]
        while waiting:
            current = waiting.pop()
            for entry in self._listing(current):
                if entry.is_folder and recursive:
                    waiting.append(entry.name)
                else:
                    yield entry

    def _listing(self, folder: str) -> tuple[Entry, ...]:
        with self._session(folder) as wire:
            try:
                found = tuple(wire.entries(self._path(folder)))
            except SftpStatus as status:
                if status.number == NO_SUCH_FILE:
                    return ()
                raise
        return tuple(entry for name, told in found if (entry := _entry(folder, name, told)) is not None)

    def delete(self, name: str) -> bool:
        """Delete a file. See the protocol."""
        checked(name)
        with self._session(name) as wire:
            try:
                wire.do(wires.REMOVE, text(self._path(name)))
            except SftpStatus as status:
                if status.number == NO_SUCH_FILE:
                    return False
                raise
            return True

    def rename(self, old: str, new: str) -> None:
        """Rename a file, replacing what has the name. See the protocol."""
        checked(old), checked(new)
        with self._session(old) as wire:
            if self._look(wire, old) is None:
                raise EnvironmentFault("store.not_there", name=old)
            try:
                move(wire, self._path(old), self._path(new))
            except SftpStatus as status:
                if status.number != NO_SUCH_FILE:
                    raise
                make_folders(wire, posixpath.dirname(self._path(new)))
                move(wire, self._path(old), self._path(new))

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._session() as wire:
            wire.do(wires.REALPATH, text(b"."))

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small file, and tell the free space. See the protocol."""
        try_out(self, ctx)
        with self._session() as wire:
            free = free_bytes(wire, self._path(""))
            transport = self._transport
            return System(
                "sftp",
                software=transport.remote_version if transport else "",
                free_bytes=free,
                fingerprint=host_key_fingerprint(transport.get_remote_server_key().asbytes()) if transport else "",
                warnings=space_warnings(free),
            )

    def sweep(self, older_than: timedelta) -> int:
        """Remove uploads that nobody finished. See the protocol."""
        oldest = utc_now() - older_than
        stale = [
            entry.name
            for entry in self._walk("", recursive=True)
            if is_part(entry.name) and entry.modified is not None and entry.modified <= oldest
        ]
        return sum(self.delete(name) for name in stale)

    def close(self) -> None:
        """Hang up. See the protocol."""
        transport, self._transport, self._wire = self._transport, None, None
        if transport is not None:
            transport.close()

    @contextmanager
    def _session(self, name: str = "", ctx: JobContext | None = None) -> Iterator[Wire]:
        """Give the connection for some requests; after a fault of the line it is not used again."""
        ctx = ctx or JobContext.silent()
        wire = self._connected()
        wire.on_wait = ctx.check
        try:
            with interruptible(ctx, self.close, _GRACE_S), translated(name):
                yield wire
        except TransientFault:
            self.close()
            raise
        finally:
            wire.on_wait = lambda: None
            if wire.is_broken:
                self.close()

    def _connected(self) -> Wire:
        if self._transport is not None and not self._transport.is_active():
            self.close()
        if self._wire is None:
            transport = connect(self._args)
            try:
                with connecting():
                    channel = transport.open_session(timeout=self._args.connect_timeout_s)
                    channel.settimeout(self._args.connect_timeout_s)
                    channel.invoke_subsystem("sftp")
                    wire = Wire(channel, self._args.timeout_s)
                    told = Reader(wire.do(wires.REALPATH, text(b".")))
            except BaseException:
                transport.close()
                raise
            # Behind the count of names, which is one.
            self._home = told.text() if told.number() else b"/"
            self._transport, self._wire = transport, wire
        return self._wire

    def _path(self, name: str) -> bytes:
        base = posixpath.join(self._home, self._args.path.encode("utf-8"))
        return posixpath.join(base, name.encode("utf-8", "surrogateescape")) if name else base


def _time(found: Attributes) -> datetime | None:
    return datetime.fromtimestamp(found.modified, UTC) if found.modified else None


def _entry(folder: str, name: bytes, told: Attributes) -> Entry | None:
    """Return what to tell of a name, ``None`` for links and devices."""
    whole = joined(folder, name.decode("utf-8", "surrogateescape"))
    if modes.S_ISDIR(told.mode):
        return Entry(whole, 0, is_folder=True)
    return Entry(whole, told.size, modified=_time(told)) if modes.S_ISREG(told.mode) else None
