"""The local end of a transfer: reads a file in blocks to be sent, keeps what arrives until it is whole.

What goes wrong here is said of the file or the disk (``file.*``, ``disk.*``), never of the store.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.core.files import replace_durably, translate_os_error
from app.transfer.stores.store import OnBlock

BLOCK_BYTES = 256 << 10
_UNREADABLE = {errno.EACCES: "file.permission", errno.EPERM: "file.permission", errno.ENOENT: "file.missing"}

# What of a copy from a file to a connection is the file's fault.
_OF_A_FILE = {errno.EIO, getattr(errno, "ESTALE", errno.EIO)}


class Source:
    """A file that is sent: its blocks, counted and, where asked for, hashed on the way."""

    def __init__(self, file: BinaryIO, ctx: JobContext, on_block: OnBlock | None, *algorithms: str) -> None:
        self._file, self._ctx, self._on_block = file, ctx, on_block
        self._hashes = {name: hashlib.new(name, usedforsecurity=False) for name in algorithms}
        self.sent = 0

    def blocks(self, block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
        """Yield the rest of the file. Raises Cancelled and ``file.unreadable``."""
        while block := self.read(block_bytes):
            yield block
            self.passed(len(block))

    def read(self, size: int) -> bytes:
        """Return the next bytes. Raises Cancelled and ``file.unreadable``."""
        self._ctx.check()
        try:
            block = self._file.read(size)
        except OSError as error:
            raise EnvironmentFault(_UNREADABLE.get(error.errno or 0, "file.unreadable")) from error
        for running in self._hashes.values():
            running.update(block)
        return block

    def pour(self, connection: socket.socket) -> bool:
        """Let the system itself copy the rest of the file into a connection; false where it cannot and it must be read.

        It copies once less than reading and sending do, and threads wait for each other half as often.

        Raises
        ------
        Cancelled
            When the run was stopped.
        EnvironmentFault
            ``file.unreadable``.
        OSError
            What the connection says; TimeoutError when it takes too long.
        """
        if sys.platform != "linux" or self._hashes or isinstance(connection, ssl.SSLSocket):
            return False
        while True:
            self._ctx.check()
            try:
                # From where the file stands, which moves on.
                count = os.sendfile(connection.fileno(), self._file.fileno(), None, BLOCK_BYTES)
            except BlockingIOError as error:
                raise TimeoutError from error
            except (ConnectionError, TimeoutError):
                raise
            except OSError as error:
                if error.errno in _OF_A_FILE:
                    raise EnvironmentFault("file.unreadable") from error
                # Some file systems give nothing away but to readers; whatever else it is, reading or sending says it.
                return False
            if not count:
                return True
            self.passed(count)

    def passed(self, size: int) -> None:
        """Count bytes that went over the line. Raises Cancelled."""
        self.sent += size
        if self._on_block:
            self._on_block(size)
        self._ctx.check()

    def digest(self, algorithm: str) -> str:
        """Return the hash of what was read so far."""
        return self._hashes[algorithm].hexdigest()


@contextmanager
def sending(source: Path, ctx: JobContext, on_block: OnBlock | None, *algorithms: str) -> Iterator[Source]:
    """Open a file to be sent.

    Raises
    ------
    EnvironmentFault
        ``file.missing``, ``file.permission``, ``file.unreadable``.
    """
    try:
        file = source.open("rb", buffering=0)
    except OSError as error:
        raise EnvironmentFault(_UNREADABLE.get(error.errno or 0, "file.unreadable")) from error
    with file:
        yield Source(file, ctx, on_block, *algorithms)


class Sink:
    """What arrives, counted and hashed on the way to a temporary file, or to none where only the hash is wanted."""

    def __init__(self, file: BinaryIO | None, ctx: JobContext, on_block: OnBlock | None) -> None:
        self._file, self._ctx, self._on_block = file, ctx, on_block
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self.received = 0

    def write(self, block: bytes) -> None:
        """Take a block. Raises Cancelled and ``disk.full`` and its kin."""
        self._ctx.check()
        try:
            if self._file is not None:
                self._file.write(block)
        except OSError as error:
            raise translate_os_error(error) from error
        self._sha256.update(block)
        self._md5.update(block)
        self.received += len(block)
        if self._on_block:
            self._on_block(len(block))

    def digest(self, algorithm: str) -> str:
        """Return the SHA-256 or MD5 of what arrived so far."""
        return (self._md5 if algorithm == "md5" else self._sha256).hexdigest()


@contextmanager
def receiving(target: Path, ctx: JobContext, on_block: OnBlock | None) -> Iterator[Sink]:
    """Collect what arrives beside ``target`` and put it there, durably, when the block ends well.

    Raises
    ------
    EnvironmentFault
        ``disk.full``, ``disk.permission`` and their kin.
    """
    temporary = target.with_name(f"bitewing-{secrets.token_hex(16)}.part")
    try:
        file = temporary.open("xb")
    except OSError as error:
        raise _of_disk(error) from error
    try:
        with file:
            yield Sink(file, ctx, on_block)
            try:
                file.flush()
            except OSError as error:
                raise translate_os_error(error) from error
        try:
            replace_durably(temporary, target)
        except OSError as error:
            raise _of_disk(error) from error
    finally:
        temporary.unlink(missing_ok=True)


def _of_disk(error: OSError) -> EnvironmentFault:
    """Say it of the disk: a missing folder is not a missing file."""
    return EnvironmentFault("disk.failed") if error.errno == errno.ENOENT else translate_os_error(error)


def require_size(name: str, wanted: int, found: int) -> None:
    """Refuse a transfer whose two ends are not equally long.

    Raises
    ------
    TransientFault
        ``store.altered``: the file may have grown meanwhile, or a byte was lost; sent again it may come whole.
    """
    if wanted != found:
        raise TransientFault("store.altered", name=name, wanted=wanted, found=found)


def require_digest(name: str, wanted: str, found: str) -> None:
    """Refuse a transfer whose two ends are not the same bytes. Raises as :func:`require_size`."""
    if wanted != found:
        raise TransientFault("store.altered", name=name)
