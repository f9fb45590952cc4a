"""A library with a mirror in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library


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
