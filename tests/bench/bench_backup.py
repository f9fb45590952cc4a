"""Backup and restore of 5,000 files, 2 GB, against PERFORMANCE.md, "Backup of 5,000 files".

Run ``python -m tests.bench.bench_backup`` (two to three minutes, 12 GB in the temporary folder), or with
``--small`` for a tenth of it. Every run is a process of its own, ours with its start-up, and timed until its
output is on the disk. Baselines are ``7z``, ``borg`` and ``restic``; what is not installed is named. Exits 1
when a goal is missed.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.core.paths import LibraryPaths
from app.domain.image import FileKind, ImageRecord, ImageType, Placement
from app.domain.naming import image_directory
from app.storage.catalogue import open_catalogue
from tests.bench.bench_library import people

ROOT = Path(__file__).resolve().parents[2]
FILES, BYTES_EACH, PATIENTS = 5_000, 400_000, 200
ROUNDS = 3
# Times of a run that moves this few bytes are mostly start-up; its memory is what the full run is compared with.
SMALL_SHARE = 10
FLAT_MB = 64


@dataclass
class Figures:
    """What the runs took, and the goals that were missed."""

    missed: list[str] = field(default_factory=list)

    def line(self, what: str, ours: float, baseline: str, base: float, most: float) -> None:
        met = ours <= base * most
        print(
            f"{what:<36} {ours:7.2f} s  {baseline:<22} {base:7.2f} s  x{ours / base:5.2f}  "
            f"goal <= {most:.2f} x  {'ok' if met else 'MISSED'}",
            flush=True,
        )
        if not met:
            self.missed.append(f"{what} / {baseline}")

    def limit(self, what: str, found: float, most: float, unit: str) -> None:
        print(
            f"{what:<36} {found:7.2f} {unit}  goal <= {most:g} {unit}  {'ok' if found <= most else 'MISSED'}",
            flush=True,
        )
        if found > most:
            self.missed.append(what)


@dataclass(frozen=True)
class Run:
    """How long a process took, and the most memory it held."""

    seconds: float
    peak_mb: float


Measure = Callable[[Path, Path], tuple[Run, Run]]


def run(command: Sequence[str | Path], folder: Path, *, then: Callable[[], None] | None = None) -> Run:
    """Run a process to its end and whatever makes its output durable; raise when it fails."""
    environment = {
        **os.environ,
        "BITEWING_SECRETS_FILE": str(folder / "secrets.json"),
        "BORG_BASE_DIR": str(folder / "borg-home"),
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "RESTIC_PASSWORD": "benchmark",
        "RESTIC_CACHE_DIR": str(folder / "restic-cache"),
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment, cwd=ROOT
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _pid, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stderr.close()
    if then is not None:
        then()
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]}: {process.returncode} {said.decode(errors='replace')[-800:]}")
    return Run(seconds, used.ru_maxrss / 1024)


def fsync(path: Path) -> None:
    """Bring one file to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle() -> None:
    """Let nothing that an earlier run wrote be written during a later one."""
    os.sync()


def ours(root: Path, *words: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "app", "--library", root, "--json", *words]


def make_library(root: Path, files: int) -> None:
    """Make a library whose files hold random bytes, as radiographs and photographs nearly do."""
    chance = random.Random(5)
    catalogue = open_catalogue(LibraryPaths(root), make=True)
    patients = list(people(PATIENTS, 3))
    with catalogue.write():
        for patient in patients:
            catalogue.patients.add(patient)
    for first in range(0, files, 500):
        with catalogue.write():
            for number in range(first, min(first + 500, files)):
                catalogue.images.insert(_file(root, number, patients[number % PATIENTS].id, chance))
    catalogue.close()


def _file(root: Path, number: int, patient_id: str, chance: random.Random) -> ImageRecord:
    data = chance.randbytes(BYTES_EACH + chance.randrange(-200_000, 200_000))
    directory = image_directory(patient_id, str(1 + number % 32), ImageType.XRAY)
    name = f"image-{1_750_000_000_000 + number}.dcm"
    (root / directory).mkdir(parents=True, exist_ok=True)
    (root / directory / name).write_bytes(data)
    return ImageRecord(
        id=str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        patient_id=patient_id,
        placement=Placement.FILED,
        directory=directory,
        filename=name,
        original_name=f"IMG{number}.dcm",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        mime_type="application/dicom",
        kind=FileKind.DICOM,
        imported_at=datetime(2026, 1, 1, tzinfo=UTC),
        tooth=str(1 + number % 32),
    )


def best(times: list[Run]) -> float:
    return statistics.median(one.seconds for one in times)


def measure_ours(folder: Path, root: Path) -> tuple[Run, Run]:
    """Back up into a zip and restore it into an empty place."""
    target, back = folder / "ours.zip", folder / "ours"
    settle()
    saved = run(ours(root, "backup", "create", target), folder)
    settle()
    restored = run(ours(back, "backup", "restore", target), folder)
    shutil.rmtree(back)
    target.unlink()
    return saved, restored


def measure_7z(folder: Path, root: Path) -> tuple[Run, Run]:
    target, back = folder / "seven.zip", folder / "seven"
    settle()
    saved = run(["7z", "a", "-tzip", "-mx0", "-bd", target, root], folder, then=lambda: fsync(target))
    settle()
    restored = run(["7z", "x", "-bd", f"-o{back}", target], folder, then=os.sync)
    shutil.rmtree(back)
    target.unlink()
    return saved, restored


def measure_borg(folder: Path, root: Path) -> tuple[Run, Run]:
    repository, back = folder / "borg", folder / "borg-back"
    run(["borg", "init", "-e", "none", repository], folder)
    back.mkdir()
    settle()
    saved = run(["borg", "create", f"{repository}::one", root], folder)
    settle()
    # Extracts into the folder it is started in.
    restored = run(["sh", "-c", f"cd {back} && borg extract {repository}::one"], folder, then=os.sync)
    for leftover in (repository, back, folder / "borg-home"):
        shutil.rmtree(leftover, ignore_errors=True)
    return saved, restored


def measure_restic(folder: Path, root: Path) -> tuple[Run, Run]:
    repository, back = folder / "restic", folder / "restic-back"
    run(["restic", "init", "-r", repository], folder)
    settle()
    saved = run(["restic", "backup", "-r", repository, root], folder, then=os.sync)
    settle()
    restored = run(["restic", "restore", "-r", repository, "latest", "--target", back], folder, then=os.sync)
    for leftover in (repository, back):
        shutil.rmtree(leftover)
    return saved, restored


def measure(folder: Path, root: Path, tools: dict[str, Measure]) -> dict[str, list[tuple[Run, Run]]]:
    """Run all in turns, so that a disk that has just been written to is nobody's disadvantage."""
    taken: dict[str, list[tuple[Run, Run]]] = {name: [] for name in tools}
    for number in range(ROUNDS):
        # Each round begins with another one.
        names = [*tools][number % len(tools) :] + [*tools][: number % len(tools)]
        for name in names:
            taken[name].append(tools[name](folder, root))
    return taken


TOOLS: dict[str, Measure] = {
    "ours": measure_ours,
    "7z": measure_7z,
    "borg": measure_borg,
    "restic": measure_restic,
}


def bench_incremental(folder: Path, root: Path, figures: Figures) -> None:
    """Back up into a folder, then again with nothing new: the process as a whole, and without its start-up."""
    target = f"{folder / 'growing'}/"
    settle()
    first = run(ours(root, "backup", "create", target), folder)
    print(f"first backup into a folder          {first.seconds:7.2f} s, {first.peak_mb:.0f} MB", flush=True)
    settle()
    again = [run(ours(root, "backup", "create", target), folder) for _round in range(5)]
    start = [run(ours(root, "backup", "list"), folder) for _round in range(5)]
    print(f"  the whole process {best(again):.2f} s, of which start-up and opening (backup list) {best(start):.2f} s")
    figures.limit("nothing new into a folder", best(again) - best(start), 0.3, "s")
    shutil.rmtree(target)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="500 files, 200 MB")
    files = FILES // 10 if parser.parse_args().small else FILES
    figures = Figures()
    with tempfile.TemporaryDirectory(prefix="bitewing-bench-") as name:
        folder = Path(name)
        root, little = folder / "library", folder / "little"
        make_library(root, files)
        make_library(little, files // SMALL_SHARE)
        small = run(ours(little, "backup", "create", folder / "little.zip"), folder)
        present = {name: tool for name, tool in TOOLS.items() if name == "ours" or shutil.which(name)}
        taken = measure(folder, root, present)
        saved, restored = [pair[0] for pair in taken["ours"]], [pair[1] for pair in taken["ours"]]
        for tool, most_save, most_restore in (("7z", 2.0, 1.0), ("borg", 1.0, 1.0), ("restic", None, 1.0)):
            if tool not in taken:
                print(f"{tool} is not installed: not compared", flush=True)
                figures.missed.append(f"{tool} missing")
                continue
            their_save, their_restore = best([pair[0] for pair in taken[tool]]), best([pair[1] for pair in taken[tool]])
            if most_save is not None:
                figures.line("backup, hashed and read back", best(saved), f"{tool} backup", their_save, most_save)
            figures.line("restore, verified", best(restored), f"{tool} restore", their_restore, most_restore)
        bench_incremental(folder, root, figures)
        peak = max(one.peak_mb for one in saved)
        print(f"peak memory: {peak:.0f} MB for all files, {small.peak_mb:.0f} MB for a tenth of them")
        figures.limit("memory for ten times the files", peak - small.peak_mb, FLAT_MB, "MB")
    print(f"missed: {', '.join(figures.missed) or 'none'}")
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
