"""The connection to an Orthanc, real and in trouble: every answer has its meaning."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.core.errors import BitewingError, TransientFault, UserError
from app.core.files import sha256_file
from app.transfer.connection import OrthancArgs
from app.transfer.orthanc import Orthanc, instance_id
from tests.integration.import_material import radiograph
from tests.servers import PASSWORD, USER, OrthancServer, free_port

Answer = Callable[[BaseHTTPRequestHandler], None]


@contextmanager
def between(answer: Answer) -> Iterator[str]:
    """Stand where the archive should be and answer in its place, for what a real one cannot be made to do."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer(self)

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer(self)

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def cuts_off(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"{")
    handler.connection.shutdown(socket.SHUT_RDWR)


def fault(url: str, path: Path) -> BitewingError:
    with closing(Orthanc(OrthancArgs(url, USER, PASSWORD))) as orthanc, pytest.raises(BitewingError) as caught:
        orthanc.store(path, sha256_file(path)[0])
    return caught.value


@pytest.mark.parametrize(
    ("answer", "code", "passes"),
    [
        (says(503), "pacs.busy", True),
        (says(429, Retry_After="7"), "pacs.busy", True),
        (says(401), "pacs.unauthorized", False),
        (says(403), "pacs.forbidden", False),
        (says(507), "pacs.full", False),
        (says(302, Location="/login"), "pacs.not_an_archive", False),
        (says(200, b"<html>Please sign in</html>"), "pacs.not_an_archive", False),
        (says(200, b"[]"), "pacs.not_an_archive", False),
        (says(200, b'{"Status": "Failure"}'), "pacs.refused", False),
        (says(400), "pacs.refused", False),
        (cuts_off, "pacs.cut_off", True),
    ],
)
def test_every_answer_has_its_meaning(tmp_path: Path, answer: Answer, code: str, passes: bool) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    with between(answer) as url:
        found = fault(url, path)
    assert (found.code, isinstance(found, TransientFault)) == (code, passes)
    if code == "pacs.busy" and isinstance(found, TransientFault):
        assert found.retry_after_s in {2.0, 7.0}


def test_nobody_there(tmp_path: Path) -> None:
    found = fault(f"http://127.0.0.1:{free_port()}", radiograph(tmp_path / "a.dcm", 1))
    assert (found.code, isinstance(found, TransientFault)) == ("pacs.unreachable", True)


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 100, b"\0" * 128 + b"DICM" + b"\xff" * 40], ids=["empty", "garbage", "broken"]
)
def test_what_a_real_orthanc_does_not_take(server: OrthancServer, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.dcm").write_bytes(content)
    found = fault(server.url, tmp_path / "a.dcm")
    assert found.code == "pacs.refused"
    assert server.instances() == []


def test_storing_looking_up_and_removing(server: OrthancServer, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1, SOPInstanceUID="2.25.5")
    with closing(Orthanc(OrthancArgs(f"{server.url}/", USER, PASSWORD))) as orthanc:
        digest = sha256_file(path)[0]
        first, second = orthanc.store(path, digest), orthanc.store(path, digest)
        assert (first.is_new, second.is_new, first.instance) == (True, False, second.instance)
        assert orthanc.md5("0" * 8 + "-0" * 4) is None
        assert orthanc.remove(first.instance)
        assert not orthanc.remove(first.instance)
        assert orthanc.md5(first.instance) is None


def test_addresses_that_are_none() -> None:
    for url in ("", "archive:8042", "ftp://archive"):
        with pytest.raises(UserError, match=r"pacs\.no_url"):
            Orthanc(OrthancArgs(url))
    with pytest.raises(UserError, match=r"pacs\.bad_ca"):
        Orthanc(OrthancArgs("https://archive", ca="/nowhere/ca.pem"))


def drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _number in range(60):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            # Who asked has had enough.
            return
        time.sleep(0.25)


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (says(200, b"no gzip at all", Content_Encoding="gzip"), "pacs.not_an_archive"),
        (says(200, b"[" * 100_000), "pacs.not_an_archive"),
        (says(200, b" " * (5 << 20)), "pacs.not_an_archive"),
        (says(200, b'{"ApiVersion": 1, "CountInstances": null}'), None),
        (drips, "pacs.slow"),
    ],
    ids=["encoding", "deep", "endless", "nulls", "drips"],
)
def test_answers_that_mean_harm(answer: Answer, code: str | None) -> None:
    with between(answer) as url, closing(Orthanc(OrthancArgs(url, USER, PASSWORD))) as orthanc:
        if code is None:
            assert orthanc.system().instances == 0
            return
        with pytest.raises(BitewingError) as caught:
            orthanc.probe()
        assert caught.value.code == code


def test_the_id_is_known_before_it_is_sent(server: OrthancServer, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1, PatientID="17 b", SOPInstanceUID="2.25.5", SeriesInstanceUID="2.25.6")
    with closing(Orthanc(OrthancArgs(server.url, USER, PASSWORD))) as orthanc:
        assert orthanc.store(path, sha256_file(path)[0]).instance == instance_id("17 b|1.2.3.4|2.25.6|2.25.5")
