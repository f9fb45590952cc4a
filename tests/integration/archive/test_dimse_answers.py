"""Known peers ask for what is here: dcmtk's findscu and movescu, both roots, and whoever is not to have anything."""

from __future__ import annotations

import contextlib
import itertools
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.expectation import Expectation
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.sync.report import ImportArgs
from app.transfer.dimse.answering import Item
from app.transfer.dimse.peer import Peer
from app.transfer.dimse.sought import Sought
from app.transfer.listener import Listener, ListenerArgs
from tests.integration.archive.dimse_peers import Tool, answering, sample, storescp
from tests.integration.archive.test_dimse_archives import listening
from tests.integration.archive.test_push import fill
from tests.integration.import_material import photograph, radiograph
from tests.servers import free_port

OWNER, QUIET = owner("test"), JobContext.silent()
ARABIC = "\u062d\u0633\u0646^\u0623\u062d\u0645\u062f"


class Asker:
    """Runs dcmtk's tools against the listener."""

    def __init__(self, tool: Tool, port: int, folder: Path) -> None:
        self._tool, self._port, self._folder = tool, port, folder
        self._count = 0

    def run(self, name: str, *arguments: str, calling: str = "VIEWER") -> str:
        command = [self._tool(name), "-v", "-aet", calling, "-aec", "BITEWING", *arguments[:-1]]
        command += ["127.0.0.1", str(self._port), *arguments[-1:]]
        command = [one for one in command if one]
        done = subprocess.run(
            command, cwd=self._folder, capture_output=True, text=True, errors="replace", check=False, timeout=60
        )
        return f"{done.returncode}\n{done.stdout}{done.stderr}"

    def find(self, *keys: str, root: str = "-S", calling: str = "VIEWER") -> list[Any]:
        """Ask, and return what findscu wrote to files."""
        self._count += 1
        out = self._folder / f"answers-{self._count}"
        out.mkdir(parents=True)
        options = [word for key in keys for word in ("-k", key)]
        self.said = self.run("findscu", root, "-X", "-od", str(out), *options, "", calling=calling)
        return [pydicom.dcmread(path, force=True) for path in sorted(out.glob("rsp*.dcm"))]

    def move(self, *keys: str, root: str = "-S", to: str = "VIEWER") -> str:
        options = [word for key in keys for word in ("-k", key)]
        self.said = self.run("movescu", "-d", root, "-aem", to, *options, "")
        return self.said


@contextlib.contextmanager
def asking(library: Library, tool: Tool, folder: Path, answer: str = "true") -> Iterator[tuple[Asker, Path]]:
    """A listener that answers, and a viewer that it knows."""
    folder.mkdir(parents=True, exist_ok=True)
    with storescp(tool, folder / "viewer", "+xa", aet="VIEWER") as peer:
        name(library, peer)
        library.settings.set(OWNER, "receive.answer", answer)
        port = free_port()
        with listening(library, port):
            deadline = time.monotonic() + 15
            while True:
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield Asker(tool, port, folder), folder / "viewer"


def name(library: Library, peer: Peer, **more: str) -> None:
    values = {"host": peer.host, "port": str(peer.port), "aet": peer.called_aet, "enabled": "false", **more}
    for last, text in values.items():
        library.settings.set(OWNER, f"dimse.viewer.{last}", text)


def arrived(folder: Path) -> list[Any]:
    paths = [path for path in folder.iterdir() if path.is_file() and path.name != "server.log"]
    return [pydicom.dcmread(path) for path in paths]


def audit(library: Library) -> list[Any]:
    return library.store.audit.list(action="archive.answer", limit=1000)


def status_of(said: str) -> list[int]:
    """Return the statuses of final responses that movescu writes down with ``-d``."""
    return [int(code, 16) for code in re.findall(r"DIMSE Status\s+: 0x([0-9a-f]{4})", said)]


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_studies_series_and_images_are_found(library: Library, tool: Tool, tmp_path: Path, root: str) -> None:
    fill(library, tmp_path / "in", 3)
    with asking(library, tool, tmp_path / "ask") as (asker, _viewer):
        wanted = ("PatientID=17", "PatientName", "StudyInstanceUID", "StudyDate", "ModalitiesInStudy")
        studies = asker.find("QueryRetrieveLevel=STUDY", *wanted, "NumberOfStudyRelatedInstances", root=root)
        by_uid = {study.StudyInstanceUID: study for study in studies}
        assert len(by_uid) == 2, asker.said
        study = by_uid["1.2.3.4"]
        assert (study.PatientName, study.StudyDate, study.RetrieveAETitle) == ("Doe^Jane", "20260102", "BITEWING")
        assert study.NumberOfStudyRelatedInstances == 4
        above = ("PatientID=17", "StudyInstanceUID=1.2.3.4")
        series = asker.find("QueryRetrieveLevel=SERIES", *above, "SeriesInstanceUID", "Modality", root=root)
        assert {one.Modality for one in series} == {"IO"}
        assert len(series) == 4
        images = [
            image
            for one in series
            for image in asker.find(
                "QueryRetrieveLevel=IMAGE",
                *above,
                f"SeriesInstanceUID={one.SeriesInstanceUID}",
                "SOPInstanceUID",
                root=root,
            )
        ]
        # The fourth says nothing of whose it is: what would be sent of it has not been made yet.
        own = {image.sop_instance_uid for image in library.images.list(OWNER) if image.identity.patient_id}
        assert {image.SOPInstanceUID for image in images} == own
        assert len(own) == 3
        if root == "-P":
            [patient] = asker.find("QueryRetrieveLevel=PATIENT", "PatientName=doe*", "PatientID", root=root)
            assert (patient.PatientID, patient.PatientName) == ("17", "Doe^Jane")
    first = audit(library)[-1]
    assert first.details["peer"] == "viewer"
    assert "patient_id" in first.details["fields"]
    assert "17" not in str(first.details).replace("'patient_id'", "")


def test_names_dates_and_kinds(library: Library, tool: Tool, tmp_path: Path) -> None:
    radiograph(
        tmp_path / "in" / "1.dcm",
        1,
        StudyInstanceUID="1.2.1",
        StudyDate="20250101",
        AcquisitionDateTime="20250101101112",
    )
    radiograph(
        tmp_path / "in" / "2.dcm",
        2,
        StudyInstanceUID="1.2.2",
        SpecificCharacterSet="ISO_IR 192",
        PatientName=ARABIC,
        PatientID="18",
    )
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    with asking(library, tool, tmp_path / "ask") as (asker, _viewer):

        def uids(*keys: str) -> list[str]:
            found = asker.find("QueryRetrieveLevel=STUDY", "StudyInstanceUID", *keys)
            return sorted(study.StudyInstanceUID for study in found)

        assert uids() == ["1.2.1", "1.2.2"]
        assert uids("PatientName=DO*") == uids("PatientName=*oe^J?ne") == uids("PatientName=*an*") == ["1.2.1"]
        assert uids("PatientName=do") == uids("PatientName=Doe^John") == []
        assert uids("PatientID=1?") == ["1.2.1", "1.2.2"]
        assert uids("PatientID=1") == []
        assert uids("StudyDate=20250101") == uids("StudyDate=-20250601") == ["1.2.1"]
        assert uids("StudyDate=20250601-") == uids("StudyDate=20260101-20260131") == ["1.2.2"]
        assert uids("PatientBirthDate=19800201") == ["1.2.1", "1.2.2"]
        assert uids("PatientBirthDate=19800202") == []
        assert uids("ModalitiesInStudy=IO") == ["1.2.1", "1.2.2"]
        assert uids("ModalitiesInStudy=CT") == []
        assert uids("StudyInstanceUID=1.2.2\\1.2.9") == ["1.2.2"]
        assert uids("StudyDate=00010101-99991231", "ModalitiesInStudy=I?") == ["1.2.1", "1.2.2"]
        assert uids("StudyDate=yesterday") == []
        assert "DataSetDoesNotMatchSOPClass" in asker.said
        family = ARABIC.partition("^")[0]
        [arab] = asker.find(
            "SpecificCharacterSet=ISO_IR 192", "QueryRetrieveLevel=STUDY", "StudyInstanceUID", f"PatientName={family}*"
        )
        assert (arab.StudyInstanceUID, arab.PatientName) == ("1.2.2", ARABIC)


def test_who_is_not_known_gets_nothing(library: Library, tool: Tool, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    with asking(library, tool, tmp_path / "ask") as (asker, viewer):
        keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3.4")
        for _time in range(3):
            assert asker.find(*keys, calling="STRANGER") == []
        assert "0x124" in asker.said
        said = [event for event in library.events.list(OWNER) if event.code == "receive.asker_unknown"]
        assert [event.facts["aet"] for event in said] == ["STRANGER"]
        library.settings.set(OWNER, "dimse.viewer.host", "192.0.2.7")
        assert asker.find(*keys) == []
        library.settings.set(OWNER, "dimse.viewer.host", "localhost")
        assert len(asker.find(*keys)) == 1
        assert 0xA801 in status_of(asker.move(*keys, to="ELSEWHERE"))
        assert arrived(viewer) == []
    assert [entry.details["service"] for entry in audit(library)] == ["find"]


def test_nothing_is_answered_unless_it_is_wanted(library: Library, tool: Tool, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    with asking(library, tool, tmp_path / "ask", "false") as (asker, _viewer):
        assert asker.find("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3.4") == []
        assert "No Acceptable Presentation Contexts" in asker.said
        assert asker.run("echoscu", "").startswith("0")


@pytest.mark.parametrize("root", ["-S", "-P"])
def test_what_is_moved_says_whose_it_is_here(library: Library, tool: Tool, tmp_path: Path, root: str) -> None:
    fill(library, tmp_path / "in", 2)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Richard", "99"))
    moved = next(image for image in library.images.list(OWNER) if image.identity.patient_id == "17")
    library.images.move(OWNER, [moved.id], Filing(patient_id=other.id))
    with asking(library, tool, tmp_path / "ask") as (asker, viewer):
        keys = ("QueryRetrieveLevel=STUDY", "PatientID=99", "StudyInstanceUID=1.2.3.4")
        assert 0x0000 in status_of(asker.move(*keys, root=root)), asker.said
        [there] = arrived(viewer)
        assert (there.PatientID, there.PatientName) == ("99", "Roe^Richard")
        assert there.SOPInstanceUID != moved.sop_instance_uid
        series = f"SeriesInstanceUID={there.SeriesInstanceUID}"
        [image] = asker.find("QueryRetrieveLevel=IMAGE", *keys[1:], series, "SOPInstanceUID", root=root)
        assert image.SOPInstanceUID == there.SOPInstanceUID
        studies = asker.find("QueryRetrieveLevel=STUDY", "PatientID=17", "StudyInstanceUID", root=root)
        for study in studies:
            assert 0x0000 in status_of(
                asker.move("QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study.StudyInstanceUID}", root=root)
            )
        if root == "-P":
            assert status_of(asker.move("QueryRetrieveLevel=PATIENT", "PatientID=99", root=root))[-1] == 0x0000
            assert re.search(r"Completed Suboperations\s+: 1\n", asker.said), asker.said
    # The photograph too, which had no number of its own.
    patients = sorted(str(one.PatientID) for one in arrived(viewer))
    assert patients == ["17", "17", "17", "99"]
    rows = [entry for entry in audit(library) if entry.entity == "image"]
    assert {entry.entity_id for entry in rows} == {image.id for image in library.images.list(OWNER)}
    assert {(entry.details["peer"], entry.details["destination"]) for entry in rows} == {("viewer", "VIEWER")}


def test_two_hundred_are_counted(library: Library, tool: Tool, tmp_path: Path) -> None:
    for number in range(200):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    gone = library.images.list(OWNER)[0]
    library.images.path_of(OWNER, gone.id).unlink()
    with asking(library, tool, tmp_path / "ask") as (asker, viewer):
        said = asker.move("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3.4")
        last = said[said.rindex("Completed Suboperations") :]
        assert status_of(said)[-1] == 0xB000
        assert re.search(r"Completed Suboperations\s+: 199", last), last
        assert re.search(r"Failed Suboperations\s+: 1", last), last
        assert len(arrived(viewer)) == 199


class Endless:
    """Knows everybody, and has studies without an end."""

    def __init__(self, peer: Peer | None = None) -> None:
        self.peer = peer
        self.given = self.made = 0

    def knows(self, _calling_aet: str, _address: str) -> str | None:
        return "viewer"

    def refused(self, _calling_aet: str, _address: str) -> None:
        raise AssertionError

    def destination(self, _aet: str) -> Peer | None:
        return self.peer

    def find(self, _peer: str, _level: str, _wanted: Sought) -> Iterator[dict[str, Any]]:
        for self.given in itertools.count(1):
            # One cannot be said in an answer; the others are.
            uid = "\u0661.2" if self.given == 3 else f"1.2.{self.given}"
            yield {"StudyInstanceUID": uid, "PatientName": ARABIC}

    def files(self, _peer: str, _level: str, _wanted: Sought, _destination: str) -> list[Item]:
        return [Item(str(number), "17", f"1.2.{number}") for number in range(1000)]

    def path(self, item: Item) -> Path:
        self.made += 1
        return sample("MR_small_RLE.dcm")

    def sent(self, _peer: str, _item: Item, _destination: str) -> None:
        self.given += 1


@contextlib.contextmanager
def answered_by(answerer: Endless, tool: Tool, folder: Path, timeout_s: float = 60) -> Iterator[Asker]:
    folder.mkdir()
    args = ListenerArgs(free_port(), "BITEWING", folder / "spool", "127.0.0.1", timeout_s=timeout_s)
    listener = Listener(args, answerer=answerer)
    listener.start()
    try:
        yield Asker(tool, args.port, folder)
    finally:
        before = time.monotonic()
        listener.stop()
        assert time.monotonic() - before < 3


def test_answers_have_an_end_and_can_be_stopped(tool: Tool, tmp_path: Path) -> None:
    endless = Endless()
    with answered_by(endless, tool, tmp_path / "ask") as asker:
        started = time.monotonic()
        assert len(asker.find("QueryRetrieveLevel=STUDY", "StudyInstanceUID", "PatientName")) == 499
        assert "OutOfResources" in asker.said, asker.said[-400:]
        assert endless.given == 501
        assert time.monotonic() - started < 10
        options = ("--cancel", "2", "-S", "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID", "")
        said = asker.run("findscu", *options)
        assert "Cancel" in said, said[-400:]
        # Nothing is asked above the level that is meant, or of nobody.
        for keys in (
            ("QueryRetrieveLevel=SERIES", "StudyInstanceUID"),
            ("QueryRetrieveLevel=PATIENT",),
            ("PatientID",),
        ):
            assert asker.find(*keys) == []
            assert "DataSetDoesNotMatchSOPClass" in asker.said
        for keys in (("QueryRetrieveLevel=PATIENT", "PatientID=1*"), ("QueryRetrieveLevel=STUDY", "PatientID=17")):
            assert status_of(asker.move(*keys, root="-P"))[-1] == 0xA900


def test_sending_is_stopped_and_gives_up(tool: Tool, tmp_path: Path) -> None:
    asked: list[Any] = []

    def on_store(event: Any) -> int:
        asked.append((event.request.MoveOriginatorApplicationEntityTitle, event.request.MoveOriginatorMessageID))
        return 0x0000

    keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3")
    options = [word for key in keys for word in ("-k", key)]
    with answering(on_store) as there:
        endless = Endless(there)
        with answered_by(endless, tool, tmp_path / "one") as asker:
            said = asker.run("movescu", "-d", "--cancel", "5", "-S", "-aem", "X", *options, "")
            assert status_of(said)[-1] == 0xFE00, said[-800:]
            assert 5 <= endless.given < 1000
            assert set(asked) == {("VIEWER", 1)}
    endless = Endless(there)
    with answered_by(endless, tool, tmp_path / "two") as asker:
        assert status_of(asker.move(*keys))[-1] == 0xA702
        assert (endless.made, endless.given) == (1, 0)


class Slow(Endless):
    """Looks for longer than an association may be silent, and makes each of three images for as long."""

    def find(self, peer: str, level: str, wanted: Sought) -> Iterator[dict[str, Any]]:
        time.sleep(1.5)
        yield from itertools.islice(super().find(peer, level, wanted), 2)

    def files(self, peer: str, level: str, wanted: Sought, destination: str) -> list[Item]:
        return super().files(peer, level, wanted, destination)[:3]

    def path(self, item: Item) -> Path:
        time.sleep(1.5)
        return super().path(item)


def test_who_waits_for_images_is_not_taken_for_gone(tool: Tool, tmp_path: Path) -> None:
    with answering() as there:
        slow = Slow(there)
        with answered_by(slow, tool, tmp_path / "ask", timeout_s=1) as asker:
            keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3")
            assert len(asker.find(*keys)) == 2
            assert "abort" not in asker.said.lower(), asker.said
            slow.given = 0
            said = asker.move(*keys)
    assert status_of(said)[-1] == 0x0000
    assert slow.given == 3
    assert "abort" not in said.lower()


def test_nothing_is_sent_in_the_clear_without_consent(library: Library, tool: Tool, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    with asking(library, tool, tmp_path / "ask") as (asker, _viewer):
        for last, text in {"host": "192.0.2.7", "port": "104", "aet": "OTHER"}.items():
            library.settings.set(OWNER, f"dimse.other.{last}", text)
        assert status_of(asker.move("QueryRetrieveLevel=STUDY", "StudyInstanceUID=1.2.3.4", to="OTHER"))[-1] == 0xA801
    assert "dimse.plain_refused" in [event.code for event in library.events.list(OWNER)]


def test_an_order_is_found_by_its_number(library: Library, tool: Tool, tmp_path: Path) -> None:
    patient = library.patients.add(OWNER, PatientDraft("Roe", "Richard", "99"))
    photograph(tmp_path / "in" / "photo.jpg", 3)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",), Filing(patient_id=patient.id)), QUIET)
    [image] = library.images.list(OWNER)
    day = f"{image.imported_at:%Y-%m-%d}"
    order = Expectation(patient.id, day, study_uid="2.25.77", accession_number="A-5")
    with library.store.write():
        library.store.expected.meet(order, image.id)
    with asking(library, tool, tmp_path / "ask") as (asker, viewer):
        found = asker.find("QueryRetrieveLevel=STUDY", "AccessionNumber=A-5", "ModalitiesInStudy")
        assert [(one.StudyInstanceUID, one.ModalitiesInStudy) for one in found] == [("2.25.77", "XC")]
        assert asker.find("QueryRetrieveLevel=STUDY", "AccessionNumber=A-6") == []
    with asking(library, tool, tmp_path / "again") as (asker, viewer):
        # Nothing was sent anywhere, and nobody remembers.
        assert status_of(asker.move("QueryRetrieveLevel=STUDY", "StudyInstanceUID=2.25.77"))[-1] == 0x0000
        [there] = arrived(viewer)
        assert (there.StudyInstanceUID, there.AccessionNumber, there.PatientID) == ("2.25.77", "A-5", "99")
        library.images.delete(OWNER, [image.id])
        assert asker.find("QueryRetrieveLevel=STUDY", "StudyInstanceUID=2.25.77") == []


def test_dcmtk_sends_as_before(library: Library, tool: Tool, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    other = radiograph(tmp_path / "b.dcm", 2)
    with asking(library, tool, tmp_path / "ask") as (asker, _viewer):
        assert asker.run("echoscu", "").startswith("0")
        assert asker.run("storescu", str(path)).startswith("0")
        assert asker.run("dcmsend", str(other)).startswith("0")
        deadline = time.monotonic() + 20
        while len(library.images.list(OWNER)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
