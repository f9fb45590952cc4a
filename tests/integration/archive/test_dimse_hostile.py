"""The listener against peers that mean harm: what they cost is bounded, and a proper sensor still gets through."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from app.transfer.listener import Listener, ListenerArgs
from tests.integration.archive.dimse_peers import Tool, uids
from tests.integration.archive.hostile import AET, LIMIT_BYTES
from tests.integration.import_material import radiograph
from tests.servers import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="attacks from 127.0.0.2, and counts descriptors")
ROOT = Path(__file__).resolve().parents[3]
SHORT, LONG = 300, 10_000
# What the door and all its guests may cost, whatever they do.
MOST_BYTES, MOST_DESCRIPTORS = 150 << 20, 300


@contextlib.contextmanager
def process(mode: str, port: int, last: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of the hostile module's parts until the block ends."""
    command = [sys.executable, "-m", "tests.integration.archive.hostile", mode, str(port), last]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **environment}
    ) as running:
        assert running.stdout is not None
        try:
            yield running
        finally:
            assert running.stdin is not None
            running.stdin.close()
            try:
                running.wait(30)
            except subprocess.TimeoutExpired:
                running.kill()
                raise


def wait_until_ready(running: subprocess.Popen[bytes]) -> int:
    """Return how many connections were made, once they are."""
    assert running.stdout is not None
    return int(running.stdout.readline())


@dataclass
class Attacked:
    """A listener in a process of its own, and what it has cost at most."""

    port: int
    folder: Path
    watched: psutil.Process
    tool: Tool
    before: int = 0
    sent: list[Path] = field(default_factory=list)
    memory: int = 0
    descriptors: int = 0

    def look(self) -> None:
        self.memory = max(self.memory, self.watched.memory_info().rss - self.before)
        self.descriptors = max(self.descriptors, self.watched.num_fds())

    def sensor(self) -> float:
        """Have dcmtk's sender bring an image; return how many seconds it took. It asks again when it is put off."""
        path = radiograph(self.folder.parent / "sent" / f"{len(self.sent)}.dcm", len(self.sent))
        command = [self.tool("storescu"), "-aec", AET, "127.0.0.1", str(self.port), str(path)]
        started = time.monotonic()
        while subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0:
            self.look()
            assert time.monotonic() - started < 40
            time.sleep(0.2)
        self.sent.append(path)
        self.look()
        return time.monotonic() - started

    def check(self, what: str, *, took_s: float = 0.0) -> None:
        """Require that what the sensor brought is there, that nothing else is, and what it has cost."""
        deadline = time.monotonic() + 15
        names = sorted(f"{uids(path)[1]}.dcm" for path in self.sent)
        while sorted(path.name for path in self.folder.iterdir()) != names:
            assert time.monotonic() < deadline, (list(self.folder.iterdir()), names)
            time.sleep(0.1)
        self.look()
        print(f"{what}: +{self.memory >> 20} MiB, {self.descriptors} descriptors, sensor {took_s:.1f} s")
        assert self.memory < MOST_BYTES
        assert self.descriptors < MOST_DESCRIPTORS


@pytest.fixture
def attacked(tool: Tool, tmp_path: Path) -> Iterator[Attacked]:
    port, folder = free_port(), tmp_path / "spool"
    # No file may need the system's temporary folder.
    with process("listen", port, str(folder), TMPDIR="/nowhere") as running:
        wait_until_ready(running)
        made = Attacked(port, folder, psutil.Process(running.pid), tool)
        made.sensor()
        made.before, made.memory = made.watched.memory_info().rss, 0
        yield made
        assert running.poll() is None


@pytest.fixture
def count(long_run: bool) -> int:
    """How many connections; the long form needs as many descriptors."""
    if not long_run:
        return SHORT
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < LONG + 100:
        pytest.skip(f"only {hard} descriptors are allowed here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, LONG + 100), hard))
    return LONG


@pytest.mark.parametrize("mode", ["idle", "dropped", "loris", "garbage", "wrong_name", "hogs"])
def test_very_many_connections_do_no_harm(attacked: Attacked, count: int, mode: str) -> None:
    # Each association that is let in costs its attacker a handshake; a tenth of them is harm enough.
    many = count // 10 if mode == "hogs" else count
    started = time.monotonic()
    with process(mode, attacked.port, str(many)) as attacker:
        took = attacked.sensor()
        # An attack that did not take place proves nothing.
        assert wait_until_ready(attacker) >= many * 0.9
        lasted = time.monotonic() - started
        took = max(took, attacked.sensor())
        attacked.look()
    took = max(took, attacked.sensor())
    attacked.check(f"{many} x {mode} in {lasted:.1f} s", took_s=took)


@pytest.mark.parametrize(
    ("mode", "times"),
    [("oversized", 3), ("endless", 3), ("endless_command", 3), ("halfway", 30), ("impatient", 2000)],
)
def test_what_has_no_end_is_ended(attacked: Attacked, mode: str, times: int) -> None:
    with process(mode, attacked.port, str(times)) as attacker:
        took = attacked.sensor()
        while attacker.poll() is None and not _has_said(attacker):
            attacked.look()
        took = max(took, attacked.sensor())
    if mode == "impatient":
        # Some of what was sent so hastily was taken in full before it was cut off; that is no harm.
        for path in attacked.folder.glob("1.2.3.4.5*.dcm"):
            path.unlink()
    attacked.check(f"{times} x {mode}", took_s=took)


def _has_said(attacker: subprocess.Popen[bytes]) -> bool:
    import select

    return bool(select.select([attacker.stdout], [], [], 0.05)[0])


def test_one_computer_that_holds_every_place_gives_way(attacked: Attacked) -> None:
    from tests.integration.archive.hostile import associated

    with contextlib.ExitStack() as stack:
        for _number in range(20):
            stack.enter_context(associated(attacked.port))
        # From the same address: one that says nothing for some seconds has to go.
        took = attacked.sensor()
    assert took < 20
    attacked.check("twenty of one", took_s=took)


def test_a_wrong_name_is_refused_in_words(attacked: Attacked) -> None:
    command = [attacked.tool("echoscu"), "-v", "-aec", "SOMEBODY", "127.0.0.1", str(attacked.port)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stdout + done.stderr


def test_a_disk_that_fills_up_while_an_object_arrives(tool: Tool, tmp_path: Path) -> None:
    asked: list[int] = []

    def has_room() -> bool:
        asked.append(1)
        return len(asked) != 3

    port, spool = free_port(), tmp_path / "spool"
    listener = Listener(ListenerArgs(port, AET, spool, "127.0.0.1"), has_room)
    listener.start()
    try:
        path = radiograph(tmp_path / "big.dcm", 1, PixelData=b"\1" * (16 << 20), Rows=2048, Columns=4096)
        command = [tool("storescu"), "-v", "-aec", AET, "127.0.0.1", str(port), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        # It is told, in the words of the standard, and nothing of it stays.
        assert "OutOfResources" in done.stdout + done.stderr
        assert list(spool.iterdir()) == []
        assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
        [kept] = spool.iterdir()
        assert kept.stat().st_size > LIMIT_BYTES
    finally:
        listener.stop()


def test_what_a_crash_left_is_swept_away(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir()
    old, fresh = spool / "old.part", spool / "fresh.part"
    for path in (old, fresh):
        path.write_bytes(b"half")
    an_hour_ago = time.time() - 3600
    os.utime(old, (an_hour_ago, an_hour_ago))
    listener = Listener(ListenerArgs(free_port(), AET, spool, "127.0.0.1"))
    listener.start()
    try:
        deadline = time.monotonic() + 10
        while old.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # Another listener of this library may be writing it just now.
        assert fresh.exists()
    finally:
        listener.stop()


def test_stopping_leaves_neither_threads_nor_halves(tool: Tool, tmp_path: Path) -> None:
    import threading

    from tests.integration.archive.hostile import SECONDARY_CAPTURE, STORE_RQ, associated, command, p_data

    port, spool = free_port(), tmp_path / "spool"
    before = set(threading.enumerate())
    listener = Listener(ListenerArgs(port, AET, spool, "127.0.0.1"))
    listener.start()
    with associated(port) as peer:
        peer.sendall(p_data(1, 3, command(STORE_RQ, SECONDARY_CAPTURE, has_data=True)) + p_data(1, 0, b"\0" * 5000))
        deadline = time.monotonic() + 10
        while not list(spool.glob("*.part")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        listener.stop()
    assert list(spool.iterdir()) == []
    assert set(threading.enumerate()) <= before
