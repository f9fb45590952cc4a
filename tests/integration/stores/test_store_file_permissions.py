"""Folders that an account may not write to: refused, nothing left. Means something only without root's rights."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.errors import EnvironmentFault
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.store import Store
from tests.integration.stores.conftest import QUIET, Files, Place


def may_write_anywhere(folder: Path) -> bool:
    probe = folder / "locked"
    probe.mkdir(mode=0o500)
    return os.access(probe, os.W_OK)


def refused(store: Store, files: Files) -> None:
    for name in ("x.bin", "deep/er/x.bin"):
        with pytest.raises(EnvironmentFault) as caught:
            store.put(files.make(), name, QUIET)
        assert caught.value.code == "store.forbidden"
    assert list(store.list(recursive=True)) == []


@pytest.mark.parametrize("kind", ["folder", "ftp", "ftps", "sftp"])
def test_a_place_that_may_not_be_written_to(
    request: pytest.FixtureRequest, tmp_path: Path, files: Files, kind: str
) -> None:
    if may_write_anywhere(tmp_path):
        pytest.skip("this account may write anywhere; installer/test.py runs this file without that right")
    if kind == "sftp" and os.geteuid() == 0:
        pytest.skip("sshd does not start as a superuser without a superuser's rights")
    base = tmp_path / "base"
    base.mkdir(mode=0o500)
    if kind == "folder":
        refused(FolderStore(FolderArgs(base)), files)
        return
    place: Place = request.getfixturevalue(f"{kind}_place")
    with place.opened:
        refused(place.open(path=str(base)), files)
