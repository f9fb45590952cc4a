"""Scanning 10,000 small files for patient, study, series, instance: ours against gdcmscanner and pydicom.

Run: ``python -m tests.bench.bench_scan [files]``. Goal: at most gdcmscanner's time.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file

from app.imaging.header_full import full_header
from app.imaging.header_scan import scan_file

SOURCES = ("CT_small.dcm", "MR_small.dcm", "MR_small_implicit.dcm", "SC_rgb_small_odd.dcm", "JPEG2000.dcm")
TAGS = ("0010,0020", "0020,000d", "0020,000e", "0008,0018")
KEYWORDS = ["PatientID", "PatientName", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality"]


def make_files(folder: Path, count: int) -> list[Path]:
    """Copy pydicom's small files until there are ``count``, in folders of 500."""
    contents = [Path(str(get_testdata_file(name))).read_bytes() for name in SOURCES]
    paths = []
    for index in range(count):
        path = folder / f"{index // 500:03d}" / f"{index:05d}.dcm"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(contents[index % len(contents)])
        paths.append(path)
    return paths


def medians_s(actions: list[Callable[[], object]], runs: int = 7) -> list[float]:
    """Return the median duration of each action, taken in turns after a warm-up."""
    times: list[list[float]] = [[] for _ in actions]
    for run in range(runs + 1):
        for index, action in enumerate(actions):
            started = time.perf_counter()
            action()
            if run:
                times[index].append(time.perf_counter() - started)
    return [statistics.median(found) for found in times]


def main() -> int:
    """Print both figures and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        paths = [str(path) for path in make_files(Path(name), count)]
        scanner = shutil.which("gdcmscanner")
        command = [str(scanner), "-d", name, "-r", *(part for tag in TAGS for part in ("-t", tag))]

        def scan() -> None:
            for path in paths:
                scan_file(path, full_header)

        def scan_with_pydicom() -> None:
            for path in paths:
                pydicom.dcmread(path, stop_before_pixels=True, specific_tags=KEYWORDS)

        def scan_with_gdcm() -> None:
            if scanner is not None:
                subprocess.run(command, check=True, capture_output=True)

        ours, theirs = medians_s([scan, scan_with_gdcm])
        (slow,) = medians_s([scan_with_pydicom], runs=1)
        print(f"ours         {ours:.3f} s for {count} files")
        print(f"pydicom      {slow:.3f} s   ours / pydicom = {ours / slow:.2f}")
        if scanner is None:
            print("gdcmscanner is not installed: no baseline")
            return 0
        print(f"gdcmscanner  {theirs:.3f} s   ours / gdcmscanner = {ours / theirs:.2f} (goal <= 1.00)")
        return 0 if ours <= theirs else 1


if __name__ == "__main__":
    raise SystemExit(main())
