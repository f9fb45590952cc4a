"""A library with a mirror: in a folder, and at real servers of each kind."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap.library import Library, open_library
from app.transfer.stores.store import Store
from tests.certificates import Authority
from tests.integration.stores.conftest import (  # noqa: F401 - fixtures
    authority,
    ftps_server,
    s3_server,
    ssh_server,
)
from tests.store_servers import FTP_PASSWORD, FTP_USER, FtpServer, S3Server, SshServer

KINDS = ("folder", "sftp", "ftps", "s3")


@pytest.fixture(autouse=True)
def _soon_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long is waited between tries is tested with the wrapper itself; here it would only take time."""
    monkeypatch.setattr("app.transfer.stores.retrying.delay_s", lambda _tries, _chance: 0.05)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


@pytest.fixture
def place(library: Library, tmp_path: Path) -> Path:
    """Return the folder of a mirror called ``nas`` that has just been set up."""
    folder = tmp_path / "nas"
    folder.mkdir()
    actor = library.owner()
    for key, value in (("kind", "folder"), ("path", str(folder)), ("enabled", "true")):
        library.settings.set(actor, f"mirror.nas.{key}", value)
    return folder


@dataclass
class Away:
    """A mirror somewhere: its settings, how it is said in one line, and what lies there, for the tests to change."""

    kind: str
    settings: dict[str, Any]
    secrets: dict[str, str]
    address: list[str]
    folder: Path | None = None
    server: S3Server | None = None
    prefix: str = ""
    secret: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def set_up(self, library: Library, name: str = "away") -> None:
        library.settings.set_destination(
            library.owner(), "mirror", name, {"kind": self.kind, "enabled": True, **self.settings}, self.secrets
        )

    def files(self) -> dict[str, bytes]:
        """Return every image there."""
        if self.server is not None:
            client = self.server.client()
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=self.server.bucket, Prefix=self.prefix)
            keys = [item["Key"] for page in pages for item in page.get("Contents", ())]
            found = {
                key.removeprefix(f"{self.prefix}/"): client.get_object(Bucket=self.server.bucket, Key=key)[
                    "Body"
                ].read()
                for key in keys
            }
            client.close()
            return found
        assert self.folder is not None
        return {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and not path.name.startswith(".")
        }

    def put(self, name: str, data: bytes) -> None:
        """Change what lies there behind everybody's back."""
        if self.server is not None:
            client = self.server.client()
            client.put_object(Bucket=self.server.bucket, Key=f"{self.prefix}/{name}", Body=data)
            client.close()
            return
        assert self.folder is not None
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(data)

    def remove(self, name: str) -> None:
        if self.server is not None:
            client = self.server.client()
            client.delete_object(Bucket=self.server.bucket, Key=f"{self.prefix}/{name}")
            client.close()
            return
        assert self.folder is not None
        (self.folder / name).unlink()

    def open(self, library: Library) -> Store:
        return library.mirror_places.open(library.mirror_places.mirror("mirror.away"))


@pytest.fixture
def folder_away(tmp_path: Path) -> Away:
    base = tmp_path / f"nas-{uuid.uuid4().hex[:8]}"
    base.mkdir()
    return Away("folder", {"path": str(base)}, {}, ["--from", str(base)], base)


@pytest.fixture
def sftp_away(ssh_server: SshServer) -> Away:  # noqa: F811
    base = ssh_server.root / f"base-{uuid.uuid4().hex[:8]}"
    settings = {
        "host": "127.0.0.1",
        "port": ssh_server.port,
        "username": ssh_server.username,
        "key_file": str(ssh_server.key),
        "trust": ssh_server.fingerprint,
        "path": str(base),
    }
    address = f"sftp://{ssh_server.username}@127.0.0.1:{ssh_server.port}/{base}"
    options = ["--from", address, "--key-file", str(ssh_server.key), "--trust", ssh_server.fingerprint]
    return Away("sftp", settings, {}, options, base)


@pytest.fixture
def ftps_away(ftps_server: FtpServer, authority: Authority) -> Away:  # noqa: F811
    name = f"base-{uuid.uuid4().hex[:8]}"
    settings = {
        "host": "127.0.0.1",
        "port": ftps_server.port,
        "username": FTP_USER,
        "path": name,
        "trust": str(authority.pem),
    }
    address = f"ftps://{FTP_USER}@127.0.0.1:{ftps_server.port}/{name}"
    options = ["--from", address, "--trust", str(authority.pem), "--secret-stdin"]
    return Away("ftps", settings, {"password": FTP_PASSWORD}, options, ftps_server.root / name, secret=FTP_PASSWORD)


@pytest.fixture
def s3_away(s3_server: S3Server) -> Away:  # noqa: F811
    prefix = f"base-{uuid.uuid4().hex[:8]}"
    endpoint = f"http://127.0.0.1:{s3_server.port}"
    settings = {
        "bucket": s3_server.bucket,
        "access_key": s3_server.access_key,
        "endpoint": endpoint,
        "region": "us-east-1",
        "path": prefix,
        "path_style": True,
    }
    options = ["--from", f"s3://{s3_server.bucket}/{prefix}", "--endpoint", endpoint, "--path-style", "--region"]
    options += ["us-east-1", "--access-key", s3_server.access_key, "--secret-stdin"]
    return Away(
        "s3",
        settings,
        {"secret_key": s3_server.secret_key},
        options,
        server=s3_server,
        prefix=prefix,
        secret=s3_server.secret_key,
    )


@pytest.fixture(params=KINDS)
def away(request: pytest.FixtureRequest) -> Away:
    """Each kind in turn."""
    found: Away = request.getfixturevalue(f"{request.param}_away")
    return found
