"""The one folder that a web server of another account shows: readable by all, nothing in it that is not finished."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domain.publication import FOLDER
from app.transfer.stores.folder import FolderArgs, FolderStore, _beside
from app.transfer.stores.ftp import FtpStore
from app.transfer.stores.ftp_link import FtpArgs
from app.transfer.stores.names import part_name
from app.transfer.stores.sftp import SftpStore
from app.transfer.stores.store import Store
from tests.certificates import Authority
from tests.integration.stores.conftest import QUIET, Files, sftp_args
from tests.servers import PASSWORD, USER
from tests.store_servers import proftpd, sshd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="rights of this kind are not Windows'")


@pytest.fixture
def at_folder(tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    base = tmp_path / "base"
    base.mkdir()
    before = os.umask(0o077)
    yield FolderStore(FolderArgs(base)), base
    os.umask(before)


@pytest.fixture
def at_sftp(tmp_path: Path) -> Iterator[tuple[Store, Path]]:
    with sshd(tmp_path / "sshd", umask="077") as server:
        store = SftpStore(sftp_args(server, path=str(server.root / "base")))
        yield store, server.root / "base"
        store.close()


@pytest.fixture
def at_ftps(tmp_path: Path, authority: Authority) -> Iterator[tuple[Store, Path]]:
    with proftpd(tmp_path / "proftpd", authority.sign().both, umask="077") as server:
        args = FtpArgs("127.0.0.1", USER, PASSWORD, server.port, "base", trust=str(authority.pem))
        store = FtpStore(args)
        yield store, server.root / "base"
        store.close()


@pytest.mark.parametrize("kind", ["folder", "sftp", "ftps"])
def test_an_account_whose_files_are_its_own(request: pytest.FixtureRequest, kind: str, files: Files) -> None:
    store, base = request.getfixturevalue(f"at_{kind}")
    met: set[str] = set()
    store.put(files.make(), "dental_images/x.jpg", QUIET)

    def look(_size: int) -> None:
        met.update(path.name for path in (base / FOLDER).glob("*"))

    for name in ("a.jpg", "b.jpg"):
        store.put(files.make(1 << 20), f"{FOLDER}/{name}", QUIET, look)
    # Neither is ever seen before it is finished.
    assert met <= {"a.jpg"}

    def rights(path: Path) -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert (rights(base / FOLDER), rights(base / FOLDER / "b.jpg")) == (0o755, 0o644)
    # What is nobody else's stays so.
    assert rights(base / "dental_images" / "x.jpg") & 0o077 == 0
    assert [path.name for path in base.iterdir() if path.is_file()] == []


def test_a_public_folder_on_another_volume(tmp_path: Path) -> None:
    """Mounted from where the web server has its files: a rename does not reach there."""
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is no other volume here")
    part = tmp_path / part_name(f"{FOLDER}/a.jpg")
    assert _beside(tmp_path / "a.jpg", part) == part
    assert _beside(other / "a.jpg", part) == other / part.name
