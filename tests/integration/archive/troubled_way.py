"""A way to a real Orthanc on which things go wrong: answers replaced, cut off, slowed down, on request."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

# Returns true when it has answered, false to let the real server answer.
Trouble = Callable[[BaseHTTPRequestHandler], bool]


def no_trouble(_handler: BaseHTTPRequestHandler) -> bool:
    return False


class Way:
    """What happens on the way now; ``trouble`` may be changed at any time."""

    def __init__(self, port: int) -> None:
        self.trouble: Trouble = no_trouble
        self.port = port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def way_to(server_url: str) -> Iterator[Way]:
    """Stand between a client and the server, passing everything on but for the trouble of now."""
    client = httpx.Client(base_url=server_url, timeout=30)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if way.trouble(self):
                return
            headers = {
                name: value
                for name, value in self.headers.items()
                if name.lower() not in {"host", "connection", "content-length"}
            }
            answer = client.request(self.command, self.path, content=self.body, headers=headers)
            self.reply(answer.status_code, answer.content, answer.headers.get("Content-Type", ""))

        def reply(self, status: int, body: bytes = b"", kind: str = "application/json", **more: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": kind, **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _pass_on

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        way = Way(listener.server_port)
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        try:
            yield way
        finally:
            listener.shutdown()
            thread.join()
            client.close()


def is_upload(handler: BaseHTTPRequestHandler) -> bool:
    return handler.command == "POST" and handler.path == "/instances"


def answers(status: int, body: bytes = b"", **headers: str) -> Trouble:
    """Answer every upload so, whatever the server would have said."""

    def trouble(handler: BaseHTTPRequestHandler) -> bool:
        if is_upload(handler):
            handler.reply(status, body, "text/html", **headers)  # type: ignore[attr-defined]
        return is_upload(handler)

    return trouble


def hangs_up(handler: BaseHTTPRequestHandler) -> bool:
    """Cut every upload off before the server has it."""
    if is_upload(handler):
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
    return is_upload(handler)


def drips(handler: BaseHTTPRequestHandler) -> bool:
    """Answer every upload with one byte a second."""
    if not is_upload(handler):
        return False
    handler.send_response(200)
    handler.send_header("Content-Length", "600")
    handler.end_headers()
    try:
        for _byte in range(600):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(1)
    except OSError:
        # The client has lost patience, as it should.
        handler.close_connection = True
    return True


def truncates(handler: BaseHTTPRequestHandler) -> bool:
    """Let the server have half of every upload."""
    if is_upload(handler):
        handler.body = handler.body[: len(handler.body) // 2]  # type: ignore[attr-defined]
    return False
