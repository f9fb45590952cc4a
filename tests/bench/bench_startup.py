"""Start-up: from the start of the process to the first paint of a usable window, against an empty PySide6 window.

Run: ``python tests/bench/bench_startup.py [--patients N] [--rounds N] [--library DIR]``.
Goal (PERFORMANCE, Start-up): at most 3 times the empty window on an empty library, 4 times at 100,000 patients.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EMPTY = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
application = QApplication([])
window = QMainWindow()
window.resize(1440, 900)
window.show()
def painted():
    print((time.time_ns() - int(sys.argv[1])) / 1e6)
    application.quit()
QTimer.singleShot(0, painted)
application.exec()
"""
OURS = """
import os, sys, time
import gc
# As run_window does before it imports the window; here the window is imported first, to be patched.
gc.disable()
from app.bootstrap import program, window
def painted(self):
    print((time.time_ns() - int(sys.argv[1])) / 1e6, flush=True)
    heavy = {"numpy", "cv2", "pydicom", "imagecodecs", "PIL"} & set(sys.modules)
    if heavy:
        print("imported before an image was shown:", sorted(heavy), file=sys.stderr)
    os._exit(3 if heavy else 0)
program.Program._on_first_paint = painted
window.run_window({"library": sys.argv[2], "screenshot": os.devnull, "size": (1440, 900)})
"""
PATIENTS = """
import sys
from pathlib import Path
from app.bootstrap.library import open_library
from app.core.clock import utc_now, epoch_ms
with open_library(Path(sys.argv[1]), create=True) as library:
    from app.domain.patient import Patient, Sex
    from datetime import date
    import uuid
    count, now = int(sys.argv[2]), utc_now()
    names = ["Hassan", "Haddad", "Hastings", "Lindqvist", "Moreau", "Okafor", "Petrov", "Silva", "Tanaka", "Weber"]
    store = library.store
    for start in range(0, count, 2000):
        with store.write():
            for number in range(start, min(start + 2000, count)):
                family = f"{names[number % 10]} {number // 10:05d}"
                store.patients.add(Patient(str(uuid.uuid4()), family, "Ahmed", f"P{number}",
                    date(1930 + number % 90, 1 + number % 12, 1 + number % 28), Sex.FEMALE, "", now, now))
"""


def once(code: str, *arguments: str) -> float:
    """Return the milliseconds from the start of one process to its first paint."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.setdefault("QT_QPA_PLATFORM", "offscreen")
    # Both sides run from compiled bytecode, as installed programs do.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment["PYTHONPYCACHEPREFIX"] = str(Path(tempfile.gettempdir()) / "bitewing-bench-bytecode")
    done = subprocess.run(
        [sys.executable, "-c", code, str(time.time_ns()), *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
        cwd=ROOT,
    )
    return float(done.stdout.split()[0])


def measure(library: Path, rounds: int) -> tuple[float, float]:
    """Return the medians of both, measured in turns so that a busy machine is fair to both."""
    pairs = [(once(EMPTY), once(OURS, str(library))) for _round in range(rounds + 1)][1:]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def fill(library: Path, patients: int) -> None:
    """Make a library of that many patients."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", PATIENTS, str(library), str(patients)], env=environment, check=True, cwd=ROOT)


def main() -> int:
    """Measure both and print the ratio."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--patients", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--library", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("BITEWING_SECRETS_FILE", str(Path(folder) / "secrets.json"))
        library = given.library or Path(folder) / "library"
        if given.library is None:
            fill(library, given.patients)
        empty, ours = measure(library, given.rounds)
    goal = 4.0 if given.patients >= 100_000 else 3.0
    print(f"empty PySide6 window {empty:.0f} ms, Bitewing {ours:.0f} ms, ratio {ours / empty:.2f} (goal {goal})")
    return 0 if ours / empty <= goal else 1


if __name__ == "__main__":
    raise SystemExit(main())
