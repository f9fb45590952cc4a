"""Without a network images wait, killed drainers lose and double nothing, and a server that returns is served soon."""

from __future__ import annotations

import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.import_material import radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()
ROOT = Path(__file__).resolve().parents[3]
IMAGES, KILLS = 60, 4
LONG_IMAGES, LONG_KILLS = 1_000, 20
PATIENTS = 12


def agent(library: Library) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "agent", "--library", str(library.paths.root)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    _out, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors.decode()


@contextmanager
def counting(port: int) -> Iterator[list[float]]:
    """Stand where the server was, hang up on everybody, and note when each came."""
    came: list[float] = []
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(0.1)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                try:
                    caller, _address = listener.accept()
                except TimeoutError:
                    continue
                came.append(time.monotonic())
                caller.close()

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield came
        finally:
            done.set()
            thread.join()


def waiting(library: Library) -> int:
    [queue] = library.outbox.queues(OWNER)
    return queue.waiting


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_killed_drainers_lose_nothing_double_nothing_and_keep_the_order(
    library: Library, server: OrthancServer, tmp_path: Path, long_run: bool
) -> None:
    images, kills = (LONG_IMAGES, LONG_KILLS) if long_run else (IMAGES, KILLS)
    connect(library, server.url)
    server.stop()
    for number in range(images):
        patient = number % PATIENTS
        radiograph(
            tmp_path / "in" / f"{number:04}.dcm", number, PatientID=f"P{patient}", PatientName=f"Family{patient}^Given"
        )
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    assert waiting(library) == images
    chance, killed, returns_at = random.Random(), 0, kills // 4
    while killed < kills:
        process = agent(library)
        time.sleep(chance.uniform(0.6, 1.6))
        process.kill()
        process.communicate()
        killed += 1
        if killed == returns_at:
            server.start()
    process, deadline = agent(library), time.monotonic() + 240
    # Until it listens to signals.
    time.sleep(2)
    while waiting(library):
        assert time.monotonic() < deadline, library.outbox.queues(OWNER)
        time.sleep(0.2)
    end(process)
    records = library.images.list(OWNER)
    copies = [library.outbox.copies(OWNER, record.id) for record in records]
    print(f"offline: {images} images, {killed} kills, {len(server.instances())} there")
    assert len(records) == images
    assert [len(found) for found in copies] == [1] * images
    assert sorted(server.instances()) == sorted(found[0].remote_id for found in copies)
    _require_order(library, server)


def _require_order(library: Library, server: OrthancServer) -> None:
    """Within each patient, instances arrived in the order of their entries."""
    with server.client() as client:
        arrived = {}
        since = 0
        while True:
            page = client.get("/changes", params={"since": since, "limit": 1000}).raise_for_status().json()
            for change in page["Changes"]:
                if change["ChangeType"] == "NewInstance":
                    arrived.setdefault(change["ID"], change["Seq"])
            since = page["Last"]
            if page["Done"]:
                break
    rows = library.store.database.rows(
        "SELECT o.patient_id, c.remote_id FROM outbox o JOIN copies c ON c.image_id = o.image_id ORDER BY o.number"
    )
    by_patient = defaultdict(list)
    for patient_id, instance in rows:
        by_patient[patient_id].append(arrived[instance])
    assert len(by_patient) == PATIENTS
    assert all(order == sorted(order) for order in by_patient.values())


def test_a_server_that_returns_is_served_soon_and_was_not_pestered(
    library: Library, server: OrthancServer, tmp_path: Path, long_run: bool
) -> None:
    away_s = 30.0 if long_run else 4.0
    connect(library, server.url)
    process = agent(library)
    try:
        radiograph(tmp_path / "in" / "0.dcm", 0)
        library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
        deadline = time.monotonic() + 30
        while waiting(library):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        server.stop()
        with counting(server.http_port) as came:
            for number in range(1, 6):
                radiograph(tmp_path / "in" / f"{number}.dcm", number)
            library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
            time.sleep(away_s)
        server.start()
        returned = time.monotonic()
        while len(server.instances()) < 2:
            assert time.monotonic() < returned + 20.0, "not within 20 s"
            time.sleep(0.1)
        print(f"away {away_s:.0f} s: {len(came)} calls, served after {time.monotonic() - returned:.1f} s")
        # Several connections may try at once when it goes; from then on a probe every ten seconds.
        later = [moment for moment in came if moment > came[0] + 1.0]
        assert len(came) <= 10
        assert len(later) <= away_s / 10 + 1
        while waiting(library):
            assert time.monotonic() < returned + 40.0
            time.sleep(0.1)
        assert len(server.instances()) == 6
    finally:
        end(process)
