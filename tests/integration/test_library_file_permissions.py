"""A library in a folder that may only be read is read. Means nothing to a superuser, whom nothing binds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.paths import LibraryPaths
from app.storage.catalogue import open_catalogue
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph


def test_a_closed_folder_is_read(tmp_path: Path) -> None:
    root = tmp_path / "library"
    with open_library(root, create=True) as library:
        library.settings.set(library.owner(), "storage.reserve_bytes", "0")
        source = radiograph(tmp_path / "in" / "a.dcm", 1)
        library.imports.run(library.owner(), ImportArgs((source,)), JobContext.silent(), lambda _item: None)
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o500)
    LibraryPaths(root).database.chmod(0o400)
    try:
        if os.access(root, os.W_OK):
            pytest.skip("this account may write anywhere; installer/test.py runs this again without that right")
        store = open_catalogue(LibraryPaths(root))
        assert (store.database.read_only, store.images.count(None)) == ("disk.read_only", 1)
        store.close()
    finally:
        for folder in folders:
            folder.chmod(0o700)
