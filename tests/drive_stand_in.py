"""A stand-in for Google's sign-in and the Drive API v3 on a loopback port: Google itself cannot be had in a test.

Behaves as the public documentation says (OAuth 2.0 for desktop apps, "Perform a resumable upload", "Search query
terms", "Resolve errors"), checks what a client sends, and fails where it is told to.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from app.transfer.drive.endpoints import SCOPE, Endpoints
from tests.drive_records import (
    FOLDER,
    ROOT,
    Fault,
    Query,
    Server,
    Session,
    Stored,
    is_trashed,
    only_asked,
    require_properties,
    tree,
)

CLIENT_ID, CLIENT_SECRET = "clinic.apps.googleusercontent.com", "GOCSPX-planted-client-secret"
# Google keeps what came of a broken chunk in such steps.
GRAIN = 256 << 10
TESTING_LIFE = timedelta(days=7)
_CHUNK = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
_ASKED = re.compile(r"bytes \*/(\d+)")


class DriveStandIn:
    """The server and all that it knows. Tests read and change its attributes."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.files: dict[str, Stored] = {}
        self.sessions: dict[str, Session] = {}
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.chunks: list[tuple[int, int]] = []
        self.chunk_bytes = 0
        self.on_chunk: Callable[[int], object] = lambda _number: None
        self.on_block: Callable[[int], object] = lambda _total: None
        self.corrupt = 0
        self.limit: int | None = 15 << 30
        self.used_elsewhere = 0
        self.page_limit = 1000
        # What lists know, where they are to lag behind.
        self.index: dict[str, Stored] | None = None
        self.tells_sha256 = True
        self.consent = "allow"
        self.grants = SCOPE
        self.is_testing = False
        self.email = "clinic@example.org"
        self.access_life_s = 3600
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.refresh: dict[str, datetime | None] = {}
        self.secrets_given: set[str] = set()
        self._access: dict[str, datetime] = {}
        self._codes: dict[str, tuple[str, str]] = {}
        self.problems: list[str] = []
        self._server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"drive": self}))
        self._server.problems = self.problems
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        """The address of everything."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoints(self) -> Endpoints:
        """The address as the program takes it."""
        return Endpoints.at(self.url)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def backups(self) -> list[Stored]:
        """Return the files that are not folders, newest first."""
        files = [one for one in self.files.values() if one.kind == "application/zip"]
        return sorted(files, key=lambda one: one.created, reverse=True)

    def tree(self) -> dict[str, bytes]:
        """Return what a person sees who opens "My Drive", by the names of folders and files."""
        return tree(self.files)

    def folders(self) -> list[str]:
        """Return the names of all folders, sorted."""
        return sorted(one.name for one in self.files.values() if one.kind == FOLDER)

    def revoke_all(self) -> None:
        """Take all tokens back, as a person does on the account's page."""
        with self.lock:
            self.refresh = dict.fromkeys(self.refresh)
            self._access.clear()

    def expire_access(self) -> None:
        with self.lock:
            self._access.clear()

    def fault(self, method: str, path: str) -> Fault | None:
        """Return the fault that is due for a request."""
        with self.lock:
            for one in self.faults:
                if one.times and one.method == method and re.search(one.path, path):
                    if one.skip:
                        one.skip -= 1
                        return None
                    one.times -= 1
                    return one
        return None

    # -- sign-in -----------------------------------------------------------------------------------

    def authorize(self, asked: dict[str, str]) -> tuple[int, str]:
        """Return a status, and where the browser is sent."""
        well = (
            asked.get("client_id") == CLIENT_ID
            and asked.get("response_type") == "code"
            and asked.get("scope") == SCOPE
            and asked.get("code_challenge_method") == "S256"
            and re.fullmatch(r"[A-Za-z0-9_-]{43}", asked.get("code_challenge", ""))
            and re.fullmatch(r"http://127\.0\.0\.1:\d+", asked.get("redirect_uri", ""))
            and asked.get("access_type") == "offline"
            and len(asked.get("state", "")) >= 32
        )
        if not well:
            return 400, ""
        if self.consent == "deny":
            back = {"error": "access_denied", "state": asked["state"]}
        else:
            code = self._secret("4/0A")
            self._codes[code] = (asked["code_challenge"], asked["redirect_uri"])
            back = {"state": asked["state"], "code": code, "scope": SCOPE}
        return 302, f"{asked['redirect_uri']}?{urlencode(back)}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer the token endpoint (RFC 6749)."""
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT_ID, CLIENT_SECRET):
            return 401, {"error": "invalid_client", "error_description": "The OAuth client was not found."}
        with self.lock:
            if form.get("grant_type") == "authorization_code":
                challenge, redirect = self._codes.pop(form.get("code", ""), ("", ""))
                digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                right = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                if not challenge or right != challenge or redirect != form.get("redirect_uri"):
                    return 400, {"error": "invalid_grant", "error_description": "Bad Request"}
                fresh = self._secret("1//03")
                self.refresh[fresh] = self.now()
                return 200, {**self._grant(), "refresh_token": fresh}
            given = self.refresh.get(form.get("refresh_token", ""))
            if given is None or (self.is_testing and self.now() - given > TESTING_LIFE):
                return 400, {"error": "invalid_grant", "error_description": "Token has been expired or revoked."}
            return 200, self._grant()

    def knows(self, header: str) -> bool:
        """Whether an access token holds."""
        until = self._access.get(header.removeprefix("Bearer "))
        return until is not None and datetime.now(UTC) < until

    def _grant(self) -> dict[str, Any]:
        access = self._secret("ya29.")
        self._access[access] = datetime.now(UTC) + timedelta(seconds=self.access_life_s)
        return {
            "access_token": access,
            "expires_in": self.access_life_s,
            "scope": self.grants,
            "token_type": "Bearer",
        }

    def _secret(self, start: str) -> str:
        made = start + secrets.token_urlsafe(32)
        self.secrets_given.add(made)
        return made

    # -- files -------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        content: bytes,
        properties: dict[str, str],
        kind: str = "application/zip",
        parents: tuple[str, ...] = (),
    ) -> Stored:
        """Keep a file; without a folder it lies in the root of "My Drive"."""
        with self.lock:
            made = Stored(secrets.token_urlsafe(16), name, self.now(), content, kind, properties, parents or (ROOT,))
            self.files[made.id] = made
            return made

    def has_folders(self, wanted: list[str]) -> bool:
        """Whether there are folders of these ids."""
        return all(one == ROOT or (one in self.files and self.files[one].kind == FOLDER) for one in wanted)

    def used(self) -> int:
        return self.used_elsewhere + sum(len(one.content) for one in self.files.values())

    def search(self, query: str, size: int, start: int) -> tuple[list[Stored], str]:
        """Return a page of what a query finds, newest first, and the token of the next."""
        wanted = Query.parse(query)
        with self.lock:
            listed = self.files if self.index is None else self.index
            found = [one for one in listed.values() if wanted.fits(one) and not is_trashed(listed, one)]
        found.sort(key=lambda one: one.created, reverse=True)
        end = start + min(size, self.page_limit)
        return found[start:end], str(end) if end < len(found) else ""

    def begin(self, metadata: dict[str, Any], size: int, kind: str, asked: dict[str, str]) -> str:
        """Open a session and return its name."""
        require_properties(metadata.get("appProperties", {}))
        with self.lock:
            name = self._secret("session-")
            self.sessions[name] = Session(metadata, size, kind, asked)
            return name

    def complete(self, session: Session) -> Stored:
        """Make the file of a session that has all its bytes."""
        with self.lock:
            content = bytes(session.content)
            if self.corrupt:
                self.corrupt -= 1
                content = bytes([content[0] ^ 1]) + content[1:]
            properties, parents = dict(session.metadata["appProperties"]), tuple(session.metadata.get("parents", ()))
            session.made = self.add(session.metadata["name"], content, properties, session.kind, parents)
            session.content = bytearray()
            return session.made


@contextlib.contextmanager
def drive_stand_in() -> Iterator[DriveStandIn]:
    """Run a stand-in until the block ends."""
    server = DriveStandIn()
    server.start()
    try:
        yield server
    finally:
        server.stop()
    assert not server.problems, server.problems


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    drive: DriveStandIn
    protocol_version = "HTTP/1.1"
    timeout = 30
    # Head and body of an answer are two packets; the second is not to wait until the first is acknowledged.
    disable_nagle_algorithm = True

    def log_message(self, *_words: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_PATCH(self) -> None:
        self._answer("PATCH")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        parts = urlsplit(self.path)
        asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
        place = f"{parts.path}?{parts.query}"
        self.drive.requests.append((method, place))
        self.due = self.drive.fault(method, place)
        if self.due is not None and not self.due.after:
            self._body()
            self._fail(self.due)
            return
        if parts.path == "/auth":
            status, back = self.drive.authorize(asked)
            self._send(status, b"", {"Location": back} if back else {})
        elif parts.path in {"/token", "/revoke"}:
            form = {key: values[0] for key, values in parse_qs(self._body().decode()).items()}
            if parts.path == "/revoke":
                was = self.drive.refresh.get(form.get("token", "")) is not None
                self.drive.refresh[form.get("token", "")] = None
                self._json(200 if was else 400, {})
            else:
                self._json(*self.drive.token(form))
        elif not self.drive.knows(self.headers.get("Authorization", "")):
            self._body()
            self._error(401, "authError")
        elif parts.path.startswith("/upload/drive/v3/files"):
            self._upload(method, asked)
        elif parts.path.startswith("/drive/v3/"):
            self._api(method, parts.path.removeprefix("/drive/v3/"), asked)
        else:
            self._error(404, "notFound")

    def _api(self, method: str, path: str, asked: dict[str, str]) -> None:
        body = self._body()
        if path == "about":
            quota = {"usage": str(self.drive.used())} | (
                {} if self.drive.limit is None else {"limit": str(self.drive.limit)}
            )
            self._json(200, {"user": {"emailAddress": self.drive.email}, "storageQuota": quota})
        elif path == "files" and method == "GET":
            page, token = self.drive.search(asked["q"], int(asked["pageSize"]), int(asked.get("pageToken", 0)))
            told = {"files": [self._told(one, asked) for one in page]} | ({"nextPageToken": token} if token else {})
            self._json(200, told)
        elif path == "files":
            made = json.loads(body)
            properties, parents = made.get("appProperties", {}), made.get("parents", [])
            require_properties(properties)
            if self.drive.has_folders(parents):
                folder = self.drive.add(made["name"], b"", properties, made["mimeType"], tuple(parents))
                self._json(200, self._told(folder, asked))
            else:
                self._error(404, "notFound")
        else:
            self._file(method, path.removeprefix("files/"), asked, body)

    def _file(self, method: str, name: str, asked: dict[str, str], body: bytes) -> None:
        found = self.drive.files.get(name)
        added, removed = (asked[key].split(",") if key in asked else [] for key in ("addParents", "removeParents"))
        if found is None or not self.drive.has_folders(added):
            self._error(404, "notFound")
        elif method == "PATCH":
            with self.drive.lock:
                found.change(json.loads(body), added, removed)
            self._json(200, self._told(found, asked))
        elif method == "DELETE":
            del self.drive.files[name]
            self._send(204, b"", {})
        elif asked.get("alt") == "media":
            self._media(found)
        else:
            self._json(200, self._told(found, asked))

    def _media(self, found: Stored) -> None:
        given = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(given[1]) if given else 0
        if given and start >= len(found.content):
            self._error(416, "requestedRangeNotSatisfiable")
            return
        content = found.content[start:]
        if self.due is not None:
            # Half of it, and then the line is cut.
            self.send_response(206 if given else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2])
            self._cut()
            return
        self._send(206 if given else 200, content, {"Content-Type": found.kind})

    def _upload(self, method: str, asked: dict[str, str]) -> None:
        if method == "POST":
            assert asked["uploadType"] == "resumable"
            size = int(self.headers["X-Upload-Content-Length"])
            metadata = json.loads(self._body())
            if not self.drive.has_folders(metadata.get("parents", [])):
                self._error(404, "notFound")
                return
            if self.drive.limit is not None and self.drive.used() + size > self.drive.limit:
                self._error(403, "storageQuotaExceeded")
                return
            kind = self.headers["X-Upload-Content-Type"]
            name = self.drive.begin(metadata, size, kind, asked)
            address = f"http://{self.headers['Host']}/upload/drive/v3/files?uploadType=resumable&upload_id={name}"
            self._send(200, b"", {"Location": address})
            return
        session = self.drive.sessions.get(asked.get("upload_id", ""))
        if session is None:
            self._body()
            self._error(404, "notFound")
        elif _ASKED.fullmatch(self.headers.get("Content-Range", "")):
            self._body()
            self._stand(session)
        else:
            self._chunk(session)

    def _chunk(self, session: Session) -> None:
        if "Content-Range" not in self.headers:
            # The whole of it at once; what has no bytes has no range of them either.
            start, end, size = 0, int(self.headers["Content-Length"]) - 1, session.size
        else:
            given = _CHUNK.fullmatch(self.headers["Content-Range"])
            assert given is not None
            start, end, size = (int(part) for part in given.groups())
        assert size == session.size
        assert start == len(session.content), "a chunk that does not follow what was confirmed"
        assert (end + 1 - start) % GRAIN == 0 or end + 1 == size, "a chunk of a size that Google refuses"
        came = bytearray()
        while len(came) < end + 1 - start:
            try:
                block = self.rfile.read(min(64 << 10, end + 1 - start - len(came)))
            except OSError:
                block = b""
            if not block:
                break
            came += block
            self.drive.chunk_bytes += len(block)
            self.drive.on_block(self.drive.chunk_bytes)
        is_all = len(came) == end + 1 - start
        kept = len(came) if is_all else len(came) // GRAIN * GRAIN
        session.content += came[:kept]
        self.drive.chunks.append((start, start + len(came)))
        if not is_all:
            self.close_connection = True
            return
        if len(session.content) == size:
            self.drive.complete(session)
        self.drive.on_chunk(len(self.drive.chunks))
        if self.due is not None:
            self._fail(self.due)
            return
        self._stand(session)

    def _stand(self, session: Session) -> None:
        if session.made is not None:
            self._json(200, self._told(session.made, session.asked))
            return
        held = len(session.content)
        self._send(308, b"", {"Range": f"bytes=0-{held - 1}"} if held else {})

    def _told(self, found: Stored, asked: dict[str, str]) -> dict[str, Any]:
        told = found.told() | {"trashed": is_trashed(self.drive.files, found)}
        if not self.drive.tells_sha256:
            told.pop("sha256Checksum", None)
        return only_asked(told, asked.get("fields", ""))

    def _fail(self, fault: Fault) -> None:
        if fault.status == 0:
            self._cut()
            return
        self._error(fault.status, fault.reason, {"Retry-After": fault.retry_after} if fault.retry_after else {})

    def _cut(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def _body(self) -> bytes:
        wanted = int(self.headers.get("Content-Length", 0))
        came = self.rfile.read(wanted)
        if len(came) < wanted:
            raise ConnectionError("half a question is none")
        return came

    def _error(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        told = {"code": status, "message": "secret words of Google", "errors": [{"reason": reason}]}
        self._json(status, {"error": told}, headers)

    def _json(self, status: int, told: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._send(status, json.dumps(told).encode(), {"Content-Type": "application/json", **(headers or {})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)
