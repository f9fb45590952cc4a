"""Archives that speak only DIMSE as destinations: sent and proven, never called back, decided by a person."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, RefusedError, UserError
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role, owner
from app.services.receive_report import ReceiveReport
from app.sync.report import ImportArgs
from app.transfer.dimse.finding import Wanted, find_instances
from app.transfer.dimse.peer import Peer, Tls
from tests.certificates import self_signed
from tests.integration.archive.conftest import connect
from tests.integration.archive.dimse_peers import Tool, dcmqrscp, orthanc_peer, storescp
from tests.integration.archive.test_push import fill, states
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer, free_port, tls_before

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]


def set_up(library: Library, peer: Peer, **more: str) -> None:
    """Set an archive up as an admin would."""
    values = {"host": peer.host, "port": str(peer.port), "aet": peer.called_aet, **more}
    for last, text in values.items():
        library.settings.set(OWNER, f"dimse.pacs.{last}", text)


def bitewing(library: Library, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app", *arguments, "--library", str(library.paths.root)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


@contextlib.contextmanager
def listening(library: Library, port: int) -> Iterator[None]:
    """Run the library's own listener, as the window does."""
    library.settings.set(OWNER, "receive.port", str(port))
    token = CancelToken()

    def run() -> None:
        with contextlib.suppress(Cancelled):
            library.receiving.run(OWNER, JobContext(token), ReceiveReport())
        library.close_thread()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        token.cancel()
        thread.join()


def test_everything_is_there_and_found_by_query(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        fill(library, tmp_path / "in", 3)
        set_up(library, peer)
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.failed, report.queued) == (5, 0, 0)
        for image in library.images.list(OWNER):
            [copy] = library.outbox.copies(OWNER, image.id)
            assert (copy.destination, copy.how) == ("dimse.pacs", "find")
        there = {}
        for path in (tmp_path / "archive" / "storage").rglob("*"):
            if path.is_file() and path.name != "index.dat":
                dataset = pydicom.dcmread(path)
                there[str(dataset.SOPInstanceUID)] = dataset
        copies = [library.outbox.copies(OWNER, image.id)[0] for image in library.images.list(OWNER)]
        assert set(there) == {copy.remote_id for copy in copies}
        assert {(str(one.PatientID), str(one.PatientName)) for one in there.values()} == {("17", "Doe^Jane")}
        assert library.archive.push(OWNER, QUIET).drained.sent == 0


def test_archives_that_mix_up_several_associations_get_one(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        for number in range(24):
            radiograph(tmp_path / "in" / f"{number}.dcm", number)
        library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
        set_up(library, peer)
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.failed) == (24, 0)
    there = [path for path in (tmp_path / "archive" / "storage").rglob("*.dcm") if path.is_file()]
    stored = {str((one := pydicom.dcmread(path)).SOPInstanceUID): one.PixelData for path in there}
    sent = [pydicom.dcmread(path) for path in (tmp_path / "in").iterdir()]
    assert stored == {str(one.SOPInstanceUID): one.PixelData for one in sent}


def test_it_is_searched_on_the_command_line(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        for number, day in enumerate(("20240105", "20260301")):
            radiograph(tmp_path / "in" / f"{number}.dcm", number, StudyDate=day, StudyInstanceUID=f"2.25.{number + 1}")
        library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
        set_up(library, peer)
        library.archive.push(OWNER, QUIET)

        def found(*options: str) -> list[dict[str, Any]]:
            done = bitewing(library, "archive", "search", "--archive", "pacs", "--json", *options)
            assert done.returncode == 0, done.stderr
            studies: list[dict[str, Any]] = json.loads(done.stdout)["studies"]
            return studies

        newest, older = found("--name", "jane doe")
        assert (newest["study_uid"], older["study_uid"]) == ("2.25.2", "2.25.1")
        assert (newest["patient_id"], newest["here"], newest["would_be"]) == ("17", 1, "file")
        assert [row["study_uid"] for row in found("--to", "2025-01-01")] == ["2.25.1"]
        assert found("--name", "jane roe") == []
        assert len(found("--limit", "1")) == 1
    away = bitewing(library, "archive", "search", "--archive", "pacs", "--json")
    assert json.loads(away.stdout)["error"]["code"] == "dimse.unreachable"


def test_an_archive_that_commits_reports_through_the_listener(library: Library, tool: Tool, tmp_path: Path) -> None:
    port = free_port()
    with orthanc_peer(tool, tmp_path / "orthanc", port) as (peer, server), listening(library, port):
        fill(library, tmp_path / "in", 1)
        set_up(library, peer)
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.failed) == (3, 0)
        proofs = [library.outbox.copies(OWNER, image.id)[0].how for image in library.images.list(OWNER)]
        assert proofs == ["commitment"] * 3
        assert len(server.instances()) == 3


def test_both_kinds_of_archives_get_everything_in_one_push(
    library: Library, server: OrthancServer, tool: Tool, tmp_path: Path
) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        fill(library, tmp_path / "in", 1)
        connect(library, server.url)
        set_up(library, peer)
        done = bitewing(library, "push", "--json")
        assert (done.returncode, json.loads(done.stdout)["sent"]) == (0, 6), done.stderr
        image = library.images.list(OWNER)[0]
        copies = library.outbox.copies(OWNER, image.id)
        assert {copy.destination for copy in copies} == {"orthanc", "dimse.pacs"}


def test_one_that_cannot_be_sent_to_holds_nobody_up(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    connect(library, server.url)
    set_up(library, Peer("archive.invalid", 104, "ARCHIVE"))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.sent, report.drained.blocked, report.queued) == (3, "dimse.plain_refused", 3)
    assert bitewing(library, "push").returncode == 1
    [blocked] = [queue for queue in library.outbox.queues(OWNER) if queue.name == "dimse.pacs"]
    assert blocked.blocked_code == "dimse.plain_refused"


def test_nothing_is_called_back_and_a_return_cancels_the_recall(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
        set_up(library, peer)
        library.archive.push(OWNER, QUIET)
        [image] = library.images.list(OWNER)
        library.images.delete(OWNER, [image.id])
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.removed, report.drained.failed) == (0, 1)
        assert states(library)[-1] == ("remove", "parked", "dimse.cannot_remove")
        assert library.outbox.queues(OWNER)[0].blocked_code is None
        library.images.restore(OWNER, [image.id])
        assert library.archive.push(OWNER, QUIET).drained.failed == 0
        assert states(library)[1][:2] == ("remove", "cancelled")
        [copy] = library.outbox.copies(OWNER, image.id)
        assert copy.gone_at is None


def test_a_moved_image_goes_there_again_as_the_right_patients(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
        set_up(library, peer)
        library.archive.push(OWNER, QUIET)
        [image] = library.images.list(OWNER)
        other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
        library.images.move(OWNER, [image.id], Filing(patient_id=other.id))
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.failed) == (1, 1)
        first, second = library.outbox.copies(OWNER, image.id)
        assert first.remote_id != second.remote_id
        assert [code for _wish, _state, code in states(library) if code] == ["dimse.cannot_remove"]


def test_an_archive_that_is_away_loses_nothing(library: Library, tool: Tool, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    set_up(library, Peer("127.0.0.1", free_port(), "ARCHIVE"))
    report = library.archive.push(OWNER, QUIET)
    assert (report.drained.away, report.drained.failed, report.queued) == ("dimse.unreachable", 0, 3)
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        set_up(library, peer)
        assert library.archive.push(OWNER, QUIET).drained.sent == 3


def test_one_that_proves_nothing_blocks_before_more_is_sent(library: Library, tool: Tool, tmp_path: Path) -> None:
    with storescp(tool, tmp_path / "there", aet="ARCHIVE") as peer:
        fill(library, tmp_path / "in", 2)
        set_up(library, peer)
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.blocked) == (0, "dimse.no_proof")
        image_ids = [image.id for image in library.images.list(OWNER)]
        assert [library.outbox.copies(OWNER, image_id) for image_id in image_ids] == [[]] * len(image_ids)
        assert "dimse.no_proof" in library.archive.test_dimse(OWNER, "pacs").warnings


def test_the_connection_says_whom_it_asked_and_what_came_back(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        set_up(library, peer, worklist="true")
        system = library.archive.test_dimse(OWNER, "pacs")
        assert (system.called_aet, system.calling_aet, system.encrypted) == ("ARCHIVE", "BITEWING", False)
        assert (system.stores, system.answers_queries, system.commits, system.has_worklist) == (
            True,
            True,
            False,
            False,
        )
        assert system.warnings == ("dimse.no_worklist",)
        done = bitewing(library, "settings", "test", "dimse.pacs")
        assert done.returncode == 0, done.stderr
        assert f"“ARCHIVE” at 127.0.0.1:{peer.port} answered “BITEWING”" in done.stdout
        assert "takes images, answers queries" in done.stdout
        assert "worklist" in done.stderr
        set_up(library, Peer(peer.host, peer.port, "NOBODY"))
        done = bitewing(library, "settings", "test", "dimse.pacs")
        assert (done.returncode, "AE title" in done.stderr) == (1, True), done.stderr
    unknown = bitewing(library, "settings", "test", "dimse.nowhere", "--json")
    assert json.loads(unknown.stdout)["error"]["code"] == "settings.no_connection"


def test_plain_text_leaves_this_computer_only_with_consent(library: Library) -> None:
    set_up(library, Peer("192.0.2.7", 104, "ARCHIVE"))
    with pytest.raises(UserError) as refused:
        library.archive.test_dimse(OWNER, "pacs")
    assert refused.value.code == "dimse.plain_refused"
    library.settings.set(OWNER, "dimse.pacs.allow_plain", "true")
    archive = library.dimse.archive("dimse.pacs")
    assert library.dimse.peer(archive).tls is None
    written = [row[0] for row in library.store.database.rows("SELECT entity_id FROM audit")]
    assert "dimse.pacs.allow_plain" in written


def test_certificates_by_fingerprint_or_file_and_watched(library: Library, tool: Tool, tmp_path: Path) -> None:
    made = self_signed(tmp_path / "pki")
    with dcmqrscp(tool, tmp_path / "archive") as peer, tls_before(peer.port, made.both) as port:
        set_up(library, Peer("127.0.0.1", port, "ARCHIVE"), tls="true")
        with pytest.raises(BitewingError) as refused:
            library.archive.test_dimse(OWNER, "pacs")
        assert refused.value.code == "dimse.certificate"
        # What is shown can be compared and trusted.
        shown = str(refused.value.facts["fingerprint"])
        library.settings.set(OWNER, "dimse.pacs.trust", shown)
        assert library.archive.test_dimse(OWNER, "pacs").encrypted
        library.settings.set(OWNER, "dimse.pacs.trust", str(made.public))
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
        assert library.archive.push(OWNER, QUIET).drained.sent == 1
        library.watchdog.observe(OWNER, QUIET)
        [health] = library.watchdog.destinations(OWNER)
        assert [one.code for one in health.concerns] == ["watch.certificate_soon"]


def test_a_certificate_of_somebody_else_gets_nothing(library: Library, tool: Tool, tmp_path: Path) -> None:
    made, other = self_signed(tmp_path / "pki"), self_signed(tmp_path / "other")
    with dcmqrscp(tool, tmp_path / "archive") as peer, tls_before(peer.port, made.both) as port:
        set_up(library, Peer("127.0.0.1", port, "ARCHIVE", tls=Tls()), tls="true", trust=other.fingerprint)
        library.imports.run(OWNER, ImportArgs((radiograph(tmp_path / "a.dcm", 1),)), QUIET)
        report = library.archive.push(OWNER, QUIET)
        assert (report.drained.sent, report.drained.blocked) == (0, "dimse.certificate")
        [image] = library.images.list(OWNER)
        wanted = Wanted(study_instance_uid=image.study_uid or "", series_instance_uid=image.series_uid or "")
        assert find_instances(peer, wanted).rows == ()


def test_what_cannot_be_called_back_is_settled_by_hand(library: Library, tool: Tool, tmp_path: Path) -> None:
    with dcmqrscp(tool, tmp_path / "archive") as peer:
        for number in range(2):
            radiograph(tmp_path / "in" / f"{number}.dcm", number)
        library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
        set_up(library, peer)
        library.archive.push(OWNER, QUIET)
        images = library.images.list(OWNER)
        library.images.delete(OWNER, [image.id for image in images])
        library.archive.push(OWNER, QUIET)
        listed = json.loads(bitewing(library, "queue", "list", "--parked", "--json").stdout)
        assert {row["code"] for row in listed} == {"dimse.cannot_remove"}
        first, second = (row["number"] for row in listed)
        done = bitewing(library, "queue", "settle", str(first))
        assert (done.returncode, "1 entry is settled" in done.stdout) == (0, True), done.stderr
        [queue] = library.outbox.queues(OWNER)
        assert (queue.parked, queue.waiting) == (1, 0)
        [copy] = library.outbox.copies(OWNER, listed[0]["image_id"])
        assert (copy.how, copy.gone_at is not None) == ("by hand", True)
        # Decided already: said, and nothing happens.
        again = bitewing(library, "queue", "settle", str(first), "--json")
        assert (again.returncode, json.loads(again.stdout)["error"]["code"]) == (1, "outbox.not_parked")
        library.outbox.retry(OWNER, second)
        assert library.outbox.queues(OWNER)[0].waiting == 1
        assert library.archive.push(OWNER, QUIET).drained.faults == {listed[1]["image_id"]: "dimse.cannot_remove"}
        written = library.store.database.rows("SELECT details FROM audit WHERE entity = 'outbox' ORDER BY rowid")
        assert [json.loads(row[0])["decision"] for row in written] == ["settle", "retry"]


def test_a_conflict_is_left_as_it_is_and_another_is_tried_again(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    path = radiograph(tmp_path / "in" / "a.dcm", 1, SOPInstanceUID="2.25.77")
    mine = pydicom.dcmread(path)
    mine.BodyPartExamined = "FOOT"
    mine.save_as(tmp_path / "other.dcm")
    with server.client() as client:
        client.post("/instances", content=(tmp_path / "other.dcm").read_bytes()).raise_for_status()
    library.imports.run(OWNER, ImportArgs((path,)), QUIET)
    connect(library, server.url)
    library.archive.push(OWNER, QUIET)
    [row] = library.outbox.queued(OWNER, "orthanc")
    assert row.entry.code == "pacs.conflict"
    # Once the other one is gone it can be sent.
    server.empty()
    library.outbox.retry(OWNER, row.entry.number)
    assert library.archive.push(OWNER, QUIET).drained.sent == 1
    server.empty()
    with server.client() as client:
        client.post("/instances", content=(tmp_path / "other.dcm").read_bytes()).raise_for_status()
    with library.store.write():
        library.store.database.execute("UPDATE outbox SET state = 'waiting'")
    library.archive.push(OWNER, QUIET)
    [row] = library.outbox.queued(OWNER, "orthanc")
    library.outbox.settle(OWNER, row.entry.number)
    assert library.outbox.queued(OWNER, "orthanc") == []
    assert library.archive.push(OWNER, QUIET).drained.sent == 0
    [instance] = server.instances()
    assert server.tags(instance)["BodyPartExamined"] == "FOOT"


def test_only_who_may_send_decides(library: Library) -> None:
    with pytest.raises(RefusedError):
        library.outbox.settle(Actor("x", "X", Role.VIEWER, "test"), 1)
