"""What proves that a copy is gone, and what does not; and an address that is never waited for too long."""

from __future__ import annotations

import gzip
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault, TransientFault
from app.domain.publication import FOLDER, PublicState
from app.transfer import public_web
from app.transfer.public_web import Asking, look_at
from app.transfer.stores.folder import FolderStore
from app.transfer.stores.store import Stat
from tests.integration.publish.conftest import OWNER, QUIET, WebServer, patient, photo, publish
from tests.integration.publish.test_lifecycle import newest

PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)


def _say(asked: SimpleHTTPRequestHandler, status: int, body: bytes, kind: str = "text/html", to: str = "") -> bool:
    asked.send_response(status)
    for name, value in (("Content-Type", kind), ("Content-Length", str(len(body))), ("Location", to)):
        if value:
            asked.send_header(name, value)
    asked.end_headers()
    asked.wfile.write(body)
    return True


def test_what_proves_that_it_is_gone(publishing: Library, place: Path, web: WebServer, tmp_path: Path) -> None:
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    its_path = "/" + str(item.url).rpartition("/")[2]
    body = web.get(str(item.url))[1]
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)

    def its(asked: SimpleHTTPRequestHandler) -> bool:
        return asked.path == its_path

    def at_once() -> Callable[[SimpleHTTPRequestHandler], bool]:
        """Show it the second time alone: one of two servers behind the address has it still."""
        times = iter(range(10))
        return lambda asked: its(asked) and next(times) > 0 and _say(asked, 200, body, "image/jpeg")

    nothing: dict[str, tuple[str, Callable[[SimpleHTTPRequestHandler], bool]]] = {
        "a wall for all": ("unproven", lambda asked: _say(asked, 403, b"robots keep out")),
        "a wall that says not found": ("unproven", lambda asked: _say(asked, 404, b"not for you")),
        "no right": ("unproven", lambda asked: _say(asked, 401, b"who are you?")),
        "its own refusal": ("unproven", lambda asked: its(asked) and _say(asked, 403, b"no")),
        "elsewhere": ("unproven", lambda asked: its(asked) and _say(asked, 302, b"", to="http://127.0.0.1:9/x")),
        "a page to sign in": ("unproven", lambda asked: _say(asked, 200, b"<form>")),
        "its own page": ("unproven", lambda asked: its(asked) and _say(asked, 200, b"<p>once here</p>")),
        "changed, called a page": ("still_served", lambda asked: its(asked) and _say(asked, 200, PNG)),
        "shown as not found": ("still_served", lambda asked: its(asked) and _say(asked, 404, body, "image/jpeg")),
        "one of two servers": ("still_served", at_once()),
    }
    for what, (code, answer) in nothing.items():
        web.answer = answer
        publishing.publishing.send(OWNER, QUIET)
        entry = newest(publishing, image.id)
        assert (entry.publication.state, entry.code) == (PublicState.WITHDRAWING, f"publish.{code}"), what
    # A trial picture never stays.
    assert list((place / FOLDER).iterdir()) == []


def test_a_web_server_that_has_its_files_later(
    publishing: Library, place: Path, web: WebServer, tmp_path: Path
) -> None:
    """Copied over from the mirror now and then: what is put there to ask beside is met the next time."""
    web.folder = tmp_path / "copied"

    def copied() -> None:
        shutil.rmtree(web.folder, ignore_errors=True)
        shutil.copytree(place / FOLDER, web.folder)

    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    steps = []
    for _time in range(2):
        publishing.publishing.send(OWNER, QUIET)
        steps.append(newest(publishing, image.id).code)
        copied()
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    for _time in range(2):
        publishing.publishing.send(OWNER, QUIET)
        steps.append(newest(publishing, image.id).code)
        copied()
    assert steps == ["publish.not_served", None, "publish.still_served", None]
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE
    assert list((place / FOLDER).iterdir()) == []


def test_a_place_that_takes_nothing_more(
    publishing: Library, web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy goes all the same; that nothing can be put there to ask beside it is no reason to stop for good."""
    image = photo(publishing, patient(publishing), tmp_path / "in")
    [item] = publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)

    def full(*_arguments: object) -> Stat:
        raise EnvironmentFault("store.full")

    with monkeypatch.context() as broken:
        broken.setattr(FolderStore, "put", full)
        report = publishing.publishing.send(OWNER, QUIET)
    assert (report.drained.blocked, newest(publishing, image.id).code) == (None, "publish.unproven")
    assert web.get(str(item.url))[0] == 404
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE


@pytest.mark.parametrize(("status", "kind"), [(403, "application/xml"), (200, "text/html"), (302, "")])
def test_the_answer_for_what_never_was(
    status: int, kind: str, publishing: Library, web: WebServer, tmp_path: Path
) -> None:
    """Buckets refuse what is not there, and some servers show one page for it all."""

    def answer(asked: SimpleHTTPRequestHandler) -> bool:
        is_there = Path(asked.translate_path(asked.path)).is_file()
        return not is_there and _say(asked, status, b"nothing", kind, "/" if status == 302 else "")

    web.answer = answer
    image = photo(publishing, patient(publishing), tmp_path / "in")
    publish(publishing, [image.id])
    publishing.publishing.send(OWNER, QUIET)
    publishing.publishing.withdraw(OWNER, [image.id], QUIET)
    publishing.publishing.send(OWNER, QUIET)
    assert newest(publishing, image.id).publication.state is PublicState.PRIVATE


@pytest.fixture
def raw() -> Iterator[Callable[[Callable[[socket.socket], None]], str]]:
    """Return what serves by a function of the socket, over plain HTTP, and gives its address."""
    servers: list[socket.socket] = []

    def serve(act: Callable[[socket.socket], None]) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def run() -> None:
            try:
                with server.accept()[0] as line:
                    line.recv(4096)
                    act(line)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}/a.jpg"

    yield serve
    for server in servers:
        server.close()


def _endless(start: bytes, block: bytes, pause_s: float = 0.0) -> Callable[[socket.socket], None]:
    def act(line: socket.socket) -> None:
        line.sendall(start)
        while True:
            line.sendall(block)
            time.sleep(pause_s)

    return act


def test_an_answer_without_end(raw: Callable[[Callable[[socket.socket], None]], str]) -> None:
    """Neither followed nor read, wherever it sends to; of a page no more than shows whose it is."""
    begun = time.monotonic()
    seen = look_at(raw(_endless(b"HTTP/1.1 302 x\r\nLocation: /x\r\n\r\n", bytes(1 << 20))), 1000, QUIET)
    assert (seen.status, seen.elsewhere) == (302, "/x")
    assert seen.size < 4 << 20
    packed = gzip.compress(bytes(200 << 20))[: 190 << 10]
    start = b"HTTP/1.1 200 x\r\nContent-Encoding: gzip\r\n\r\n"
    seen = look_at(raw(_endless(start + packed, packed)), 1000, QUIET, asking=Asking.PAGE)
    assert seen.size < 1 << 20
    assert len(seen.start) <= 256 << 10
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize("start", [b"HTTP/1.1 200 x\r\nX-A: ", b"HTTP/1.1 200 x\r\n\r\n", b""])
def test_an_answer_that_drips(
    start: bytes, raw: Callable[[Callable[[socket.socket], None]], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public_web, "_LONGEST_S", 0.5)
    begun = time.monotonic()
    with pytest.raises(TransientFault, match=r"publish\.slow"):
        look_at(raw(_endless(start, b"a", 0.1)), 1000, QUIET)
    assert time.monotonic() - begun < 3


def test_stopped_while_it_waits(web: WebServer, place: Path) -> None:
    """Over TLS, with a server that says nothing at all."""
    web.hold, token = threading.Event(), CancelToken()
    stopping = threading.Timer(0.5, token.cancel)
    stopping.start()
    begun = time.monotonic()
    with pytest.raises(Cancelled):
        look_at(f"{web.url}/a.jpg", 1000, JobContext(token), str(web.pem))
    assert time.monotonic() - begun < 3
    web.hold.set()
    stopping.join()
