"""A line between a client and a server on loopback that can be cut, stopped and started, byte by byte.

It listens on 127.0.0.2 under the server's own port numbers, so that an FTP server's data ports lie behind it too.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HOST, _SERVER = "127.0.0.2", "127.0.0.1"
_BLOCK = 16 << 10


@dataclass
class Line:
    """What is to happen, and what did. ``counted``: the ports whose bytes to the server count."""

    counted: frozenset[int]
    passed: int = 0
    cuts: int = 0
    _after: int | None = None
    _answers: int | None = None
    _times: int = 0
    _open: list[socket.socket] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _flowing: threading.Event = field(default_factory=threading.Event)

    def cut(self, after: int, answers: int | None = None, times: int = 1) -> None:
        """Cut everything once ``after`` bytes passed; with ``answers``: then only when so many more came back."""
        with self._lock:
            self.passed, self._after, self._answers, self._times = 0, after, answers, times
            self._left = answers

    def stop(self) -> None:
        """Let nothing through any more, and tell nobody."""
        self._flowing.clear()

    def go_on(self) -> None:
        self._flowing.set()

    def forth(self, port: int, size: int) -> int:
        """Return how much of a block to the server goes through."""
        with self._lock:
            if port not in self.counted or self._after is None:
                return size
            if self._answers is None and self.passed + size >= self._after:
                size = self._after - self.passed
                self._cut_now()
                return size
            self.passed += size
            return size

    def back(self, port: int) -> bool:
        """Whether an answer of the server goes through."""
        with self._lock:
            is_answer = len(self.counted) == 1 or port not in self.counted
            if self._after is None or self._answers is None or not is_answer or self.passed < self._after:
                return True
            if self._left:
                self._left -= 1
                return True
            self._cut_now()
            return False

    def _cut_now(self) -> None:
        self.cuts += 1
        self.passed, self._left = 0, self._answers
        self._times -= 1
        if not self._times:
            self._after = None
        for one in self._open:
            with suppress(OSError):
                # A reset, not a goodbye.
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()

    def carry(self, caller: socket.socket, port: int) -> None:
        """Connect a caller to the server and pass on what both say."""
        if has_hung_up(caller):
            # An upload that was refused. Late, this would reach whom the server expects there next.
            caller.close()
            return
        try:
            server = socket.create_connection((_SERVER, port))
        except OSError:
            caller.close()
            return
        with self._lock:
            self._open += [caller, server]
        back = threading.Thread(target=self._pump, args=(server, caller, port, False), daemon=True)
        back.start()
        self._pump(caller, server, port, True)
        back.join()
        for one in (caller, server):
            one.close()
            with self._lock, suppress(ValueError):
                self._open.remove(one)

    def _pump(self, source: socket.socket, target: socket.socket, port: int, is_forth: bool) -> None:
        try:
            while block := source.recv(_BLOCK):
                self._flowing.wait()
                allowed = self.forth(port, len(block)) if is_forth else len(block)
                if not is_forth and not self.back(port):
                    return
                target.sendall(block[:allowed])
            target.shutdown(socket.SHUT_WR)
        except OSError:
            # One side has hung up, or the line was cut: so does the other.
            for one in (source, target):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)


def has_hung_up(caller: socket.socket) -> bool:
    """Whether a caller said nothing and went."""
    caller.setblocking(False)
    try:
        return not caller.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        caller.setblocking(True)


@contextmanager
def line_to(ports: tuple[int, ...], data_ports: tuple[int, ...] = ()) -> Iterator[Line]:
    """Put a line before a server. What counts: the data ports where there are such, else all."""
    line = Line(frozenset(data_ports or ports))
    line.go_on()
    done = threading.Event()
    selector = selectors.DefaultSelector()
    listeners = [socket.create_server((HOST, port)) for port in (*ports, *data_ports)]
    for listener in listeners:
        selector.register(listener, selectors.EVENT_READ)

    def listen() -> None:
        while not done.is_set():
            for key, _mask in selector.select(0.1):
                listener = key.fileobj
                assert isinstance(listener, socket.socket)
                caller, _address = listener.accept()
                port: int = listener.getsockname()[1]
                threading.Thread(target=line.carry, args=(caller, port), daemon=True).start()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield line
    finally:
        done.set()
        thread.join()
        line.go_on()
        with line._lock:
            for one in line._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        for listener in listeners:
            listener.close()
        selector.close()
