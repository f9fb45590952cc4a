"""One window per library: a second start hands its wishes to the first and ends.

The local socket's name is made from the library's path; only the same account may connect.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.ui.main_window.instance_name import socket_name

WAIT_MS = 1000
MOST_BYTES = 1 << 20


def hand_over(library: Path, wishes: dict[str, Any]) -> bool:
    """Give the wishes to the window that has this library open; ``False`` when there is none."""
    socket = QLocalSocket()
    socket.connectToServer(socket_name(library))
    if not socket.waitForConnected(WAIT_MS):
        return False
    socket.write(json.dumps(wishes).encode("utf-8") + b"\n")
    socket.waitForBytesWritten(WAIT_MS)
    # Wait for the answer: until it came nobody knows that somebody is alive at the other end.
    answered = socket.waitForReadyRead(WAIT_MS * 3)
    socket.disconnectFromServer()
    return answered


class InstanceServer(QObject):
    """Listens for later starts. GUI thread only."""

    asked = Signal(object)

    def __init__(self, library: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._sockets: list[QLocalSocket] = []
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_server_new_connection)
        name = socket_name(library)
        if not self._server.listen(name):
            # A socket left by a crash: nobody answered it, or we would not be here.
            QLocalServer.removeServer(name)
            self._server.listen(name)

    def close(self) -> None:
        """Listen no more."""
        self._server.close()

    @Slot()
    def _on_server_new_connection(self) -> None:
        socket = self._server.nextPendingConnection()
        socket.readyRead.connect(self._on_socket_ready)
        socket.disconnected.connect(self._on_socket_disconnected)
        self._sockets.append(socket)

    @Slot()
    def _on_socket_ready(self) -> None:
        socket = self.sender()
        if not isinstance(socket, QLocalSocket) or not socket.canReadLine():
            return
        line = bytes(socket.readLine(MOST_BYTES).data())
        try:
            wishes = json.loads(line)
        except ValueError:
            socket.abort()
            return
        socket.write(b"ok\n")
        socket.flush()
        if isinstance(wishes, dict):
            self.asked.emit(wishes)

    @Slot()
    def _on_socket_disconnected(self) -> None:
        socket = self.sender()
        if socket in self._sockets:
            self._sockets.remove(socket)
            socket.deleteLater()
