"""A front before moto that lets through only what Amazon would: moto itself answers expired and altered links.

Recomputes the signature of a link (AWS Signature Version 4, query parameters) and looks at its expiry. Requests with
a signature in their header go on as they are; those without any are refused.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, urlsplit

from tests.store_servers import S3Server

_LONGEST_S = 604_800
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


def refusal(method: str, target: str, host: str, server: S3Server, now: datetime) -> str | None:
    """Return why a link is refused, ``None`` for a good one."""
    parts = urlsplit(target)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = dict(pairs)
    try:
        signature = query["X-Amz-Signature"]
        key, day, region, service, ending = query["X-Amz-Credential"].split("/")
        signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        seconds = int(query["X-Amz-Expires"])
        headers = query["X-Amz-SignedHeaders"]
    except (KeyError, ValueError):
        return "AccessDenied"
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256" or (key, ending) != (server.access_key, "aws4_request"):
        return "InvalidAccessKeyId"
    if headers != "host" or not 1 <= seconds <= _LONGEST_S or day != query["X-Amz-Date"][:8]:
        return "AuthorizationQueryParametersError"
    said = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in pairs if name != "X-Amz-Signature"
    )
    canonical = "\n".join(
        (
            method,
            parts.path,
            "&".join(f"{name}={value}" for name, value in said),
            f"host:{host}\n",
            "host",
            "UNSIGNED-PAYLOAD",
        )
    )
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(
        ("AWS4-HMAC-SHA256", query["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest())
    )
    secret = f"AWS4{server.secret_key}".encode()
    for part in (day, region, service, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    if not hmac.compare_digest(hmac.new(secret, to_sign.encode(), "sha256").hexdigest(), signature):
        return "SignatureDoesNotMatch"
    if not signed_at <= now + timedelta(minutes=15) or now >= signed_at + timedelta(seconds=seconds):
        return "AccessDenied"
    return None


@dataclass
class SignedFront:
    """The front. ``ahead``: how much later it is there; ``is_away``: it cuts every line; ``is_open``: asks nobody."""

    server: S3Server
    port: int = 0
    ahead: timedelta = field(default_factory=timedelta)
    is_away: bool = False
    is_open: bool = False
    asked: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def signed_front(server: S3Server) -> Iterator[SignedFront]:
    """Run the front until the block ends."""
    front = SignedFront(server)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            if front.is_away:
                self.close_connection = True
                self.connection.close()
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            front.asked.append(f"{self.command} {urlsplit(self.path).path}")
            code, headers = None, dict(self.headers.items())
            if front.is_open and "Authorization" not in headers:
                # Let in like the owner, by a signature that moto does not look at.
                day = f"{datetime.now(UTC):%Y%m%d}/us-east-1/s3/aws4_request"
                headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={server.access_key}/{day}, SignedHeaders=host"
            if not (self.headers.get("Authorization") or front.is_open):
                code = refusal(self.command, self.path, self.headers["Host"], server, datetime.now(UTC) + front.ahead)
            if code is not None:
                self._send(403, {"Content-Type": "application/xml"}, f"<Error><Code>{code}</Code></Error>".encode())
                return
            # Signed to the front's address: moto does not look at it.
            line = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            try:
                line.request(self.command, self.path, body or None, headers)
                told = line.getresponse()
                self._send(told.status, dict(told.getheaders()), told.read())
            finally:
                line.close()

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _answer

        def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            length = headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body))
            self.send_header("Content-Length", length)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    web = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.daemon_threads = True
    front.port = web.server_address[1]
    thread = threading.Thread(target=web.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield front
    finally:
        web.shutdown()
        thread.join()
        web.server_close()
