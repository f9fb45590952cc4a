"""Real destinations for the tests: each kind's server, started once, and a base folder of its own for every test."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from app.core.context import JobContext
from app.transfer.drive.line import Client
from app.transfer.stores.drive import DriveArgs, DriveStore
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_client import S3Args
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.ssh import SftpArgs
from app.transfer.stores.store import Store
from tests.certificates import Authority
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn, drive_stand_in
from tests.servers import PASSWORD, USER
from tests.store_servers import (
    FTP_PASSWORD,
    FTP_USER,
    FtpServer,
    ProFtpServer,
    S3Server,
    SshServer,
    moto,
    proftpd,
    sshd,
    vsftpd,
)

KINDS = ("folder", "ftp", "ftps", "sftp", "s3", "drive", "other_ftps", "other_sftp")
# Second servers of a kind meet broken lines in the long run only.
NETWORKED = [pytest.param(kind, marks=[pytest.mark.long] * kind.startswith("other_")) for kind in KINDS[1:]]
QUIET = JobContext.silent()


@dataclass
class Place:
    """A destination of one kind. ``open``: make a store there, with some of its arguments changed."""

    kind: str
    make: Callable[..., Store]
    ports: tuple[int, ...] = ()
    data_ports: tuple[int, ...] = ()
    opened: ExitStack = field(default_factory=ExitStack)

    def open(self, **changed: Any) -> Store:
        store = self.make(**changed)
        self.opened.callback(store.close)
        return store


def unique() -> str:
    return f"base-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def folder_place(tmp_path: Path) -> Place:
    base = tmp_path / unique()
    base.mkdir()

    def make(**changed: Any) -> Store:
        return FolderStore(FolderArgs(**{"path": base, **changed}))

    return Place("folder", make)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def ftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpServer]:
    with vsftpd(tmp_path_factory.mktemp("vsftpd") / "plain") as server:
        yield server


@pytest.fixture(scope="session")
def ftps_server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[FtpServer]:
    with vsftpd(tmp_path_factory.mktemp("vsftpd") / "tls", authority.sign().both) as server:
        yield server


def ftp_args(server: FtpServer, **changed: Any) -> FtpArgs:
    wanted = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": FTP_USER,
        "password": FTP_PASSWORD,
        "path": unique(),
    }
    return FtpArgs(**{**wanted, **changed})


@pytest.fixture
def ftp_place(ftp_server: FtpServer) -> Place:
    args = ftp_args(ftp_server, secure=False, allow_plain=True)
    return Place("ftp", lambda **changed: FtpStore(replace(args, **changed)), (args.port,), ftp_server.data_ports)


@pytest.fixture
def ftps_place(ftps_server: FtpServer, authority: Authority) -> Place:
    args = ftp_args(ftps_server, trust=str(authority.pem))
    return Place("ftps", lambda **changed: FtpStore(replace(args, **changed)), (args.port,), ftps_server.data_ports)


@pytest.fixture(scope="session")
def ssh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServer]:
    with sshd(tmp_path_factory.mktemp("sshd") / "first") as server:
        yield server


def sftp_args(server: SshServer, **changed: Any) -> SftpArgs:
    wanted = {
        "host": "127.0.0.1",
        "port": server.port,
        "username": server.username,
        "key_file": str(server.key),
        "trust": server.fingerprint,
        "path": str(server.root / unique()),
        "reread_every": 2,
    }
    return SftpArgs(**{**wanted, **changed})


@pytest.fixture
def sftp_place(ssh_server: SshServer) -> Place:
    args = sftp_args(ssh_server)
    return Place("sftp", lambda **changed: SftpStore(replace(args, **changed)), (args.port,))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with moto(tmp_path_factory.mktemp("moto") / "first") as server:
        yield server


@pytest.fixture(scope="session")
def open_s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """One that lets strangers in where an object's own rights do, and knows signed links."""
    with moto(tmp_path_factory.mktemp("moto") / "open", checks_rights=False) as server:
        yield server


def s3_args(server: S3Server, **changed: Any) -> S3Args:
    wanted = {
        "bucket": server.bucket,
        "access_key": server.access_key,
        "secret_key": server.secret_key,
        "endpoint": f"http://127.0.0.1:{server.port}",
        "prefix": unique(),
        "path_style": True,
    }
    return S3Args(**{**wanted, **changed})


@pytest.fixture
def s3_place(s3_server: S3Server) -> Place:
    args = s3_args(s3_server)
    return Place("s3", lambda **changed: S3Store(replace(args, **changed)), (s3_server.port,))


@pytest.fixture
def google() -> Iterator[DriveStandIn]:
    with drive_stand_in() as server:
        yield server


def drive_args(server: DriveStandIn, **changed: Any) -> DriveArgs:
    token = "1//03-given-in-the-browser"
    server.refresh[token] = server.now()
    wanted = {
        "endpoints": server.endpoints,
        "client": Client(CLIENT_ID, CLIENT_SECRET),
        "refresh_token": token,
        "path": f"Clinic's mirrors/{unique()}",
        "allow_unsealed": True,
    }
    return DriveArgs(**{**wanted, **changed})


@pytest.fixture
def drive_place(google: DriveStandIn) -> Place:
    args = drive_args(google)
    return Place("drive", lambda **changed: DriveStore(replace(args, **changed)), (google.port,))


@pytest.fixture(scope="session")
def other_ftps_server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[ProFtpServer]:
    with proftpd(tmp_path_factory.mktemp("proftpd") / "tls", authority.sign().both) as server:
        yield server


@pytest.fixture(scope="session")
def other_sftp_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProFtpServer]:
    with proftpd(tmp_path_factory.mktemp("proftpd") / "ssh") as server:
        yield server


@pytest.fixture
def other_ftps_place(other_ftps_server: ProFtpServer, authority: Authority) -> Place:
    """ProFTPD: another listing (MLSD), another way to check that TLS sessions are resumed."""
    server = other_ftps_server
    args = FtpArgs("127.0.0.1", USER, PASSWORD, server.port, unique(), trust=str(authority.pem))
    return Place("ftps", lambda **changed: FtpStore(replace(args, **changed)), (args.port,), server.data_ports)


@pytest.fixture
def other_sftp_place(other_sftp_server: ProFtpServer) -> Place:
    """ProFTPD's SFTP: signing in by password, none of OpenSSH's limits."""
    server = other_sftp_server
    args = SftpArgs("127.0.0.1", USER, PASSWORD, port=server.port, path=unique(), trust=server.fingerprint)
    return Place("sftp", lambda **changed: SftpStore(replace(args, **changed)), (args.port,))


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    """Each kind in turn."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    with found.opened:
        yield found


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@dataclass
class Files:
    """Makes files with contents that only they have."""

    folder: Path
    made: int = 0

    def make(self, size: int = 3000) -> Path:
        self.made += 1
        path = self.folder / f"source-{self.made}"
        path.write_bytes(random.Random(self.made).randbytes(size))
        return path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    folder = tmp_path / "sources"
    folder.mkdir()
    return Files(folder)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
