"""The lines of an FTP conversation, for threads that hold several at once.

ftplib asks the system before each read and each write whether there is something to do, and reads through three
layers; every such call is a turn in which threads wait for each other. Here the system itself ends a wait (measured
with four connections on loopback: a fifth of the time of an upload of 200 KiB).
"""

from __future__ import annotations

import ftplib
import socket
import ssl
import struct
import sys

_BLOCK_BYTES = 8192


class Lines(ftplib.FTP_TLS):
    """ftplib's conversation with its own lines. One thread at a time. Raises ftplib's errors, EOFError, OSError."""

    _unread = b""

    def putline(self, line: str) -> None:
        """Send one line."""
        if "\r" in line or "\n" in line:
            raise ValueError("a line in a line")
        send_all(self._control(), f"{line}\r\n".encode(self.encoding))

    def getline(self) -> str:
        """Return the next line without its end."""
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > self.maxline:
                # Where the next line begins nobody knows: the connection is of no more use.
                raise ftplib.error_proto(f"more than {self.maxline} bytes in a line")
            self._unread += self._received()
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line.rstrip(b"\r").decode(self.encoding)

    def auth(self) -> str:
        """Begin TLS; what somebody put behind the answer in clear is not read as if it had come by TLS."""
        answer: str = super().auth()
        self._unread = b""
        return answer

    def _received(self) -> bytes:
        try:
            block = self._control().recv(_BLOCK_BYTES)
        except BlockingIOError as error:
            raise TimeoutError from error
        if not block:
            raise EOFError
        return block

    def _control(self) -> socket.socket:
        if self.sock is None:
            raise EOFError
        return self.sock


def send_all(connection: socket.socket, block: bytes) -> None:
    """Send everything. Raises OSError; TimeoutError when it takes too long."""
    try:
        connection.sendall(block)
    except BlockingIOError as error:
        raise TimeoutError from error


def limit_waits(connection: socket.socket, seconds: float) -> None:
    """Let no read and no write take longer; without TLS, on POSIX, what does raises BlockingIOError."""
    if isinstance(connection, ssl.SSLSocket) or sys.platform == "win32":
        # Whether Windows wakes who waits in the system when another thread shuts the connection is written nowhere.
        connection.settimeout(seconds)
        return
    # None at all would be for ever.
    whole, rest = divmod(max(1, round(seconds * 1000)), 1000)
    limit = struct.pack("ll", whole, rest * 1000)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        connection.setsockopt(socket.SOL_SOCKET, option, limit)
    connection.settimeout(None)
