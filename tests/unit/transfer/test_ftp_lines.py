"""Lines over a plain connection: whole ones only, never too long, never waited for longer than allowed."""

from __future__ import annotations

import ftplib
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from app.transfer.stores.ftp_lines import Lines, limit_waits, send_all


@pytest.fixture
def ends() -> Iterator[tuple[Lines, socket.socket]]:
    ours, theirs = socket.socketpair()
    lines = Lines(encoding="latin-1")
    lines.sock = ours
    with ours, theirs:
        yield lines, theirs


def test_lines_come_whole_however_they_are_cut(ends: tuple[Lines, socket.socket]) -> None:
    lines, server = ends
    server.sendall(b"213 20")
    server.sendall(b"0\r\n350-first\r\n half\r\n350 last\r\n")
    assert lines.getresp() == "213 200"
    assert lines.getresp() == "350-first\n half\n350 last"
    lines.putline("SIZE na\xefve")
    assert server.recv(100) == b"SIZE na\xefve\r\n"


def test_a_line_in_a_line_is_never_sent(ends: tuple[Lines, socket.socket]) -> None:
    for hostile in ("DELE a\r\nDELE b", "DELE a\nDELE b"):
        with pytest.raises(ValueError, match="a line in a line"):
            ends[0].putline(hostile)


def test_a_line_without_end_is_refused(ends: tuple[Lines, socket.socket]) -> None:
    lines, server = ends
    server.sendall(b"x" * (lines.maxline + 1))
    # An error of the protocol: this connection is not used again.
    with pytest.raises(ftplib.error_proto):
        lines.getline()


def test_who_hangs_up_ends_the_wait(ends: tuple[Lines, socket.socket]) -> None:
    lines, server = ends
    server.sendall(b"220 half a li")
    server.close()
    with pytest.raises(EOFError):
        lines.getline()


def test_nobody_is_waited_for_longer_than_allowed(ends: tuple[Lines, socket.socket]) -> None:
    lines, _server = ends
    ours = lines.sock
    limit_waits(ours, 0.2)
    if sys.platform != "win32":
        assert ours.gettimeout() is None, "the system itself ends the wait"
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        lines.getline()
    with pytest.raises(TimeoutError):
        send_all(ours, bytes(16 << 20))
    assert 0.35 <= time.monotonic() - began < 3


def test_what_comes_in_clear_behind_the_answer_is_not_read_as_encrypted(
    ends: tuple[Lines, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines, server = ends
    # The handshake itself is the real servers' to show; here only what lies before it is looked at.
    monkeypatch.setattr(ftplib.FTP_TLS, "auth", lambda self: self.voidcmd("AUTH TLS"))
    server.sendall(b"234 begin\r\n230 you are the administrator\r\n")
    assert lines.auth() == "234 begin"
    limit_waits(lines.sock, 0.1)
    with pytest.raises(TimeoutError):
        lines.getline()
