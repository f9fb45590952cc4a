"""Killing a program at every file-system call it makes, and making calls fail (RELIABILITY A1, A17)."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.integration.crash.driver import BEGIN

ROOT = Path(__file__).resolve().parents[3]
DRIVER = Path(__file__).with_name("driver.py")
CALLS = (
    "openat",
    "write",
    "pwrite64",
    "fsync",
    "fdatasync",
    "ftruncate",
    "link",
    "linkat",
    "rename",
    "renameat2",
    "unlink",
    "unlinkat",
    "mkdir",
    "mkdirat",
    "rmdir",
    "sendfile",
    "copy_file_range",
)
_LINE = re.compile(r"^(\d+) +(\w+)\((.*)")


@dataclass(frozen=True)
class Point:
    """The ``number``-th call of one kind by the main thread."""

    call: str
    number: int


def make_source(folder: Path, count: int = 2) -> Path:
    """Make small files to import."""
    folder.mkdir(parents=True)
    for number in range(count):
        head = b"\x89PNG\r\n\x1a\n"
        (folder / f"{number}.png").write_bytes(head + bytes(range(256)) * 12 + bytes([number]) * 40)
    return folder


def _command(strace: str, options: list[str], log: Path | str, mode: str, library: Path, source: Path) -> list[str]:
    # Faster, but strace 6.1 then delivers no signals.
    quick = [] if any("signal=" in option for option in options) else ["--seccomp-bpf"]
    traced = ["-f", *quick, "-e", f"trace={','.join(CALLS)}", *options, "-o", str(log)]
    return [strace, *traced, sys.executable, "-S", "-c", _START, mode, str(library), str(source)]


# Site packages without the start-up of ``site``: hundreds of calls fewer to trace.
_START = (
    f"import sys; sys.path[:0] = {[str(ROOT), *[path for path in sys.path if 'site-packages' in path]]!r}; "
    f"sys.argv[0] = {str(DRIVER)!r}; import runpy; runpy.run_path({str(DRIVER)!r}, run_name='__main__')"
)


def run(strace: str, options: list[str], mode: str, library: Path, source: Path, log: Path | str = "/dev/null") -> int:
    """Run the driver under strace and return its exit status."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}
    done = subprocess.run(
        _command(strace, options, log, mode, library, source),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    if done.returncode not in {0, 1, -9, 137} or b"Traceback" in done.stderr:
        text = done.stderr.decode(errors="replace")
        if "BitewingError" not in text and "EnvironmentFault" not in text and "sqlite3" not in text:
            raise AssertionError(f"driver: {done.returncode}\n{text[-3000:]}")
    return done.returncode


def points(strace: str, mode: str, folder: Path, prepare: object = None) -> list[Point]:
    """Trace one whole run and return every call of its main thread after the mark."""
    library, source, log = folder / "library", make_source(folder / "source"), folder / "trace"
    assert run(strace, [], mode, library, source, log) == 0
    seen: Counter[str] = Counter()
    found: list[Point] = []
    main, begun = None, False
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if match is None or "resumed>" in line.split("(")[0]:
            continue
        process, call, rest = match.groups()
        main = main or process
        if process != main:
            continue
        seen[call] += 1
        if BEGIN in rest:
            begun = True
        elif begun:
            found.append(Point(call, seen[call]))
    shutil.rmtree(folder)
    return found


def evenly(everything: list[Point], wanted: int) -> list[Point]:
    """Return ``wanted`` points spread over all, each kind of call included."""
    if len(everything) <= wanted:
        return everything
    chosen = {index * len(everything) // wanted for index in range(wanted)}
    first: dict[str, int] = {}
    for index, point in enumerate(everything):
        first.setdefault(point.call, index)
    return [everything[index] for index in sorted(chosen | set(first.values()))]


def sweep(
    strace: str,
    folder: Path,
    mode: str,
    chosen: list[Point],
    injection: str,
    check: Callable[[Path, Path, dict[str, str]], list[str]],
) -> tuple[dict[Point, list[str]], int]:
    """Run once per point and return what was violated where, and how many injections took effect."""

    def one(number: int) -> tuple[bool, list[str]]:
        point, place = chosen[number], folder / f"{mode}-{number}"
        source = make_source(place / "source")
        wanted = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in source.iterdir()}
        option = ["-e", f"inject={point.call}:{injection}:when={point.number}"]
        status = run(strace, option, mode, place / "library", source)
        violations = check(place / "library", source, wanted)
        shutil.rmtree(place)
        return status != 0, violations

    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(one, range(len(chosen))))
    bad = {point: violations for point, (_hit, violations) in zip(chosen, done, strict=True) if violations}
    hit = sum(was_hit for was_hit, _violations in done)
    return bad, hit
