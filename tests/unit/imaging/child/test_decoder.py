"""The decoding child dies, hangs, overeats: the parent gets a code and goes on."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pydicom
import pytest
from pydicom.data import get_testdata_file

from app.core.cancel import CancelToken
from app.core.errors import BitewingError, Cancelled, UserError
from app.domain.image import FileKind
from app.imaging import pictures
from app.imaging.child import caps, launch
from app.imaging.child.client import Decoder
from app.imaging.header_full import full_header
from app.imaging.probe import probe
from app.imaging.render import render_picture
from app.imaging.render_args import RenderArgs

MakeDecoder = Callable[..., Decoder]
ROOT = Path(__file__).resolve().parents[4]
linux_only = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="uses Linux limits")


def _code(action: Callable[[], object]) -> str:
    with pytest.raises(BitewingError) as caught:
        action()
    return caught.value.code


def _fault(decoder: Decoder, fault: str, **more: object) -> object:
    return decoder._exchange({"op": "fault", "fault": fault, **more}).header["value"]


def _shared_memory() -> set[str]:
    folder = Path("/dev/shm")
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def test_every_operation_gives_what_the_reader_gives_in_process(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    assert decoder.probe(ct_file) == probe(ct_file)
    assert np.array_equal(decoder.stored(ct_file), pictures.stored_pixels(ct_file))
    frame, expected = decoder.frame(ct_file), pictures.load_frame(ct_file)
    assert np.array_equal(frame.values, expected.values)
    assert frame.values.dtype == expected.values.dtype
    assert frame.default_window == expected.default_window
    assert frame.spacing == expected.spacing
    picture = decoder.render(ct_file, RenderArgs(window=(1000.0, 500.0), size=(64, 64)))
    assert picture.shape == (64, 64)
    assert np.array_equal(decoder.render(ct_file), render_picture(expected))
    examined = decoder.examine(ct_file)
    assert examined.facts.kind is FileKind.DICOM
    assert examined.facts.pixel_sha256 is not None
    assert examined.thumbnail_jpeg is not None
    assert examined.thumbnail_jpeg[:2] == b"\xff\xd8"
    assert decoder.thumbnail(ct_file)[:2] == b"\xff\xd8"
    assert decoder.header(ct_file) == full_header(ct_file)


def test_results_are_writable_and_outlive_the_decoder(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    stored = decoder.stored(ct_file)
    large = np.array(stored)
    decoder.close()
    assert np.array_equal(stored, large)


def test_a_crash_costs_one_request(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    decoder.warm()
    (before,) = decoder.pids
    assert _code(lambda: _fault(decoder, "crash")) == "decoder.died"
    assert decoder.probe(ct_file).rows == 128
    assert decoder.pids != (before,)
    assert not psutil.pid_exists(before)


def test_killed_in_the_middle_of_a_request(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    decoder.warm()
    (pid,) = decoder.pids
    threading.Timer(0.3, os.kill, (pid, signal.SIGKILL)).start()
    assert _code(lambda: _fault(decoder, "hang")) == "decoder.died"
    assert decoder.probe(ct_file).rows == 128


def test_killed_while_idle_is_not_noticed_by_the_caller(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    decoder.warm()
    (pid,) = decoder.pids
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], timeout=0.2)
    assert decoder.probe(ct_file).rows == 128


def test_silence_ends_in_a_timeout(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder(request_limit_s=1.0)
    started = time.monotonic()
    assert _code(lambda: _fault(decoder, "hang")) == "decoder.timeout"
    assert time.monotonic() - started < 10
    assert decoder.probe(ct_file).rows == 128


def test_long_work_that_reports_frames_is_not_silence(make_decoder: MakeDecoder) -> None:
    decoder = make_decoder(request_limit_s=1.0)
    assert _fault(decoder, "slow", times=4, pause_s=0.5)["pid"] == decoder.pids[0]  # type: ignore[index]


@linux_only
def test_too_much_memory_is_refused_by_the_system(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    assert _code(lambda: _fault(decoder, "memory", bytes=caps.MEMORY_LIMIT_BYTES)) == "decoder.memory"
    assert decoder.pids == ()  # a child short of memory is not trusted with the next file
    assert decoder.probe(ct_file).rows == 128


def test_too_much_memory_is_seen_where_the_system_cannot_refuse(
    make_decoder: MakeDecoder, monkeypatch: pytest.MonkeyPatch, ct_file: Path
) -> None:
    monkeypatch.setattr(caps, "can_limit_memory", lambda: False)
    decoder = make_decoder(memory_bytes=300 * 1024 * 1024)
    assert _code(lambda: _fault(decoder, "eat", bytes=600 * 1024 * 1024)) == "decoder.memory"
    assert decoder.probe(ct_file).rows == 128


@linux_only
def test_the_child_has_no_secrets_and_no_network(make_decoder: MakeDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BITEWING_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    decoder = make_decoder()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        report = _fault(decoder, "report", port=listener.getsockname()[1])
    assert isinstance(report, dict)
    assert not {"BITEWING_TOKEN", "AWS_SECRET_ACCESS_KEY", "BITEWING_SECRETS_FILE"} & set(report["environment"])
    with decoder._changed:
        applied = decoder._idle[0].caps
    if not applied["network"]:
        pytest.skip("this account may not make a network namespace")
    assert report["network"] is False


def test_faults_are_refused_outside_of_tests(make_decoder: MakeDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(launch.FAULTS_VARIABLE)
    assert _code(lambda: _fault(make_decoder(), "hang")) == "file.undecodable"


def test_two_children_work_at_the_same_time(make_decoder: MakeDecoder) -> None:
    decoder = make_decoder(children=2)
    pids: list[object] = []
    both_in = threading.Barrier(2)

    def work() -> None:
        both_in.wait()
        pids.append(_fault(decoder, "slow", times=1, pause_s=0.5)["pid"])  # type: ignore[index]

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(pids)) == 2


def test_many_threads_share_one_child(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder = make_decoder()
    rows: list[int | None] = []
    workers = [threading.Thread(target=lambda: rows.append(decoder.probe(ct_file).rows)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert rows == [128] * 8
    assert len(decoder.pids) == 1


def test_a_child_outlives_the_thread_that_first_needed_it(make_decoder: MakeDecoder) -> None:
    decoder = make_decoder()
    starter = threading.Thread(target=decoder.warm)
    starter.start()
    starter.join()
    time.sleep(0.2)
    (pid,) = decoder.pids
    assert _fault(decoder, "slow", times=0, pause_s=0)["pid"] == pid  # type: ignore[index]


def test_cancelling_ends_the_request_at_once(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder, token = make_decoder(), CancelToken()
    decoder.warm()
    threading.Timer(0.3, token.cancel).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        decoder._exchange({"op": "fault", "fault": "hang"}, token)
    assert time.monotonic() - started < 5


def test_cancelling_later_leaves_other_requests_alone(make_decoder: MakeDecoder, ct_file: Path) -> None:
    decoder, token = make_decoder(), CancelToken()
    decoder.probe(ct_file, token=token)
    (pid,) = decoder.pids
    token.cancel()
    assert decoder.probe(ct_file).rows == 128
    assert decoder.pids == (pid,)


def test_closing_ends_a_running_request(make_decoder: MakeDecoder) -> None:
    decoder = make_decoder()
    decoder.warm()
    (pid,) = decoder.pids
    threading.Timer(0.3, decoder.close).start()
    assert _code(lambda: _fault(decoder, "hang")) == "decoder.closed"
    assert not psutil.pid_exists(pid)
    assert _code(decoder.warm) == "decoder.closed"


def test_the_working_directory_does_not_matter(
    make_decoder: MakeDecoder, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "numpy.py").write_text("raise SystemExit('a file of the folder was imported')")
    (tmp_path / "a.dcm").write_bytes(ct_file.read_bytes())
    assert make_decoder().probe(Path("a.dcm")).rows == 128


def test_a_frozen_program_starts_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert launch.command(["1", "2", "3"]) == [sys.executable, launch.HIDDEN_ARGUMENT, "1", "2", "3"]


@linux_only
def test_nothing_is_left_when_the_parent_is_killed(tmp_path: Path, ct_file: Path) -> None:
    before = _shared_memory()
    script = (
        "import sys; from pathlib import Path; from app.imaging.child.client import Decoder\n"
        "d = Decoder(); d.stored(Path(sys.argv[1])); print(*d.pids, flush=True)\n"
        "d._exchange({'op': 'fault', 'fault': 'hang'})\n"
    )
    environment = {**os.environ, launch.FAULTS_VARIABLE: "1"}
    with subprocess.Popen(
        [sys.executable, "-c", script, str(ct_file)], cwd=ROOT, stdout=subprocess.PIPE, env=environment
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.2)
        parent.kill()
    _, alive = psutil.wait_procs([child], timeout=5)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
    assert _shared_memory() <= before


def test_a_preview_is_smaller_than_its_view(make_decoder: MakeDecoder) -> None:
    decoder, path = make_decoder(), Path(str(get_testdata_file("JPEG2000.dcm")))
    preview = decoder.frame(path, max_pixels=(180, 720))
    assert preview.values.shape == (256, 64)
    assert preview.label == "reduced_resolution"
    full = decoder.frame(path)
    assert (full.values.shape, full.label) == ((1024, 256), None)


def test_importing_the_client_loads_nothing_heavy() -> None:
    script = (
        "import sys, app.imaging.child.client\n"
        "print([name for name in ('numpy', 'pydicom', 'cv2', 'PIL', 'imagecodecs') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def _volume(path: Path, frames: int, rows: int) -> Path:
    """Write a multi-frame file whose frames are holes in the file, the last pixel excepted."""
    dataset = pydicom.dcmread(str(get_testdata_file("CT_small.dcm")), stop_before_pixels=True)
    dataset.NumberOfFrames, dataset.Rows, dataset.Columns = frames, rows, rows
    size = frames * rows * rows * 2
    dataset.save_as(path)
    with path.open("r+b") as stream:
        stream.seek(0, os.SEEK_END)
        stream.write(struct.pack("<HH2sHI", 0x7FE0, 0x10, b"OW", 0, size))
        stream.truncate(stream.tell() + size)
        stream.seek(-2, os.SEEK_END)
        stream.write(b"\x07\0")
    return path


@linux_only
def test_a_volume_larger_than_the_cap_is_read_frame_by_frame(make_decoder: MakeDecoder, tmp_path: Path) -> None:
    path = _volume(tmp_path / "a.dcm", 420, 1600)
    assert path.stat().st_size > caps.MEMORY_LIMIT_BYTES + (512 << 20)
    decoder = make_decoder()
    assert decoder.probe(path).frames == 420
    assert decoder.frame(path, 419).values[-1, -1] == 7
    assert decoder.frame(path, 3).values.max() == 0
    assert _code(lambda: decoder.stored(path)) == "decoder.memory"


def test_a_file_that_changed_is_opened_again(make_decoder: MakeDecoder, tmp_path: Path) -> None:
    decoder = make_decoder()
    path = _volume(tmp_path / "a.dcm", 2, 16)
    assert decoder.frame(path, 1).values.shape == (16, 16)
    path.unlink()
    _volume(path, 3, 24)
    assert decoder.frame(path, 2).values.shape == (24, 24)
    path.unlink()
    assert _code(lambda: decoder.frame(path, 0)) == "file.missing"


def test_a_missing_file_is_named_as_such(make_decoder: MakeDecoder, tmp_path: Path) -> None:
    assert _code(lambda: make_decoder().probe(tmp_path / "gone.dcm")) == "file.missing"


def test_kinds_of_errors_survive_the_way_home(make_decoder: MakeDecoder, tmp_path: Path) -> None:
    text = tmp_path / "a.jpg"
    text.write_text("not a picture, whatever it is called")
    with pytest.raises(UserError) as caught:
        make_decoder().frame(text)
    assert caught.value.code == "file.not_an_image"
