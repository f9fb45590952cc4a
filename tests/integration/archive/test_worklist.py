"""The worklist of the day from dcmtk's own server: who is expected, taken by the rules, the next image pre-filled."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pydicom
import pytest

from app.bootstrap.library import Library
from app.core.clock import today
from app.core.context import JobContext
from app.core.errors import RefusedError, UserError
from app.domain.identity import Contradiction, Verdict
from app.domain.image import Filing, ImageType, ImageView
from app.domain.patient import PatientDraft, parse_birth_date
from app.domain.roles import Actor, Role, owner
from app.services.export.model import ExportArgs, ExportFormat
from app.services.worklist import Scheduled
from app.sync.report import ImportArgs
from app.transfer.dimse.peer import Peer
from tests.integration.archive.conftest import connect
from tests.integration.archive.dimse_peers import OUR_AET, QUICK, Tool, running
from tests.integration.archive.test_dimse_archives import bitewing, set_up
from tests.integration.archive.test_dimse_finding import ARABIC, worklist_entry
from tests.integration.import_material import photograph, radiograph
from tests.servers import OrthancServer, free_port

OWNER, QUIET = owner("test"), JobContext.silent()
STUDY = "1.2.3.4.5"


@pytest.fixture
def peer(tool: Tool, tmp_path: Path) -> Iterator[Peer]:
    with worklist_server(tool, tmp_path) as running_peer:
        yield running_peer


@contextlib.contextmanager
def worklist_server(tool: Tool, tmp_path: Path) -> Iterator[Peer]:
    """Run dcmtk's worklist server with three entries for today and one for tomorrow."""
    folder = tmp_path / "lists" / "WORKLIST"
    folder.mkdir(parents=True)
    (folder / "lockfile").touch()
    now, later = today().strftime("%Y%m%d"), (today() + timedelta(days=1)).strftime("%Y%m%d")
    worklist_entry(folder / "1.wl", day=now)
    worklist_entry(folder / "2.wl", day=now, name=ARABIC, id="18", accession="A2", modality="PX")
    worklist_entry(folder / "3.wl", day=later, id="19", accession="A3")
    worklist_entry(folder / "4.wl", day=now, name="", id="20", accession="A4")
    there = Peer("127.0.0.1", free_port(), "WORKLIST", OUR_AET, None, QUICK)
    command = [tool("wlmscpfs"), "-s", "-csk", "-dfr", "-dfp", str(tmp_path / "lists"), str(there.port)]
    with running(command, there, tmp_path):
        yield there


def listed(library: Library) -> dict[str, Scheduled]:
    return {row.item.patient_id: row for row in library.worklist.today(OWNER, QUIET).rows}


def test_who_is_expected_today_and_who_is_known(library: Library, peer: Peer) -> None:
    set_up(library, peer, worklist="true")
    known = library.patients.add(OWNER, PatientDraft("Doe", "Jane", "17", parse_birth_date("19800201")))
    rows = listed(library)
    assert set(rows) == {"17", "18", "20"}
    assert (rows["17"].patient, rows["17"].contradicts) == (known, False)
    assert rows["18"].decision.verdict is Verdict.MAKE_PATIENT
    assert rows["18"].identity.name == "العربي, أحمد"
    assert (rows["20"].patient, rows["20"].decision.verdict) == (None, Verdict.INBOX)
    with pytest.raises(UserError) as refused:
        library.worklist.take(OWNER, rows["20"])
    assert refused.value.code == "worklist.unclear"


def test_nobody_is_opened_who_is_described_differently(library: Library, peer: Peer) -> None:
    set_up(library, peer, worklist="true")
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "17", parse_birth_date("19500101")))
    row = listed(library)["17"]
    assert row.contradicts
    assert row.decision.contradictions == (Contradiction.NAME, Contradiction.BIRTH_DATE)
    with pytest.raises(UserError) as refused:
        library.worklist.take(OWNER, row)
    assert refused.value.code == "worklist.contradicts"
    assert library.expecting.of_next(OWNER, other.id) is None
    # A person has looked at both.
    assert library.worklist.take(OWNER, row, is_same_person=True).id == other.id
    assert library.expecting.of_next(OWNER, other.id) is not None


def test_the_next_image_is_what_was_expected_and_only_that(
    library: Library, peer: Peer, server: OrthancServer, tmp_path: Path
) -> None:
    set_up(library, peer, worklist="true", enabled="false")
    connect(library, server.url)
    patient = library.worklist.take(OWNER, listed(library)["17"])
    assert (patient.name, patient.chart_number, patient.sex.value) == ("Doe, Jane", "17", "F")
    expected = library.expecting.of_next(OWNER, patient.id)
    assert expected is not None
    assert (expected.procedure, expected.accession_number) == ("Bitewing radiographs", "A1")
    for number in range(2):
        photograph(tmp_path / f"{number}.jpg", number)
        library.imports.run(OWNER, ImportArgs((tmp_path / f"{number}.jpg",), Filing(patient_id=patient.id)), QUIET)
    first, second = sorted(library.images.list(OWNER), key=lambda image: image.original_name)
    assert (first.image_type, first.view) == (ImageType.XRAY, ImageView.BITEWING)
    assert first.caption == "Bitewing radiographs"
    assert f"/{ImageType.XRAY.value}/" in f"/{first.directory}"
    assert (second.image_type, second.view, second.caption) == (ImageType.CLINICAL, ImageView.OTHER, "")
    assert library.expecting.of_next(OWNER, patient.id) is None
    library.archive.push(OWNER, QUIET)
    tags = {image.id: server.tags(library.outbox.copies(OWNER, image.id)[0].remote_id) for image in (first, second)}
    assert (tags[first.id]["StudyInstanceUID"], tags[first.id]["AccessionNumber"]) == (STUDY, "A1")
    assert tags[second.id]["StudyInstanceUID"] != STUDY
    assert tags[second.id]["AccessionNumber"] == ""
    # An export says the same.
    report = library.export.images(OWNER, [first.id], ExportArgs(tmp_path / "out", ExportFormat.DICOM), QUIET)
    written = pydicom.dcmread(report.items[0].paths[0])
    assert (written.StudyInstanceUID, written.AccessionNumber) == (STUDY, "A1")
    # It turns out to be somebody else's: nobody's order goes along.
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.images.move(OWNER, [first.id], Filing(patient_id=other.id))
    library.archive.push(OWNER, QUIET)
    [there] = [copy for copy in library.outbox.copies(OWNER, first.id) if copy.gone_at is None]
    moved = server.tags(there.remote_id)
    assert (moved["PatientID"], moved["AccessionNumber"]) == ("99", "")
    assert moved["StudyInstanceUID"] != STUDY


def test_what_a_person_or_the_file_says_is_not_overruled(library: Library, peer: Peer, tmp_path: Path) -> None:
    set_up(library, peer, worklist="true")
    patient = library.worklist.take(OWNER, listed(library)["17"])
    # Of another kind than expected: it is not what is waited for.
    radiograph(tmp_path / "px.dcm", 1, Modality="PX")
    library.imports.run(OWNER, ImportArgs((tmp_path / "px.dcm",)), QUIET)
    assert library.expecting.of_next(OWNER, patient.id) is not None
    photograph(tmp_path / "a.jpg", 2)
    filing = Filing(patient_id=patient.id, image_type=ImageType.BEFORE, view=ImageView.EXTRAORAL_PHOTO)
    library.imports.run(OWNER, ImportArgs((tmp_path / "a.jpg",), filing), QUIET)
    [image] = [image for image in library.images.list(OWNER) if image.original_name == "a.jpg"]
    assert (image.image_type, image.view) == (ImageType.BEFORE, ImageView.EXTRAORAL_PHOTO)
    assert image.caption == "Bitewing radiographs"


def test_an_expectation_ends_with_its_day_or_by_hand(
    library: Library, peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.services import books, expecting

    set_up(library, peer, worklist="true")
    patient = library.worklist.take(OWNER, listed(library)["17"])
    for module in (books, expecting):
        monkeypatch.setattr(module, "today", lambda: today() + timedelta(days=1))
    assert library.expecting.of_next(OWNER, patient.id) is None
    photograph(tmp_path / "a.jpg", 2)
    library.imports.run(OWNER, ImportArgs((tmp_path / "a.jpg",), Filing(patient_id=patient.id)), QUIET)
    assert library.images.list(OWNER)[0].caption == ""
    monkeypatch.undo()
    assert library.expecting.of_next(OWNER, patient.id) is not None
    library.expecting.forget(OWNER, patient.id)
    assert library.expecting.of_next(OWNER, patient.id) is None


def test_numbers_that_no_object_may_bear_are_left_out(library: Library, peer: Peer) -> None:
    set_up(library, peer, worklist="true")
    row = listed(library)["17"]
    for study, accession in (("no uid", "far too long for an SH value"), ("1.2/../3", "a\\b"), ("1" * 65, "\x1b")):
        item = replace(row.item, study_instance_uid=study, accession_number=accession)
        patient = library.worklist.take(OWNER, replace(row, item=item))
        expected = library.expecting.of_next(OWNER, patient.id)
        assert expected is not None
        assert (expected.study_uid, expected.accession_number) == ("", "")


def test_one_that_is_away_is_said_and_the_others_are_shown(library: Library, peer: Peer) -> None:
    with pytest.raises(UserError) as refused:
        library.worklist.today(OWNER, QUIET)
    assert refused.value.code == "worklist.none"
    set_up(library, peer, worklist="true", enabled="false")
    for last, text in {"host": "127.0.0.1", "port": str(free_port()), "worklist": "true"}.items():
        library.settings.set(OWNER, f"dimse.away.{last}", text)
    found = library.worklist.today(OWNER, QUIET)
    assert (len(found.rows), [fault.code for fault in found.faults.values()]) == (3, ["dimse.unreachable"])
    done = bitewing(library, "worklist", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, len(document["entries"])) == (1, 3)
    assert document["failed"]["away"]["code"] == "dimse.unreachable"
    library.settings.forget(OWNER, "dimse", "away")
    done = bitewing(library, "worklist")
    assert done.returncode == 0, done.stderr
    assert "Bitewing radiographs" in done.stdout
    assert "3 entries for today." in done.stdout


def test_only_who_may_import_takes(library: Library) -> None:
    with pytest.raises(RefusedError), contextlib.closing(library.decoders):
        library.worklist.today(Actor("x", "X", Role.VIEWER, "test"), QUIET)
