"""Real destinations for the tests: each kind's server, started once, and a base folder of its own for every test."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.core.context import JobContext
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.store import Store

KINDS = ("folder",)
NETWORKED = tuple(kind for kind in KINDS if kind != "folder")
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
