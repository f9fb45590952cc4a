"""Asking and fetching: C-FIND, C-MOVE to our listener, C-GET, commitments, worklists, all of real peers."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault
from app.core.progress import Progress
from app.transfer.dimse.commitment import PUSH_MODEL, Commitments
from app.transfer.dimse.finding import (
    Wanted,
    date_range,
    find_instances,
    find_patients,
    find_series,
    find_studies,
    name_pattern,
)
from app.transfer.dimse.moving import Selection, get, move
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.proving import DimseArchive
from app.transfer.dimse.storing import Storer
from app.transfer.dimse.worklist import Expected, WorklistItem, find_worklist
from app.transfer.listener import Listener, ListenerArgs
from tests.integration.archive.dimse_peers import (
    OUR_AET,
    QUICK,
    Tool,
    answering,
    dcmqrscp,
    found,
    orthanc_peer,
    running,
    sample,
    uids,
)
from tests.integration.import_material import radiograph
from tests.servers import free_port

ARABIC = "العربي^أحمد"


@contextlib.contextmanager
def listening(folder: Path, commitments: Commitments | None = None) -> Iterator[int]:
    port = free_port()
    listener = Listener(ListenerArgs(port, OUR_AET, folder, "127.0.0.1"), commitments=commitments)
    listener.start()
    try:
        yield port
    finally:
        listener.stop()


def fill(peer: Peer, scratch: Path) -> list[Path]:
    """Store two studies of one patient and one of another; return the files."""
    studies = [generate_uid() for _number in range(3)]
    rows = [
        {"StudyInstanceUID": studies[0], "SeriesInstanceUID": "1.2.3.1"},
        {"StudyInstanceUID": studies[0], "SeriesInstanceUID": "1.2.3.1"},
        {"StudyInstanceUID": studies[1], "SeriesInstanceUID": "1.2.3.2", "StudyDate": "20260301"},
        {
            "StudyInstanceUID": studies[2],
            "SeriesInstanceUID": "1.2.3.3",
            "PatientID": "18",
            "SpecificCharacterSet": "ISO_IR 192",
            "PatientName": ARABIC,
        },
    ]
    paths = [radiograph(scratch / f"{number}.dcm", number, **row) for number, row in enumerate(rows)]
    sender = Storer(peer, scratch)
    with contextlib.closing(sender):
        for path in paths:
            sender.store(path)
    return paths


@pytest.fixture(params=["dcmqrscp", "orthanc"])
def archive(request: pytest.FixtureRequest, tool: Tool, tmp_path: Path) -> Iterator[tuple[Peer, int]]:
    """A real archive that knows where our listener will be."""
    port = free_port()
    if request.param == "dcmqrscp":
        with dcmqrscp(tool, tmp_path / "peer", port) as peer:
            yield peer, port
    else:
        with orthanc_peer(tool, tmp_path / "peer", port) as (peer, _server):
            yield peer, port


def test_what_an_archive_has_is_found_level_by_level(archive: tuple[Peer, int], tmp_path: Path) -> None:
    peer, _port = archive
    paths = fill(peer, tmp_path)
    assert len(find_studies(peer, Wanted()).rows) == 3
    [first, second] = sorted(find_studies(peer, Wanted(patient_name="Doe")).rows, key=lambda study: study.study_date)
    assert (first.patient_id, first.patient_name, first.birth_date, first.sex) == ("17", "Doe^Jane", "19800201", "F")
    assert first.study_instance_uid == uids(paths[0])[2]
    assert second.study_date == "20260301"
    assert len(find_studies(peer, Wanted(study_from=date(2026, 2, 1))).rows) == 1
    assert len(find_studies(peer, Wanted(study_from=date(2026, 1, 1), study_to=date(2026, 1, 31))).rows) == 2
    assert len(find_studies(peer, Wanted(patient_id="17", modality="IO")).rows) == 2
    assert find_studies(peer, Wanted(patient_id="19")).rows == ()
    [arab] = find_studies(peer, Wanted(patient_id="18")).rows
    assert arab.patient_name == ARABIC
    patients = {found.patient_id: found.studies for found in find_patients(peer, Wanted()).rows}
    assert patients == {"17": 2, "18": 1}
    [series] = find_series(peer, Wanted(study_instance_uid=first.study_instance_uid)).rows
    assert (series.modality, series.series_instance_uid) == ("IO", "1.2.3.1")
    wanted = Wanted(study_instance_uid=first.study_instance_uid, series_instance_uid=series.series_instance_uid)
    instances = find_instances(peer, wanted).rows
    assert {row.sop_instance_uid for row in instances} == {uids(path)[1] for path in paths[:2]}


def test_no_more_is_fetched_than_the_limit(archive: tuple[Peer, int], tmp_path: Path) -> None:
    peer, _port = archive
    fill(peer, tmp_path)
    answer = find_studies(peer, Wanted(), limit=2)
    assert (len(answer.rows), answer.is_complete) == (2, False)
    answer = find_studies(peer, Wanted(), limit=3)
    assert (len(answer.rows), answer.is_complete) == (3, True)


def test_an_archive_that_never_stops_answering() -> None:
    def endless(_event: Any) -> Iterator[Any]:
        while True:
            dataset = Dataset()
            dataset.StudyInstanceUID = generate_uid()
            yield 0xFF00, dataset

    with answering(on_find=endless) as peer:
        started = time.monotonic()
        answer = find_studies(peer, Wanted(), limit=10)
        assert (len(answer.rows), answer.is_complete) == (10, False)
        assert time.monotonic() - started < 15


def test_answers_full_of_nonsense() -> None:
    row = {"StudyInstanceUID": "1.2.3", "PatientName": "x" * 5000, "NumberOfStudyRelatedInstances": ""}
    with answering(on_find=found({"PatientID": "no study"}, row)) as peer:
        [study] = find_studies(peer, Wanted()).rows
    assert (study.study_instance_uid, study.instances, len(study.patient_name)) == ("1.2.3", None, 1024)


@pytest.mark.parametrize(
    ("status", "code"), [(0xA700, "dimse.busy"), (0xA900, "dimse.not_answered"), (0xC001, "dimse.not_answered")]
)
def test_an_archive_that_does_not_want_to_be_asked(status: int, code: str) -> None:
    def refusing(_event: Any) -> Iterator[Any]:
        yield status, None

    with answering(on_find=refusing) as peer, pytest.raises(EnvironmentFault) as caught:
        find_studies(peer, Wanted())
    assert caught.value.code == code


def test_asking_stops_when_it_is_cancelled() -> None:
    ctx = JobContext()
    go_on = threading.Event()

    def silent(_event: Any) -> Iterator[Any]:
        go_on.wait(10)
        yield 0x0000, None

    with answering(on_find=silent) as peer:
        threading.Timer(0.3, ctx.token.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            find_studies(peer, Wanted(), ctx=ctx)
        assert time.monotonic() - started < 2
        go_on.set()


def test_how_names_and_dates_are_matched() -> None:
    assert [name_pattern(name) for name in ("", " Doe ", "D?e", "Doe^J*", "a\\b")] == [
        "",
        "Doe*",
        "D?e",
        "Doe^J*",
        "ab*",
    ]
    first, last = date(2026, 1, 2), date(2026, 3, 4)
    assert date_range(None, None) == ""
    assert date_range(first, first) == "20260102"
    assert date_range(first, last) == "20260102-20260304"
    assert date_range(first, None) == "20260102-"
    assert date_range(None, last) == "-20260304"


def test_studies_are_moved_to_our_listener(archive: tuple[Peer, int], tmp_path: Path) -> None:
    peer, port = archive
    paths = fill(peer, tmp_path)
    study, series = uids(paths[0])[2:]
    reports: list[Progress] = []
    spool = tmp_path / "spool"
    listener = Listener(ListenerArgs(port, OUR_AET, spool, "127.0.0.1"))
    listener.start()
    try:
        moved = move(peer, Selection(study), OUR_AET, JobContext(on_progress=reports.append))
        assert moved.failed == 0
        got = sorted(path.stem for path in spool.glob("*.dcm"))
        assert got == sorted(uids(path)[1] for path in paths[:2])
        move(peer, Selection(study, series, uids(paths[1])[1]), OUR_AET)
        assert len(list(spool.glob("*.dcm"))) == 3
    finally:
        listener.stop()
    with pytest.raises(EnvironmentFault) as caught:
        move(peer, Selection(study), "NOBODY")
    assert caught.value.code in {"dimse.destination_unknown", "dimse.not_answered"}


def test_studies_are_got_into_a_folder(archive: tuple[Peer, int], tmp_path: Path) -> None:
    peer, _port = archive
    paths = fill(peer, tmp_path)
    got = get(peer, Selection(uids(paths[0])[2]), tmp_path / "got")
    assert got.moved.failed == 0
    assert sorted(path.stem for path in got.paths) == sorted(uids(path)[1] for path in paths[:2])
    for path in got.paths:
        [sent] = [other for other in paths if uids(other)[1] == path.stem]
        assert pydicom.dcmread(path).PixelData == pydicom.dcmread(sent).PixelData
    # A disk without room: the archive is told so, and no half object stays.
    with pytest.raises(EnvironmentFault) as caught:
        get(peer, Selection(uids(paths[0])[2]), tmp_path / "full", has_room=lambda: False)
    assert caught.value.code == "disk.full"
    assert list((tmp_path / "full").iterdir()) == []


def test_orthanc_commits_by_calling_back(tool: Tool, tmp_path: Path) -> None:
    commitments = Commitments()
    path = radiograph(tmp_path / "a.dcm", 1)
    with (
        listening(tmp_path / "spool", commitments) as port,
        orthanc_peer(tool, tmp_path / "peer", port) as (peer, _server),
    ):
        archive = DimseArchive(peer, tmp_path, commitments=commitments)
        with contextlib.closing(archive):
            assert archive.store_and_prove(path, *uids(path)) == "commitment"


def test_a_commitment_on_the_same_association(tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    failing = threading.Event()

    def on_action(event: Any) -> tuple[int, None]:
        told = event.action_information
        report = Dataset()
        report.TransactionUID = told.TransactionUID
        items = list(told.ReferencedSOPSequence)
        if failing.is_set():
            items[0].FailureReason = 0x0112
            report.FailedSOPSequence = items
        else:
            report.ReferencedSOPSequence = items
        association, kind = event.assoc, 2 if failing.is_set() else 1

        def tell() -> None:
            time.sleep(0.3)
            association.send_n_event_report(report, kind, PUSH_MODEL, "1.2.840.10008.1.20.1.1")

        threading.Thread(target=tell).start()
        return 0x0000, None

    with answering(on_action=on_action) as peer:
        archive = DimseArchive(peer, tmp_path)
        with contextlib.closing(archive):
            assert archive.store_and_prove(path, *uids(path)) == "commitment"
            failing.set()
            with pytest.raises(TransientFault) as caught:
                archive.store_and_prove(path, *uids(path))
            assert caught.value.code == "dimse.not_proven"


def test_an_archive_that_refuses_commitments_is_asked_instead(tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    row = dict(zip(("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), uids(path), strict=True))
    asked: list[Any] = []

    def refusing(event: Any) -> tuple[int, None]:
        asked.append(event)
        return 0x0110, None

    with answering(on_find=found(row), on_action=refusing) as peer:
        archive = DimseArchive(peer, tmp_path)
        with contextlib.closing(archive):
            assert [archive.store_and_prove(path, *uids(path)) for _again in range(5)] == ["find"] * 5
    assert len(asked) == 3


def test_reports_that_nobody_waits_for_are_refused(tmp_path: Path) -> None:
    from pynetdicom import AE, build_role

    report = Dataset()
    report.TransactionUID = "1.2.3"
    with listening(tmp_path / "spool", Commitments()) as port:
        entity = AE()
        entity.add_requested_context(PUSH_MODEL)
        association = entity.associate(
            "127.0.0.1", port, ae_title=OUR_AET, ext_neg=[build_role(PUSH_MODEL, scp_role=True)]
        )
        assert association.is_established
        status, _reply = association.send_n_event_report(report, 1, PUSH_MODEL, "1.2.840.10008.1.20.1.1")
        association.release()
    assert status.Status == 0x0110


def worklist_entry(path: Path, **values: str) -> None:
    """Write a worklist file as wlmscpfs reads them."""
    step = Dataset()
    step.Modality = values.get("modality", "IO")
    step.ScheduledStationAETitle = values.get("station", "SENSOR1")
    step.ScheduledProcedureStepStartDate = values.get("day", "20260105")
    step.ScheduledProcedureStepStartTime = "093000"
    step.ScheduledProcedureStepID, step.ScheduledProcedureStepDescription = "S1", "Bitewings"
    step.ScheduledPerformingPhysicianName = ""
    entry = Dataset()
    entry.SpecificCharacterSet = "ISO_IR 192"
    entry.AccessionNumber, entry.ReferringPhysicianName = values.get("accession", "A1"), "Ref^Dr"
    entry.PatientName, entry.PatientID = values.get("name", "Doe^Jane"), values.get("id", "17")
    entry.PatientBirthDate, entry.PatientSex = "19800201", "F"
    entry.StudyInstanceUID = "1.2.3.4.5"
    entry.RequestedProcedureDescription, entry.RequestedProcedureID = "Bitewing radiographs", "R1"
    entry.ScheduledProcedureStepSequence = [step]
    entry.file_meta = FileMetaDataset()
    entry.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    entry.file_meta.MediaStorageSOPClassUID, entry.file_meta.MediaStorageSOPInstanceUID = (
        "1.2.276.0.7230010.3.1.0.1",
        "1.2",
    )
    entry.save_as(path, enforce_file_format=True)


def test_the_worklist_says_who_is_expected(tool: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "lists" / "WORKLIST"
    folder.mkdir(parents=True)
    (folder / "lockfile").touch()
    worklist_entry(folder / "1.wl")
    worklist_entry(folder / "2.wl", name=ARABIC, id="18", accession="A2", day="20260106")
    worklist_entry(folder / "3.wl", modality="PX", station="PANO", id="19", accession="A3")
    peer = Peer("127.0.0.1", free_port(), "WORKLIST", OUR_AET, None, QUICK)
    command = [tool("wlmscpfs"), "-s", "-csk", "-dfp", str(tmp_path / "lists"), str(peer.port)]
    with running(command, peer, tmp_path):
        [first] = find_worklist(peer, Expected(scheduled_from=date(2026, 1, 5), modality="IO", patient_id="17")).rows
        assert first == WorklistItem(
            patient_id="17",
            patient_name="Doe^Jane",
            birth_date="19800201",
            sex="F",
            accession_number="A1",
            requested_procedure_id="R1",
            requested_procedure="Bitewing radiographs",
            study_instance_uid="1.2.3.4.5",
            referring_physician="Ref^Dr",
            modality="IO",
            station_aet="SENSOR1",
            scheduled_date="20260105",
            scheduled_time="093000",
            step_id="S1",
            step="Bitewings",
        )
        assert len(find_worklist(peer, Expected()).rows) == 3
        [later] = find_worklist(peer, Expected(scheduled_from=date(2026, 1, 6))).rows
        assert later.patient_name == ARABIC
        assert [row.accession_number for row in find_worklist(peer, Expected(station_aet="PANO")).rows] == ["A3"]
        assert len(find_worklist(peer, Expected(patient_name="Doe")).rows) == 2
        cut = find_worklist(peer, Expected(), limit=1)
        assert (len(cut.rows), cut.is_complete) == (1, False)
        with pytest.raises(BitewingError):
            find_worklist(Peer(peer.host, peer.port, "OTHER", OUR_AET, None, QUICK), Expected())


def test_a_sample_of_every_encoding_comes_back_by_get(tool: Tool, tmp_path: Path) -> None:
    path = sample("MR_small_jp2klossless.dcm")
    with orthanc_peer(tool, tmp_path / "peer", free_port()) as (peer, _server):
        sender = Storer(peer, tmp_path)
        with contextlib.closing(sender):
            sender.store(path)
        got = get(peer, Selection(uids(path)[2]), tmp_path / "got")
    [only] = [pydicom.dcmread(file) for file in got.paths]
    assert (only.pixel_array == pydicom.dcmread(path).pixel_array).all()
