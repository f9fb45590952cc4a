"""Real servers for the tests: started on free loopback ports, stopped after. Debian's packages, no mocks."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

USER, PASSWORD = "clinic", "correct horse battery"
_START_S = 30.0


def free_port() -> int:
    """Return a loopback port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
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


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side has hung up: so does the other.
        return
