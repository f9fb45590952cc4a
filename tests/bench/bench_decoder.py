"""What the decoding child costs: start, one request, a frame of 8.7 MB, memory.

Run: ``python -m tests.bench.bench_decoder``. Goals: start 0.22 s on the reference machine, 0.1 to
0.6 ms for pipe and shared memory.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import psutil

from app.imaging import pictures
from app.imaging.child.client import Decoder
from tests.bench.bench_thumbnails import make_photo, make_radiograph, medians_ms


def main() -> int:
    """Print the figures."""
    starts = []
    for _ in range(5):
        with Decoder() as decoder:
            started = time.perf_counter()
            decoder.warm()
            starts.append(time.perf_counter() - started)
    print(f"start of a child        {statistics.median(starts):.3f} s")
    with tempfile.TemporaryDirectory() as name, Decoder() as decoder:
        folder = Path(name)
        native, j2k, photo = folder / "native.dcm", folder / "j2k.dcm", folder / "photo.jpg"
        make_radiograph(native, compressed=False)
        make_radiograph(j2k, compressed=True)
        make_photo(photo)
        (nothing,) = medians_ms([lambda: decoder.header(photo)], runs=200)
        print(f"smallest request        {nothing:.2f} ms")
        for label, path in (("16 bit 2900x1500", native), ("the same, JPEG 2000", j2k), ("12 MP JPEG", photo)):
            inside, outside = medians_ms(
                [lambda path=path: pictures.load_frame(path), lambda path=path: decoder.frame(path)]
            )
            print(f"{label:23} in process {inside:7.2f} ms  in the child {outside:7.2f} ms")
        full, preview = medians_ms([lambda: decoder.frame(j2k), lambda: decoder.frame(j2k, max_pixels=(1920, 993))])
        print(f"JPEG 2000 preview       {preview:.1f} ms instead of {full:.1f} ms (goal <= 35)")
        (pid,) = decoder.pids
        memory = psutil.Process(pid).memory_info()
        print(f"child after this        {memory.rss >> 20} MiB resident, {memory.vms >> 20} MiB address space")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
