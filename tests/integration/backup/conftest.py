"""A small library with a bit of everything, and what it holds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph, radiograph

QUIET = JobContext.silent()


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """A library with filed images, one in the inbox, one in quarantine and one deleted; closed."""
    source, root = tmp_path / "source", tmp_path / "clinic" / "library"
    for number in range(6):
        radiograph(source / f"r{number}.dcm", number)
    photograph(source / "stray.jpg", 50)
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    root.parent.mkdir()
    with open_library(root, create=True) as library:
        actor = library.owner()
        library.imports.run(actor, ImportArgs((source,)), QUIET)
        library.settings.set(actor, "clinic.name", "Nile Dental")
        library.images.delete(actor, [library.images.list(actor)[0].id])
    return root


@pytest.fixture
def contents() -> Callable[[Path], dict[str, str]]:
    """Return a function giving every catalogued file of a library with its SHA-256, by place."""

    def look(root: Path) -> dict[str, str]:
        places = (root / "dental_images", root / "inbox", root / "quarantine")
        return {
            path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for place in places
            for path in place.rglob("*")
            if path.is_file()
        }

    return look


@pytest.fixture
def rows() -> Callable[[Library], dict[str, list[tuple]]]:
    """Return a function giving every row of every table that a backup must bring back."""

    def look(library: Library) -> dict[str, list[tuple]]:
        database = library.store.database
        tables = ("library", "patients", "images", "image_teeth", "patient_prefixes", "picture_bands", "settings")
        return {table: sorted(database.rows(f"SELECT * FROM {table}"), key=repr) for table in tables}

    return look
