"""Pushing to a real Orthanc: everything there and proven, nothing twice, conflicts told, moves called back."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.clock import utc_now
from app.core.context import JobContext
from app.domain.image import Filing, ImageType
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import owner
from app.storage.outbox import EntryState
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer, orthanc

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]


def fill(library: Library, folder: Path, count: int = 4) -> Patient:
    """Import radiographs that say the truth, one that says nothing, and a photograph."""
    for number in range(count):
        radiograph(folder / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((folder,)), QUIET)
    patient = library.patients.resolve(OWNER, "17")
    photograph(folder / "more" / "photo.jpg", 40)
    radiograph(folder / "more" / "nameless.dcm", 41, PatientName=None, PatientID=None, PatientBirthDate=None)
    filing = Filing(patient_id=patient.id, tooth="8", image_type=ImageType.BEFORE)
    library.imports.run(OWNER, ImportArgs((folder / "more",), filing), QUIET)
    return patient


def states(library: Library) -> list[tuple[str, str, str | None]]:
    rows = library.store.database.rows("SELECT wish, state, code FROM outbox ORDER BY number")
    return [tuple(row) for row in rows]


def test_everything_is_there_proven_and_sent_once(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    before = fill(library, tmp_path / "before")
    connect(library, server.url)
    fill(library, tmp_path / "after", 2)
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(OWNER, ImportArgs((tmp_path / "late",)), QUIET)
    images = library.images.list(OWNER)
    began = utc_now()
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.failed, report.queued) == (len(images), 0, 0)
    (queue,) = library.outbox.queues(OWNER)
    assert queue.last_success is not None
    assert began - timedelta(seconds=1) <= queue.last_success <= utc_now()
    assert len(server.instances()) == len(images)
    for image in images:
        [copy] = library.outbox.copies(OWNER, image.id)
        tags = server.tags(copy.remote_id)
        assert (tags["PatientID"], tags["PatientName"]) == ("17", "Doe^Jane")
        with server.client() as client:
            there = client.get(f"/instances/{copy.remote_id}/file").raise_for_status().content
        assert hashlib.md5(there, usedforsecurity=False).hexdigest() == copy.digest
        if image.identity.patient_id == "17":
            # The original bytes, since they say the truth.
            assert hashlib.sha256(there).hexdigest() == image.sha256
    again = library.archive.push(OWNER, QUIET)
    assert (again.drained.sent, again.drained.already_there, again.queued) == (0, 0, 0)
    assert before.chart_number == "17"


def test_a_disabled_and_enabled_archive_gets_only_what_it_lacks(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    fill(library, tmp_path / "in")
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    library.settings.set(OWNER, "orthanc.enabled", "false")
    radiograph(tmp_path / "late" / "x.dcm", 60)
    library.imports.run(OWNER, ImportArgs((tmp_path / "late",)), QUIET)
    assert library.outbox.queues(OWNER)[0].waiting == 0
    library.settings.set(OWNER, "orthanc.enabled", "true")
    assert library.outbox.queues(OWNER)[0].waiting == 1
    assert library.archive.push(OWNER, QUIET).drained.sent == 1


def test_what_was_there_already_counts_when_it_is_the_same(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1)
    with server.client() as client:
        client.post("/instances", content=path.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there) == (0, 1)


def test_other_bytes_under_the_same_number_are_a_conflict(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1, SOPInstanceUID="2.25.77")
    other = radiograph(tmp_path / "other.dcm", 2, SOPInstanceUID="2.25.77")
    # Orthanc tells instances by patient, study, series and instance: all of them are the same.
    import pydicom

    mine, theirs = pydicom.dcmread(path), pydicom.dcmread(other)
    theirs.SeriesInstanceUID = mine.SeriesInstanceUID
    theirs.save_as(other)
    with server.client() as client:
        client.post("/instances", content=other.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.conflicts, report.drained.failed) == (0, 1, 1)
    assert states(library) == [("put", "parked", "pacs.conflict")]
    assert library.outbox.copies(OWNER, library.images.list(OWNER)[0].id) == []
    [instance] = server.instances()
    with server.client() as client:
        assert client.get(f"/instances/{instance}/file").content == other.read_bytes()


def test_moving_and_deleting_call_the_copy_back(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 3)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    moved, deleted, *rest = sorted(library.images.list(OWNER), key=lambda image: image.identity.is_empty)
    library.images.move(OWNER, [moved.id], Filing(patient_id=other.id))
    library.images.delete(OWNER, [deleted.id])
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.removed, report.drained.failed) == (1, 2, 0)
    assert len(server.instances()) == len(rest) + 1
    assert [copy.gone_at for copy in library.outbox.whereabouts(OWNER, moved.id).copies] == [None]
    gone, there = library.outbox.copies(OWNER, moved.id)
    assert gone.gone_at is not None
    assert there.gone_at is None
    assert server.tags(there.remote_id)["PatientID"] == "99"
    # The object says whose it was before, and has a number of its own.
    assert server.tags(there.remote_id)["OriginalAttributesSequence"]
    assert [copy.gone_at is None for copy in library.outbox.copies(OWNER, deleted.id)] == [False]
    library.images.restore(OWNER, [deleted.id])
    library.images.move(OWNER, [moved.id], Filing(patient_id=rest[0].patient_id))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.removed, report.drained.failed) == (2, 1, 0)
    assert len(server.instances()) == len(rest) + 2


def test_an_image_moved_before_it_was_sent_never_goes_to_the_wrong_patient(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    image = library.images.list(OWNER)[0]
    library.images.move(OWNER, [image.id], Filing(patient_id=other.id))
    library.archive.push(OWNER, QUIET)
    [copy] = library.outbox.copies(OWNER, image.id)
    assert server.tags(copy.remote_id)["PatientID"] == "99"
    assert len(server.instances()) == len(library.images.list(OWNER))


def test_a_retry_sends_the_same_bytes(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 1)
    library.archive.push(OWNER, QUIET)
    before = {path.name: path.read_bytes() for path in library.paths.outgoing.iterdir()}
    assert len(before) == 2
    # As if the answer had been lost: every entry waits again.
    with library.store.write():
        library.store.database.execute("UPDATE outbox SET state = 'waiting'")
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there, report.drained.failed) == (0, 3, 0)
    assert {path.name: path.read_bytes() for path in library.paths.outgoing.iterdir()} == before


def test_on_the_command_line(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    command = [sys.executable, "-m", "app", "push", "--once", "--json", "--library", str(library.paths.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {key: document[key] for key in ("sent", "already_there", "conflicts", "failed", "queued")} == {
        "sent": 4,
        "already_there": 0,
        "conflicts": 0,
        "failed": 0,
        "queued": 0,
    }
    assert len(server.instances()) == 4


def test_a_server_that_is_down_loses_nothing(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    server.stop()
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.away, report.drained.failed, report.queued) == ("pacs.unreachable", 0, 4)
    assert library.outbox.queues(OWNER)[0].blocked_code is None
    server.start()
    assert library.archive.push(OWNER, QUIET).drained.sent == 4


def test_a_wrong_password_stops_the_queue_until_it_is_mended(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url, "not the password")
    fill(library, tmp_path / "in", 3)
    report = library.archive.push(OWNER, QUIET)
    assert report.drained.blocked == "pacs.unauthorized"
    assert report.drained.failed == 1
    [queue] = library.outbox.queues(OWNER)
    assert (queue.blocked_code, queue.parked, queue.waiting) == ("pacs.unauthorized", 1, 4)
    library.settings.set(OWNER, "orthanc.password", "correct horse battery")
    assert library.outbox.queues(OWNER)[0].blocked_code is None
    assert library.archive.push(OWNER, QUIET).drained.sent == 5


@pytest.mark.parametrize("method", ["rest", "stow"])
@pytest.mark.parametrize("rot", [lambda _: b"", lambda good: good[:-1] + bytes([good[-1] ^ 1])], ids=["empty", "a_bit"])
def test_bytes_that_rotted_here_never_reach_the_archive(
    library: Library, server: OrthancServer, tmp_path: Path, rot: Callable[[bytes], bytes], method: str
) -> None:
    connect(library, server.url)
    library.settings.set(OWNER, "orthanc.method", method)
    fill(library, tmp_path / "in", 3)
    bad = next(image for image in library.images.list(OWNER) if image.original_name == "0.dcm")
    place = library.paths.root / bad.path
    place.write_bytes(rot(place.read_bytes()))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.failed, report.drained.faults) == (1, {bad.id: "file.corrupt"})
    assert (report.drained.sent, len(server.instances())) == (4, 4)
    [entry] = library.store.outbox.entries("orthanc", [EntryState.PARKED])
    assert entry.image_id == bad.id


def test_the_connection_says_what_it_found(library: Library, server: OrthancServer) -> None:
    connect(library, server.url)
    system = library.archive.test(OWNER)
    assert system.name == "BITEWING-TEST"
    assert "dicom-web" in system.plugins
    assert system.warnings == ()


def test_an_open_or_fresh_orthanc_is_warned_of(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    for settings, warning in (
        ({"AuthenticationEnabled": False}, "pacs.no_password"),
        ({"RegisteredUsers": {"orthanc": "orthanc", "clinic": "correct horse battery"}}, "pacs.default_password"),
    ):
        with orthanc(server.executable, tmp_path / warning, **settings) as careless:
            connect(library, careless.url)
            assert library.archive.test(OWNER).warnings == (warning,)
            done = subprocess.run(
                [sys.executable, "-m", "app", "settings", "test", "orthanc", "--library", str(library.paths.root)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
            assert done.returncode == 0, done.stderr
            assert "password" in done.stderr


def test_corrections_are_sent_and_what_was_wrong_is_called_back(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    patient = fill(library, tmp_path / "in", 2)
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    photo = next(image for image in library.images.list(OWNER) if image.tooth == "8")
    [first] = library.outbox.copies(OWNER, photo.id)
    library.images.move(OWNER, [photo.id], Filing(tooth="9"))
    assert library.archive.push(OWNER, QUIET).drained.sent == 1
    assert library.archive.push(OWNER, QUIET).drained.failed == 0
    [gone, second] = library.outbox.copies(OWNER, photo.id)
    assert (gone.remote_id, gone.gone_at is None) == (first.remote_id, False)
    [region] = server.tags(second.remote_id)["PrimaryAnatomicStructureSequence"]
    assert region["CodeValue"] != ""
    # A name that was misspelt: every object that says it is replaced, and the new ones say the new.
    library.patients.edit(OWNER, patient.id, PatientDraft("Dow", "Jane", "17", patient.birth_date, patient.sex), 1)
    images = library.images.list(OWNER)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.removed, report.queued) == (len(images), len(images), 0)
    instances = server.instances()
    assert len(instances) == len(images)
    assert {server.tags(instance)["PatientName"] for instance in instances} == {"Dow^Jane"}


def test_a_correction_that_is_taken_back_at_once_leaves_what_is_there(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    fill(library, tmp_path / "in", 1)
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    photo = next(image for image in library.images.list(OWNER) if image.tooth == "8")
    there = set(server.instances())
    for tooth in ("9", "8"):
        library.images.move(OWNER, [photo.id], Filing(tooth=tooth))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there, report.drained.failed) == (0, 1, 0)
    for tooth in ("9", "8"):
        library.images.move(OWNER, [photo.id], Filing(tooth=tooth))
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.failed, report.queued) == (0, 0)
    assert set(server.instances()) == there


def test_the_same_archive_under_another_address_is_asked_and_not_sent_everything_again(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    fill(library, tmp_path / "in", 2)
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    count = len(server.instances())
    library.settings.set(OWNER, "orthanc.url", server.url.replace("127.0.0.1", "localhost"))
    assert library.outbox.queues(OWNER)[0].waiting == count
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.already_there, report.drained.bytes) == (0, count, 0)


def test_what_others_had_put_there_stays_whatever_becomes_of_the_image_here(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    theirs, ours = radiograph(tmp_path / "in" / "a.dcm", 1), radiograph(tmp_path / "in" / "b.dcm", 2)
    with server.client() as client:
        client.post("/instances", content=theirs.read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((theirs, ours)), QUIET)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    first, second = library.images.list(OWNER)
    assert {image.original_name: library.outbox.copies(OWNER, image.id)[0].is_foreign for image in (first, second)} == {
        "a.dcm": True,
        "b.dcm": False,
    }
    library.images.move(OWNER, [first.id, second.id], Filing(patient_id=other.id))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.removed, report.drained.failed) == (2, 1, 0)
    tags = [server.tags(instance) for instance in server.instances()]
    assert sorted(tag["PatientID"] for tag in tags) == ["17", "99", "99"]
    library.images.delete(OWNER, [first.id, second.id])
    assert library.archive.push(OWNER, QUIET).drained.removed == 2
    [left] = server.instances()
    with server.client() as client:
        assert client.get(f"/instances/{left}/file").content == theirs.read_bytes()
