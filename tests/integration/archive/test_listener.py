"""The DICOM listener against dcmtk's own senders, and against peers that mean harm."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.data import get_testdata_file

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.domain.roles import owner
from app.services.receive_report import ReceiveReport
from tests.integration.import_material import radiograph
from tests.servers import free_port

OWNER, AET = owner("test"), "BITEWING"
ROOT = Path(__file__).resolve().parents[3]
Tool = Callable[[str], str]


class Receiver:
    """A library that listens, in a thread of the test."""

    def __init__(self, library: Library) -> None:
        self.library, self.port, self.report = library, free_port(), ReceiveReport()
        self.token = CancelToken()
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            ctx = JobContext(self.token, lambda _progress: None)
            self.library.receiving.run(OWNER, ctx, self.report, self.port, AET)
        except Cancelled:
            pass
        except BitewingError as error:
            self.error = error
        finally:
            self.library.close_thread()

    def start(self) -> None:
        self.thread.start()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError(self.error)

    def stop(self) -> None:
        self.token.cancel()
        self.thread.join(30)
        assert not self.thread.is_alive()
        assert self.error is None

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + 30
        while self.report.counts.total() < count:
            assert time.monotonic() < deadline, self.report
            time.sleep(0.05)


@pytest.fixture
def receiver(library: Library) -> Iterator[Receiver]:
    made = Receiver(library)
    made.start()
    yield made
    made.stop()


def send(tool: Tool, receiver: Receiver, *words: str | Path, called: str = AET) -> subprocess.CompletedProcess[str]:
    command, *files = words
    return subprocess.run(
        [tool(str(command)), "-aet", "SENSOR", "-aec", called, "127.0.0.1", str(receiver.port), *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_echo_and_store(receiver: Receiver, library: Library, tmp_path: Path, tool: Tool) -> None:
    assert send(tool, receiver, "echoscu").returncode == 0
    paths = [radiograph(tmp_path / f"{number}.dcm", number) for number in range(3)]
    assert send(tool, receiver, "storescu", *paths).returncode == 0
    receiver.wait_for(3)
    # A modality that is not sure sends again: nothing is filed twice.
    assert send(tool, receiver, "storescu", *paths).returncode == 0
    receiver.wait_for(6)
    assert receiver.report.counts == {"imported": 3, "duplicate": 3}
    assert len(library.images.list(OWNER)) == 3
    assert library.patients.resolve(OWNER, "17").family_name == "Doe"
    # They are counted when they are filed, and taken away right after.
    deadline = time.monotonic() + 10
    while list(library.paths.received.iterdir()):
        assert time.monotonic() < deadline, "what was filed stays where it was received"
        time.sleep(0.05)
    for image in library.images.list(OWNER):
        got = pydicom.dcmread(library.paths.root / image.path)
        sent = [pydicom.dcmread(path) for path in paths if pydicom.dcmread(path).SOPInstanceUID == got.SOPInstanceUID]
        assert got.PixelData == sent[0].PixelData
        assert got == sent[0]


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xe", "CT_small.dcm"),
        ("-xi", "CT_small.dcm"),
        ("-xb", "MR_small_bigendian.dcm"),
        ("-xy", "SC_rgb_jpeg_dcmtk.dcm"),
        ("-xw", "JPEG2000.dcm"),
        ("-xu", "JPEGLSNearLossless_08.dcm"),
        ("-xr", "MR_small_RLE.dcm"),
        ("-xv", "MR_small_jp2klossless.dcm"),
        ("-xt", "MR_small_jpeg_ls_lossless.dcm"),
        ("-xx", "JPGExtended.dcm"),
    ],
)
def test_every_transfer_syntax_that_dcmtk_offers(
    receiver: Receiver, library: Library, tool: Tool, option: str, name: str
) -> None:
    path = Path(str(get_testdata_file(name)))
    done = send(tool, receiver, "storescu", option, path)
    assert done.returncode == 0, done.stderr
    receiver.wait_for(1)
    [(status, count)] = receiver.report.counts.items()
    assert status in {"imported", "inbox"}
    assert count == 1
    record = (library.images.list(OWNER) or library.inbox.list(OWNER))[0]
    assert record.sop_instance_uid == str(pydicom.dcmread(path).SOPInstanceUID)


def test_peers_that_mean_harm(receiver: Receiver, library: Library, tmp_path: Path, tool: Tool) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    assert send(tool, receiver, "storescu", path, called="SOMEBODY").returncode != 0
    for noise in (
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x01\x00\xff\xff\xff\xff" + b"A" * 5000,
        b"\x04\x00\x7f\xff\xff\xff",
        b"",
    ):
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=10) as peer:
            peer.sendall(noise)
    idle = [socket.create_connection(("127.0.0.1", receiver.port), timeout=10) for _number in range(60)]
    for peer in idle:
        peer.close()
    deadline = time.monotonic() + 30
    while send(tool, receiver, "storescu", path).returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    receiver.wait_for(1)
    assert len(library.images.list(OWNER)) == 1


def test_what_was_taken_before_a_crash_is_imported_at_the_next_start(library: Library, tmp_path: Path) -> None:
    library.paths.received.mkdir()
    radiograph(library.paths.received / "1.2.3.dcm", 1)
    (library.paths.received / "half.part").write_bytes(b"half")
    receiver = Receiver(library)
    receiver.start()
    receiver.wait_for(1)
    receiver.stop()
    assert len(library.images.list(OWNER)) == 1


def test_a_port_that_is_taken_is_said(library: Library) -> None:
    with socket.create_server(("", 0)) as taken, pytest.raises(EnvironmentFault) as caught:
        library.receiving.run(OWNER, JobContext.silent(), ReceiveReport(), taken.getsockname()[1], AET)
    assert caught.value.code == "receive.port_taken"


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT to a child there")
def test_on_the_command_line(library: Library, tmp_path: Path, tool: Tool) -> None:
    port = free_port()
    command = [sys.executable, "-m", "app", "receive", "--port", str(port), "--aet", AET, "--json"]
    process = subprocess.Popen(
        [*command, "--library", str(library.paths.root)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    path = radiograph(tmp_path / "a.dcm", 1)
    deadline = time.monotonic() + 30
    sender = [tool("storescu"), "-aec", AET, "127.0.0.1", str(port), str(path)]
    while subprocess.run(sender, capture_output=True, check=False).returncode != 0:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    while not library.images.list(OWNER):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=30)
    assert b"Traceback" not in errors
    assert b'"imported": 1' in out


def test_what_is_no_image_is_kept_all_the_same(library: Library) -> None:
    library.paths.received.mkdir()
    report = Path(str(get_testdata_file("test-SR.dcm"))).read_bytes()
    (library.paths.received / "sr.dcm").write_bytes(report)
    receiver = Receiver(library)
    receiver.start()
    receiver.wait_for(1)
    receiver.stop()
    # Another one of the same name does not take its place.
    (library.paths.received / "sr.dcm").write_bytes(report + b"\0\0")
    receiver = Receiver(library)
    receiver.start()
    receiver.wait_for(1)
    receiver.stop()
    kept = [path.read_bytes() for path in (library.paths.received / "aside").iterdir()]
    assert sorted(kept) == [report, report + b"\0\0"]


def test_what_cannot_leave_the_spool_is_not_imported_in_a_circle(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    library.paths.received.mkdir()
    stuck = radiograph(library.paths.received / "1.2.3.dcm", 1)
    unlink = Path.unlink

    def refusing(self: Path, missing_ok: bool = False) -> None:
        if self == stuck:
            raise PermissionError(13, "held by a scanner", str(self))
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refusing)
    receiver = Receiver(library)
    receiver.start()
    receiver.wait_for(1)
    time.sleep(2)
    receiver.stop()
    assert receiver.report.counts == {"imported": 1}
    assert len(library.images.list(OWNER)) == 1
