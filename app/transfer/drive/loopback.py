"""The one page of the program's own: where the browser brings the answer to after somebody signed in.

Listens on 127.0.0.1 alone, on a port of the system's choosing, until the answer with the right state has come.
"""

from __future__ import annotations

import hmac
import html
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

_CONNECTION_S = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser brought: a code, or nothing when the person said no."""

    code: str = ""


class Loopback:
    """Waits for one answer. Any thread."""

    def __init__(self, state: str, done: str, denied: str) -> None:
        self.answer: Answer | None = None
        loopback = self

        class Page(BaseHTTPRequestHandler):
            timeout = _CONNECTION_S

            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                told = asked.get("state", [""])[0]
                # Anybody on this computer can knock here: without the state it is not the answer.
                if not hmac.compare_digest(told.encode("utf-8"), state.encode("utf-8")):
                    self._say(404, "")
                    return
                code = asked.get("code", [""])[0]
                self._say(200, done if code else denied)
                if loopback.answer is None:
                    loopback.answer = Answer(code)

            def _say(self, status: int, text: str) -> None:
                page = f"<!doctype html><meta charset=utf-8><title>Bitewing</title><p dir=auto>{html.escape(text)}"
                body = page.encode("utf-8")
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.send_header("Referrer-Policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_words: object) -> None:
                """Write nothing down: the line has the code in it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="sign-in", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the browser is sent back to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
