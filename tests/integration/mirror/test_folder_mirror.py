"""A mirror in a folder: everything there and proven, moves and deletions called back, unplugged drives waited for."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import RefusedError, UserError
from app.domain.image import Filing, ImageType
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role, owner
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph, radiograph

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]


def fill(library: Library, folder: Path, count: int = 3) -> None:
    for number in range(count):
        radiograph(folder / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((folder,)), QUIET)
    patient = library.patients.resolve(OWNER, "17")
    photograph(folder / "more" / "photo.jpg", 40)
    filing = Filing(patient_id=patient.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((folder / "more",), filing), QUIET)


def there(place: Path) -> dict[str, str]:
    """Return the hash of every image at the mirror by its name."""
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file() and not path.name.startswith(".") and "bitewing-catalogue" not in path.parts
    }


def wanted(library: Library) -> dict[str, str]:
    return {image.path: image.sha256 for image in library.images.list(OWNER)}


def test_everything_is_there_and_sent_once(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (4, 0, 0)
    assert there(place) == wanted(library)
    assert report.drained.bytes == sum(image.size_bytes for image in library.images.list(OWNER))
    for image in library.images.list(OWNER):
        [copy] = library.outbox.copies(OWNER, image.id)
        assert (copy.destination, copy.remote_id, copy.digest) == ("mirror.nas", image.path, image.sha256)
    assert library.mirrors.sync(OWNER, QUIET).drained.sent == 0
    runs = [job for job in library.activity.jobs(OWNER) if job.kind == "mirror"]
    assert [(run.counts["sent"], run.state.value) for run in runs] == [(0, "succeeded"), (4, "succeeded")]


def test_moves_teeth_and_deletions_are_corrected_there(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.mirrors.sync(OWNER, QUIET)
    moved, other_tooth, deleted, _kept = library.images.list(OWNER)
    library.images.move(OWNER, [moved.id], Filing(patient_id=other.id))
    library.images.move(OWNER, [other_tooth.id], Filing(tooth="3"))
    library.images.delete(OWNER, [deleted.id])
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.failed, report.queued) == (0, 0)
    assert there(place) == wanted(library)
    assert len(there(place)) == 3
    library.images.restore(OWNER, [deleted.id])
    library.mirrors.sync(OWNER, QUIET)
    assert there(place) == wanted(library)


def test_a_drive_that_is_not_connected_is_waited_for(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    away = place.rename(tmp_path / "unplugged")
    # The empty place where a drive would be mounted must not be filled in its stead.
    place.mkdir()
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(OWNER, ImportArgs((tmp_path / "late",)), QUIET)
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.away, report.drained.failed, report.queued) == ("store.other_drive", 0, 1)
    assert list(place.iterdir()) == []
    place.rmdir()
    away.rename(place)
    assert library.mirrors.sync(OWNER, QUIET).drained.sent == 1
    assert there(place) == wanted(library)


def test_a_replaced_drive_is_started_afresh(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    place.rename(tmp_path / "old-drive")
    place.mkdir()
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(OWNER, ImportArgs((tmp_path / "late",)), QUIET)
    assert library.mirrors.sync(OWNER, QUIET).drained.away == "store.other_drive"
    [queue] = library.outbox.queues(OWNER)
    assert queue.last_fault == "store.other_drive"
    with pytest.raises(RefusedError):
        library.mirrors.start_afresh(Actor("d", "d", Role.DENTIST), "nas")
    library.mirrors.start_afresh(OWNER, "nas")
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (3, 0, 0)
    assert there(place) == wanted(library)
    assert [path for path in (place / "bitewing-catalogue").rglob("*") if path.is_file()]
    # The old one is another drive from now on.
    place.rename(tmp_path / "new-drive")
    (tmp_path / "old-drive").rename(place)
    radiograph(tmp_path / "later" / "y.dcm", 61)
    library.imports.run(OWNER, ImportArgs((tmp_path / "later",)), QUIET)
    assert library.mirrors.sync(OWNER, QUIET).drained.away == "store.other_drive"


def test_what_replaced_a_file_there_is_not_deleted(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    image = library.images.list(OWNER)[0]
    (place / image.path).write_bytes(b"somebody else's")
    library.images.delete(OWNER, [image.id])
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.failed, report.drained.conflicts) == (1, 1)
    assert (place / image.path).read_bytes() == b"somebody else's"


def test_rotten_bytes_do_not_replace_a_good_copy(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    good = there(place)
    image = library.images.list(OWNER)[0]
    (library.paths.root / image.path).write_bytes(b"rotten")
    with library.store.write():
        library.store.database.execute("DELETE FROM copies")
    library.settings.set(OWNER, "mirror.nas.interval", "60")
    report = library.mirrors.sync(OWNER, QUIET)
    assert report.drained.faults == {image.id: "file.corrupt"}
    assert there(place) == good


def test_clinical_images_are_named_by_ids_type_time_and_hash(library: Library, place: Path, tmp_path: Path) -> None:
    library.settings.set(OWNER, "mirror.nas.layout", "clinical-images")
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    photo = next(image for image in library.images.list(OWNER) if image.tooth == "8")
    [copy] = library.outbox.copies(OWNER, photo.id)
    moment = round(photo.imported_at.timestamp() * 1000)
    folder, name = f"clinical-images/{photo.patient_id}", f"{photo.patient_id}_before_{moment}_{photo.sha256[:8]}.jpg"
    assert copy.remote_id == f"{folder}/{name}"
    assert there(place)[copy.remote_id] == photo.sha256


def test_at_another_place_nothing_is_proven(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 2)
    library.mirrors.sync(OWNER, QUIET)
    old, other = there(place), tmp_path / "other"
    other.mkdir()
    library.settings.set(OWNER, "mirror.nas.path", str(other))
    deleted, *_kept = library.images.list(OWNER)
    assert all(library.outbox.whereabouts(OWNER, image.id).copies == () for image in library.images.list(OWNER))
    library.images.delete(OWNER, [deleted.id])
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.removed, report.queued) == (2, 0, 0)
    assert there(other) == wanted(library)
    assert there(place) == old
    # And back: sizes alone prove nothing; what was deleted meanwhile stays there.
    library.settings.set(OWNER, "mirror.nas.path", str(place))
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there) == (2, 0)
    assert all(len(library.outbox.whereabouts(OWNER, image.id).copies) == 1 for image in library.images.list(OWNER))


def test_a_forgotten_mirror_keeps_what_it_has_and_gets_nothing_more(
    library: Library, place: Path, tmp_path: Path
) -> None:
    fill(library, tmp_path / "in", 1)
    library.mirrors.sync(OWNER, QUIET)
    before = there(place)
    library.settings.forget(OWNER, "mirror", "nas")
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(OWNER, ImportArgs((tmp_path / "late",)), QUIET)
    with pytest.raises(UserError, match=r"mirror\.none"):
        library.mirrors.sync(OWNER, QUIET)
    assert library.settings.mirrors() == []
    assert there(place) == before


def test_on_the_command_line(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in")
    base = [sys.executable, "-m", "app", "--library", str(library.paths.root)]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*base, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    done = run("settings", "test", "mirror.nas", "--json")
    assert (done.returncode, json.loads(done.stdout)["ok"]) == (0, True), done.stderr
    done = run("mirror", "--destination", "nas", "--once", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("uploaded", "deleted", "unchanged", "failed")} == {
        "uploaded": 4,
        "deleted": 0,
        "unchanged": 0,
        "failed": 0,
    }
    assert document["bytes"] > 0
    assert there(place) == wanted(library)
    assert run("mirror", "--destination", "none").returncode == 1
    listed = json.loads(run("settings", "list", "--json").stdout)
    assert {entry["key"]: entry["value"] for entry in listed}["mirror.nas.path"] == str(place)
    assert run("settings", "forget", "mirror.nas").returncode == 0
    assert run("mirror", "--once").returncode == 1
