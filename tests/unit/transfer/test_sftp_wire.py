"""The wire of SFTP where the server is slow or lies; what servers do right is shown by real ones."""

from __future__ import annotations

import struct
from collections import deque

import pytest

from app.transfer.stores.sftp_wire import CLOSE, REMOVE, Wire, text

_STATUS, _FINE = 101, 0


class Line:
    """A channel that gives one packet at a time, whatever is sent."""

    def __init__(self, *packets: bytes) -> None:
        self.packets = deque([struct.pack(">IBI", 5, 2, 3), *packets])
        self.taken = 0

    def settimeout(self, _seconds: float) -> None:
        """As a channel's."""

    def send(self, part: bytes) -> int:
        """Take everything."""
        return len(part)

    def recv(self, _size: int) -> bytes:
        """Give the next packet, then nothing for ever."""
        self.taken += 1
        return self.packets.popleft() if self.packets else b""


def status(request: int) -> bytes:
    body = struct.pack(">BII", _STATUS, request, _FINE)
    return struct.pack(">I", len(body)) + body


def test_what_was_told_is_done_before_anybody_hangs_up() -> None:
    line = Line(status(1), status(2))
    wire = Wire(line, 1.0)  # type: ignore[arg-type]
    wire.tell(CLOSE, text(b"handle"))
    wire.tell(REMOVE, text(b"x.part"))
    assert line.taken == 1, "nobody waits yet"
    wire.settle()
    assert (line.taken, len(line.packets)) == (3, 0)
    wire.settle()
    assert line.taken == 3, "there is nothing more to wait for"


def test_a_line_that_ends_meanwhile_is_no_new_fault() -> None:
    wire = Wire(Line(status(1)), 1.0)  # type: ignore[arg-type]
    wire.tell(CLOSE, text(b"handle"))
    wire.tell(REMOVE, text(b"x.part"))
    wire.settle()
    assert wire.is_broken


@pytest.mark.parametrize("length", [0, 1, 4, 1 << 31])
def test_a_packet_of_no_length_breaks_the_line(length: int) -> None:
    wire = Wire(Line(struct.pack(">I", length) + b"eeee"), 1.0)  # type: ignore[arg-type]
    with pytest.raises(EOFError):
        wire.do(CLOSE, text(b"handle"))
    assert wire.is_broken
