"""What loses its power: an import, a watched folder whose files are deleted after proof, a backup, a naive import.

Each says on its standard output what it promises from then on: a line a file or a backup.
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import sys
from pathlib import Path

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.roles import owner
from app.sync.report import ImportArgs, ImportItem
from tests.integration.crash.driver import PlainExaminer

QUIET = JobContext.silent()
ACTOR = owner("test")


def promise(text: str) -> None:
    """Say that this is safe from now on."""
    print(text, flush=True)


def start(place: Path) -> Library:
    """Open the library of that disk."""
    library = open_library(place / "library", create=True, examiner=PlainExaminer())
    library.settings.set_value(ACTOR, "storage.reserve_bytes", 0)
    return library


def importing(place: Path) -> None:
    """Import; each file is promised when the importer says that it is done."""

    def done(item: ImportItem) -> None:
        promise(Path(item.path).name)

    with start(place) as library:
        library.imports.run(ACTOR, ImportArgs((place / "source",)), QUIET, done)


def watching(place: Path) -> None:
    """Watch a folder whose files are deleted once they are proven to be in the library; nothing is promised."""
    with start(place) as library:
        entry = {"path": str(place / "source"), "rule": "dicom", "after": "delete"}
        library.settings.set_value(ACTOR, "monitor.folders", [entry])
        library.monitor.run(ACTOR, QUIET, once=True)


def backing(place: Path) -> None:
    """Import, then make zips and snapshots in a folder, each promised when it is said to be made."""
    with start(place) as library:
        library.imports.run(ACTOR, ImportArgs((place / "source",)), QUIET)
        for number in range(6):
            name = f"{number}.zip" if number % 2 else "folder/"
            promise(library.backups.create(ACTOR, f"{place}/{name}", QUIET).record.path)


def naive(place: Path) -> None:
    """Import as one would without thinking: a plain copy and a row, and the source goes."""
    root = place / "library"
    (root / "files").mkdir(parents=True)
    database = sqlite3.connect(root / "naive.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE IF NOT EXISTS images (name TEXT, sha256 TEXT)")
    for path in sorted((place / "source").iterdir()):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        shutil.copyfile(path, root / "files" / path.name)
        database.execute("INSERT INTO images VALUES (?, ?)", (path.name, digest))
        path.unlink()
        promise(path.name)
    database.close()


if __name__ == "__main__":
    {"importing": importing, "watching": watching, "backing": backing, "naive": naive}[sys.argv[1]](Path(sys.argv[2]))
