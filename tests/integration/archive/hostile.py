"""Peers that mean harm, each in a process of its own: ``python -m tests.integration.archive.hostile MODE PORT COUNT``.

Says how many connections it made once the harm is done as far as it goes, and holds on until its standard input ends.
The listener they attack runs by ``python -m tests.integration.archive.hostile listen PORT FOLDER``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import socket
import struct
import sys
import threading
import time
from pathlib import Path

from app.transfer.listener import Listener, ListenerArgs

AET = "BITEWING"
SECONDARY_CAPTURE, IMPLICIT = b"1.2.840.10008.5.1.4.1.1.7", b"1.2.840.10008.1.2"
VERIFICATION = b"1.2.840.10008.1.1"
STORE_RQ, ECHO_RQ = 0x0001, 0x0030
LIMIT_BYTES = 8 << 20
made = itertools.count()


def _item(kind: int, body: bytes) -> bytes:
    return struct.pack(">BBH", kind, 0, len(body)) + body


def associate_rq(called: str = AET) -> bytes:
    """Return an A-ASSOCIATE-RQ for storage and a sign of life (PS3.8 section 9.3.2)."""
    contexts = b"".join(
        _item(0x20, bytes((number, 0, 0, 0)) + _item(0x30, abstract) + _item(0x40, IMPLICIT))
        for number, abstract in ((1, SECONDARY_CAPTURE), (3, VERIFICATION))
    )
    user = _item(0x50, _item(0x51, struct.pack(">L", 16384)) + _item(0x52, b"1.2.3.4"))
    body = b"\0\1\0\0" + called.ljust(16).encode() + b"HOSTILE".ljust(16) + bytes(32)
    body += _item(0x10, b"1.2.840.10008.3.1.1.1") + contexts + user
    return struct.pack(">BBL", 1, 0, len(body)) + body


def p_data(context: int, control: int, data: bytes) -> bytes:
    """Return a P-DATA-TF with one fragment (PS3.8 section 9.3.5)."""
    fragment = struct.pack(">LBB", len(data) + 2, context, control) + data
    return struct.pack(">BBL", 4, 0, len(fragment)) + fragment


def command(kind: int, sop_class: bytes, *, has_data: bool) -> bytes:
    """Return a command set (PS3.7 section 6.3.1)."""

    def element(number: int, value: bytes) -> bytes:
        value += b"\0" * (len(value) % 2)
        return struct.pack("<HHL", 0, number, len(value)) + value

    rest = element(0x0002, sop_class) + element(0x0100, struct.pack("<H", kind))
    rest += element(0x0110, struct.pack("<H", 1)) + element(0x0700, struct.pack("<H", 0))
    rest += element(0x0800, struct.pack("<H", 0 if has_data else 0x0101))
    rest += element(0x1000, b"1.2.3.4.5") if kind == STORE_RQ else b""
    return element(0x0000, struct.pack("<L", len(rest))) + rest


def connected(port: int, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection, and count it."""
    peer = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))
    next(made)
    return peer


def associated(port: int, source: str = "127.0.0.1") -> socket.socket:
    """Return a connection with an association."""
    peer = connected(port, source)
    peer.sendall(associate_rq())
    assert peer.recv(65536)[:1] == b"\x02"
    return peer


def open_many(port: int, count: int, said: bytes = b"") -> list[socket.socket]:
    """Open connections and keep them; those that are turned away meanwhile count too."""
    kept = []
    for _number in range(count):
        with contextlib.suppress(OSError):
            peer = connected(port)
            kept.append(peer)
            peer.sendall(said)
    return kept


def idle(port: int, count: int) -> object:
    return open_many(port, count)


def dropped(port: int, count: int) -> None:
    for _number in range(count):
        with contextlib.suppress(OSError), connected(port):
            pass


def garbage(port: int, count: int) -> object:
    noises = [
        b"GET / HTTP/1.1\r\n\r\n",
        os.urandom(3000),
        b"\x04\0\x7f\xff\xff\xff",
        b"\x01\0\xff\xff\xff\xff" + b"A" * 5000,
    ]
    return [open_many(port, 1, noise) for noise, _number in zip(itertools.cycle(noises), range(count), strict=False)]


def loris(port: int, count: int) -> object:
    """Ask for an association a byte at a time, for ever."""
    peers, request = open_many(port, count), associate_rq()

    def drip() -> None:
        for number in range(len(request) - 1):
            for peer in peers:
                with contextlib.suppress(OSError):
                    peer.send(request[number : number + 1])
            time.sleep(0.05)

    threading.Thread(target=drip, daemon=True).start()
    return peers


def wrong_name(port: int, count: int) -> object:
    return open_many(port, count, associate_rq("SOMEBODY"))


def hogs(port: int, count: int) -> object:
    """Hold associations and say nothing on them."""
    kept = []
    for _number in range(count):
        with contextlib.suppress(OSError, AssertionError):
            kept.append(associated(port, "127.0.0.2"))
    return kept


def oversized(port: int, count: int) -> None:
    """Announce 4 GiB, and send until the other side has had enough."""
    for _number in range(count):
        for peer, head in (
            (connected(port), b"\x01\0\xff\xff\xff\xff"),
            (associated(port), b"\x04\0\xff\xff\xff\xff"),
        ):
            with contextlib.suppress(OSError), peer:
                peer.sendall(head)
                for _block in range(4096):
                    peer.sendall(b"A" * (1 << 20))


def endless(port: int, count: int) -> None:
    """Send objects that never end."""
    for _number in range(count):
        with contextlib.suppress(OSError), associated(port) as peer:
            peer.sendall(p_data(1, 3, command(STORE_RQ, SECONDARY_CAPTURE, has_data=True)))
            for _block in range(LIMIT_BYTES // 100_000 * 50):
                peer.sendall(p_data(1, 0, b"\0" * 100_000))


def endless_command(port: int, count: int) -> None:
    """Send a command, and then the data of an echo, that never end."""
    for _number in range(count):
        for control in (1, 0):
            with contextlib.suppress(OSError), associated(port) as peer:
                if control == 0:
                    peer.sendall(p_data(3, 3, command(ECHO_RQ, VERIFICATION, has_data=True)))
                for _block in range(2000):
                    peer.sendall(p_data(3, control, b"\0" * 100_000))


def halfway(port: int, count: int) -> None:
    """Hang up in the middle of an object."""
    for _number in range(count):
        with contextlib.suppress(OSError, AssertionError), associated(port) as peer:
            peer.sendall(p_data(1, 3, command(STORE_RQ, SECONDARY_CAPTURE, has_data=True)))
            peer.sendall(p_data(1, 0, b"\0" * 100_000))


def impatient(port: int, count: int) -> None:
    """Send requests without waiting for an answer to any."""
    with contextlib.suppress(OSError), associated(port) as peer:
        for _number in range(count):
            peer.sendall(p_data(1, 3, command(STORE_RQ, SECONDARY_CAPTURE, has_data=True)) + p_data(1, 2, b"\0" * 8))


def listen(port: int, folder: str) -> Listener:
    args = ListenerArgs(port, AET, Path(folder), "127.0.0.1", longest_bytes=LIMIT_BYTES, timeout_s=10.0)
    listener = Listener(args)
    listener.start()
    return listener


def main() -> None:
    """Do as the command line says."""
    mode, port, last = sys.argv[1:]
    held = listen(int(port), last) if mode == "listen" else globals()[mode](int(port), int(last))
    print(next(made), flush=True)
    sys.stdin.read()
    if isinstance(held, Listener):
        held.stop()


if __name__ == "__main__":
    main()
