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


def median_s(action: Callable[[], object], runs: int = 5) -> float:
    """Return the median duration of ``action`` after one warm-up."""
    action()
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> int:
    """Print both figures and their ratio."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as name:
        paths = [str(path) for path in make_files(Path(name), count)]
        ours = median_s(lambda: [scan_file(path, full_header) for path in paths])
        theirs_pydicom = median_s(
            lambda: [pydicom.dcmread(path, stop_before_pixels=True, specific_tags=KEYWORDS) for path in paths], runs=1
        )
        print(f"ours         {ours:.3f} s for {count} files")
        print(f"pydicom      {theirs_pydicom:.3f} s   ours / pydicom = {ours / theirs_pydicom:.2f}")
        scanner = shutil.which("gdcmscanner")
        if scanner is None:
            print("gdcmscanner is not installed: no baseline")
            return 0
        command = [scanner, "-d", name, "-r", *(part for tag in TAGS for part in ("-t", tag))]
        theirs = median_s(lambda: subprocess.run(command, check=True, capture_output=True))
        print(f"gdcmscanner  {theirs:.3f} s   ours / gdcmscanner = {ours / theirs:.2f} (goal <= 1.00)")
        return 0 if ours <= theirs else 1


if __name__ == "__main__":
    raise SystemExit(main())
