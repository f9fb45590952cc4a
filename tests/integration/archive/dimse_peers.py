"""Real DICOM peers for the tests: dcmtk's, and pynetdicom's where a peer has to answer what dcmtk never does."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import StorageCommitmentPushModel, StudyRootQueryRetrieveInformationModelFind, Verification

from app.transfer.dimse.peer import Peer, Timeouts, Tls
from tests.servers import OrthancServer, free_port, orthanc

Tool = Callable[[str], str]
OUR_AET = "BITEWING"
QUICK = Timeouts(connect_s=2, associate_s=2, answer_s=2, stalled_s=2)
SYNTAXES = [
    "CT_small.dcm",
    "MR_small_implicit.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_RLE.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "JPEG2000.dcm",
    "JPGExtended.dcm",
]


def sample(name: str) -> Path:
    """Return one of pydicom's own files."""
    return Path(str(get_testdata_file(name)))


def uids(path: Path) -> tuple[str, str, str, str]:
    """Return class, instance, study and series of a file."""
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    return dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.StudyInstanceUID, dataset.SeriesInstanceUID


@contextlib.contextmanager
def running(command: list[str], peer: Peer, folder: Path) -> Iterator[Peer]:
    """Run a server until the block ends; it counts as started once something listens."""
    with (folder / "server.log").open("ab") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            deadline = time.monotonic() + 15
            while not _is_listening(peer):
                assert process.poll() is None, (folder / "server.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield peer
        finally:
            process.terminate()
            process.wait(10)


def _is_listening(peer: Peer) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((peer.host, peer.port)) == 0


@contextlib.contextmanager
def storescp(tool: Tool, folder: Path, *options: str, tls: Tls | None = None, aet: str = "ANY") -> Iterator[Peer]:
    """Run dcmtk's plain receiver, which keeps every byte of a data set as it came."""
    folder.mkdir(parents=True, exist_ok=True)
    peer = Peer("127.0.0.1", free_port(), aet, OUR_AET, tls, QUICK)
    bits = [] if "-xf" in options else ["+B"]
    with running([tool("storescp"), *bits, "-od", str(folder), *options, str(peer.port)], peer, folder):
        yield peer


@contextlib.contextmanager
def dcmqrscp(tool: Tool, folder: Path, our_port: int = 1) -> Iterator[Peer]:
    """Run dcmtk's archive, which knows our listener at this port."""
    (folder / "storage").mkdir(parents=True, exist_ok=True)
    port = free_port()
    (folder / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        f"HostTable BEGIN\nours = ({OUR_AET}, 127.0.0.1, {our_port})\nHostTable END\n"
        "VendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nARCHIVE {folder / 'storage'} RW (500, 1024mb) ANY\nAETable END\n"
    )
    peer = Peer("127.0.0.1", port, "ARCHIVE", OUR_AET, None, Timeouts(2, 3, 10, 10))
    command = [tool("dcmqrscp"), "-c", str(folder / "dcmqrscp.cfg")]
    with running(command, peer, folder):
        yield peer


@contextlib.contextmanager
def orthanc_peer(tool: Tool, folder: Path, our_port: int) -> Iterator[tuple[Peer, OrthancServer]]:
    """Run an Orthanc that knows our listener at this port, and lets us ask, fetch and have commitments."""
    ours = {"AET": OUR_AET, "Host": "127.0.0.1", "Port": our_port, "AllowGet": True, "AllowMove": True}
    known = {"ours": {**ours, "AllowFind": True, "AllowStorageCommitment": True}}
    # It answers in its own repertoire, whatever it is asked in.
    more = {"DicomAet": "ORTHANC", "DicomModalities": known, "DefaultEncoding": "Utf8"}
    with orthanc(tool("Orthanc"), folder, **more) as server:
        yield Peer("127.0.0.1", server.dicom_port, "ORTHANC", OUR_AET, None, Timeouts(2, 5, 10, 10)), server


@contextlib.contextmanager
def answering(
    on_store: Callable[[Any], Any] = lambda _event: 0x0000,
    on_find: Callable[[Any], Iterator[Any]] | None = None,
    on_action: Callable[[Any], Any] | None = None,
    syntaxes: list[str] | None = None,
    **settings: Any,
) -> Iterator[Peer]:
    """Run a peer that answers as it is told."""
    entity = AE(ae_title="ARCHIVE")
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(str(context.abstract_syntax), syntaxes or context.transfer_syntax)
    entity.add_supported_context(Verification)
    handlers: list[Any] = [(evt.EVT_C_STORE, on_store)]
    if on_find is not None:
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        handlers.append((evt.EVT_C_FIND, on_find))
    if on_action is not None:
        entity.add_supported_context(StorageCommitmentPushModel)
        handlers.append((evt.EVT_N_ACTION, on_action))
    for name, value in settings.items():
        setattr(entity, name, value)
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False, evt_handlers=handlers)
    try:
        yield Peer("127.0.0.1", port, "ARCHIVE", OUR_AET, None, QUICK)
    finally:
        server.shutdown()


def found(*rows: dict[str, str]) -> Callable[[Any], Iterator[Any]]:
    """Return a handler of C-FIND that answers with these rows."""

    def on_find(_event: Any) -> Iterator[Any]:
        for row in rows:
            dataset = Dataset()
            for keyword, value in row.items():
                setattr(dataset, keyword, value)
            yield 0xFF00, dataset

    return on_find
