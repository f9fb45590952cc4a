"""Each page of the catalogue overwritten in turn: never a crash, noticed, and a backup brings all back."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.core.paths import LibraryPaths
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.domain.treatment import TreatmentDraft
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library
from app.sync.report import ImportArgs
from tests.integration.crash.driver import PlainExaminer
from tests.integration.crash.harness import make_source

QUIET = JobContext.silent()
PAGE = 4096
# Overwritten with noise, with zeros, and with what stood on the page before it (a write that went astray).
KINDS = ("noise", "zeros", "astray")
EVERY, EVERY_RESTORED = 11, 60


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A library with a backup: some 250 pages, none unused, a few of them for texts too long for one."""
    folder = tmp_path / "library"
    with open_library(folder, create=True, examiner=PlainExaminer()) as library:
        actor = library.owner()
        library.imports.run(actor, ImportArgs((make_source(tmp_path / "source", 60),)), QUIET)
        patients = [library.patients.add(actor, PatientDraft(f"Family{n}", f"Given{n}", f"N{n}")) for n in range(250)]
        for number, patient in enumerate(patients[:8]):
            text = " ".join(f"word{n}" for n in range(900 + number * 100))
            library.treatments.add(actor, patient.id, TreatmentDraft("Filling", notes=text))
        library.backups.create(actor, tmp_path / "backup.zip", QUIET)
    with closing(sqlite3.connect(LibraryPaths(folder).database)) as database:
        database.execute("VACUUM")
    return folder


def _overwritten(data: bytes, kind: str) -> Iterator[tuple[int, bytes]]:
    for page in range(len(data) // PAGE):
        here, before = data[page * PAGE : (page + 1) * PAGE], data[(page - 1) * PAGE : page * PAGE]
        junk = {"noise": random.Random(page).randbytes(PAGE), "zeros": bytes(PAGE), "astray": before}[kind]
        if junk and junk != here:
            yield page, data[: page * PAGE] + junk + data[(page + 1) * PAGE :]


def _put(path: Path, data: bytes) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(data)


def _is_noticed(root: Path) -> bool:
    """Whether opening says that the catalogue is damaged, or the check does; all else may fail, in words."""
    try:
        with open_library(root, create=False, examiner=PlainExaminer()) as library:
            _use(library)
            try:
                report = library.check.run(library.owner(), False, QUIET)
            except BitewingError:
                return True
            return library.read_only is not None or report.database == "damaged"
    except BitewingError:
        return True


def _use(library: Library) -> None:
    actor = library.owner()
    for use in (
        lambda: library.patients.search(actor, "given1", 10),
        lambda: [library.treatments.list(actor, row.patient.id) for row in library.patients.page(actor, None, 300)],
        lambda: library.images.list(actor),
        lambda: library.store.audit.verify(),
        lambda: library.patients.add(actor, PatientDraft("New", "Name", "X-1")),
    ):
        with suppress(BitewingError):
            use()


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_overwritten_is_noticed_and_never_a_crash(root: Path, kind: str, long_run: bool) -> None:
    path = LibraryPaths(root).database
    sound = path.read_bytes()
    damaged = list(_overwritten(sound, kind))
    tried = damaged if long_run else damaged[::EVERY]
    missed = []
    for page, data in tried:
        _put(path, data)
        if not _is_noticed(root):
            missed.append(page + 1)
    print(f"{kind}: {len(tried)} of {len(damaged)} pages, {len(missed)} not noticed {missed}")
    assert len(missed) <= len(tried) // 100


@pytest.mark.parametrize("kind", KINDS)
def test_from_any_damage_the_backup_brings_it_back(root: Path, kind: str, long_run: bool) -> None:
    path = LibraryPaths(root).database
    damaged = list(_overwritten(path.read_bytes(), kind))
    for page, data in damaged if long_run else damaged[::EVERY_RESTORED]:
        _put(LibraryPaths(root).database, data)
        with closing(open_archive(root.with_name("backup.zip"))) as archive:
            report = restore_library(owner("test"), RestoreArgs(root, archive), QUIET)
        assert report.kept is not None
        with open_library(root, create=False, examiner=PlainExaminer()) as library:
            assert library.check.run(owner("test"), True, QUIET).is_sound, page
            assert len(library.patients.page(owner("test"), None, 300)) == 251


def test_what_a_damaged_catalogue_gives_is_looked_at_before_it_is_taken_over(root: Path, tmp_path: Path) -> None:
    path = LibraryPaths(root).database
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE backups SET created_at = 9223372036854775807")
        database.execute("DROP TRIGGER audit_is_never_changed")
        database.execute("UPDATE audit SET details = '{garbage' WHERE sequence = (SELECT MAX(sequence) FROM audit)")
        database.commit()
    with closing(open_archive(root.with_name("backup.zip"))) as archive:
        report = restore_library(owner("test"), RestoreArgs(root, archive), QUIET)
    assert report.carried.unreadable == ("audit",)
    with open_library(root, create=False, examiner=PlainExaminer()) as library:
        assert library.store.audit.verify().holds
        assert library.backups.list(owner("test")) == []
        assert library.backups.create(owner("test"), tmp_path / "next.zip", QUIET).record.images == 60


def test_a_catalogue_that_cannot_say_whose_it_is_is_not_anybodys(root: Path, tmp_path: Path) -> None:
    with open_library(tmp_path / "another", create=True) as another:
        another.backups.create(owner("test"), tmp_path / "foreign.zip", QUIET)
    with closing(sqlite3.connect(LibraryPaths(root).database)) as database:
        database.execute("UPDATE library SET id = 'zzzz'")
        database.commit()
    for noted in (True, False):
        if not noted:
            LibraryPaths(root).backup_note.unlink()
        with closing(open_archive(tmp_path / "foreign.zip")) as archive, pytest.raises(BitewingError) as caught:
            restore_library(owner("test"), RestoreArgs(root, archive), QUIET)
        assert caught.value.code == "backup.foreign"
