"""A file that the system itself copies into a connection: whole, counted, stoppable; faults said of the right side."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault
from app.transfer.stores.blocks import BLOCK_BYTES, sending

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="files are read and sent there")
QUIET = JobContext.silent()
CONTENT = os.urandom(3 * BLOCK_BYTES + 7)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def everything(theirs: socket.socket, got: bytearray) -> threading.Thread:
    def read() -> None:
        while block := theirs.recv(1 << 16):
            got.extend(block)

    reading = threading.Thread(target=read)
    reading.start()
    return reading


def failing(after: int, number: int) -> Callable[[int, int, int | None, int], int]:
    """Return a sendfile that fails after so many calls."""
    real, calls = os.sendfile, [0]

    def sendfile(out: int, into: int, offset: int | None, count: int) -> int:
        calls[0] += 1
        if calls[0] > after:
            raise OSError(number, os.strerror(number))
        return real(out, into, offset, count)

    return sendfile


def test_all_of_it_goes_over_and_is_counted(source: Path, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    got, counted = bytearray(), list[int]()
    reading = everything(theirs, got)
    with sending(source, QUIET, counted.append) as reader:
        assert reader.pour(ours)
        assert reader.sent == len(CONTENT)
    ours.close()
    reading.join()

    assert got == CONTENT
    assert sum(counted) == len(CONTENT)
    assert max(counted) <= BLOCK_BYTES


@pytest.mark.parametrize("after", [0, 2])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EBADMSG, errno.EACCES])
def test_where_the_file_system_gives_nothing_away_the_rest_is_read(
    source: Path, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch, number: int, after: int
) -> None:
    ours, theirs = pair
    got = bytearray()
    reading = everything(theirs, got)
    monkeypatch.setattr(os, "sendfile", failing(after, number))
    with sending(source, QUIET, None) as reader:
        assert not reader.pour(ours)
        for block in reader.blocks():
            ours.sendall(block)
        assert reader.sent == len(CONTENT)
    ours.close()
    reading.join()

    assert got == CONTENT


def test_a_file_that_cannot_be_read_is_not_the_connections_fault(
    source: Path, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sendfile", failing(0, errno.EIO))
    with sending(source, QUIET, None) as reader, pytest.raises(EnvironmentFault, match=r"file\.unreadable"):
        reader.pour(pair[0])


def test_a_hang_up_is_the_connections(source: Path, pair: tuple[socket.socket, socket.socket]) -> None:
    pair[1].close()
    with sending(source, QUIET, None) as reader, pytest.raises(BrokenPipeError):
        reader.pour(pair[0])


def test_whoever_takes_nothing_is_not_waited_for_for_ever(
    source: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    pair[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", 0, 100_000))
    with sending(source, QUIET, None) as reader, pytest.raises(TimeoutError):
        reader.pour(pair[0])


def test_it_stops_between_two_blocks(source: Path, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    token = CancelToken()
    reading = everything(theirs, bytearray())
    with sending(source, JobContext(token), lambda _count: token.cancel()) as reader:
        with pytest.raises(Cancelled):
            reader.pour(ours)
        assert 0 < reader.sent <= BLOCK_BYTES
    ours.close()
    reading.join()


def test_what_is_hashed_on_the_way_is_read(source: Path, pair: tuple[socket.socket, socket.socket]) -> None:
    with sending(source, QUIET, None, "sha256") as reader:
        assert not reader.pour(pair[0])
        assert reader.sent == 0
