"""The agent under a service manager while everything around it comes and goes: all delivered once, nothing grows."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.paths import log_directory
from app.services.unattended.plan import agent_of
from app.services.unattended.systemd import unit
from tests.integration.agent.soak import Ftp, Gate, Plan, Server, Soak, all_up
from tests.integration.archive.conftest import connect
from tests.servers import OrthancServer, free_port
from tests.store_servers import FTP_PASSWORD, FTP_USER, S3Server, executable, moto, vsftpd
from tests.supervisor import Supervisor

QUIET = JobContext.silent()
SHORT = Plan(
    seconds=5, up=(1, 3), down=(0.5, 1.5), arrivals=(0.2, 0.5), troubles=(1.0, 2.0), kills_until=0.7, rest_s=0, idle_s=2
)
# The acceptance's form is an hour: BITEWING_SOAK_MINUTES=60.
MINUTES = float(os.environ.get("BITEWING_SOAK_MINUTES", "10"))
LONG = Plan(
    seconds=MINUTES * 60,
    up=(20, 120),
    down=(5, 60),
    arrivals=(1, 8),
    troubles=(10, 60),
    kills_until=0.35,
    rest_s=120,
    idle_s=120,
    real_windows=True,
)
# Every kind of work has had its peaks by then: measured, the size settles within a quarter of an hour.
WARM_S = 900 if MINUTES >= 45 else 300
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="vsftpd and systemd's protocol are Linux's")


@dataclass
class Surroundings:
    library: Library
    servers: list[Server]
    orthanc: OrthancServer
    s3: S3Server
    ftp_root: Path
    drop: Path


@pytest.fixture
def surroundings(tmp_path: Path) -> Iterator[Surroundings]:
    with ExitStack() as stack:
        s3 = stack.enter_context(moto(tmp_path / "moto"))
        program = executable("vsftpd")
        with vsftpd(tmp_path / "ftp") as made:
            pass
        orthanc = OrthancServer(tmp_path / "orthanc", executable("Orthanc"), free_port(), free_port(), {})
        gate = Gate(s3.port)
        servers: list[Server] = [orthanc, Ftp(program, tmp_path / "ftp", made.port), gate]
        for server in servers:
            stack.callback(server.stop)
        library = stack.enter_context(open_library(tmp_path / "library", create=True))
        (tmp_path / "drop").mkdir()
        _settle(library, orthanc, made.port, s3, gate.port, tmp_path / "drop")
        yield Surroundings(library, servers, orthanc, s3, made.root, tmp_path / "drop")


def _settle(library: Library, orthanc: OrthancServer, ftp: int, s3: S3Server, gate: int, drop: Path) -> None:
    actor, settings = library.owner(), library.settings
    settings.set(actor, "storage.reserve_bytes", "0")
    connect(library, orthanc.url)
    way = {"kind": "ftp", "host": "127.0.0.1", "port": ftp, "username": FTP_USER, "path": "clinic", "interval": 5}
    settings.set_destination(
        actor, "mirror", "ftp", {**way, "allow_plain": True, "enabled": True}, {"password": FTP_PASSWORD}
    )
    store = {"kind": "s3", "bucket": s3.bucket, "access_key": s3.access_key, "region": "us-east-1", "path": "clinic"}
    store |= {"endpoint": f"http://127.0.0.1:{gate}", "path_style": True, "interval": 5, "enabled": True}
    settings.set_destination(actor, "mirror", "s3", store, {"secret_key": s3.secret_key})
    settings.set(actor, "monitor.interval", "2")
    settings.set_value(actor, "monitor.folders", [{"path": str(drop), "rule": "dicom", "after": "leave"}])


def test_short(surroundings: Surroundings, tmp_path: Path) -> None:
    _soak(surroundings, SHORT, tmp_path, patience_s=120)


@pytest.mark.long
@pytest.mark.timeout(MINUTES * 60 + 1200)
def test_long(surroundings: Surroundings, tmp_path: Path) -> None:
    _soak(surroundings, LONG, tmp_path, patience_s=900)


def _soak(around: Surroundings, plan: Plan, tmp_path: Path, patience_s: float) -> None:
    library = around.library
    text = unit(agent_of(library.paths.root, for_machine=False))
    all_up(around.servers)
    supervisor = Supervisor(text, tmp_path, restart_s=0.5 if plan is SHORT else None)
    try:
        supervisor.start()
        soak = Soak(plan, supervisor, around.servers, around.drop, tmp_path / "stock", library.paths.root, seed=8)
        soak.run()
        began = time.monotonic()
        _wait_for_delivery(library, soak.figures.arrived, patience_s)
        delivered_s = time.monotonic() - began
        soak.idle()
        soak.figures.stops_s.append(supervisor.stop())
    finally:
        supervisor.close()
    figures, hangs = soak.figures, supervisor.hangs
    growth, over_s, size = figures.slope(warm_s=WARM_S if plan is LONG else 0)
    # A line through some seconds says nothing.
    grown = f", {growth:+.0f} KiB/h over {over_s / 60:.0f} min" if plan is LONG else ""
    print(
        f"\nsoak: {plan.seconds / 60:.1f} min, {figures.arrived} images, {figures.outages} outages,"
        f" {figures.kills} kills, {len(figures.stops_s)} stops (longest {max(figures.stops_s):.2f} s),"
        f" {figures.windows} windows, {len(supervisor.started)} starts, {hangs} hangs;"
        f" delivered {delivered_s:.0f} s after the last outage;"
        f" memory {size:.0f} MiB{grown}, children at most"
        f" {max(figures.children) >> 20} MiB, threads at most {max(figures.threads)}, files at most"
        f" {max(figures.files)}; idle {figures.idle_percent:.2f} % of a core"
    )
    if plan is LONG:
        (tmp_path / "memory.csv").write_text("".join(f"{at:.0f},{pid},{rss}\n" for at, pid, rss in figures.memory))
    _require_once(around, figures.arrived)
    logged = "".join(
        path.read_text("utf-8") for path in log_directory().glob("bitewing.log*") if path.suffix != ".lock"
    )
    assert "Traceback" not in logged, logged[logged.index("Traceback") - 500 :][:3000]
    assert "Traceback" not in supervisor.output()
    assert hangs == 0
    assert max(figures.stops_s) <= 5.0
    assert figures.idle_percent < 2.0
    assert size < 400
    if plan is LONG and over_s > 1200:
        assert growth < 8 * 1024


def _wait_for_delivery(library: Library, arrived: int, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while True:
        images, queues = len(library.images.list(library.owner())), library.outbox.queues(library.owner())
        if images == arrived and not any(queue.waiting or queue.parked for queue in queues):
            return
        assert time.monotonic() < deadline, (arrived, images, queues)
        time.sleep(0.5)


def _require_once(around: Surroundings, arrived: int) -> None:
    library, owner = around.library, around.library.owner()
    records = library.images.list(owner)
    assert len({record.sha256 for record in records}) == len(records) == arrived
    copies = [library.outbox.copies(owner, record.id) for record in records]
    assert [len(found) for found in copies] == [3] * arrived
    at_orthanc = [copy.remote_id for found in copies for copy in found if copy.destination == "orthanc"]
    assert sorted(around.orthanc.instances()) == sorted(at_orthanc)
    for mirror in ("ftp", "s3"):
        report = library.verification.run(owner, QUIET, mirror)
        assert (report.missing, report.different, report.extra, report.verified) == (0, 0, 0, arrived)
    catalogues = list((around.ftp_root / "clinic" / "bitewing-catalogue").rglob("*.sealed"))
    assert 1 <= len(catalogues) <= 3, "two are kept, and a third while one is being replaced"
    uploaded = [path for path in (around.ftp_root / "clinic" / "dental_images").rglob("*") if path.is_file()]
    assert len([path for path in uploaded if path.suffix == ".dcm"]) == arrived
