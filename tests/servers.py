"""Real servers for the tests: started on free loopback ports, stopped after. Debian's packages, no mocks."""

from __future__ import annotations

import json
import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

USER, PASSWORD = "clinic", "correct horse battery"
_START_S = 30.0
_PORTS = (15_000, 32_000)
Meddle = Callable[[str, str, httpx.Response], "Iterable[bytes] | None"]


def free_port() -> int:
    """Return a loopback port that nobody uses now, below those that the system gives to outgoing connections."""
    while True:
        port = random.randrange(*_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                # Somebody has it already.
                continue
            return port


@dataclass
class OrthancServer:
    """A running Orthanc, and what it holds."""

    folder: Path
    executable: str
    http_port: int
    dicom_port: int
    more: dict[str, Any]
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, auth=(USER, PASSWORD), timeout=30)

    def start(self) -> None:
        """Start it and wait until it answers."""
        plugins = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
        settings = {
            "Name": "BITEWING-TEST",
            "StorageDirectory": str(self.folder / "storage"),
            "IndexDirectory": str(self.folder / "storage"),
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "Plugins": [str(plugins)] if plugins.exists() else [],
            "ConcurrentJobs": 2,
            **self.more,
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "orthanc.json").write_text(json.dumps(settings))
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.executable, str(self.folder / "orthanc.json")], stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + _START_S
        with self.client() as client:
            while True:
                try:
                    client.get("/system").raise_for_status()
                except httpx.HTTPError:
                    assert self.process.poll() is None, (self.folder / "orthanc.log").read_text()
                    assert time.monotonic() < deadline, (self.folder / "orthanc.log").read_text()
                    time.sleep(0.1)
                else:
                    return

    def stop(self) -> None:
        """Stop it; what it holds stays."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
            self.process = None

    def instances(self) -> list[str]:
        with self.client() as client:
            found: list[str] = client.get("/instances").raise_for_status().json()
            return found

    def tags(self, instance: str) -> dict[str, Any]:
        with self.client() as client:
            found: dict[str, Any] = client.get(f"/instances/{instance}/simplified-tags").raise_for_status().json()
            return found

    def empty(self) -> None:
        with self.client() as client:
            for patient in client.get("/patients").raise_for_status().json():
                client.delete(f"/patients/{patient}").raise_for_status()


@contextmanager
def orthanc(executable: str, folder: Path, **more: Any) -> Iterator[OrthancServer]:
    """Run an Orthanc for the time of the block."""
    server = OrthancServer(folder, executable, free_port(), free_port(), more)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def tls_before(port: int, certificate_and_key: Path) -> Iterator[int]:
    """Put TLS in front of a plain server on loopback and give the port (Debian's Orthanc 1.10 dies of its own TLS)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_and_key)
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)

        def serve(caller: socket.socket) -> None:
            try:
                with (
                    context.wrap_socket(caller, server_side=True) as inside,
                    socket.create_connection(("127.0.0.1", port)) as outside,
                ):
                    back = threading.Thread(target=_pump, args=(outside, inside))
                    back.start()
                    _pump(inside, outside)
                    back.join()
            except OSError:
                # Refused certificates end here, as they should.
                return

        def listen() -> None:
            while not done.is_set():
                try:
                    caller, _address = listener.accept()
                except TimeoutError:
                    continue
                threading.Thread(target=serve, args=(caller,), daemon=True).start()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            done.set()
            thread.join()


@contextmanager
def meddling_proxy(port: int, meddle: Meddle) -> Iterator[str]:
    """Stand between a client and a plain server on loopback, and give the address.

    ``meddle`` gets method, path and the server's answer, and returns the raw bytes to send, in pieces, or ``None`` to
    pass the answer on. Pieces may be waited for.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._serve()

        def do_POST(self) -> None:
            self._serve()

        def log_message(self, *_words: Any) -> None:
            return

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            passed = {"authorization", "accept", "accept-encoding", "content-type"}
            headers = {name: value for name, value in self.headers.items() if name.lower() in passed}
            url = httpx.URL(f"http://127.0.0.1:{port}{self.path}")
            answer = httpx.request(self.command, url, headers=headers, content=body, timeout=30)
            pieces = meddle(self.command, self.path, answer)
            self.close_connection = True
            try:
                for piece in pieces if pieces is not None else raw_answer(answer.content, answer):
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                # The client had enough, as it should.
                return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def raw_answer(
    body: bytes, like: httpx.Response | None = None, *, status: int = 200, kind: str = "", length: int | None = None
) -> list[bytes]:
    """Return an HTTP answer as it goes over the line: head, then body; ``length`` may be a lie."""
    code = status if like is None else like.status_code
    kind = kind or (like.headers.get("Content-Type", "") if like is not None else "application/json")
    size = len(body) if length is None else length
    head = f"HTTP/1.1 {code} X\r\nContent-Type: {kind}\r\nContent-Length: {size}\r\nConnection: close\r\n\r\n"
    return [head.encode(), body]


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side has hung up: so does the other.
        return
