"""Framed messages between parent and decoding child.

A message is a small JSON object, optional inline bytes, and optional arrays in shared memory.
POSIX uses a socket pair that can pass descriptors; Windows a pair of pipes. No decoding here.
"""

from __future__ import annotations

import array as array_module
import json
import queue
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from multiprocessing import shared_memory
from typing import Any, BinaryIO, Protocol

from app.imaging.child import blob

MAGIC = b"BWD1"
_PREFIX = struct.Struct("!4sII")
HEADER_LIMIT_BYTES = 16 << 20
INLINE_LIMIT_BYTES = 64 << 10


class ChannelClosed(ConnectionError):
    """The other side is gone."""


class ChannelTimeout(TimeoutError):
    """Nothing arrived in time."""


class ProtocolError(ConnectionError):
    """The other side sent what is not a message of ours."""


@dataclass
class Message:
    """One message: a JSON object and the arrays that it refers to by number."""

    header: dict[str, Any]
    arrays: list[Any] = field(default_factory=list)


class Channel(Protocol):
    """Both ends of the line between parent and child."""

    def send(self, message: Message) -> None:
        """Send ``message`` or raise :class:`ChannelClosed`."""

    def receive(self, deadline: float | None) -> Message:
        """Wait until ``deadline`` (monotonic seconds, None for ever) for the next message."""

    def close(self) -> None:
        """Let go of the line."""


def _pack(header: dict[str, Any], inline: bytes) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    return _PREFIX.pack(MAGIC, len(text), len(inline)) + text + inline


def _unpack_prefix(prefix: bytes) -> tuple[int, int]:
    magic, header_bytes, inline_bytes = _PREFIX.unpack(prefix)
    if magic != MAGIC or header_bytes > HEADER_LIMIT_BYTES or inline_bytes > INLINE_LIMIT_BYTES:
        raise ProtocolError("not a message")
    return header_bytes, inline_bytes


def _parse_header(text: bytes) -> dict[str, Any]:
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError("not JSON") from error
    if not isinstance(header, dict):
        raise ProtocolError("not an object")
    return header


def _attach(header: dict[str, Any], content: memoryview) -> Message:
    try:
        return Message(header, blob.arrays_of(content, header.get("arrays", [])))
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ProtocolError("arrays do not fit") from error


def _inline(message: Message, layout: blob.Layout) -> bytes | None:
    """Return the arrays as bytes when they are small enough to travel with the message."""
    if layout.size > INLINE_LIMIT_BYTES:
        return None
    buffer = bytearray(layout.size)
    for array, item in zip(message.arrays, layout.items, strict=True):
        data = array.astype(item["dtype"], copy=False).tobytes()
        buffer[item["offset"] : item["offset"] + len(data)] = data
    return bytes(buffer)


class SocketChannel:
    """A stream socket that passes memory by descriptor (POSIX)."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._line.fileno()

    def send(self, message: Message) -> None:
        """Send ``message`` or raise :class:`ChannelClosed`."""
        layout = blob.lay_out(message.arrays)
        header = {**message.header, "arrays": layout.items}
        inline = _inline(message, layout)
        try:
            self._line.settimeout(None)
            if inline is not None:
                self._line.sendall(_pack(header, inline))
                return
            header["memory"] = layout.size
            descriptor = blob.write_anonymous(message.arrays, layout)
            try:
                data = _pack(header, b"")
                sent = socket.send_fds(self._line, [data], [descriptor])
                self._line.sendall(data[sent:])
            finally:
                blob.close_descriptor(descriptor)
        except (BrokenPipeError, ConnectionError) as error:
            raise ChannelClosed from error

    def receive(self, deadline: float | None) -> Message:
        """Wait until ``deadline`` for the next message."""
        prefix, descriptors = self._read_prefix(deadline)
        try:
            header_bytes, inline_bytes = _unpack_prefix(prefix)
            header = _parse_header(self._read(header_bytes, deadline))
            inline = self._read(inline_bytes, deadline)
            if not header.get("memory"):
                return _attach(header, memoryview(inline))
            if len(descriptors) != 1:
                raise ProtocolError("memory is missing")
            content = blob.map_anonymous(descriptors.pop(), int(header["memory"]))
        except (ValueError, OSError) as error:
            if isinstance(error, (ChannelClosed, ChannelTimeout, ProtocolError)):
                raise
            raise ProtocolError("memory does not fit") from error
        finally:
            for descriptor in descriptors:
                blob.close_descriptor(descriptor)
        return _attach(header, content)

    def close(self) -> None:
        """Close the socket; the other side sees it at once."""
        self._line.close()

    def shut_down(self) -> None:
        """Wake whoever waits on this line, from any thread."""
        try:
            self._line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def _read_prefix(self, deadline: float | None) -> tuple[bytes, list[int]]:
        """Read the fixed part of a message, with the descriptor that may come with it."""
        descriptors = array_module.array("i")
        self._wait(deadline)
        try:
            data, ancillary, _, _ = self._line.recvmsg(_PREFIX.size, socket.CMSG_SPACE(descriptors.itemsize))
        except TimeoutError as error:
            raise ChannelTimeout from error
        except OSError as error:
            raise ChannelClosed from error
        for level, kind, content in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                whole = len(content) - len(content) % descriptors.itemsize
                descriptors.frombytes(content[:whole])
        if not data:
            raise ChannelClosed
        found = list(descriptors)
        try:
            return data + self._read(_PREFIX.size - len(data), deadline), found
        except (ChannelClosed, ChannelTimeout):
            for descriptor in found:
                blob.close_descriptor(descriptor)
            raise

    def _read(self, count: int, deadline: float | None) -> bytes:
        parts: list[bytes] = []
        while count:
            self._wait(deadline)
            try:
                part = self._line.recv(min(count, 1 << 20))
            except TimeoutError as error:
                raise ChannelTimeout from error
            except OSError as error:
                raise ChannelClosed from error
            if not part:
                raise ChannelClosed
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _wait(self, deadline: float | None) -> None:
        try:
            if deadline is None:
                self._line.settimeout(None)
                return
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise ChannelTimeout
            self._line.settimeout(remaining)
        except OSError as error:
            if isinstance(error, ChannelTimeout):
                raise
            raise ChannelClosed from error


class PipeChannel:
    """A pair of byte streams; memory travels as a named mapping (Windows).

    A mapping is kept until the next message is sent: by then the parent, which speaks only
    after having read an answer, has copied it.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self._reader, self._writer = reader, writer
        self._kept: shared_memory.SharedMemory | None = None
        self._arrived: queue.Queue[Message | Exception] = queue.Queue()
        threading.Thread(target=self._pump, name="decoder-pipe", daemon=True).start()

    def send(self, message: Message) -> None:
        """Send ``message`` or raise :class:`ChannelClosed`."""
        self._drop_kept()
        layout = blob.lay_out(message.arrays)
        header = {**message.header, "arrays": layout.items}
        inline = _inline(message, layout)
        if inline is None:
            self._kept = blob.write_named(message.arrays, layout)
            header |= {"memory": layout.size, "name": self._kept.name}
        try:
            self._writer.write(_pack(header, inline or b""))
            self._writer.flush()
        except (OSError, ValueError) as error:
            raise ChannelClosed from error

    def receive(self, deadline: float | None) -> Message:
        """Wait until ``deadline`` for the next message."""
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            found = self._arrived.get(timeout=timeout)
        except queue.Empty as error:
            raise ChannelTimeout from error
        if isinstance(found, Exception):
            self._arrived.put(found)  # stays closed for whoever asks next
            raise found
        return found

    def close(self) -> None:
        """Close both streams and let go of memory."""
        self._drop_kept()
        for stream in (self._writer, self._reader):
            try:
                stream.close()
            except OSError:
                continue

    def _drop_kept(self) -> None:
        if self._kept is not None:
            self._kept.close()
            blob.unlink_named(self._kept)
            self._kept = None

    def _pump(self) -> None:
        try:
            while True:
                self._arrived.put(self._next())
        except (ConnectionError, OSError, ValueError) as error:
            failure = error if isinstance(error, ConnectionError) else ChannelClosed()
            self._arrived.put(failure)

    def _next(self) -> Message:
        header_bytes, inline_bytes = _unpack_prefix(self._exactly(_PREFIX.size))
        header = _parse_header(self._exactly(header_bytes))
        inline = self._exactly(inline_bytes)
        if not header.get("memory"):
            return _attach(header, memoryview(inline))
        return _attach(header, blob.read_named(str(header["name"]), int(header["memory"])))

    def _exactly(self, count: int) -> bytes:
        data = self._reader.read(count) if count else b""
        if len(data) != count:
            raise ChannelClosed
        return data
