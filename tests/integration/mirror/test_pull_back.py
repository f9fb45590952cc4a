"""A library is mirrored, lost, and given back by the mirror: every file and every row, from each kind of server."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.core.progress import Progress
from app.domain.image import Filing, ImageType
from app.domain.roles import owner
from app.storage.snapshot import row_counts
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph, radiograph
from tests.integration.mirror.conftest import Away

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]
PASSWORD = "a long backup password"
# What a mirror's own doings change after its catalogue was copied, and what is not the clinic's.
OWN_DOINGS = {"audit", "audit_heads", "copies", "outbox", "destinations", "backups", "drills", "settings", "library"}


def fill(library: Library, folder: Path, count: int) -> None:
    for number in range(count):
        radiograph(folder / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((folder,)), QUIET)
    patient = library.patients.resolve(OWNER, "17")
    photograph(folder / "more" / "photo.jpg", 4000)
    filing = Filing(patient_id=patient.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((folder / "more",), filing), QUIET)


def rows(root: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the tables that clinics fill."""
    copy = root.parent / "rows.db"
    with sqlite3.connect(root / "bitewing.db") as source, sqlite3.connect(copy) as target:
        source.backup(target)
    source.close()
    target.close()
    tables = [name for name in row_counts(copy) if name not in OWN_DOINGS]
    connection = sqlite3.connect(copy)
    found = {name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr) for name in tables}
    connection.close()
    copy.unlink()
    return found


def bitewing(root: Path, *words: str, lines: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", "--library", str(root), *words]
    return subprocess.run(command, cwd=ROOT, input=lines, capture_output=True, text=True, check=False, timeout=900)


def mirrored(library: Library, away: Away, folder: Path, count: int) -> dict[str, list[tuple[object, ...]]]:
    """Fill a library, send it to its mirror with a sealed catalogue; return its rows."""
    library.settings.set(OWNER, "backup.password", PASSWORD)
    fill(library, folder, count)
    away.set_up(library)
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.failed, report.drained.sent, report.queued) == (0, count + 1, 0), report
    return rows(library.paths.root)


def test_a_lost_library_comes_back_whole(library: Library, away: Away, tmp_path: Path, long_run: bool) -> None:
    count = 1999 if long_run else 39
    before = mirrored(library, away, tmp_path / "in", count)
    catalogues = [name for name in away.files() if name.startswith("bitewing-catalogue/")]
    assert [name.rpartition(".")[2] for name in catalogues] == ["sealed"]
    assert b"SQLite format" not in away.files()[catalogues[0]]
    root = library.paths.root
    library.close()
    shutil.rmtree(root)

    lines = "".join(f"{line}\n" for line in (away.secret, "not the password") if line)
    wrong = bitewing(root, "mirror", "--pull", *away.address, "--password-stdin", "--json", lines=lines)
    assert (wrong.returncode, json.loads(wrong.stdout)["error"]["code"]) == (1, "backup.wrong_password")
    assert not root.exists() or not any(root.iterdir())

    lines = "".join(f"{line}\n" for line in (away.secret, PASSWORD) if line)
    done = bitewing(root, "mirror", "--pull", *away.address, "--password-stdin", "--json", lines=lines)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["downloaded"], document["unchanged"], document["failed"]) == (count + 1, 0, 0)
    assert document["bytes"] > 0
    checked = bitewing(root, "check", "--deep", "--json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads(checked.stdout)["images"] == count + 1
    assert rows(root) == before
    assert bitewing(root, "audit", "verify").returncode == 0
    again = bitewing(root, "mirror", "--pull", *away.address, "--json", lines=f"{away.secret}\n")
    assert (again.returncode, json.loads(again.stdout)["unchanged"]) == (0, count + 1)
    assert not [path for path in root.parent.iterdir() if ".pulling-" in path.name]
    # The catalogue came without secrets; the password that was given is the mirror's again.
    tested = bitewing(root, "settings", "test", "mirror.away", "--json")
    assert tested.returncode == 0, tested.stderr


def test_only_what_is_lacking_is_fetched_and_good_files_stay(library: Library, away: Away, tmp_path: Path) -> None:
    mirrored(library, away, tmp_path / "in", 5)
    lost, rotten, *kept = library.images.list(OWNER)
    root = library.paths.root
    (root / lost.path).unlink()
    data = bytearray((root / rotten.path).read_bytes())
    data[-1] ^= 1
    (root / rotten.path).write_bytes(data)
    stamps = {image.id: (root / image.path).stat().st_mtime_ns for image in kept}
    store = away.open(library)
    places = [(library.mirror_places.mirror("mirror.away"), store)]
    report = library.pulling.run(OWNER, QUIET, places, deep=True)
    store.close()
    assert (report.downloaded, report.unchanged, report.failed) == (2, 4, 0)
    assert {image.id: (root / image.path).stat().st_mtime_ns for image in kept} == stamps
    assert library.check.run(OWNER, True, QUIET).is_sound
    [aside] = [path for path in (root / ".replaced").rglob("*") if path.is_file()]
    assert aside.read_bytes() == bytes(data)


def test_a_pull_that_was_stopped_goes_on(library: Library, away: Away, tmp_path: Path) -> None:
    mirrored(library, away, tmp_path / "in", 30)
    root = library.paths.root
    shutil.rmtree(root / "dental_images")

    class Stopped(JobContext):
        def report(self, progress: Progress) -> None:
            if progress.unit == "bytes" and progress.done:
                self.token.cancel()

    mirror = library.mirror_places.mirror("mirror.away")
    store = away.open(library)
    with pytest.raises(Cancelled):
        library.pulling.run(OWNER, Stopped(CancelToken()), [(mirror, store)])
    there = [path for path in (root / "dental_images").rglob("*") if path.is_file()]
    assert 0 < len(there) < 31
    pulled = [entry for entry in library.store.audit.list(limit=500) if "pulled_from" in entry.details]
    assert len(pulled) == len(there)
    report = library.pulling.run(OWNER, QUIET, [(mirror, store)])
    store.close()
    assert (report.unchanged, report.downloaded, report.failed) == (len(there), 31 - len(there), 0)
    assert library.check.run(OWNER, True, QUIET).is_sound


def test_wrong_bytes_at_the_mirror_never_come_in(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 3)
    lost, other, *_rest = library.images.list(OWNER)
    root = library.paths.root
    folder_away.put(lost.path, b"x" * lost.size_bytes)
    (root / lost.path).unlink()
    (root / other.path).unlink()
    store = folder_away.open(library)
    report = library.pulling.run(OWNER, QUIET, [(library.mirror_places.mirror("mirror.away"), store)])
    assert (report.downloaded, report.failed, report.faults) == (1, 1, {lost.path: "store.altered"})
    assert not (root / lost.path).exists()
    assert [path for path in (root / ".incoming").iterdir() if path.is_dir()] == []


def test_an_image_that_moved_after_the_catalogue_was_copied_is_found_by_its_bytes(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 3)
    image = library.images.list(OWNER)[0]
    folder_away.put("dental_images/elsewhere/x.dcm", folder_away.files()[image.path])
    folder_away.remove(image.path)
    (library.paths.root / image.path).unlink()
    store = folder_away.open(library)
    report = library.pulling.run(OWNER, QUIET, [(library.mirror_places.mirror("mirror.away"), store)])
    assert (report.downloaded, report.failed) == (1, 0)
    assert library.check.run(OWNER, True, QUIET).is_sound


def test_clinical_images_come_back_to_a_library_that_has_its_catalogue(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    folder_away.settings["layout"] = "clinical-images"
    mirrored(library, folder_away, tmp_path / "in", 3)
    assert {name.partition("/")[0] for name in folder_away.files()} == {"clinical-images"}
    root = library.paths.root
    shutil.rmtree(root / "dental_images")
    with library.store.write():
        # Names are known without the ledger too.
        library.store.database.execute("DELETE FROM copies")
    store = folder_away.open(library)
    report = library.pulling.run(OWNER, QUIET, [(library.mirror_places.mirror("mirror.away"), store)])
    assert (report.downloaded, report.failed, report.extra) == (4, 0, 0)
    assert library.check.run(OWNER, True, QUIET).is_sound


def test_what_never_was_at_the_mirror_is_said(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    gone = library.images.list(OWNER)[0]
    library.images.delete(OWNER, [gone.id])
    library.mirrors.sync(OWNER, QUIET)
    (library.paths.root / gone.path).unlink()
    store = folder_away.open(library)
    report = library.pulling.run(OWNER, QUIET, [(library.mirror_places.mirror("mirror.away"), store)])
    assert report.faults == {gone.path: "mirror.not_there"}


def test_without_an_address_a_lost_library_asks_for_one(tmp_path: Path) -> None:
    done = bitewing(tmp_path / "none", "mirror", "--pull", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "mirror.say_from")
    done = bitewing(tmp_path / "none", "mirror", "--pull", "--from", "sftp://a:secret@host/x", "--json")
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (1, "mirror.secret_in_address")
    assert "secret@" not in done.stderr
    assert bitewing(tmp_path / "none", "mirror", "--pull", "--verify").returncode == 2
    assert bitewing(tmp_path / "none", "mirror", "--from", str(tmp_path)).returncode == 2
    assert not (tmp_path / "none").exists()


def test_a_library_with_the_mirror_of_its_own_settings_is_filled_on_the_command_line(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 2)
    for image in library.images.list(OWNER):
        (library.paths.root / image.path).unlink()
    done = bitewing(library.paths.root, "mirror", "--pull", "--destination", "away", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("downloaded", "unchanged", "failed")} == {
        "downloaded": 3,
        "unchanged": 0,
        "failed": 0,
    }
    with open_library(library.paths.root, create=False) as again:
        assert again.check.run(OWNER, True, QUIET).is_sound


def test_a_pull_that_was_killed_goes_on(library: Library, sftp_away: Away, tmp_path: Path) -> None:
    before = mirrored(library, sftp_away, tmp_path / "in", 60)
    root = library.paths.root
    library.close()
    shutil.rmtree(root)
    words = ["mirror", "--pull", *sftp_away.address, "--connections", "1", "--password-stdin"]
    command = [sys.executable, "-m", "app", "--library", str(root), *words]
    images = root / "dental_images"
    for share in (1, 20, 40):
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert process.stdin is not None
        process.stdin.write(f"{PASSWORD}\n")
        process.stdin.close()
        while process.poll() is None and sum(path.is_file() for path in images.rglob("*")) < share:
            time.sleep(0.01)
        process.kill()
        process.wait()
    done = bitewing(root, *words, "--json", lines=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["downloaded"] + document["unchanged"] == 61
    assert document["unchanged"] >= 40
    assert bitewing(root, "check", "--deep").returncode == 0
    assert rows(root) == before
    assert not [path for path in root.parent.iterdir() if ".pulling-" in path.name]


def test_the_second_mirror_has_what_the_first_has_not(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 3)
    other = tmp_path / "other"
    other.mkdir()
    library.settings.set_destination(
        OWNER, "mirror", "other", {"kind": "folder", "path": str(other), "enabled": True}, {}
    )
    library.mirrors.sync(OWNER, QUIET)
    first, second, *_rest = library.images.list(OWNER)
    folder_away.remove(first.path)
    for image in (first, second):
        (library.paths.root / image.path).unlink()
    places = [(mirror, library.mirror_places.open(mirror)) for mirror in library.settings.mirrors()]
    report = library.pulling.run(OWNER, QUIET, places)
    assert (report.downloaded, report.failed) == (2, 0)
    # One that is away altogether is no reason to stop either.
    (library.paths.root / first.path).unlink()
    assert folder_away.folder is not None
    folder_away.folder.rename(tmp_path / "unplugged")
    report = library.pulling.run(OWNER, QUIET, places)
    assert (report.downloaded, report.failed) == (1, 0)
    other.rename(tmp_path / "unplugged too")
    (library.paths.root / first.path).unlink()
    with pytest.raises(BitewingError, match=r"store\.unreachable"):
        library.pulling.run(OWNER, QUIET, places)


def test_hostile_names_at_the_mirror_lead_nowhere(library: Library, s3_away: Away, tmp_path: Path) -> None:
    mirrored(library, s3_away, tmp_path / "in", 1)
    lost = library.images.list(OWNER)[0]
    data = s3_away.files()[lost.path]
    s3_away.remove(lost.path)
    # With dots between slashes moto itself takes no key.
    for name in ("dental_images/a\\..\\..\\b", "dental_images/nul \\x", "dental_images/ends with a dot./x"):
        s3_away.put(name, data)
    (library.paths.root / lost.path).unlink()
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    store = s3_away.open(library)
    report = library.pulling.run(OWNER, QUIET, [(library.mirror_places.mirror("mirror.away"), store)])
    assert (report.downloaded, report.failed, report.extra) == (0, 1, 3)
    assert {path.name for path in tmp_path.rglob("*") if "home" not in path.parts} <= {path.name for path in before}
    found = library.verification.run(OWNER, QUIET, "away")
    assert (found.missing, found.extra) == (1, 3)
    store.close()
