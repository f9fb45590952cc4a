"""One Orthanc for all tests here, emptied before each, and a library that sends to it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from tests.servers import PASSWORD, USER, OrthancServer, orthanc


@pytest.fixture(scope="session")
def orthanc_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrthancServer]:
    executable = shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin")
    if executable is None:
        if os.environ.get("CI") and sys.platform == "linux":
            pytest.fail("Orthanc is missing; installer/test.py should have installed it")
        pytest.skip("Orthanc is not installed")
    with orthanc(executable, tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture
def server(orthanc_server: OrthancServer) -> OrthancServer:
    if orthanc_server.process is None:
        orthanc_server.start()
    orthanc_server.empty()
    return orthanc_server


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


def connect(library: Library, url: str, password: str = PASSWORD) -> None:
    """Set the archive up as an admin would."""
    actor = library.owner()
    library.settings.set(actor, "orthanc.url", url)
    library.settings.set(actor, "orthanc.username", USER)
    library.settings.set(actor, "orthanc.password", password)
    library.settings.set(actor, "orthanc.enabled", "true")
