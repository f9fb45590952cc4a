"""C-STORE to real peers: every transfer syntax, kept associations, and every way in which it can go wrong."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, ItemError, TransientFault, UserError
from app.transfer.dimse.echo import echo
from app.transfer.dimse.peer import Peer, Tls, fingerprint
from app.transfer.dimse.proving import DimseArchive
from app.transfer.dimse.storing import Storer
from tests.integration.archive.dimse_peers import (
    QUICK,
    SYNTAXES,
    Tool,
    answering,
    dcmqrscp,
    found,
    orthanc_peer,
    sample,
    storescp,
    uids,
)
from tests.integration.archive.test_trust import certificate
from tests.integration.import_material import radiograph
from tests.servers import free_port

# Every element would have to be swapped, or no decoder is at hand in this room.
KEPT = {"MR_small_bigendian.dcm", "MR_small_jpeg_ls_lossless.dcm", "JPGExtended.dcm"}


@contextlib.contextmanager
def storer(peer: Peer, scratch: Path) -> Iterator[Storer]:
    made = Storer(peer, scratch)
    try:
        yield made
    finally:
        made.close()


def same_data_set(got: Path, sent: Path) -> bool:
    """Whether the data sets (without what is put before them) are the same bytes."""
    from pynetdicom.dsutils import split_dataset

    return got.read_bytes()[split_dataset(got)[1] :] == sent.read_bytes()[split_dataset(sent)[1] :]


@pytest.mark.parametrize("name", SYNTAXES)
def test_the_files_own_transfer_syntax_goes_over_unchanged(tool: Tool, tmp_path: Path, name: str) -> None:
    path = sample(name)
    with storescp(tool, tmp_path / "peer", "+xa") as peer, storer(peer, tmp_path) as sender:
        stored = sender.store(path)
    assert not stored.transcoded
    [got] = [file for file in (tmp_path / "peer").iterdir() if file.name.endswith(uids(path)[1])]
    assert same_data_set(got, path)
    meta = pydicom.dcmread(got, stop_before_pixels=True).file_meta
    assert meta.TransferSyntaxUID == pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID


@pytest.mark.parametrize("name", [name for name in SYNTAXES if name not in KEPT])
def test_a_peer_that_takes_only_implicit_gets_the_same_image(tool: Tool, tmp_path: Path, name: str) -> None:
    path = sample(name)
    with storescp(tool, tmp_path / "peer", "+xi") as peer, storer(peer, tmp_path) as sender:
        stored = sender.store(path)
    sent = pydicom.dcmread(path)
    assert stored.transcoded == (name != "MR_small_implicit.dcm")
    [got] = [pydicom.dcmread(file) for file in (tmp_path / "peer").iterdir() if file.name.endswith(uids(path)[1])]
    assert got.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    assert got.SOPInstanceUID == sent.SOPInstanceUID
    assert (got.pixel_array == sent.pixel_array).all()
    if sent.file_meta.TransferSyntaxUID.is_compressed:
        sent.decompress(as_rgb=False, generate_instance_uid=False)
    pixels = {"PixelData"}
    for element in sent:
        if element.keyword not in pixels and not element.tag.is_private:
            assert got[element.tag].value == element.value, element.keyword
    assert [tag for tag in set(got.keys()) if tag not in sent] == []
    # Nothing of the rewriting is left behind.
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".sending")] == []


# Which of the others can be decoded depends on the decoders that this process has met.
@pytest.mark.parametrize("name", ["MR_small_bigendian.dcm"])
def test_what_cannot_be_rewritten_safely_is_not_sent_otherwise(tool: Tool, tmp_path: Path, name: str) -> None:
    with (
        storescp(tool, tmp_path / "peer", "+xi") as peer,
        storer(peer, tmp_path) as sender,
        pytest.raises(EnvironmentFault) as caught,
    ):
        sender.store(sample(name))
    assert caught.value.code == "dimse.syntax_refused"


def test_many_objects_go_over_one_association(tool: Tool, tmp_path: Path) -> None:
    opened: list[Any] = []
    kept: list[str] = []

    def keep(event: Any) -> int:
        kept.append(event.request.AffectedSOPInstanceUID)
        return 0x0000

    with answering(keep) as peer, storer(peer, tmp_path) as sender:
        for number in range(20):
            sender.store(radiograph(tmp_path / f"{number}.dcm", number))
            opened.append(sender.link_for().association)
        assert len({id(association) for association in opened}) == 1
        # Another kind of object needs to be negotiated; the first kind still goes after that.
        sender.store(sample("CT_small.dcm"))
        assert sender.link_for().association is not opened[0]
        sender.store(radiograph(tmp_path / "last.dcm", 99))
    assert len(kept) == 22


def test_a_kept_association_that_the_peer_has_closed_is_opened_anew(tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    with answering(network_timeout=0.3) as peer, storer(peer, tmp_path) as sender:
        sender.store(path)
        time.sleep(1)
        sender.store(path)


@pytest.mark.parametrize(
    ("status", "code", "is_transient"),
    [
        (0xA700, "dimse.full", True),
        (0xA7FF, "dimse.full", True),
        (0xA900, "dimse.refused", False),
        (0xC000, "dimse.refused", False),
        (0xCFFF, "dimse.refused", False),
        (0x0110, "dimse.refused", False),
        (0x0117, "dimse.refused", False),
        (0x0122, "dimse.class_refused", False),
        (0x0124, "dimse.not_authorised", False),
        (0x0213, "dimse.busy", True),
    ],
)
def test_what_a_peer_refuses_is_said(tmp_path: Path, status: int, code: str, is_transient: bool) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    answers = [status, 0x0000]
    with answering(lambda _event: answers.pop(0)) as peer, storer(peer, tmp_path) as sender:
        with pytest.raises(BitewingError) as caught:
            sender.store(path)
        assert caught.value.code == code
        assert isinstance(caught.value, TransientFault) == is_transient
        # One object's refusal is no other's.
        assert sender.store(path).warning == ""


@pytest.mark.parametrize(("status", "said"), [(0xB000, "0xB000"), (0xB006, "0xB006"), (0xB007, "0xB007")])
def test_an_archive_that_changes_what_it_takes_is_noticed(tmp_path: Path, status: int, said: str) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    answer = Dataset()
    answer.Status, answer.OffendingElement = status, [0x00100020]
    row = dict(zip(("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"), uids(path), strict=True))
    with answering(lambda _event: answer, found(row)) as peer:
        archive = DimseArchive(peer, tmp_path)
        with contextlib.closing(archive), pytest.raises(EnvironmentFault) as caught:
            archive.store_and_prove(path, *uids(path))
    assert (caught.value.code, caught.value.facts["status"]) == ("dimse.altered", said)
    assert caught.value.facts["elements"] == ["(0010,0020)"]


def test_who_is_not_let_in_is_told_why(tool: Tool, tmp_path: Path) -> None:
    with answering(require_called_aet=True, require_calling_aet=["SENSOR"]) as peer:
        for aets, code in (
            (("SOMEBODY", "SENSOR"), "dimse.called_unknown"),
            (("ARCHIVE", "SOMEBODY"), "dimse.calling_unknown"),
        ):
            with pytest.raises(EnvironmentFault) as caught:
                echo(Peer(peer.host, peer.port, *aets, timeouts=QUICK))
            assert caught.value.code == code
    with storescp(tool, tmp_path / "peer", "--refuse") as peer, pytest.raises(BitewingError) as caught_too:
        echo(peer)
    assert caught_too.value.code == "dimse.rejected"
    with pytest.raises(TransientFault) as away:
        echo(Peer("127.0.0.1", free_port(), "ARCHIVE", timeouts=QUICK))
    assert away.value.code == "dimse.unreachable"
    with pytest.raises(TransientFault) as nowhere:
        echo(Peer("archive.invalid", 104, "ARCHIVE", timeouts=QUICK))
    assert nowhere.value.code == "dimse.unreachable"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"host": " "}, "dimse.no_host"),
        ({"port": 0}, "dimse.bad_port"),
        ({"called_aet": ""}, "dimse.bad_aet"),
        ({"called_aet": "SEVENTEEN-LETTERS"}, "dimse.bad_aet"),
        ({"calling_aet": "A\\B"}, "dimse.bad_aet"),
        ({"called_aet": "    "}, "dimse.bad_aet"),
        ({"tls": Tls(pin="12:34")}, "dimse.bad_pin"),
        ({"tls": Tls(ca="/nowhere.pem")}, "dimse.bad_ca"),
    ],
)
def test_what_cannot_be_a_peer_is_refused_before_anything_is_sent(changed: dict[str, Any], code: str) -> None:
    values = {"host": "127.0.0.1", "port": 11112, "called_aet": "ARCHIVE", **changed}
    with pytest.raises(UserError) as caught:
        echo(Peer(**values))
    assert caught.value.code == code


def test_a_peer_full_of_associations_is_busy(tmp_path: Path) -> None:
    with answering(maximum_associations=1) as peer, storer(peer, tmp_path) as sender:
        sender.store(radiograph(tmp_path / "a.dcm", 1))
        with pytest.raises(TransientFault) as caught:
            echo(peer)
        assert caught.value.code == "dimse.busy"


def test_kinds_and_encodings_that_a_peer_does_not_take(tmp_path: Path) -> None:
    path = sample("MR_small_RLE.dcm")
    with answering(syntaxes=["1.2.840.10008.1.2.4.90"]) as peer, storer(peer, tmp_path) as sender:
        with pytest.raises(EnvironmentFault) as caught:
            sender.store(path)
        assert caught.value.code == "dimse.syntax_refused"
    strange = radiograph(tmp_path / "s.dcm", 1, SOPClassUID="1.2.3.4.5")
    dataset = pydicom.dcmread(strange)
    dataset.file_meta.MediaStorageSOPClassUID = "1.2.3.4.5"
    dataset.save_as(strange)
    with answering() as peer, storer(peer, tmp_path) as sender, pytest.raises(EnvironmentFault) as refused:
        sender.store(strange)
    assert refused.value.code == "dimse.class_refused"


@pytest.mark.parametrize(
    ("option", "codes"),
    [("--abort-during", {"dimse.aborted", "dimse.cut_off"}), ("--abort-after", {"dimse.aborted"})],
)
def test_a_peer_that_aborts_half_way(tool: Tool, tmp_path: Path, option: str, codes: set[str]) -> None:
    path = sample("MR_small_implicit.dcm")
    with storescp(tool, tmp_path / "peer", option) as peer, storer(peer, tmp_path) as sender:
        for _again in range(2):
            with pytest.raises(TransientFault) as caught:
                sender.store(path)
            assert caught.value.code in codes


def test_a_peer_that_takes_the_object_and_never_answers(tool: Tool, tmp_path: Path) -> None:
    with storescp(tool, tmp_path / "peer", "--sleep-during", "5") as peer, storer(peer, tmp_path) as sender:
        started = time.monotonic()
        with pytest.raises(TransientFault) as caught:
            sender.store(radiograph(tmp_path / "a.dcm", 1))
        assert caught.value.code == "dimse.slow"
        assert time.monotonic() - started < 6


def test_a_peer_that_says_nothing_at_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        started = time.monotonic()
        with pytest.raises(TransientFault) as caught:
            echo(Peer("127.0.0.1", silent.getsockname()[1], "ARCHIVE", timeouts=QUICK))
        assert caught.value.code == "dimse.slow"
        assert time.monotonic() - started < 6


def test_a_peer_that_stops_reading_is_noticed(tmp_path: Path) -> None:
    stuck = threading.Event()
    path = radiograph(tmp_path / "big.dcm", 1, PixelData=b"\0" * (64 << 20), Rows=4096, Columns=8192)

    def hold(event: Any) -> None:
        # The transport's thread of the peer reads no further.
        if event.pdu.__class__.__name__ == "P_DATA_TF":
            stuck.wait(20)

    from pynetdicom import AE, AllStoragePresentationContexts, evt

    entity = AE(ae_title="ARCHIVE")
    entity.supported_contexts = AllStoragePresentationContexts
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=[(evt.EVT_PDU_RECV, hold)])
    try:
        with storer(Peer("127.0.0.1", port, "ARCHIVE", timeouts=QUICK), tmp_path) as sender:
            started = time.monotonic()
            with pytest.raises(TransientFault) as caught:
                sender.store(path)
            assert caught.value.code == "dimse.slow"
            assert time.monotonic() - started < 8
    finally:
        stuck.set()
        server.shutdown()


def test_a_slow_peer_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = radiograph(tmp_path / "big.dcm", 1, PixelData=b"\0" * (32 << 20), Rows=4096, Columns=4096)
    queued: list[int] = []
    done = threading.Event()
    with answering(maximum_pdu_size=16384) as peer, storer(peer, tmp_path) as sender:
        sender.store(radiograph(tmp_path / "a.dcm", 2))
        dul = sender.link_for().association.dul

        def watch() -> None:
            while not done.wait(0.001):
                queued.append(dul.to_provider_queue.qsize())

        watching = threading.Thread(target=watch)
        watching.start()
        sender.store(path)
        done.set()
        watching.join()
    # Of two thousand blocks.
    assert 1 < max(queued) <= 17


def test_sending_stops_when_it_is_cancelled(tmp_path: Path) -> None:
    ctx = JobContext()
    path = radiograph(tmp_path / "big.dcm", 1, PixelData=b"\0" * (64 << 20), Rows=4096, Columns=8192)
    with answering() as peer, storer(peer, tmp_path) as sender:
        threading.Timer(0.2, ctx.token.cancel).start()
        with pytest.raises(Cancelled):
            sender.store(path, ctx)
        # The association was left half way through an object; the next one gets a new one.
        sender.store(radiograph(tmp_path / "a.dcm", 2))


def test_files_that_do_not_say_what_they_are_are_not_sent(tmp_path: Path) -> None:
    noise = tmp_path / "noise.dcm"
    noise.write_bytes(b"no DICOM at all" * 100)
    path = radiograph(tmp_path / "a.dcm", 1)
    with answering() as peer:
        archive = DimseArchive(peer, tmp_path)
        with contextlib.closing(archive):
            for file, names in ((noise, uids(path)), (path, uids(sample("CT_small.dcm")))):
                with pytest.raises(ItemError) as caught:
                    archive.store_and_prove(file, *names)
                assert caught.value.code == "dimse.unsendable"


def test_an_archive_proves_by_being_asked(tool: Tool, tmp_path: Path) -> None:
    paths = [radiograph(tmp_path / f"{number}.dcm", number) for number in range(3)]
    with dcmqrscp(tool, tmp_path / "peer") as peer:
        archive = DimseArchive(peer, tmp_path)
        with contextlib.closing(archive):
            archive.probe()
            assert [archive.store_and_prove(path, *uids(path)) for path in paths] == ["find"] * 3
            with pytest.raises(EnvironmentFault) as caught:
                archive.remove(uids(paths[0])[1])
            assert caught.value.code == "dimse.cannot_remove"


def test_a_success_that_is_none_is_no_proof(tool: Tool, tmp_path: Path) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    other = {"SOPInstanceUID": "1.2.3", "StudyInstanceUID": "1.2", "SeriesInstanceUID": "1.2.4"}
    for on_find, code in ((found(), "dimse.not_proven"), (found(other), "dimse.not_proven"), (None, "dimse.no_proof")):
        with answering(on_find=on_find) as peer:
            archive = DimseArchive(peer, tmp_path)
            with contextlib.closing(archive), pytest.raises(EnvironmentFault) as caught:
                archive.store_and_prove(path, *uids(path))
            assert caught.value.code == code


def test_orthanc_takes_and_proves(tool: Tool, tmp_path: Path) -> None:
    with orthanc_peer(tool, tmp_path / "peer", free_port()) as (peer, server):
        archive = DimseArchive(peer, tmp_path, commit_s=0.5)
        paths = [sample(name) for name in SYNTAXES]
        with contextlib.closing(archive):
            # It promises commitments, and can tell nobody of them: it is asked instead.
            assert {archive.store_and_prove(path, *uids(path)) for path in paths} == {"find"}
        assert len(server.instances()) == len({uids(path)[1] for path in paths})


@pytest.mark.parametrize(
    ("trust", "code"),
    [("ca", None), ("pin", None), ("nobody", "dimse.certificate"), ("other pin", "dimse.certificate")],
)
def test_tls_is_verified(tool: Tool, tmp_path: Path, trust: str, code: str | None) -> None:
    public, both = certificate(tmp_path / "pki", "127.0.0.1")
    der = ssl.PEM_cert_to_DER_cert(public.read_text())
    tls = {
        "ca": Tls(ca=str(public)),
        "pin": Tls(pin=fingerprint(der).upper()),
        "nobody": Tls(),
        "other pin": Tls(pin="ab" * 32),
    }[trust]
    key = tmp_path / "pki" / "key.pem"
    key.write_text(both.read_text()[len(public.read_text()) :])
    options = ("+tls", str(key), str(public), "-ic")
    with storescp(tool, tmp_path / "peer", *options, tls=tls) as peer, storer(peer, tmp_path) as sender:
        if code is None:
            sender.store(radiograph(tmp_path / "a.dcm", 1))
        else:
            with pytest.raises(EnvironmentFault) as caught:
                sender.store(radiograph(tmp_path / "a.dcm", 1))
            assert caught.value.code == code


def test_a_peer_without_tls_gets_nothing_in_plain_text(tool: Tool, tmp_path: Path) -> None:
    with storescp(tool, tmp_path / "peer") as peer, pytest.raises(BitewingError) as caught:
        echo(Peer(peer.host, peer.port, "ANY", tls=Tls(), timeouts=QUICK))
    assert caught.value.code in {"dimse.tls", "dimse.slow"}
