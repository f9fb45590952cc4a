"""What an SFTP store does on its line: uploads and downloads of many requests at once, renames, folders, free space."""

from __future__ import annotations

import logging
import posixpath
from collections import deque

from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.transfer.stores import sftp_wire as wires
from app.transfer.stores.blocks import Sink, Source
from app.transfer.stores.sftp_errors import END_OF_FILE, FAILURE, NO_SUCH_FILE, SftpStatus, fault_of
from app.transfer.stores.sftp_wire import Reader, Wire, number, text

_log = logging.getLogger(__name__)
_ON_THE_WAY_BYTES = 2 << 20
_NO_SPACE_BYTES = 1 << 20


def upload(wire: Wire, part: bytes, handle: bytes, reader: Source) -> tuple[int, int]:
    """Send everything and return how much was sent and how much is there, in one round trip if it is little.

    Raises
    ------
    EnvironmentFault
        ``store.full`` and its kin.
    SftpStatus, EOFError, OSError
        What happens on the line.
    """
    waiting: deque[tuple[int, int]] = deque()
    at, last = 0, list[int]()
    try:
        while block := reader.read(wire.write_bytes):
            waiting.append((wire.ask(wires.WRITE, handle, number(at, ">Q"), number(len(block)), block), len(block)))
            at += len(block)
            wire.drain()
            while len(waiting) * wire.write_bytes > _ON_THE_WAY_BYTES:
                _written(wire, reader, waiting)
        told, closed = wire.ask(wires.FSTAT, handle), wire.ask(wires.CLOSE, handle)
        last = [told, closed]
        while waiting:
            _written(wire, reader, waiting)
        size = Reader(wire.reply(told)).attributes().size
        wire.reply(closed)
    except BaseException as error:
        wire.forget([*(request for request, _size in waiting), *last])
        if isinstance(error, SftpStatus):
            raise _why(wire, part, error) from error
        raise
    return at, size


def _written(wire: Wire, reader: Source, waiting: deque[tuple[int, int]]) -> None:
    request, size = waiting[0]
    try:
        wire.reply(request)
    except SftpStatus:
        # It was answered, if not well.
        waiting.popleft()
        raise
    waiting.popleft()
    reader.passed(size)


def _why(wire: Wire, part: bytes, status: SftpStatus) -> Exception:
    """Say what "failure" is: OpenSSH has no number for a full disk."""
    if status.number == FAILURE:
        free = free_bytes(wire, posixpath.dirname(part))
        if free is not None and free < _NO_SPACE_BYTES:
            return EnvironmentFault("store.full")
    return fault_of(status)


def reread(wire: Wire, path: bytes, size: int, ctx: JobContext) -> str:
    """Return the SHA-256 of what the server has. Raises as :func:`upload`."""
    sink = Sink(None, ctx, None)
    handle = wire.handle(wires.OPEN, *wires.new_file(path, wires.FOR_READING))
    try:
        fetch(wire, handle, size, sink)
    finally:
        wire.tell(wires.CLOSE, handle)
    return sink.digest("sha256")


def fetch(wire: Wire, handle: bytes, size: int, sink: Sink) -> None:
    """Read ``size`` bytes; a server may send less than it was asked for (section 6.4). Raises as :func:`upload`."""
    waiting: deque[tuple[int, int, int]] = deque()
    asked = 0
    try:
        while asked < size or waiting:
            while asked < size and len(waiting) * wire.read_bytes < _ON_THE_WAY_BYTES:
                length = min(wire.read_bytes, size - asked)
                waiting.append((_ask_block(wire, handle, asked, length), asked, length))
                asked += length
            request, at, length = waiting[0]
            block = Reader(wire.reply(request)).text()
            waiting.popleft()
            if not block or len(block) > length:
                raise EOFError
            sink.write(block)
            if len(block) < length:
                rest = (at + len(block), length - len(block))
                waiting.appendleft((_ask_block(wire, handle, *rest), *rest))
    except SftpStatus as status:
        if status.number != END_OF_FILE:
            raise
        # It is shorter than it was a moment ago; the size says so.
    finally:
        wire.forget([request for request, _at, _length in waiting])


def _ask_block(wire: Wire, handle: bytes, at: int, length: int) -> int:
    return wire.ask(wires.READ, handle, number(at, ">Q"), number(length))


def move(wire: Wire, old: bytes, new: bytes) -> None:
    """Rename a file, replacing what has the name. Raises as :func:`upload`."""
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


def show(wire: Wire, part: bytes, folder: bytes) -> None:
    """Let a web server of another account read a file and its folder, whatever rights new ones get here.

    Where the server does not let us, the public address says whether it is seen.
    """
    for path, mode in ((part, 0o644), (folder, 0o755)):
        try:
            if wire.attributes(wires.LSTAT, text(path)).mode & mode != mode:
                wire.do(wires.SETSTAT, *wires.new_mode(path, mode))
        except SftpStatus as status:
            _log.info("rights not given at an SFTP server: %d", status.number)


def free_bytes(wire: Wire, folder: bytes) -> int | None:
    """Return the bytes free in a folder; ``None`` where the server does not tell."""
    if b"statvfs@openssh.com" not in wire.extensions:
        return None
    try:
        told = Reader(wire.do(wires.EXTENDED, text(b"statvfs@openssh.com"), text(folder)))
    except SftpStatus:
        return None
    _block, fragment, _all, _free, available = (told.number(">Q") for _ in range(5))
    return fragment * available


def make_folders(wire: Wire, folder: bytes) -> None:
    """Make a folder and those above it that are missing. Raises as :func:`upload`."""
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
