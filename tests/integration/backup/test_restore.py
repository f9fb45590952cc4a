"""Restoring: everything comes back, the present library is kept, and refusals change nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from app.backup import swap
from app.bootstrap.library import open_library
from app.core.cancel import CancelToken
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role, owner
from app.domain.sharing import Share, ShareEnd, ShareKind, ShareState
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, RestoreReport, restore_library
from app.storage.presence import Alone

QUIET = JobContext.silent()
OWNER = owner("test")
PASSWORD = "correct horse battery staple"


def make(root: Path, target: Path | str, **options: object) -> Path:
    with open_library(root, create=False) as library:
        return Path(library.backups.create(library.owner(), target, QUIET, **options).record.path)


def restore(root: Path, backup: Path, password: str | None = None, ctx: JobContext = QUIET, **options) -> RestoreReport:
    with closing(open_archive(backup, password)) as archive:
        return restore_library(OWNER, RestoreArgs(root, archive, **options), ctx)


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["plain", "sealed"])
@pytest.mark.parametrize("form", ["a.zip", "folder/"])
def test_everything_comes_back_into_an_empty_place(
    clinic: Path, tmp_path: Path, contents, rows, form: str, password: str | None
) -> None:
    with open_library(clinic, create=False) as library:
        before = rows(library)
        backup = Path(library.backups.create(OWNER, f"{tmp_path}/{form}", QUIET, password=password).record.path)
    root = tmp_path / "new" / "library"
    root.parent.mkdir()
    report = restore(root, backup, password)
    assert report.kept is None
    assert contents(root) == contents(clinic)
    with open_library(root, create=False) as library:
        assert rows(library) == before
        assert library.check.run(library.owner(), True, QUIET).is_sound
        assert library.store.audit.verify().holds
    assert sorted(path.name for path in root.parent.iterdir()) == ["library"]


def test_the_present_library_is_kept_and_its_audit_log_goes_on(clinic: Path, tmp_path: Path, contents) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    with open_library(clinic, create=False) as library:
        library.settings.set(library.owner(), "backup.password", PASSWORD)
        later = library.patients.add(library.owner(), PatientDraft("Later"))
        before = library.store.audit.heads()
    held = contents(clinic)
    report = restore(clinic, backup)
    assert report.kept is not None
    assert contents(report.kept) == held
    with open_library(clinic, create=False) as library:
        assert library.store.patients.get(later.id) is None
        assert library.store.audit.verify().holds
        heads = library.store.audit.heads()
        for writer, (sequence, _digest) in before.items():
            assert heads[writer][0] >= sequence
        (entry,) = library.store.audit.list(action="backup.restore")
        assert entry.actor_id == OWNER.id
        # The backup made later than the copy inside it, and this account's secret, are still known.
        assert [record.path for record in library.backups.list(library.owner())] == [str(backup)]
        assert library.settings.secret("backup.password") == PASSWORD
    with open_library(report.kept, create=False) as library:
        assert library.store.patients.get(later.id) is not None


def test_what_was_shared_since_the_backup_is_still_known(clinic: Path, tmp_path: Path) -> None:
    def share(number: int) -> Share:
        now = utc_now()
        kind, state = ShareKind.DOWNLOAD, ShareState.LIVE
        return Share(
            f"share-{number}", kind, state, now, now, "owner", "here", "mirror.x", {}, f"shared/{number}", "a.jpg"
        )

    with open_library(clinic, create=False) as library:
        library.store.shares.add(share(1))
    backup = make(clinic, tmp_path / "a.zip")
    with open_library(clinic, create=False) as library:
        library.store.shares.add(share(2))
        # Its object is still to be deleted: that must not be forgotten.
        library.store.shares.end("share-1", ShareEnd.REVOKED)
    restore(clinic, backup)
    with open_library(clinic, create=False) as library:
        states = {one.id: one.state for one in library.store.shares.list()}
    assert states == {"share-1": ShareState.ENDING, "share-2": ShareState.LIVE}


def test_a_catalogue_alone_comes_back_to_its_images(clinic: Path, tmp_path: Path, contents) -> None:
    backup = make(clinic, tmp_path / "a.zip", database_only=True)
    held = contents(clinic)
    (clinic / "bitewing.db").write_bytes(b"")
    report = restore(clinic, backup)
    assert report.missing == 0
    assert contents(clinic) == held
    with open_library(clinic, create=False) as library:
        assert library.check.run(library.owner(), True, QUIET).is_sound
    lost = sorted(held)[0]
    (clinic / lost).unlink()
    assert restore(clinic, backup).missing == 1


def test_a_damaged_catalogue_is_no_hindrance(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    data = bytearray((clinic / "bitewing.db").read_bytes())
    data[4096:40960] = b"\xa5" * (40960 - 4096)
    (clinic / "bitewing.db").write_bytes(data)
    restore(clinic, backup)
    with open_library(clinic, create=False) as library:
        assert library.check.run(library.owner(), True, QUIET).is_sound


def test_a_library_in_use_is_left_alone_and_says_who_uses_it(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    with open_library(clinic, create=False, kind="window"):
        with pytest.raises(EnvironmentFault) as caught:
            restore(clinic, backup)
        assert caught.value.code == "library.in_use"
        assert caught.value.facts["kind"] == "window"
    restore(clinic, backup)


def test_nobody_opens_a_library_that_is_being_restored(clinic: Path) -> None:
    with Alone(clinic):
        with pytest.raises(EnvironmentFault) as caught:
            open_library(clinic, create=False)
        assert caught.value.code == "library.restoring"
        code = "from app.cli.main import run; import sys; sys.exit(run(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, "status", "--library", str(clinic)], capture_output=True, check=False
        )
        assert done.returncode == 1
    open_library(clinic, create=False).close()


def test_the_process_that_died_does_not_hold_the_library(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    code = (
        "import os, sys; from pathlib import Path; from app.bootstrap.library import open_library;"
        "library = open_library(Path(sys.argv[1]), create=False); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(clinic)], check=False)
    assert list((clinic / ".open").glob("*.open"))
    restore(clinic, backup)


def test_only_admins_restore(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    dentist = Actor("d", "d", Role.DENTIST, "test")
    with closing(open_archive(backup)) as archive, pytest.raises(BitewingError) as caught:
        restore_library(dentist, RestoreArgs(clinic, archive), QUIET)
    assert caught.value.code == "role.refused"


def test_another_librarys_backup_needs_a_clear_word(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    other = tmp_path / "other" / "library"
    other.parent.mkdir()
    open_library(other, create=True).close()
    with pytest.raises(BitewingError) as caught:
        restore(other, backup)
    assert caught.value.code == "backup.foreign"
    assert caught.value.facts["clinic"] == "Nile Dental"
    assert restore(other, backup, foreign=True).images > 0


def test_stopping_changes_nothing(clinic: Path, tmp_path: Path, contents) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    held, token = contents(clinic), CancelToken()
    with pytest.raises(Cancelled):
        restore(clinic, backup, ctx=JobContext(token, lambda _progress: token.cancel()))
    assert contents(clinic) == held
    assert [path.name for path in clinic.parent.iterdir()] == ["library"]


def test_a_folder_that_is_no_library_is_never_replaced(clinic: Path, tmp_path: Path) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    documents = tmp_path / "documents"
    documents.mkdir()
    (documents / "thesis.txt").write_text("mine")
    with pytest.raises(BitewingError) as caught:
        restore(documents, backup)
    assert caught.value.code == "restore.not_a_library"
    assert (documents / "thesis.txt").read_text() == "mine"


def test_a_newer_programs_backup_is_refused_with_its_version(clinic: Path, tmp_path: Path, contents) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    newer = tmp_path / "newer.zip"
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(newer, "w") as new:
        for entry in old.infolist():
            data = old.read(entry)
            if entry.filename == "manifest.json":
                data = json.dumps({**json.loads(data), "schema": 999, "program": "9.0"}).encode()
            new.writestr(entry, data)
    held = contents(clinic)
    with pytest.raises(BitewingError) as caught:
        restore(clinic, newer)
    assert caught.value.code == "backup.newer"
    assert caught.value.facts == {"program": "9.0", "clinic": "Nile Dental"}
    assert contents(clinic) == held


def test_without_exchange_two_renames_and_a_note_do_it(clinic: Path, tmp_path: Path, contents, monkeypatch) -> None:
    backup = make(clinic, tmp_path / "a.zip")
    held = contents(clinic)
    monkeypatch.setattr(swap, "_exchange", lambda _one, _other: False)
    report = restore(clinic, backup)
    assert contents(clinic) == held
    assert report.kept is not None
    assert sorted(path.name for path in clinic.parent.iterdir()) == ["library", report.kept.name]


@pytest.mark.parametrize("staging_is_there", [True, False])
def test_a_start_finishes_the_two_renames(clinic: Path, staging_is_there: bool) -> None:
    kept, staging = clinic.with_name("library.before-restore-1"), clinic.with_name("library.restoring-1")
    swap._note(clinic, staging, kept)
    if staging_is_there:
        swap.make_staging(staging)
        clinic.rename(kept)
        (staging / "bitewing.db").write_bytes((kept / "bitewing.db").read_bytes())
    else:
        clinic.rename(kept)
    open_library(clinic, create=False).close()
    assert clinic.is_dir()
    assert kept.exists() is staging_is_there
    assert not list(clinic.parent.glob(".library.restore.json"))
