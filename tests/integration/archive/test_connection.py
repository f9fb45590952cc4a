"""What goes over the line to an archive and back, at a server that shows what it was asked."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.core.cancel import CancelToken
from app.core.errors import Cancelled, EnvironmentFault, TransientFault, UserError
from app.transfer.connection import Connection, OrthancArgs
from app.transfer.orthanc import Orthanc
from app.transfer.retrieval import Allowance, retrieve_file


class Scripted(ThreadingHTTPServer):
    """Answers everything alike; keeps what it was asked, and over how many lines."""

    daemon_threads = True

    def __init__(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.status, self.headers = body, status, headers or {}
        self.asked: list[tuple[str, str, list[tuple[str, str]], bytes]] = []
        self.lines = 0
        self.lingers = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/behind/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Scripted

    def setup(self) -> None:
        super().setup()
        self.server.lines += 1

    def handle_one_request(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle_one_request()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, self.headers.items(), body))
        self.send_response(self.server.status)
        for name, value in {"Content-Length": str(len(self.server.body)), **self.server.headers}.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)
        # Until whoever asked hangs up.
        while self.server.lingers and self.rfile.read(1):
            pass

    do_POST = do_DELETE = do_GET

    def log_message(self, *_words: Any) -> None:
        """Say nothing on the console."""


@contextlib.contextmanager
def scripted(body: bytes, status: int = 200, **headers: str) -> Iterator[Scripted]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with Scripted(body, status, named) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


@contextlib.contextmanager
def asking(server: Scripted, username: str = "") -> Iterator[Connection]:
    with contextlib.closing(Connection(OrthancArgs(server.url, username, "sécret"))) as connection:
        yield connection


def stop_soon(token: CancelToken) -> None:
    threading.Timer(0.1, token.cancel).start()


def not_an_archive() -> AbstractContextManager[object]:
    return pytest.raises(EnvironmentFault, match=r"pacs\.not_an_archive")


def test_what_is_asked_goes_below_the_address_with_name_and_password() -> None:
    with scripted(b'{"Name": "x"}') as server, asking(server, "clinic") as connection:
        assert connection.json("GET", "system?a=1") == {"Name": "x"}
        assert connection.json("POST", "tools/find", asked={"Query": {"PatientName": "علي"}}) == {"Name": "x"}

        assert [(method, path) for method, path, _headers, _body in server.asked] == [
            ("GET", "/behind/system?a=1"),
            ("POST", "/behind/tools/find"),
        ]
        headers = dict(server.asked[0][2])
        assert headers["Host"] == server.url.split("/")[2]
        # "clinic:sécret" in UTF-8 (RFC 7617 section 2.1).
        assert headers["Authorization"] == "Basic Y2xpbmljOnPDqWNyZXQ="
        assert json.loads(server.asked[1][3].decode("utf-8")) == {"Query": {"PatientName": "علي"}}


def test_a_header_of_the_callers_takes_the_place_of_the_usual_one() -> None:
    with scripted(b"") as server, asking(server) as connection:
        connection.ask("DELETE", "x", headers={"accept-encoding": "identity"})

        ours = [value for name, value in server.asked[0][2] if name.lower() == "accept-encoding"]
        assert ours == ["identity"]


def test_a_packed_answer_is_unpacked() -> None:
    with scripted(gzip.compress(b"hello"), Content_Encoding="gzip") as server, asking(server) as connection:
        answer = connection.ask("GET", "x")

    assert answer.text == "hello"


def test_an_answer_that_unpacks_to_more_than_is_wanted_is_not_read() -> None:
    bomb = gzip.compress(bytes(32 << 20))
    with scripted(bomb, Content_Encoding="gzip") as server, asking(server) as connection, not_an_archive():
        connection.ask("GET", "x", longest=1 << 20)


def test_what_says_that_it_is_packed_and_is_not_is_no_archives() -> None:
    with scripted(b"plain", Content_Encoding="gzip") as server, asking(server) as connection, not_an_archive():
        connection.ask("GET", "x")


def test_somewhere_else_is_not_gone_to() -> None:
    with scripted(b"", 302, Location="http://127.0.0.1:9/") as server, asking(server) as connection, not_an_archive():
        connection.json("GET", "system")


def test_a_line_is_kept_for_the_next_question_but_not_until_the_archive_hangs_up() -> None:
    with scripted(b"[]") as server, asking(server) as connection:
        connection.json("GET", "one")
        connection.json("GET", "two")
        assert server.lines == 1

        # Orthanc hangs up after a second: a question that meets that would be lost.
        time.sleep(0.9)
        connection.json("GET", "three")
        assert server.lines == 2


@pytest.mark.parametrize("name", ["../../system", "a b", "x\r\nX: y", "ü", ""])
def test_an_id_that_is_none_does_not_become_an_address(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image.dcm"
    path.write_bytes(b"image")
    with (
        scripted(json.dumps({"Status": "Success", "ID": name}).encode()) as server,
        contextlib.closing(Orthanc(OrthancArgs(server.url))) as orthanc,
        not_an_archive(),
    ):
        orthanc.store(path, hashlib.sha256(b"image").hexdigest())


@pytest.mark.parametrize("url", ["", "orthanc", "ftp://orthanc/", "http://orthanc\n/", "http://orthanc:port/"])
def test_what_is_no_address_is_said_before_anything_is_asked(url: str) -> None:
    with pytest.raises(UserError, match=r"pacs\.no_url"):
        Connection(OrthancArgs(url))


@pytest.mark.parametrize("name", ["../../system", "a b", "ü", ""])
def test_what_an_id_that_is_none_names_is_nowhere(name: str) -> None:
    with scripted(b"x") as server, contextlib.closing(Orthanc(OrthancArgs(server.url))) as orthanc:
        assert orthanc.md5(name) is None
        assert orthanc.remove(name) is False
        assert server.asked == []


def test_what_browsers_write_behind_an_address_is_no_part_of_it() -> None:
    with scripted(b"[]") as server:
        url = server.url.replace("//", "//clinic:secret@") + "?page=1#/"
        with contextlib.closing(Connection(OrthancArgs(url))) as connection:
            assert connection.url == server.url
            connection.json("GET", "system")
            assert connection.lets_in("system", None)

        assert [path for _method, path, _headers, _body in server.asked] == ["/behind/system"] * 2
        assert not any(name == "Authorization" for _m, _p, headers, _b in server.asked for name, _value in headers)


def test_more_than_was_said_breaks_the_line_off() -> None:
    with scripted(b"{}") as server, asking(server) as connection:
        headers = {"Content-Length": "10"}
        with pytest.raises(TransientFault, match=r"pacs\.cut_off"):
            connection.ask("POST", "instances", content=iter([bytes(20)]), headers=headers)
        # The line is of no more use; another takes its place.
        assert connection.json("GET", "system") == {}


def test_nothing_is_asked_after_the_end() -> None:
    with scripted(b"{}") as server, asking(server) as connection:
        connection.close()
        with pytest.raises(TransientFault, match=r"pacs\.unreachable"):
            connection.json("GET", "system")


def test_a_stopped_download_without_a_length_is_not_taken_for_a_whole_one(tmp_path: Path) -> None:
    token = CancelToken()
    body = bytes(128) + b"DICM" + bytes(1000)
    with scripted(body, Content_Length="", Connection="close") as server, asking(server) as connection:
        server.lingers = True
        allowance = Allowance(1 << 20)
        with pytest.raises(Cancelled):
            retrieve_file(connection, "x/file", tmp_path / "x.dcm", allowance, token, lambda _count: stop_soon(token))

    assert list(tmp_path.iterdir()) == []
