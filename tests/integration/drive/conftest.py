"""A small library that is connected to the stand-in for Google, and what it keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.services.drive.service import DriveService
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn, drive_stand_in
from tests.integration.backup.conftest import clinic, contents, rows

__all__ = ["clinic", "contents", "rows"]

QUIET = JobContext.silent()
PASSWORD = "correct horse battery staple"


@pytest.fixture
def google() -> Iterator[DriveStandIn]:
    """Google, as far as a test can have it."""
    with drive_stand_in() as server:
        yield server


def browse(address: str) -> None:
    """Be a person who signs in."""
    assert httpx.get(address, follow_redirects=True).status_code == 200


def point(library: Library, google: DriveStandIn) -> Library:
    """Let a library's Drive be the stand-in, without waits."""
    library.__dict__["drive"] = DriveService(
        library.door,
        library.paths,
        library.settings,
        library.jobs,
        library.events,
        library.backups,
        google.endpoints,
        lambda _tries: 0.0,
    )
    return library


def connect(library: Library) -> None:
    """Enter the clinic's project and sign in."""
    actor = library.owner()
    library.settings.set(actor, "drive.client_id", CLIENT_ID)
    library.settings.set(actor, "drive.client_secret", CLIENT_SECRET)
    library.settings.set(actor, "backup.password", PASSWORD)
    assert library.drive.connect(actor, browse, ("done", "denied"), QUIET).email == "clinic@example.org"


@pytest.fixture
def opened(google: DriveStandIn) -> Callable[[Path], object]:
    """Return what opens a library whose Drive is the stand-in."""

    @contextmanager
    def open_it(root: Path, *, create: bool = False) -> Iterator[Library]:
        with open_library(root, create=create) as library:
            yield point(library, google)

    return open_it


@pytest.fixture
def library(clinic: Path, opened) -> Iterator[Library]:
    """The clinic's library, open and connected."""
    with opened(clinic) as library:
        connect(library)
        yield library
