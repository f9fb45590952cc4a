"""Backups: complete, read back, incremental, sealed, listed as good only when they are."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zipfile
from pathlib import Path

import pytest

from app.backup import zip_writing
from app.bootstrap.library import open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, UserError
from app.storage.backups import BackupState
from app.storage.events import EventFilter

QUIET = JobContext.silent()
PASSWORD = "correct horse battery staple"


def test_a_zip_holds_everything_and_names_every_hash(clinic: Path, tmp_path: Path, contents) -> None:
    with open_library(clinic, create=False) as library:
        report = library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
        (listed,) = library.backups.list(library.owner())
        assert listed == report.record
        assert listed.state is BackupState.GOOD
        assert listed.verified_at is not None
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        named = {row["path"]: row["sha256"] for row in manifest["members"]}
        assert set(archive.namelist()) == {*named, "manifest.json"}
        assert archive.namelist()[-1] == "manifest.json"
        for name, digest in named.items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    held = {path: digest for path, digest in named.items() if path not in {"bitewing.db", "settings.json"}}
    assert held == contents(clinic)
    assert (manifest["clinic"], manifest["contents"]) == ("Nile Dental", "images")
    assert manifest["counts"]["images"] == len(held)
    assert (tmp_path / "a.zip").stat().st_mode & 0o077 == 0


def test_no_secret_is_in_a_backup(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        library.settings.set(library.owner(), "backup.password", PASSWORD)
        sealed = library.store.secrets.get("backup.password")
        library.settings.set(library.owner(), "backup.password", "")
        library.store.secrets.set("backup.password", sealed)
        library.store.secrets.remove("backup.password")
        library.store.secrets.set("mirror.password", sealed)
        library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        database = archive.read("bitewing.db")
    (tmp_path / "copy.db").write_bytes(database)
    assert sqlite3.connect(tmp_path / "copy.db").execute("SELECT COUNT(*) FROM secrets").fetchone() == (0,)
    assert sealed is not None
    assert sealed.encode() not in database


def test_a_sealed_zip_says_nothing_about_patients(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        library.backups.create(library.owner(), tmp_path / "a.zip", QUIET, password=PASSWORD)
        with pytest.raises(UserError) as caught:
            library.backups.verify(library.owner(), tmp_path / "a.zip", QUIET)
        assert caught.value.code == "backup.password_needed"
        with pytest.raises(UserError) as caught:
            library.backups.verify(library.owner(), tmp_path / "a.zip", QUIET, "another password")
        assert caught.value.code == "backup.wrong_password"
        assert library.backups.verify(library.owner(), tmp_path / "a.zip", QUIET, PASSWORD).is_sound
    raw = (tmp_path / "a.zip").read_bytes()
    # Long enough not to stand in random bytes by chance.
    for name in (b"Doe^Jane", b"Doe Jane", b"1980-02-01", b"19800201", b"radiograph"):
        assert name not in raw


def test_the_password_of_the_settings_is_used_by_itself(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        library.settings.set(library.owner(), "backup.password", PASSWORD)
        assert library.backups.create(library.owner(), tmp_path / "a.zip", QUIET).record.encrypted
        assert library.backups.verify(library.owner(), tmp_path / "a.zip", QUIET).is_sound


def test_short_passwords_taken_names_and_bad_places_are_refused(clinic: Path, tmp_path: Path) -> None:
    (tmp_path / "taken.zip").write_bytes(b"mine")
    cases = [
        (tmp_path / "a.zip", "short", "backup.short_password"),
        (tmp_path / "taken.zip", None, "backup.exists"),
        (tmp_path / "nowhere" / "a.zip", None, "backup.no_folder"),
        (clinic / "cache" / "a.zip", None, "backup.inside_library"),
    ]
    with open_library(clinic, create=False) as library:
        for target, password, code in cases:
            with pytest.raises(BitewingError) as caught:
                library.backups.create(library.owner(), target, QUIET, password=password)
            assert caught.value.code == code
        assert library.backups.list(library.owner()) == []
        assert len(library.events.list(library.owner(), EventFilter(topics=("backup",)))) == 3
    assert (tmp_path / "taken.zip").read_bytes() == b"mine"
    assert list(tmp_path.glob("*.part")) == []


def _objects(target: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (target / "objects").rglob("*") if path.is_file()}


def test_a_folder_takes_only_what_is_new_and_each_snapshot_is_complete(clinic: Path, tmp_path: Path) -> None:
    target = tmp_path / "backups"
    with open_library(clinic, create=False) as library:
        first = library.backups.create(library.owner(), f"{target}/", QUIET)
        objects = _objects(target)
        again = library.backups.create(library.owner(), target, QUIET)
        assert _objects(target) == objects
        assert again.reused_bytes > 0
        for report in (first, again):
            assert library.backups.verify(library.owner(), Path(report.record.path), QUIET).is_sound


@pytest.mark.parametrize("password", [None, PASSWORD], ids=["plain", "sealed"])
def test_damage_in_a_folder_is_found_and_the_content_is_written_anew(
    clinic: Path, tmp_path: Path, password: str | None
) -> None:
    target = tmp_path / "backups"
    with open_library(clinic, create=False) as library:
        report = library.backups.create(library.owner(), f"{target}/", QUIET, password=password)
        victim = max(_objects(target), key=lambda path: path.stat().st_size)
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
        path = Path(report.record.path)
        found = library.backups.verify(library.owner(), path, QUIET, password)
        assert len(found.damaged) == 1
        (listed,) = library.backups.list(library.owner())
        assert listed.state is BackupState.DAMAGED
        victim.unlink()
        library.backups.create(library.owner(), target, QUIET, password=password)
        assert library.backups.verify(library.owner(), path, QUIET, password).is_sound


def test_sealed_folders_give_nothing_away_and_know_their_password(clinic: Path, tmp_path: Path, contents) -> None:
    target = tmp_path / "backups"
    with open_library(clinic, create=False) as library:
        library.backups.create(library.owner(), f"{target}/", QUIET, password=PASSWORD)
        with pytest.raises(UserError) as caught:
            library.backups.create(library.owner(), target, QUIET, password="another password")
        assert caught.value.code == "backup.wrong_password"
    names = {path.name for path in (target / "objects").rglob("*")}
    assert not names & set(contents(clinic).values())
    raw = b"".join(path.read_bytes() for path in target.rglob("*") if path.is_file())
    assert not [name for name in (b"Doe^Jane", b"Doe Jane", b"19800201", b"radiograph") if name in raw]


def test_what_the_library_itself_lost_is_named(clinic: Path, tmp_path: Path, contents) -> None:
    lost, changed = sorted(contents(clinic))[:2]
    (clinic / lost).unlink()
    with (clinic / changed).open("r+b") as file:
        file.seek(200)
        file.write(b"\xff\xff\xff")
    with open_library(clinic, create=False) as library:
        report = library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
        assert report.manifest.absent == (lost,)
        assert report.manifest.damaged == (changed,)
        (event,) = library.events.list(library.owner(), EventFilter(topics=("backup",)))
        assert (event.code, event.facts["files"]) == ("backup.made_with_gaps", 2)


def test_a_file_that_moves_meanwhile_is_found_at_its_new_place(clinic: Path, tmp_path: Path, monkeypatch) -> None:
    original = zip_writing.ReadAhead
    with open_library(clinic, create=False) as library:
        actor = library.owner()
        image = library.images.list(actor)[0]

        def moving(items, work):
            from app.domain.image import Filing

            library.images.move(actor, [image.id], Filing(tooth="8"))
            return original(items, work)

        monkeypatch.setattr(zip_writing, "ReadAhead", moving)
        report = library.backups.create(actor, tmp_path / "a.zip", QUIET)
        assert report.manifest.absent == ()
        assert image.path in {member.path for member in report.manifest.members}


def test_stopping_leaves_nothing(clinic: Path, tmp_path: Path) -> None:
    token = CancelToken()
    ctx = JobContext(token, lambda _progress: token.cancel())
    for target in (tmp_path / "a.zip", f"{tmp_path / 'backups'}/"):
        token.__init__()
        with open_library(clinic, create=False) as library:
            with pytest.raises(Cancelled):
                library.backups.create(library.owner(), target, ctx)
            assert library.backups.list(library.owner()) == []
    assert list(tmp_path.glob("a.zip*")) == []
    assert list((tmp_path / "backups" / "snapshots").iterdir()) == []
    assert list((tmp_path / "backups").rglob("*.part")) == []


@pytest.mark.parametrize("which", ["an image", "the catalogue", "the manifest", "the heading", "a header"])
@pytest.mark.parametrize("password", [None, PASSWORD], ids=["plain", "sealed"])
def test_a_drive_that_loses_data_is_not_trusted(
    clinic: Path, tmp_path: Path, monkeypatch, which: str, password: str | None
) -> None:
    """One bit changes between writing and reading back."""
    put = zip_writing.ZipWriter._stored

    def flip(part: Path, offset: int) -> None:
        with part.open("r+b") as file:
            file.seek(offset)
            byte = file.read(1)
            file.seek(offset)
            file.write(bytes([byte[0] ^ 4]))

    def corrupting(self, archive, back, name, size, item, sha256):
        if name.startswith("dental_images") if which == "an image" else name == "bitewing.db":
            archive.fp.flush()
            flip(self._part, archive.start_dir - size // 2 - 1)
        put(self, archive, back, name, size, item, sha256)

    write = zip_writing.ZipWriter.write

    def with_a_bad_end(self, source, ctx, total):
        manifest = write(self, source, ctx, total)
        data = self._part.read_bytes()
        if which == "the heading":
            flip(self._part, data.rindex(b"images"))
        elif which == "a header":
            # The CRC-32 (sealed: the mark) in an entry's own header: its bytes are right, yet nobody could read them.
            flip(self._part, data.index(b"PK\x03\x04", 100) + (14 if password is None else 1))
        else:
            flip(self._part, data.rindex(b"sha256") + 20 if password is None else data.index(b"PK\x01\x02") - 40)
        return manifest

    if which in {"the manifest", "the heading", "a header"}:
        monkeypatch.setattr(zip_writing.ZipWriter, "write", with_a_bad_end)
    else:
        monkeypatch.setattr(zip_writing.ZipWriter, "_stored", corrupting)
    with open_library(clinic, create=False) as library:
        with pytest.raises((EnvironmentFault, UserError)) as caught:
            library.backups.create(library.owner(), tmp_path / "a.zip", QUIET, password=password)
        assert caught.value.code in {"backup.not_verified", "backup.damaged", "backup.hostile"}
        assert library.backups.list(library.owner()) == []
    assert list(tmp_path.glob("a.zip*")) == []


def test_a_file_damaged_in_the_library_is_told_from_a_bad_copy(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        image = library.images.list(library.owner())[0]
        (library.paths.root / image.path).write_bytes(b"not what was imported")
        report = library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
        assert report.manifest.damaged == (image.path,)
        assert library.backups.verify(library.owner(), tmp_path / "a.zip", QUIET).is_sound


def test_a_backup_that_went_away_is_listed_as_missing(clinic: Path, tmp_path: Path) -> None:
    with open_library(clinic, create=False) as library:
        library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
        (tmp_path / "a.zip").unlink()
        (listed,) = library.backups.list(library.owner())
        assert listed.state is BackupState.MISSING
