"""What is run under ``strace``: an import of a few small files, by us or by a naive importer.

Looks at files in this process and without any imaging library, so that nearly every traced call is the
importer's own.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sqlite3
import sys
from pathlib import Path

BEGIN = "/bitewing-crash-begin"


class PlainExaminer:
    """Takes every file for a small photograph."""

    def examine(self, path: Path) -> object:
        from app.domain.facts import FileFacts
        from app.domain.identity import FileIdentity
        from app.domain.image import FileKind
        from app.imaging.examined import Examined

        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        identity = FileIdentity(patient_id="17", family_name="Doe", given_name="Jane")
        facts = FileFacts(
            FileKind.PHOTO, "image/png", 10, 10, identity=identity, pixel_sha256=digest, picture_hash=digest
        )
        return Examined(facts, b"\xff\xd8thumbnail")


def begin() -> None:
    """Leave a mark in the trace: what comes after it is the work."""
    with contextlib.suppress(OSError):
        os.close(os.open(BEGIN, os.O_RDONLY))


def careful(root: Path, source: Path) -> int:
    """Import with the program's own importer."""
    from app.bootstrap.library import open_library
    from app.core.context import JobContext
    from app.domain.roles import owner
    from app.sync.report import ImportArgs

    library = open_library(root, create=True, examiner=PlainExaminer())
    begin()
    try:
        report = library.imports.run(owner("test"), ImportArgs((source,)), JobContext.silent(), lambda _item: None)
    finally:
        library.close()
    return 1 if report.has_failures else 0


def moving(root: Path, source: Path) -> int:
    """Import first; what is traced is moving the images to another tooth and back to the inbox."""
    from app.bootstrap.library import open_library
    from app.core.context import JobContext
    from app.domain.image import Filing
    from app.domain.roles import owner
    from app.sync.report import ImportArgs

    library, actor = open_library(root, create=True, examiner=PlainExaminer()), owner("test")
    try:
        library.imports.run(actor, ImportArgs((source,)), JobContext.silent(), lambda _item: None)
        ids = [image.id for image in library.images.list(actor)]
        begin()
        library.images.move(actor, ids, Filing(tooth="8"))
        library.inbox.unfile(actor, ids[0])
    finally:
        library.close()
    return 0


def backing(root: Path, source: Path) -> int:
    """Import and make a first backup; what is traced is a second zip and a snapshot in a folder."""
    from app.bootstrap.library import open_library
    from app.core.context import JobContext
    from app.domain.roles import owner
    from app.sync.report import ImportArgs

    library, actor, quiet = (
        open_library(root, create=True, examiner=PlainExaminer()),
        owner("test"),
        JobContext.silent(),
    )
    try:
        library.imports.run(actor, ImportArgs((source,)), quiet)
        library.backups.create(actor, root.with_name("first.zip"), quiet)
        begin()
        library.backups.create(actor, root.with_name("second.zip"), quiet)
        library.backups.create(actor, f"{root.with_name('folder')}/", quiet)
    finally:
        library.close()
    return 0


def restoring(root: Path, source: Path) -> int:
    """Import, back up, add a patient; what is traced is restoring the backup."""
    from app.bootstrap.library import open_library
    from app.core.context import JobContext
    from app.domain.patient import PatientDraft
    from app.domain.roles import owner
    from app.services.backups import open_archive
    from app.services.restoring import RestoreArgs, restore_library
    from app.sync.report import ImportArgs

    library, actor, quiet = (
        open_library(root, create=True, examiner=PlainExaminer()),
        owner("test"),
        JobContext.silent(),
    )
    try:
        library.imports.run(actor, ImportArgs((source,)), quiet)
        library.backups.create(actor, root.with_name("first.zip"), quiet)
        library.patients.add(actor, PatientDraft("Afterwards"))
    finally:
        library.close()
    begin()
    archive = open_archive(root.with_name("first.zip"))
    restore_library(actor, RestoreArgs(root, archive), quiet)
    archive.close()
    return 0


def naive_restoring(root: Path, source: Path) -> int:
    """Restore as one would without thinking: unpack the archive over the library that is there."""
    import zipfile

    from app.bootstrap.library import open_library
    from app.core.context import JobContext
    from app.domain.patient import PatientDraft
    from app.domain.roles import owner
    from app.sync.report import ImportArgs

    library, actor, quiet = (
        open_library(root, create=True, examiner=PlainExaminer()),
        owner("test"),
        JobContext.silent(),
    )
    try:
        library.imports.run(actor, ImportArgs((source,)), quiet)
        library.backups.create(actor, root.with_name("first.zip"), quiet)
        library.patients.add(actor, PatientDraft("Afterwards"))
    finally:
        library.close()
    begin()
    shutil.rmtree(root / "dental_images")
    shutil.rmtree(root / "inbox")
    with zipfile.ZipFile(root.with_name("first.zip")) as archive:
        archive.extractall(root)
    return 0


def naive(root: Path, source: Path) -> int:
    """Import as one would without thinking: the row first, then a plain copy under the final name."""
    root.mkdir(exist_ok=True)
    (root / "files").mkdir(exist_ok=True)
    database = sqlite3.connect(root / "naive.db", isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS images (name TEXT, sha256 TEXT)")
    begin()
    for path in sorted(source.iterdir()):
        database.execute("INSERT INTO images VALUES (?, ?)", (path.name, hashlib.sha256(path.read_bytes()).hexdigest()))
        shutil.copyfile(path, root / "files" / path.name)
        path.unlink()
    database.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(
        {
            "careful": careful,
            "moving": moving,
            "backing": backing,
            "restoring": restoring,
            "naive_restoring": naive_restoring,
            "naive": naive,
        }[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    )
