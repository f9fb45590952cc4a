"""Idle cost of watching 50,000 files: ``python -m tests.bench.bench_monitor``.

Goal (issue 3): under 3 % of one core. Baseline in the same run: listing the same folder with ``os.walk`` and
``os.stat`` at the same pace, which any poller has to do at least.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from app.bootstrap.library import open_library
from app.storage.monitor import HandledFile

FILES = 50_000
SECONDS = 95
INTERVAL_S = 30


def main() -> None:
    """Print the share of one core, the baseline's, and the ratio."""
    with tempfile.TemporaryDirectory() as name:
        folder, root = Path(name) / "drop", Path(name) / "library"
        for number in range(FILES):
            path = folder / f"{number // 500:03}" / f"{number}.dcm"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        entry = {"path": str(folder), "rule": "dicom", "after": "leave"}
        with open_library(root, create=True) as library:
            library.settings.set_value(library.owner(), "monitor.folders", [entry])
            handled = [
                HandledFile(path.relative_to(folder).as_posix(), 1, path.stat().st_mtime_ns, "skipped")
                for path in folder.rglob("*.dcm")
            ]
            library.store.monitor_files.note(str(folder), handled)
        command = [sys.executable, "-m", "app", "watch", "--library", str(root)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        watched = psutil.Process(process.pid)
        time.sleep(10)
        before, began = sum(watched.cpu_times()[:2]), time.monotonic()
        time.sleep(SECONDS)
        ours = (sum(watched.cpu_times()[:2]) - before) / (time.monotonic() - began)
        memory = watched.memory_info().rss / 2**20
        process.terminate()
        process.wait(20)
        began_cpu = time.process_time()
        for place, _folders, files in os.walk(folder):
            for file in files:
                Path(place, file).stat()
        baseline = (time.process_time() - began_cpu) / INTERVAL_S
    print(f"idle monitor, {FILES:,} files: {ours:.2%} of one core (goal < 3 %), {memory:.0f} MiB")
    print(f"os.walk and stat every {INTERVAL_S} s: {baseline:.2%}; ratio {ours / baseline:.2f}")


if __name__ == "__main__":
    main()
