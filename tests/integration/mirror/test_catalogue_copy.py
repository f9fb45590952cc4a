"""The catalogue's copy in a mirror: sealed or not there, two of them, renewed when something changed; hostile ones."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.backup.zip_reading import ZipArchive
from app.backup.zip_writing import ZipWriter
from app.bootstrap.library import Library, open_library
from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, UserError
from app.core.secrets import Sealer, system_secret_store
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.services.backup_source import DATABASE, source_of
from app.services.mirroring.catalogue_copy import new_name
from app.services.mirroring.rebuilding import RebuildArgs, rebuild_catalogue
from app.transfer.stores.folder import FolderArgs, FolderStore
from tests.integration.mirror.conftest import Away
from tests.integration.mirror.test_pull_back import fill, mirrored

OWNER, QUIET = owner("test"), JobContext.silent()


def catalogues(away: Away) -> list[str]:
    return sorted(name for name in away.files() if name.startswith("bitewing-catalogue/"))


def newest(folder: Path) -> Path:
    return max((folder / "bitewing-catalogue").rglob("*Z-*"), key=lambda path: path.name)


def test_two_are_kept_and_nothing_is_copied_anew_without_a_change(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    first = catalogues(folder_away)
    library.mirrors.sync(OWNER, QUIET)
    assert catalogues(folder_away) == first
    names = set(first)
    for number in range(3):
        library.patients.add(OWNER, PatientDraft("Roe", f"R{number}", f"9{number}"))
        library.mirrors.sync(OWNER, QUIET)
        names.update(catalogues(folder_away))
    assert len(names) == 4
    assert catalogues(folder_away) == sorted(names)[-2:]


def test_every_kind_of_store_is_believed_once_it_was_read_back(library: Library, away: Away, tmp_path: Path) -> None:
    mirrored(library, away, tmp_path / "in", 1)
    [name] = catalogues(away)
    mirror, store, keeper = library.mirror_places.mirror("mirror.away"), away.open(library), library.catalogue_keeper
    assert not keeper.is_due(mirror, "user"), "it would be made and sent again with every round"
    with contextlib.closing(store):
        assert keeper.is_good(mirror, store, tmp_path, QUIET, deep=True)
        data = away.files()[name]
        away.put(name, bytes([data[0] ^ 1]) + data[1:])
        assert not keeper.is_good(mirror, store, tmp_path, QUIET, deep=True)
    assert keeper.is_due(mirror, "schedule")


def test_in_the_background_it_waits_its_time(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    mirror, keeper = library.mirror_places.mirror("mirror.away"), library.catalogue_keeper
    assert not keeper.is_due(mirror, "user")
    library.patients.add(OWNER, PatientDraft("Roe", "R", "99"))
    assert keeper.is_due(mirror, "user")
    assert not keeper.is_due(mirror, "schedule")
    last = library.store.state.get("mirror.away.catalogue")
    for age, took_s, is_due in ((14, 1, False), (16, 1, True), (16, 120, False), (45, 120, True), (1450, 9000, True)):
        at = epoch_ms(utc_now() - timedelta(minutes=age))
        library.store.state.set("mirror.away.catalogue", {**last, "at": at, "took_ms": took_s * 1000})
        assert keeper.is_due(mirror, "schedule") is is_due


def test_it_carries_the_keyed_heads_of_the_audit_log_and_no_secret(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    library.settings.set(OWNER, "mirror.other.password", "a secret of a server")
    fill(library, tmp_path / "in", 1)
    folder_away.set_up(library)
    library.mirrors.sync(OWNER, QUIET)
    [name] = catalogues(folder_away)
    assert name.endswith(".zip")
    assert folder_away.folder is not None
    with contextlib.closing(ZipArchive(folder_away.folder / name)) as archive:
        assert archive.manifest.heads_mac
        assert [head["writer"] for head in archive.manifest.heads]
        with archive.open("bitewing.db") as reader:
            (tmp_path / "copy.db").write_bytes(reader.read())
    connection = sqlite3.connect(tmp_path / "copy.db")
    assert connection.execute("SELECT COUNT(*) FROM secrets").fetchone() == (0,)
    connection.close()


def test_without_password_or_key_it_lies_on_no_strange_server(library: Library, s3_away: Away, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    s3_away.set_up(library)
    keys = system_secret_store()
    entry = f"library-{library.store.library_id}"
    key = keys.get(entry)
    assert key is not None
    library.mirrors.sync(OWNER, QUIET)
    # Sealed by the library's key: the server's own password needs one.
    [name] = catalogues(s3_away)
    assert name.endswith(".sealed")
    store = s3_away.open(library)
    args = RebuildArgs(tmp_path / "again")
    assert rebuild_catalogue(OWNER, args, store, QUIET).images == 2
    keys.delete(entry)
    with pytest.raises(UserError, match=r"mirror\.key_needed"):
        rebuild_catalogue(OWNER, replace(args, root=tmp_path / "third"), store, QUIET)
    assert not (tmp_path / "third").exists()
    with pytest.raises(UserError, match=r"mirror\.catalogue_unsealed"):
        library.catalogue_keeper.keep(OWNER, _mirror(library), store, QUIET)
    assert catalogues(s3_away) == [name]
    library.settings.set(OWNER, "mirror.away.clear_catalogue", "true")
    library.catalogue_keeper.keep(OWNER, _mirror(library), store, QUIET)
    assert [one.rpartition(".")[2] for one in catalogues(s3_away)] == ["sealed", "zip"]
    said = [entry for entry in library.store.audit.list(limit=50) if entry.details.get("sealed_by")]
    assert [entry.details["sealed_by"] for entry in said] == ["nothing", "key"]
    assert "mirror.away.clear_catalogue" in {entry.entity_id for entry in library.store.audit.list(limit=50)}
    store.close()
    keys.set(entry, key)
    assert Sealer(keys, library.store.library_id).has_key()


def _mirror(library: Library) -> MirrorSettings:
    return library.mirror_places.mirror("mirror.away")


def test_a_damaged_newest_one_gives_way_to_the_one_before(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.mirrors.sync(OWNER, QUIET)
    assert folder_away.folder is not None
    path = newest(folder_away.folder)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    args = RebuildArgs(tmp_path / "again", "a long backup password")
    report = rebuild_catalogue(OWNER, args, FolderStore(FolderArgs(folder_away.folder)), QUIET)
    assert report.images == 3
    with open_library(tmp_path / "again", create=False) as again:
        assert len(again.store.patients.page(None, 10)) == 1


def hostile(library: Library, folder: Path, tmp_path: Path, statement: str) -> None:
    """Put a well-made copy of a catalogue into a mirror, with one thing changed in it."""
    work = tmp_path / "making"
    work.mkdir()
    source = source_of(library.store, library.settings, work, DATABASE, encrypted=False)
    connection = sqlite3.connect(source.catalogue)
    connection.execute(statement)
    connection.commit()
    connection.close()
    plain = work / "made.zip"
    with ZipWriter(plain) as writer:
        writer.write(source, QUIET, source.bytes)
        writer.settle()
    target = folder / new_name(library.store.library_id, utc_now(), "zip")
    target.parent.mkdir(parents=True)
    shutil.copy(plain, target)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE images SET directory = '../../escaped/'",
        "UPDATE images SET directory = '/etc/', filename = 'passwd'",
        "UPDATE images SET directory = 'cache/', filename = 'x'",
        "UPDATE images SET filename = '..'",
        "CREATE TRIGGER odd AFTER INSERT ON audit BEGIN DELETE FROM patients; END",
        "CREATE VIEW odd AS SELECT * FROM patients",
        "CREATE TABLE odd (x)",
    ],
)
def test_a_hostile_catalogue_is_refused_before_anything(library: Library, tmp_path: Path, statement: str) -> None:
    fill(library, tmp_path / "in", 1)
    place = tmp_path / "hostile"
    place.mkdir()
    # Only one row may have the changed path.
    one = " WHERE rank = (SELECT MIN(rank) FROM images)" if statement.startswith("UPDATE") else ""
    hostile(library, place, tmp_path, statement + one)
    with pytest.raises(UserError, match=r"backup\.hostile"):
        rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again"), FolderStore(FolderArgs(place)), QUIET)
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "escaped").exists()


def test_an_honest_one_made_the_same_way_is_taken(library: Library, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    place = tmp_path / "honest"
    place.mkdir()
    hostile(library, place, tmp_path, "UPDATE images SET caption = 'x' WHERE 0")
    report = rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again"), FolderStore(FolderArgs(place)), QUIET)
    assert report.images == 2


def test_a_catalogue_that_says_it_is_another_librarys_is_refused(library: Library, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    place = tmp_path / "swapped"
    place.mkdir()
    hostile(library, place, tmp_path, "UPDATE images SET caption = 'x' WHERE 0")
    [folder] = (place / "bitewing-catalogue").iterdir()
    folder.rename(folder.with_name("00000000-0000-4000-8000-000000000000"))
    with pytest.raises(UserError, match=r"backup\.hostile"):
        rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again"), FolderStore(FolderArgs(place)), QUIET)


def test_nothing_there_and_several_there_are_said(tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    store = FolderStore(FolderArgs(place))
    with pytest.raises(UserError, match=r"mirror\.no_catalogue"):
        rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again"), store, QUIET)
    for name in ("one", "two"):
        (place / "bitewing-catalogue" / name).mkdir(parents=True)
    with pytest.raises(UserError, match=r"mirror\.several_libraries"):
        rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again"), store, QUIET)
    with pytest.raises(BitewingError, match=r"mirror\.no_catalogue"):
        rebuild_catalogue(OWNER, RebuildArgs(tmp_path / "again", library_id="two"), store, QUIET)
    assert not (tmp_path / "again").exists()


def test_unfinished_uploads_are_swept_once_a_day(library: Library, folder_away: Away, tmp_path: Path) -> None:
    assert folder_away.folder is not None
    mirrored(library, folder_away, tmp_path / "in", 1)
    old = folder_away.folder / "dental_images" / f"bitewing-{'0' * 32}.part"
    young = old.with_name(f"bitewing-{'1' * 32}.part")
    for path in (old, young):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 90_000,) * 2)
    library.mirrors.sync(OWNER, QUIET)
    # Swept already today.
    assert old.exists()
    library.store.state.set("mirror.away.swept", epoch_ms(utc_now() - timedelta(hours=25)))
    library.mirrors.sync(OWNER, QUIET)
    assert (old.exists(), young.exists()) == (False, True)


def test_for_a_mirror_that_is_away_nothing_is_copied(
    library: Library, folder_away: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 1)
    library.patients.add(OWNER, PatientDraft("Roe", "R", "99"))
    assert folder_away.folder is not None
    store = folder_away.open(library)
    folder_away.folder.rename(tmp_path / "unplugged")
    made: list[object] = []
    monkeypatch.setattr(type(library.catalogue_keeper), "_made", lambda *given: made.append(given))
    library.mirror_care.after_round(OWNER, _mirror(library), store, "user", QUIET)
    assert made == []
    # Still to be done when it is there again.
    assert library.catalogue_keeper.is_due(_mirror(library), "user")
