"""Pushing to a real Orthanc with proof, against bare uploads of the same files over as many connections.

Run: ``python -m tests.bench.bench_push [--instances N]``. Goals (issue 4, item 6): at most 1.3 times the bare uploads,
and a run with nothing new within 50 ms for 1,000 instances. Needs Debian's ``orthanc``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pydicom

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph
from tests.servers import PASSWORD, USER, OrthancServer, orthanc

ROUNDS, CONNECTIONS, PATIENTS = 7, 4, 40
OWNER, QUIET = owner("bench"), JobContext.silent()


def make(folder: Path, count: int) -> list[Path]:
    """Make intra-oral radiographs of the usual size, 1.5 MB each."""
    chance = np.random.default_rng(1)
    paths = []
    for number in range(count):
        patient = number % PATIENTS
        path = radiograph(
            folder / f"{number:04}.dcm", number, PatientID=f"P{patient}", PatientName=f"Family{patient}^Given"
        )
        dataset = pydicom.dcmread(path)
        dataset.Rows, dataset.Columns = 1000, 750
        dataset.PixelData = chance.integers(0, 4095, (1000, 750)).astype(np.uint16).tobytes()
        dataset.save_as(path)
        paths.append(path)
    return paths


def bare(server: OrthancServer, paths: list[Path]) -> float:
    """Upload over four kept connections and ask for nothing."""
    limits = httpx.Limits(max_connections=CONNECTIONS)
    with httpx.Client(base_url=server.url, auth=(USER, PASSWORD), timeout=60, limits=limits) as client:
        started = time.perf_counter()

        def put(path: Path) -> None:
            client.post("/instances", content=path.read_bytes()).raise_for_status()

        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(put, paths))
        return time.perf_counter() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_000)
    count = parser.parse_args().instances
    executable = shutil.which("Orthanc", path=f"{os.environ['PATH']}:/usr/sbin")
    if executable is None:
        sys.exit("Orthanc is not installed")
    with tempfile.TemporaryDirectory(prefix="bitewing-bench-") as name, orthanc(executable, Path(name) / "o") as server:
        folder = Path(name)
        os.environ.setdefault("BITEWING_SECRETS_FILE", str(folder / "secrets.json"))
        paths = make(folder / "in", count)
        with open_library(folder / "library", create=True) as library:
            library.imports.run(OWNER, ImportArgs((folder / "in",)), QUIET)
            for key, value in (("url", server.url), ("username", USER), ("password", PASSWORD), ("enabled", "true")):
                library.settings.set(OWNER, f"orthanc.{key}", value)
            theirs, ours, idle = [], [], []
            for _round in range(ROUNDS):
                server.empty()
                theirs.append(bare(server, paths))
                server.empty()
                with library.store.write():
                    library.store.database.execute("DELETE FROM copies")
                    library.store.database.execute("UPDATE outbox SET state = 'waiting'")
                started = time.perf_counter()
                report = library.archive.push(OWNER, QUIET)
                ours.append(time.perf_counter() - started)
                assert report.drained.sent == count, report
                started = time.perf_counter()
                library.archive.push(OWNER, QUIET)
                idle.append(time.perf_counter() - started)
        base, mine, nothing = statistics.median(theirs), statistics.median(ours), statistics.median(idle)
        # Of two runs right after each other: what else the machine does weighs on both alike.
        ratio = statistics.median(our / their for our, their in zip(ours, theirs, strict=True))
    print(f"{count} instances: bare {base:.2f} s, with proof {mine:.2f} s, x {ratio:.2f} (goal 1.3)")
    print(f"nothing new: {nothing * 1000:.0f} ms (goal 50 ms)")
    return 0 if ratio <= 1.3 and nothing <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
