"""What may happen between sending and knowing: answers lost, moves and merges meanwhile, parked call-backs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault
from app.core.file_lock import FileLock
from app.domain.image import Filing, ImageType
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import owner
from app.services.archiving.sending import OrthancSender
from app.services.images import Details
from app.sync.outbox import MOST_TRIES
from app.sync.report import ImportArgs
from app.transfer.orthanc import Orthanc
from tests.integration.archive.conftest import connect
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()


def fill(library: Library, folder: Path, count: int, **values: object) -> Patient:
    for number in range(count):
        radiograph(folder / f"{number}.dcm", number, **values)
    library.imports.run(OWNER, ImportArgs((folder,)), QUIET)
    return library.patients.resolve(OWNER, str(values.get("PatientID", "17")))


def add(library: Library, family: str, chart: str) -> Patient:
    return library.patients.add(OWNER, PatientDraft(family, "Jane", chart))


def push_all(library: Library) -> None:
    for _round in range(6):
        library.archive.push(OWNER, QUIET)


def require_truth(library: Library, server: OrthancServer) -> None:
    """Every filed image is there once, under its patient, and nothing else is."""
    wanted = {}
    for image in library.images.list(OWNER):
        [copy] = library.outbox.whereabouts(OWNER, image.id).copies
        wanted[copy.remote_id] = image
    assert sorted(server.instances()) == sorted(wanted)
    for instance, image in wanted.items():
        patient = library.patients.get(OWNER, image.patient_id)
        assert server.tags(instance)["PatientID"] == (patient.chart_number or patient.id)
    assert [(queue.waiting, queue.parked) for queue in library.outbox.queues(OWNER)] == [(0, 0)]


@pytest.fixture
def losing(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lose the answer to every object that is stored, until called."""
    store = Orthanc.store

    def lose(self: Orthanc, path: Path, sha256: str) -> None:
        store(self, path, sha256)
        raise TransientFault("pacs.cut_off")

    monkeypatch.setattr(Orthanc, "store", lose)
    return lambda: monkeypatch.setattr(Orthanc, "store", store)


def test_a_lost_answer_and_a_move(library: Library, server: OrthancServer, tmp_path: Path, losing) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 1)
    assert library.archive.push(OWNER, QUIET).drained.away == "pacs.cut_off"
    assert len(server.instances()) == 1
    image = library.images.list(OWNER)[0]
    assert library.outbox.whereabouts(OWNER, image.id).copies == ()
    library.images.move(OWNER, [image.id], Filing(patient_id=add(library, "Roe", "99").id))
    losing()
    push_all(library)
    require_truth(library, server)


def test_a_lost_answer_and_a_deletion(library: Library, server: OrthancServer, tmp_path: Path, losing) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 1)
    library.archive.push(OWNER, QUIET)
    library.images.delete(OWNER, [library.images.list(OWNER)[0].id])
    losing()
    push_all(library)
    assert server.instances() == []


def test_a_lost_answer_and_another_tooth(library: Library, server: OrthancServer, tmp_path: Path, losing) -> None:
    connect(library, server.url)
    whose = add(library, "Roe", "99")
    filing = Filing(patient_id=whose.id, tooth="8", image_type=ImageType.CLINICAL)
    library.imports.run(OWNER, ImportArgs((photograph(tmp_path / "a.jpg", 1),), filing), QUIET)
    library.archive.push(OWNER, QUIET)
    library.images.edit_details(OWNER, library.images.list(OWNER)[0].id, Details(teeth=("9",)))
    losing()
    push_all(library)
    require_truth(library, server)
    [instance] = server.instances()
    assert server.tags(instance)["PrimaryAnatomicStructureSequence"][0]["CodeValue"] == "424399000"


@pytest.mark.parametrize("chart", ["", "99"])
def test_merging_after_everything_was_sent(library: Library, server: OrthancServer, tmp_path: Path, chart: str) -> None:
    connect(library, server.url)
    away = fill(library, tmp_path / "in", 30)
    library.archive.push(OWNER, QUIET)
    kept = library.patients.add(OWNER, PatientDraft("Doe", "Jane", chart))
    library.patients.merge(OWNER, kept.id, away.id)
    push_all(library)
    assert len(library.images.list(OWNER, patient_id=kept.id)) == 30
    require_truth(library, server)


@pytest.mark.parametrize("step", ["prepare", "send"])
def test_merging_while_they_are_sent(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    connect(library, server.url)
    away, kept = fill(library, tmp_path / "in", 4), add(library, "Doe", "99")
    go_on, merged = getattr(OrthancSender, step), []

    def late(self: OrthancSender, *arguments):
        if not merged:
            merged.append(library.patients.merge(OWNER, kept.id, away.id))
        return go_on(self, *arguments)

    monkeypatch.setattr(OrthancSender, step, late)
    push_all(library)
    assert len(merged) == 1
    require_truth(library, server)


def test_a_parked_call_back_of_an_image_that_came_back(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 2)
    library.archive.push(OWNER, QUIET)
    image = library.images.list(OWNER)[0]
    library.images.delete(OWNER, [image.id])
    remove = Orthanc.remove

    def refuse(_self: Orthanc, _instance: str) -> None:
        raise EnvironmentFault("pacs.refused", status=400)

    monkeypatch.setattr(Orthanc, "remove", refuse)
    assert library.archive.push(OWNER, QUIET).drained.failed == 1
    library.images.restore(OWNER, [image.id])
    monkeypatch.setattr(Orthanc, "remove", remove)
    push_all(library)
    require_truth(library, server)


def test_send_now_lets_parked_ones_try_while_another_process_sends(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url, "not the password")
    fill(library, tmp_path / "in", 2)
    library.archive.push(OWNER, QUIET)
    assert library.outbox.queues(OWNER)[0].parked == 1
    lock = FileLock(library.paths.root / ".outbox-orthanc.lock")
    assert lock.acquire()
    try:
        library.archive.push(OWNER, QUIET)
        assert (library.outbox.queues(OWNER)[0].parked, library.outbox.queues(OWNER)[0].blocked_code) == (0, None)
    finally:
        lock.release()
    library.archive.push(OWNER, QUIET)
    library.settings.set(OWNER, "orthanc.password", "correct horse battery")
    assert library.outbox.queues(OWNER)[0].parked == 0
    push_all(library)
    require_truth(library, server)


def test_files_without_a_number_do_not_make_two_patients_one(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    for family, chart, study in (("Doe", "17", "1.2.3"), ("Roe", "99", "1.2.4"), ("Poe", "", "1.2.5")):
        whose = add(library, family, chart)
        path = radiograph(
            tmp_path / f"{family}.dcm", len(family) + int(chart or 5), PatientID="", PatientName=f"{family}^Jane",
            StudyInstanceUID=study, PatientBirthDate=None,
        )  # fmt: skip
        library.imports.run(OWNER, ImportArgs((path,), Filing(patient_id=whose.id)), QUIET)
        for image in library.inbox.list(OWNER):
            library.inbox.file(OWNER, image.id, Filing(patient_id=whose.id))
    push_all(library)
    require_truth(library, server)
    with server.client() as client:
        assert len(client.get("/patients").json()) == 3


def test_one_image_that_the_archive_chokes_on_holds_up_nobody_else(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "one", 1)
    fill(library, tmp_path / "two", 5, PatientID="99", PatientName="Roe^Rick", StudyInstanceUID="1.2.9")
    bad = library.images.list(OWNER, patient_id=library.patients.resolve(OWNER, "17").id)[0]
    store = Orthanc.store

    def choke(self: Orthanc, path: Path, sha256: str):
        if path.name == bad.filename:
            raise TransientFault("pacs.busy", status=500)
        return store(self, path, sha256)

    monkeypatch.setattr(Orthanc, "store", choke)
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.away, report.queued) == (5, None, 1)
    library.store.database.execute("UPDATE outbox SET tries = ? WHERE state = 'waiting'", (MOST_TRIES - 1,))
    report = library.archive.push(OWNER, QUIET)
    assert report.drained.faults == {bad.id: "pacs.busy"}
    assert library.outbox.queues(OWNER)[0].parked == 1


def test_a_move_while_the_sending_fails(
    library: Library, server: OrthancServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(library, server.url)
    fill(library, tmp_path / "in", 3)
    other, moved = add(library, "Roe", "99"), []
    image, store = library.images.list(OWNER)[0], Orthanc.store

    def cut(self: Orthanc, path: Path, sha256: str):
        if path.name == image.filename and not moved:
            moved.append(library.images.move(OWNER, [image.id], Filing(patient_id=other.id)))
            raise TransientFault("pacs.cut_off")
        return store(self, path, sha256)

    monkeypatch.setattr(Orthanc, "store", cut)
    push_all(library)
    require_truth(library, server)
