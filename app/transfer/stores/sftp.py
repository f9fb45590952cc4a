"""A store on an SFTP server (SSH): known host key, uploads of many requests at once, size proven, some read back.

Over SSH every byte is authenticated on its way; reading one in so many files back is for the server's disk.
"""

from __future__ import annotations

import posixpath
import stat as modes
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.stores import sftp_wire as wires
from app.transfer.stores.blocks import Sink, Source, receiving, require_digest, require_size, sending
from app.transfer.stores.checking import space_warnings, try_out
from app.transfer.stores.interrupting import interruptible
from app.transfer.stores.names import checked, checked_folder, is_part, joined, part_name
from app.transfer.stores.sftp_errors import (
    END_OF_FILE,
    FAILURE,
    NO_SUCH_FILE,
    SftpStatus,
    connecting,
    fault_of,
    translated,
)
from app.transfer.stores.sftp_wire import Attributes, Reader, Wire, number, text
from app.transfer.stores.ssh import SftpArgs, connect, host_key_fingerprint
from app.transfer.stores.store import Capabilities, Digest, Entry, OnBlock, Stat, System

if TYPE_CHECKING:
    import paramiko

_ON_THE_WAY_BYTES = 2 << 20
_GRACE_S = 5.0
_NO_SPACE_BYTES = 1 << 20


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
                    require_size(name, *self._upload(wire, handle, reader))
                    if rereads:
                        require_digest(name, reader.digest("sha256"), self._reread(wire, part, reader.sent, ctx))
                    self._move(wire, part, final)
                except BaseException:
                    if not wire.is_broken:
                        wire.forget([wire.ask(wires.CLOSE, handle), wire.ask(wires.REMOVE, text(part))])
                    raise
            return Stat(name, reader.sent, digest=Digest("sha256", reader.digest("sha256")) if rereads else None)

    def _new_file(self, wire: Wire, part: bytes) -> bytes:
        fields = wires.new_file(part, wires.FOR_WRITING | wires.NEW)
        try:
            return wire.handle(wires.OPEN, *fields)
        except SftpStatus as status:
            if status.number != NO_SUCH_FILE:
                raise
        self._make_folders(wire, posixpath.dirname(part))
        return wire.handle(wires.OPEN, *fields)

    def _upload(self, wire: Wire, handle: bytes, reader: Source) -> tuple[int, int]:
        """Send everything and return how much was sent and how much is there, in one round trip if it is little."""
        waiting: deque[tuple[int, int]] = deque()
        at = 0
        try:
            while block := reader.read(wire.write_bytes):
                waiting.append((wire.ask(wires.WRITE, handle, number(at, ">Q"), text(block)), len(block)))
                at += len(block)
                wire.drain()
                while len(waiting) * wire.write_bytes > _ON_THE_WAY_BYTES:
                    self._written(wire, reader, *waiting.popleft())
            told = wire.ask(wires.FSTAT, handle)
            while waiting:
                self._written(wire, reader, *waiting.popleft())
            size = Reader(wire.reply(told)).attributes().size
            wire.do(wires.CLOSE, handle)
        except SftpStatus as status:
            wire.forget([request for request, _size in waiting])
            raise self._why(wire, status) from status
        except BaseException:
            wire.forget([request for request, _size in waiting])
            raise
        return at, size

    def _written(self, wire: Wire, reader: Source, request: int, size: int) -> None:
        wire.reply(request)
        reader.passed(size)

    def _why(self, wire: Wire, status: SftpStatus) -> Exception:
        """Say what "failure" is: OpenSSH has no number for a full disk."""
        if status.number == FAILURE:
            free = self._free(wire)
            if free is not None and free < _NO_SPACE_BYTES:
                return EnvironmentFault("store.full")
        return fault_of(status)

    def _reread(self, wire: Wire, path: bytes, size: int, ctx: JobContext) -> str:
        """Return the hash of what the server has."""
        sink = Sink(None, ctx, None)
        handle = wire.handle(wires.OPEN, *wires.new_file(path, wires.FOR_READING))
        try:
            self._fetch(wire, handle, size, sink)
        finally:
            wire.forget([wire.ask(wires.CLOSE, handle)])
        return sink.digest("sha256")

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
                    self._fetch(wire, handle, found.size, sink)
                    require_size(name, found.size, sink.received)
            finally:
                if not wire.is_broken:
                    wire.forget([wire.ask(wires.CLOSE, handle)])
            return Stat(name, found.size, _time(found), Digest("sha256", sink.digest("sha256")))

    def _fetch(self, wire: Wire, handle: bytes, size: int, sink: Sink) -> None:
        """Read ``size`` bytes; a server may answer with less than it was asked for (section 6.4)."""
        waiting: deque[tuple[int, int, int]] = deque()
        asked = 0
        try:
            while asked < size or waiting:
                while asked < size and len(waiting) * wire.read_bytes < _ON_THE_WAY_BYTES:
                    length = min(wire.read_bytes, size - asked)
                    waiting.append((self._ask_block(wire, handle, asked, length), asked, length))
                    asked += length
                request, at, length = waiting.popleft()
                block = Reader(wire.reply(request)).text()
                if not block or len(block) > length:
                    raise EOFError
                sink.write(block)
                if len(block) < length:
                    rest = (at + len(block), length - len(block))
                    waiting.appendleft((self._ask_block(wire, handle, *rest), *rest))
        except SftpStatus as status:
            if status.number != END_OF_FILE:
                raise
            # It is shorter than it was a moment ago; the size says so.
        finally:
            wire.forget([request for request, _at, _length in waiting])

    def _ask_block(self, wire: Wire, handle: bytes, at: int, length: int) -> int:
        return wire.ask(wires.READ, handle, number(at, ">Q"), number(length))

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
                self._move(wire, self._path(old), self._path(new))
            except SftpStatus as status:
                if status.number != NO_SUCH_FILE:
                    raise
                self._make_folders(wire, posixpath.dirname(self._path(new)))
                self._move(wire, self._path(old), self._path(new))

    def _move(self, wire: Wire, old: bytes, new: bytes) -> None:
        if b"posix-rename@openssh.com" in wire.extensions:
            wire.do(wires.EXTENDED, text(b"posix-rename@openssh.com"), text(old), text(new))
            return
        try:
            wire.do(wires.RENAME, text(old), text(new))
        except SftpStatus as status:
            if status.number == NO_SUCH_FILE:
                raise
            # Version 3 does not replace: the old one goes, now that the new one is proven.
            wire.do(wires.REMOVE, text(new))
            wire.do(wires.RENAME, text(old), text(new))

    def probe(self) -> None:
        """Ask for a sign of life. See the protocol."""
        with self._session() as wire:
            wire.do(wires.REALPATH, text(b"."))

    def check(self, ctx: JobContext) -> System:
        """Write, read and delete a small file, and tell the free space. See the protocol."""
        try_out(self, ctx)
        with self._session() as wire:
            free = self._free(wire)
            transport = self._transport
            return System(
                "sftp",
                software=transport.remote_version if transport else "",
                free_bytes=free,
                fingerprint=host_key_fingerprint(transport.get_remote_server_key().asbytes()) if transport else "",
                warnings=space_warnings(free),
            )

    def _free(self, wire: Wire) -> int | None:
        """Return the bytes free in the base folder; ``None`` where the server does not tell."""
        if b"statvfs@openssh.com" not in wire.extensions:
            return None
        try:
            told = Reader(wire.do(wires.EXTENDED, text(b"statvfs@openssh.com"), text(self._path(""))))
        except SftpStatus:
            return None
        _block, fragment, _all, _free, available = (told.number(">Q") for _ in range(5))
        return fragment * available

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

    def _make_folders(self, wire: Wire, folder: bytes) -> None:
        missing = []
        while folder not in {b"", b"/"}:
            try:
                wire.attributes(wires.LSTAT, text(folder))
            except SftpStatus as status:
                if status.number != NO_SUCH_FILE:
                    raise
                missing.append(folder)
                folder = posixpath.dirname(folder)
            else:
                break
        for path in reversed(missing):
            try:
                wire.do(wires.MKDIR, *wires.new_folder(path))
            except SftpStatus as status:
                # Another connection may have been first ("failure" is all that version 3 can say).
                if status.number != FAILURE:
                    raise


def _time(found: Attributes) -> datetime | None:
    return datetime.fromtimestamp(found.modified, UTC) if found.modified else None


def _entry(folder: str, name: bytes, told: Attributes) -> Entry | None:
    """Return what to tell of a name, ``None`` for links and devices."""
    whole = joined(folder, name.decode("utf-8", "surrogateescape"))
    if modes.S_ISDIR(told.mode):
        return Entry(whole, 0, is_folder=True)
    return Entry(whole, told.size, modified=_time(told)) if modes.S_ISREG(told.mode) else None
