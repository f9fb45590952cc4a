"""A library whose images may be published, and a real web server that shows one folder to anybody."""

from __future__ import annotations

import functools
import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.image import Filing, ImageRecord, ImageType
from app.domain.patient import Patient, PatientDraft
from app.domain.publication import FOLDER
from app.domain.roles import owner
from app.services.publishing import proving
from app.services.publishing.service import PublicItem
from app.sync.report import ImportArgs
from tests.certificates import Authority
from tests.integration.import_material import picture
from tests.integration.stores.conftest import authority, ftps_server, ssh_server  # noqa: F401 - fixtures

OWNER, QUIET = owner("test"), JobContext.silent()
PLACE = "web"


@dataclass
class WebServer:
    """A web server over TLS. ``trouble``: what it answers instead; ``cache``: what it shows though it is gone.

    As caches do, it looks again for whoever asks it to. ``answer`` may answer instead, and says whether it did.
    """

    folder: Path
    server: ThreadingHTTPServer
    pem: Path
    is_plain: bool = False
    trouble: int = 0
    lists: bool = False
    caches: bool = False
    cache_kind: str = "application/octet-stream"
    cache: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    hold: threading.Event | None = None
    answer: Callable[[SimpleHTTPRequestHandler], bool] | None = None

    @property
    def url(self) -> str:
        return f"http{'' if self.is_plain else 's'}://127.0.0.1:{self.server.server_port}"

    def get(self, url: str) -> tuple[int, bytes, str]:
        """Ask as a stranger does: status, body, type."""
        connection = (
            http.client.HTTPConnection("127.0.0.1", self.server.server_port, timeout=10)
            if self.is_plain
            else http.client.HTTPSConnection(
                "127.0.0.1",
                self.server.server_port,
                context=ssl.create_default_context(cafile=str(self.pem)),
                timeout=10,
            )
        )
        connection.request("GET", url.removeprefix(self.url))
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body, response.headers.get("Content-Type", "")


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, web: WebServer, *args: Any, **more: Any) -> None:
        self.web = web
        super().__init__(*args, directory=str(web.folder), **more)

    def do_GET(self) -> None:
        web = self.web
        web.asked.append(self.path)
        if web.hold is not None:
            web.hold.wait(30)
        if web.trouble:
            self.send_error(web.trouble)
            return
        if web.answer is not None and web.answer(self):
            return
        if self.path in web.cache and "no-cache" not in self.headers.get("Cache-Control", ""):
            self.send_response(200)
            self.send_header("Content-Length", str(len(web.cache[self.path])))
            self.send_header("Content-Type", web.cache_kind)
            self.end_headers()
            self.wfile.write(web.cache[self.path])
            return
        path = Path(self.translate_path(self.path))
        if web.caches and path.is_file():
            web.cache[self.path] = path.read_bytes()
        super().do_GET()

    def list_directory(self, path: Any) -> BytesIO | None:
        if self.web.lists:
            return super().list_directory(path)
        self.send_error(403)
        return None

    def log_message(self, *_what: object) -> None:
        """Say nothing."""


def serve(folder: Path, authority: Authority, *, is_plain: bool = False) -> Iterator[WebServer]:  # noqa: F811
    """Run a web server on a free port until it is let go of."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler)
    web = WebServer(folder, server, authority.pem, is_plain)
    server.RequestHandlerClass = functools.partial(_Handler, web)  # type: ignore[assignment]
    if not is_plain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.sign().both)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "AGAIN_S", 0.05)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return the folder of a mirror; it is not there yet, as a drive that is not plugged in."""
    return tmp_path / "nas"


@pytest.fixture
def web(place: Path, authority: Authority) -> Iterator[WebServer]:  # noqa: F811
    yield from serve(place / FOLDER, authority)


@pytest.fixture
def publishing(library: Library, place: Path, web: WebServer) -> Library:
    """Return a library that may publish in the folder, shown by the web server; the folder is there."""
    place.mkdir()
    switch_on(library, web, {"kind": "folder", "path": str(place)})
    return library


def switch_on(
    library: Library, web: WebServer, settings: dict[str, Any], secrets: dict[str, str] | None = None
) -> None:
    wanted = {"trust": str(web.pem), "public_url": web.url, "publish": True, **settings}
    library.settings.set_destination(OWNER, "mirror", PLACE, wanted, secrets or {})


def patient(library: Library, chart: str = "4711", name: str = "Haddad") -> Patient:
    return library.patients.add(OWNER, PatientDraft(name, "Lina", chart))


def photo(library: Library, whose: Patient, folder: Path, seed: int = 7) -> ImageRecord:
    """Bring in a photograph that says in its metadata, name and comment whose it is."""
    path = folder / str(seed) / f"Haddad Lina 4711 {seed}.jpg"
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(picture(seed, 320)).convert("RGB")
    exif = image.getexif()
    exif[0x010E], exif[0x013B] = "Haddad Lina", "Dr. Karam"
    exif.get_ifd(0x8825).update({1: "N", 2: (33.0, 53.0, 0.0)})
    image.save(path, "JPEG", quality=92, exif=exif, comment=b"Haddad Lina 4711")
    filing = Filing(patient_id=whose.id, tooth="8", image_type=ImageType.BEFORE)
    before = {image.id for image in library.images.list(OWNER)}
    library.imports.run(OWNER, ImportArgs((path,), filing), QUIET)
    [image_id] = {image.id for image in library.images.list(OWNER)} - before
    return library.images.get(OWNER, image_id)


def publish(library: Library, ids: list[str], place: str | None = None) -> list[PublicItem]:
    """Queue images to be published as somebody does who looked at them."""
    prepared = library.publishing.prepare(OWNER, ids, QUIET)
    return library.publishing.publish(OWNER, prepared, place, looked=True)
