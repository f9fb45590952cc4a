"""After a day of work no secret stands in clear anywhere: settings, catalogue, logs, backups, mirrors, processes."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from app.backup.sealed_file import open_sealed
from app.bootstrap.library import Library, open_library
from app.core import logs
from app.core.context import JobContext
from app.core.destinations import DIMSE, MIRROR, keys_of
from app.core.errors import BitewingError
from app.core.secrets import system_secret_store
from app.core.settings import SECRET_KEYS, setting_key
from app.jobs.crash_hooks import CrashHooks
from app.services.backups import open_archive
from app.services.mirroring.catalogue_copy import key_password
from tests.certificates import Authority
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn, drive_stand_in
from tests.integration.archive.conftest import orthanc_server  # noqa: F401 - a fixture
from tests.integration.drive.conftest import browse, point
from tests.integration.import_material import radiograph
from tests.integration.stores.conftest import authority, ftps_server, s3_server  # noqa: F401 - fixtures
from tests.secret_search import SecretSearch
from tests.servers import PASSWORD, USER, OrthancServer
from tests.store_servers import FTP_PASSWORD, FTP_USER, FtpServer, S3Server

ROOT = Path(__file__).resolve().parents[2]
QUIET = JobContext.silent()
BACKUP_PASSWORD = "planted backup password 5f0e"
# Everything that any library of ours can be made to say, in a file of its own beside the program's log.
_LOUD = """
import logging, sys
from pathlib import Path
from app.core import logs
usual = logs.set_up
def loud(folder):
    path = usual(folder, verbose=True)
    handler = logging.FileHandler(folder / "everything.log")
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    return path
logs.set_up = loud
from app.__main__ import main
sys.exit(main())
"""
# Entered as a person or a script does; the others in the program, which is quicker.
_BY_HAND = ("backup.password", "orthanc.password", "mirror.ftp.password")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, vsftpd and Orthanc")


@dataclass
class Processes:
    """Reads what all our children were started with, as anybody on the computer can."""

    seen: dict[int, bytes] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Processes:
        self._thread = threading.Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        us = psutil.Process()
        while not self._over.wait(0.05):
            for child in us.children(recursive=True):
                with suppress(OSError):
                    told = [Path(f"/proc/{child.pid}/{what}").read_bytes() for what in ("cmdline", "environ")]
                    self.seen[child.pid] = b"\0".join((self.seen.get(child.pid, b""), *told))[-200_000:]


@dataclass
class Day:
    """What the day left behind, and what must not be seen of it."""

    folder: Path
    secrets: dict[str, str]
    processes: Processes
    commands: int


def cli(day: Path, root: Path, *words: str, stdin: str = "", code: int | None = 0) -> str:
    """Run a command as a script does, and keep all that it said."""
    command = [sys.executable, "-c", _LOUD, *words, "--library", str(root)]
    done = subprocess.run(command, cwd=ROOT, input=stdin, capture_output=True, text=True, check=False)
    said = day / "said"
    said.mkdir(exist_ok=True)
    number = len(list(said.iterdir()))
    (said / f"{number:03}.txt").write_text(f"{words[:2]}\n{done.stdout}\n{done.stderr}")
    assert code is None or done.returncode == code, (words, done.stdout, done.stderr)
    return done.stdout


@pytest.fixture
def google() -> Iterator[DriveStandIn]:
    with drive_stand_in() as server:
        yield server


@pytest.fixture
def day(
    tmp_path: Path,
    orthanc_server: OrthancServer,  # noqa: F811
    ftps_server: FtpServer,  # noqa: F811
    s3_server: S3Server,  # noqa: F811
    authority: Authority,  # noqa: F811
    google: DriveStandIn,
) -> Day:
    """A day in a clinic: set up, tried out, sent, failed, backed up, looked at."""
    root = tmp_path / "library"
    secrets = {
        "backup.password": BACKUP_PASSWORD,
        "orthanc.password": PASSWORD,
        "drive.client_secret": CLIENT_SECRET,
        "mirror.ftp.password": FTP_PASSWORD,
        "mirror.s3.secret_key": s3_server.secret_key,
        # What a person enters in the wrong place, or wrongly, is a secret all the same.
        "mirror.ftp.secret_key": "planted-unused-9d1c33",
        "mirror.s3.password": "planted-unused-77ab02",
    }
    settings = {
        "orthanc.url": orthanc_server.url,
        "orthanc.username": USER,
        "orthanc.enabled": "true",
        "drive.client_id": CLIENT_ID,
        "backup.folder": str(tmp_path / "backups"),
        "storage.reserve_bytes": "0",
        **_mirror("ftp", "ftps", host="127.0.0.1", port=ftps_server.port, username=FTP_USER, trust=authority.pem),
        **_mirror(
            "s3",
            "s3",
            bucket=s3_server.bucket,
            access_key=s3_server.access_key,
            endpoint=f"http://127.0.0.1:{s3_server.port}",
            region="us-east-1",
            path_style="true",
        ),
    }
    for number in range(3):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    with Processes() as processes:
        commands = _by_commands(tmp_path, root, secrets, settings)
        _in_the_program(tmp_path, root, google, s3_server)
    secrets |= {f"google.{number}": secret for number, secret in enumerate(sorted(google.secrets_given))}
    with open_library(root, create=False) as library:
        key = system_secret_store().get(f"library-{library.store.library_id}")
        assert key is not None
        secrets["the library's key"] = key
        _keep_what_lies_elsewhere(tmp_path, library, ftps_server, s3_server, google)
    return Day(tmp_path, secrets, processes, commands)


def _mirror(name: str, kind: str, **more: object) -> dict[str, str]:
    values = {"kind": kind, "path": "secrets-day", **more, "enabled": "true"}
    return {f"mirror.{name}.{key}": str(value) for key, value in values.items()}


def _by_commands(day: Path, root: Path, secrets: dict[str, str], settings: dict[str, str]) -> int:
    wanted = {*SECRET_KEYS}
    wanted |= {key for name in ("ftp", "s3") for key in keys_of(MIRROR, name) if setting_key(key).is_secret}
    assert wanted == set(secrets), "every secret that can be set is planted"
    assert not [key for key in keys_of(DIMSE, "any") if setting_key(key).is_secret]
    with open_library(root, create=True) as library:
        for key, value in (settings | secrets).items():
            if key not in _BY_HAND:
                library.settings.set(library.owner(), key, value)
    for key in _BY_HAND:
        cli(day, root, "settings", "set", key, stdin=f"{secrets[key]}\n")
    cli(day, root, "import", str(day / "in"))
    for name in ("orthanc", "mirror.ftp", "mirror.s3"):
        cli(day, root, "settings", "test", name)
    cli(day, root, "push", "--once")
    cli(day, root, "mirror", "--once")
    # What fails is told of in more places than what works.
    for key, name in (("orthanc.password", "orthanc"), ("mirror.ftp.password", "mirror.ftp")):
        with open_library(root, create=False) as library:
            library.settings.set(library.owner(), key, f"{secrets[key]}x")
            cli(day, root, "settings", "test", name, code=1)
            library.settings.set(library.owner(), key, secrets[key])
    cli(day, root, "backup", "create", str(day / "sealed.zip"))
    cli(day, root, "backup", "verify", str(day / "sealed.zip"), "--password-stdin", stdin="not its password\n", code=1)
    for words in (("settings", "list"), ("status",), ("log", "list")):
        cli(day, root, *words, "--json")
    _agent(root)
    return len(list((day / "said").iterdir()))


def _agent(root: Path) -> None:
    command = [sys.executable, "-c", _LOUD, "agent", "--library", str(root)]
    agent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with suppress(subprocess.TimeoutExpired):
        agent.wait(4)
    agent.terminate()
    said, _none = agent.communicate(timeout=20)
    assert agent.returncode == 0, said.decode()
    (root.parent / "said" / "agent.txt").write_bytes(said)


def _in_the_program(day: Path, root: Path, google: DriveStandIn, s3: S3Server) -> None:
    """Google, whose address no command can change, and a crash while secrets are in use."""
    folder = day / "home" / "in-process"
    logs.set_up(folder, verbose=True)
    hooks = CrashHooks()
    hooks.install(folder)
    try:
        with open_library(root, create=False) as library:
            point(library, google)
            actor = library.owner()
            library.drive.connect(actor, browse, ("done", "denied"), QUIET)
            library.drive.backup(actor, QUIET)
            google.revoke_all()
            with pytest.raises(BitewingError):
                library.drive.list(actor, QUIET)
            shown = [entry.value for entry in library.settings.list(actor)]
            events = [(event.code, dict(event.facts)) for event in library.events.list(actor)]
            (day / "said" / "shown.json").write_text(json.dumps([shown, events], default=str))
            _crash(library)
    finally:
        hooks.remove()
        for handler in list(logging.getLogger("app").handlers):
            logging.getLogger("app").removeHandler(handler)
            handler.close()
    assert "Traceback" in (folder / "bitewing.log").read_text()


def _crash(library: Library) -> None:
    def work() -> None:
        password = library.settings.secret("backup.password")
        library.close_thread()
        assert password is not None
        raise RuntimeError(f"a fault of ours that tells {password} to everybody")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def _keep_what_lies_elsewhere(day: Path, library: Library, ftp: FtpServer, s3: S3Server, google: DriveStandIn) -> None:
    """Fetch what the servers hold, and open what is sealed: inside, no secret may stand either."""
    away = day / "away"
    away.mkdir()
    copied = [path for path in (ftp.root / "secrets-day").rglob("*") if path.is_file()]
    data = {f"ftp-{number}-{path.name}": path.read_bytes() for number, path in enumerate(copied)}
    with closing(s3.client()) as client:
        for item in client.list_objects_v2(Bucket=s3.bucket, Prefix="secrets-day")["Contents"]:
            body = client.get_object(Bucket=s3.bucket, Key=item["Key"])["Body"].read()
            data[f"s3-{item['Key'].replace('/', '-')}"] = body
    data |= {f"google-{number}.zip": stored.content for number, stored in enumerate(google.backups())}
    assert len(google.backups()) == 1
    for name, content in data.items():
        (away / name).write_bytes(content)
    unsealed = 0
    for path in [*away.iterdir(), *day.glob("*.zip")]:
        target = day / "unsealed" / path.name
        target.parent.mkdir(exist_ok=True)
        if path.suffix == ".sealed":
            open_sealed(path, target.with_suffix(".zip"), BACKUP_PASSWORD)
            unsealed += 1
        elif path.suffix == ".zip":
            with closing(open_archive(path, BACKUP_PASSWORD)) as archive:
                for member in archive.manifest.members:
                    with archive.open(member.path) as reader:
                        target.with_name(f"{path.stem}-{member.path.replace('/', '-')}").write_bytes(reader.read())
            unsealed += 1
    assert unsealed >= 4, "a backup, Google's, and the catalogue's copy in two mirrors"
    assert key_password(library.store.library_id) is not None


def test_a_day_leaves_no_secret_in_clear(day: Day) -> None:
    store = Path(os.environ["BITEWING_SECRETS_FILE"])
    search = SecretSearch(day.secrets)
    found = search.folder(day.folder, besides=frozenset({store}))
    arguments = [search.data(told, f"process {pid}") for pid, told in day.processes.seen.items()]
    print(
        f"secrets: {len(day.secrets)} in {search.searched} pieces of {day.commands} commands' day,"
        f" {len(day.processes.seen)} processes, opened {sorted(search.opened)}; found {len(found)}"
    )
    assert found == []
    assert [one for several in arguments for one in several] == []
    assert {"zip", "table"} <= search.opened
    assert len(day.processes.seen) > day.commands
    # The owner-only file holds the library's key, and nothing but keys.
    assert {one.secret for one in search.data(store.read_bytes(), "the store")} == {"the library's key"}
    assert store.stat().st_mode & 0o777 == 0o600


@pytest.fixture
def planted() -> dict[str, str]:
    return {"one": "correct horse battery planted", "two": "t0ken+/with%signs=="}


def _in_zip(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner", data)
    return made.getvalue()


def _in_table(data: bytes, folder: Path) -> bytes:
    path = folder / "made.db"
    path.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE t (v BLOB)")
        connection.execute("INSERT INTO t VALUES (?)", (zlib.compress(data),))
    made = path.read_bytes()
    path.unlink()
    return made


_HIDING: dict[str, Callable[[bytes, Path], bytes]] = {
    "as it is": lambda data, _folder: b"2026 WARNING x" + data,
    "for Windows": lambda data, _folder: data.decode().encode("utf-16"),
    "zip in zip": lambda data, _folder: _in_zip(_in_zip(b"x" * 500 + data)),
    "table": _in_table,
    "gzip behind something": lambda data, _folder: b"head" + gzip.compress(data),
    "bz2": lambda data, _folder: bz2.compress(data),
    "zlib behind something": lambda data, _folder: b"head" + zlib.compress(data * 3),
    "hexadecimal": lambda data, _folder: data.hex().encode(),
    "sign-in": lambda data, _folder: __import__("base64").b64encode(b"clinic:" + data),
    "address": lambda data, _folder: __import__("urllib.parse").parse.quote(data.decode(), safe="").encode(),
}


@pytest.mark.parametrize("hiding", _HIDING)
def test_what_is_planted_is_found(planted: dict[str, str], hiding: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    for name, value in planted.items():
        (tmp_path / "deep" / name).write_bytes(_HIDING[hiding](value.encode(), tmp_path))
    found = SecretSearch(planted).folder(tmp_path)
    assert {one.secret for one in found} == set(planted)
    assert SecretSearch({"other": "never planted at all"}).folder(tmp_path) == []


def test_without_a_store_of_the_system_a_command_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BITEWING_SECRETS_FILE")
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")

    def enter(code: int) -> str:
        words = ("settings", "set", "backup.password", "--json")
        return cli(tmp_path, tmp_path / "library", *words, stdin="abcd1234efgh\n", code=code)

    said = json.loads(enter(1))
    assert said["error"]["code"] == "secrets.no_store"
    store = tmp_path / "secrets.json"
    monkeypatch.setenv("BITEWING_SECRETS_FILE", str(store))
    enter(0)
    assert store.stat().st_mode & 0o777 == 0o600
    store.chmod(0o640)
    said = json.loads(enter(1))
    assert said["error"]["code"] == "secrets.file_open"
    assert SecretSearch({"both": "abcd1234efg"}).folder(tmp_path) == []
