"""SFTP version 3 (draft-ietf-secsh-filexfer-02) over an SSH channel, with many requests on their way at once.

Our own because paramiko's client loses errors of pipelined writes, and splits files into eight times as many
requests: it knows neither OpenSSH's limits nor its free space. Requests are packed here; what they mean is elsewhere.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.transfer.stores.sftp_errors import END_OF_FILE, SftpStatus

if TYPE_CHECKING:
    import paramiko

OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT = 3, 4, 5, 6, 7, 8, 9
OPENDIR, READDIR, REMOVE, MKDIR, REALPATH, RENAME = 11, 12, 13, 14, 16, 18
_INIT, _VERSION, _STATUS, _HANDLE, _DATA, _NAME, _ATTRS, EXTENDED, _EXTENDED_REPLY = (
    1,
    2,
    101,
    102,
    103,
    104,
    105,
    200,
    201,
)
FOR_READING, FOR_WRITING, NEW = 0x01, 0x02, 0x08 | 0x20
_HAS_SIZE, _HAS_OWNER, _HAS_MODE, _HAS_TIMES, _HAS_MORE = 1, 2, 4, 8, 0x80000000
# Every server takes this much (section 3); OpenSSH tells when it takes more.
_SAFE_DATA = 32 << 10
_LONGEST_PACKET = 4 << 20
_RECEIVE_BYTES = 512 << 10
# How often a wait looks whether it was cancelled.
_TICK_S = 0.5
_NO_ATTRIBUTES = struct.pack(">I", 0)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a server says of a file; 0 where it does not say."""

    size: int = 0
    mode: int = 0
    modified: int = 0


class Reader:
    """Takes the fields of one answer apart."""

    def __init__(self, packet: bytes) -> None:
        self._packet, self._at = packet, 0

    def number(self, form: str = ">I") -> int:
        """Return the next number."""
        (value,) = struct.unpack_from(form, self._packet, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def text(self) -> bytes:
        """Return the next string."""
        length = self.number()
        if self._at + length > len(self._packet):
            raise EOFError
        self._at += length
        return self._packet[self._at - length : self._at]

    def attributes(self) -> Attributes:
        """Return the next attributes."""
        flags = self.number()
        size = self.number(">Q") if flags & _HAS_SIZE else 0
        if flags & _HAS_OWNER:
            self.number(">Q")
        mode = self.number() if flags & _HAS_MODE else 0
        modified = (self.number(), self.number())[1] if flags & _HAS_TIMES else 0
        for _ in range(self.number() if flags & _HAS_MORE else 0):
            self.text(), self.text()
        return Attributes(size, mode, modified)

    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._packet)


class Wire:
    """One SFTP conversation. One thread at a time. Raises SftpStatus, TimeoutError, EOFError, OSError."""

    def __init__(self, channel: paramiko.Channel, timeout_s: float) -> None:
        self._channel, self._timeout_s = channel, timeout_s
        self._buffer, self._answers = bytearray(), dict[int, tuple[int, bytes]]()
        self._ignored: set[int] = set()
        self._last = 0
        # Looks whether to go on; set for the time of a transfer.
        self.on_wait: Callable[[], None] = lambda: None
        self.is_broken = False
        channel.settimeout(_TICK_S)
        self._send_all(struct.pack(">IBI", 5, _INIT, 3))
        kind, packet = self._receive()
        if kind != _VERSION:
            raise EOFError
        reader = Reader(packet)
        reader.number()
        self.extensions: dict[bytes, bytes] = {}
        while not reader.is_at_end():
            name, value = reader.text(), reader.text()
            self.extensions[name] = value
        self.read_bytes, self.write_bytes = self._limits()

    def _limits(self) -> tuple[int, int]:
        if b"limits@openssh.com" not in self.extensions:
            return _SAFE_DATA, _SAFE_DATA
        reader = Reader(self.reply(self.ask(EXTENDED, text(b"limits@openssh.com"))))
        _packet, read, write = reader.number(">Q"), reader.number(">Q"), reader.number(">Q")
        # 0 means no limit; what is asked for must still fit into a sane packet.
        return min(read or _LONGEST_PACKET, 255 << 10), min(write or _LONGEST_PACKET, 255 << 10)

    def ask(self, kind: int, *fields: bytes) -> int:
        """Send a request and return its number; :meth:`reply` has the answer."""
        self._last = (self._last + 1) & 0xFFFFFFFF
        head = struct.pack(">IBI", 5 + sum(map(len, fields)), kind, self._last)
        # Joined once: blocks are large, and each further copy of them is felt.
        self._send_all(b"".join((head, *fields)))
        return self._last

    def reply(self, request: int) -> bytes:
        """Wait for the answer of a request and return what is in it; a status of "fine" is empty."""
        while request not in self._answers:
            self._take_one()
        kind, packet = self._answers.pop(request)
        if kind != _STATUS:
            return packet
        reader = Reader(packet)
        number = reader.number()
        if number:
            raise SftpStatus(number, "" if reader.is_at_end() else reader.text().decode("utf-8", "replace"))
        return b""

    def forget(self, requests: list[int]) -> None:
        """Let the answers of these requests pass unread."""
        for request in requests:
            if self._answers.pop(request, None) is None:
                self._ignored.add(request)

    def tell(self, kind: int, *fields: bytes) -> None:
        """Send a request whose answer nobody waits for; nothing on a line that is broken."""
        if self.is_broken:
            return
        # Only ever tidying up: what made it necessary is being raised already.
        with suppress(OSError, EOFError):
            self.forget([self.ask(kind, *fields)])

    def settle(self) -> None:
        """Wait until what was told is answered. Raises Cancelled where the wait is looked after.

        A server that is hung up on while it answers ends at once, and what it was told after that is never done.
        """
        # The line may go; what was told is then a sweep's.
        with suppress(OSError, EOFError):
            while self._ignored and not self.is_broken:
                self._take_one()

    def do(self, kind: int, *fields: bytes) -> bytes:
        """Send a request and wait for its answer."""
        return self.reply(self.ask(kind, *fields))

    def handle(self, kind: int, *fields: bytes) -> bytes:
        """Open a file or folder and return its handle, ready to be sent back."""
        return text(Reader(self.do(kind, *fields)).text())

    def attributes(self, kind: int, of: bytes) -> Attributes:
        """Return the attributes of a path or a handle."""
        return Reader(self.do(kind, of)).attributes()

    def entries(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """Yield names and attributes of what is in a folder, ``.`` and ``..`` left out."""
        handle = self.handle(OPENDIR, text(path))
        waiting = [self.ask(READDIR, handle) for _ in range(2)]
        try:
            while True:
                reader = Reader(self.reply(waiting.pop(0)))
                for _ in range(reader.number()):
                    name, _long, attributes = reader.text(), reader.text(), reader.attributes()
                    if name not in {b".", b".."}:
                        yield name, attributes
                waiting.append(self.ask(READDIR, handle))
        except SftpStatus as status:
            if status.number != END_OF_FILE:
                raise
        finally:
            self.forget(waiting)
            self.tell(CLOSE, handle)

    def drain(self) -> None:
        """Take the answers that are there already, so that the server never waits for us."""
        while self._channel.recv_ready():
            self._take_one()

    def _take_one(self) -> None:
        kind, packet = self._receive()
        (request,) = struct.unpack_from(">I", packet)
        if request in self._ignored:
            self._ignored.discard(request)
        else:
            self._answers[request] = (kind, packet[4:])

    def _receive(self) -> tuple[int, bytes]:
        self._fill(4)
        (length,) = struct.unpack_from(">I", self._buffer)
        # What kind it is and which request it answers (the version says itself there).
        if not 5 <= length <= _LONGEST_PACKET:
            self.is_broken = True
            raise EOFError
        self._fill(4 + length)
        kind, packet = self._buffer[4], bytes(memoryview(self._buffer)[5 : 4 + length])
        del self._buffer[: 4 + length]
        return kind, packet

    def _fill(self, wanted: int) -> None:
        deadline = time.monotonic() + self._timeout_s
        while len(self._buffer) < wanted:
            try:
                block = self._channel.recv(_RECEIVE_BYTES)
            except TimeoutError:
                self._tick(deadline)
                continue
            if not block:
                self.is_broken = True
                raise EOFError
            self._buffer += block

    def _send_all(self, packet: bytes) -> None:
        view, at = memoryview(packet), 0
        try:
            while at < len(view):
                # Not sendall(): it copies the rest again for each part.
                at += self._send_some(bytes(view[at : at + _SAFE_DATA]))
        except BaseException:
            # Half a request is on its way: nothing after it would be understood.
            self.is_broken = True
            raise

    def _send_some(self, part: bytes) -> int:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                sent = self._channel.send(part)
            except TimeoutError:
                self._tick(deadline)
                continue
            if not sent:
                raise EOFError
            return int(sent)

    def _tick(self, deadline: float) -> None:
        self.on_wait()
        if time.monotonic() > deadline:
            self.is_broken = True
            raise TimeoutError


def text(value: bytes) -> bytes:
    """Return a string as it is sent."""
    return struct.pack(">I", len(value)) + value


def number(value: int, form: str = ">I") -> bytes:
    """Return a number as it is sent."""
    return struct.pack(form, value)


def new_file(path: bytes, flags: int) -> tuple[bytes, bytes, bytes]:
    """Return the fields of OPEN."""
    return text(path), number(flags), _NO_ATTRIBUTES


def new_folder(path: bytes) -> tuple[bytes, bytes]:
    """Return the fields of MKDIR."""
    return text(path), _NO_ATTRIBUTES


def new_mode(path: bytes, mode: int) -> tuple[bytes, bytes, bytes]:
    """Return the fields of a SETSTAT request that changes who may read."""
    return text(path), number(_HAS_MODE), number(mode)
