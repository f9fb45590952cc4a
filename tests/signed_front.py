"""A front before moto that lets through only what Amazon would: moto itself answers expired and altered links.

Recomputes the signature of a link (AWS Signature Version 4, query parameters) and looks at its expiry. Requests with
a signature in their header go on as they are; those without any are refused.
"""

from __future__ import annotations

import base64
import email
import hashlib
import hmac
import http.client
import json
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
    if not hmac.compare_digest(_signature(server, (day, region, service), to_sign), signature):
        return "SignatureDoesNotMatch"
    if not signed_at <= now + timedelta(minutes=15) or now >= signed_at + timedelta(seconds=seconds):
        return "AccessDenied"
    return None


def _signature(server: S3Server, scope: tuple[str, str, str], to_sign: str) -> str:
    secret = f"AWS4{server.secret_key}".encode()
    for part in (*scope, "aws4_request"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    return hmac.new(secret, to_sign.encode(), "sha256").hexdigest()


def refused_form(kind: str, body: bytes, server: S3Server, now: datetime) -> str | None:
    """Return why a form is refused (Amazon's POST policies), ``None`` for a good one."""
    parts = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body)
    if not parts.is_multipart():
        return "AccessDenied"
    fields, size, key = dict[str, str](), -1, ""
    for part in parts.get_payload():
        name = str(part.get_param("name", header="content-disposition"))
        if name == "file":
            size = len(part.get_payload(decode=True))
            break
        fields[name.lower()] = part.get_payload(decode=True).decode()
    key = fields.get("key", "")
    try:
        user, day, region, service, _ending = fields["x-amz-credential"].split("/")
        policy = json.loads(base64.b64decode(fields["policy"]))
    except (KeyError, ValueError):
        return "AccessDenied"
    signature = _signature(server, (day, region, service), fields["policy"])
    if user != server.access_key or not hmac.compare_digest(signature, fields.get("x-amz-signature", "")):
        return "SignatureDoesNotMatch"
    if now >= datetime.fromisoformat(policy["expiration"]):
        return "AccessDenied"
    covered = {"policy", "x-amz-signature"}
    for one in policy["conditions"]:
        how, what, said = ("eq", *next(iter(one.items()))) if isinstance(one, dict) else one
        if how == "content-length-range":
            if not int(what) <= size <= int(said):
                return "EntityTooLarge"
            continue
        name = what.removeprefix("$").lower()
        covered.add(name)
        here = {"bucket": server.bucket}.get(name, fields.get(name, ""))
        if not (here == said if how == "eq" else here.startswith(said)):
            return "AccessDenied"
    return None if key and not set(fields) - covered else "AccessDenied"


@dataclass
class SignedFront:
    """The front. ``ahead``: how much later it is there; ``is_away``: it cuts every line; ``is_open``: asks nobody.

    ``takes_forms``: false for a server that knows no POST policies. ``tells_strangers``: its answer's status.
    """

    server: S3Server
    port: int = 0
    ahead: timedelta = field(default_factory=timedelta)
    is_away: bool = False
    is_open: bool = False
    takes_forms: bool = True
    tells_strangers: int = 403
    sent_bytes: int = 0
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
            front.sent_bytes += len(body) if self.command == "PUT" else 0
            code, headers = None, dict(self.headers.items())
            if front.is_open and "Authorization" not in headers:
                # Let in like the owner, by a signature that moto does not look at.
                day = f"{datetime.now(UTC):%Y%m%d}/us-east-1/s3/aws4_request"
                headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={server.access_key}/{day}, SignedHeaders=host"
            if not (self.headers.get("Authorization") or front.is_open):
                now, kind = datetime.now(UTC) + front.ahead, self.headers.get("Content-Type", "")
                if self.command == "POST" and front.takes_forms:
                    code = refused_form(kind, body, server, now)
                else:
                    code = refusal(self.command, self.path, self.headers["Host"], server, now)
            if code is not None:
                is_stranger = "X-Amz-Signature" not in self.path and self.command != "POST"
                self._send(
                    front.tells_strangers if is_stranger else 403,
                    {"Content-Type": "application/xml"},
                    f"<Error><Code>{code}</Code></Error>".encode(),
                )
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
