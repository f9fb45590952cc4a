"""What an account may not do is said in words. Means nothing to a superuser, whom nothing binds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """A folder that may be read and not written."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        folder.chmod(0o700)
        pytest.skip("this account may write anywhere; installer/test.py runs this again without that right")
    yield folder
    folder.chmod(0o700)


def _bitewing(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-P", "-m", "app", *map(str, arguments)]
    environment = {**os.environ, "BITEWING_LANGUAGE": "en"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_library_where_nothing_may_be_written(locked: Path) -> None:
    done = _bitewing("settings", "set", "clinic.name", "A", "--library", locked / "library", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "disk.permission"
    assert "may not write" in done.stderr


def test_a_picture_where_nothing_may_be_written(locked: Path) -> None:
    from pydicom.data import get_testdata_file

    done = _bitewing("render", get_testdata_file("CT_small.dcm"), "-o", locked / "a.png", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["code"] == "disk.permission"


def test_a_file_that_may_not_be_read_is_reported_and_the_rest_goes_on(locked: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("readable")
    (source / "secret.dcm").write_bytes(bytes(200))
    (source / "secret.dcm").chmod(0)
    done = _bitewing("import", source, "--json", "--library", tmp_path / "library")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    codes = {Path(item["path"]).name: item["code"] for item in report["items"]}
    assert codes["secret.dcm"] == "file.permission"
    assert codes["a.txt"] == "file.not_an_image"
