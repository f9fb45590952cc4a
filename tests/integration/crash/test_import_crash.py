"""Killed at any file-system call, or out of space at any write: never a half file, a lost row or a lost source."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.sync.report import ImportArgs
from tests.integration.crash import harness
from tests.integration.crash.driver import PlainExaminer

KILL_POINTS = 60
MOVE_POINTS = 16
FULL_POINTS = 16
FILES = 2


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(root: Path) -> dict[str, Path]:
    places = (root / "dental_images", root / "inbox", root / "quarantine")
    return {path.relative_to(root).as_posix(): path for place in places for path in place.rglob("*") if path.is_file()}


def _violations(library: Library, root: Path, wanted: set[str]) -> list[str]:
    """Name everything that is not as it must be after recovery."""
    found = []
    rows = {record.path: record for record in library.store.images.stream()}
    files = _files(root)
    for path, record in rows.items():
        if path not in files:
            found.append(f"row without file: {path}")
        elif _hash(files[path]) != record.sha256:
            found.append(f"half file under a final name: {path}")
    found += [f"file without row: {path}" for path in files.keys() - rows.keys()]
    found += [
        f"left over: {path.name}"
        for path in (root / ".incoming").iterdir()
        if not path.name.endswith((".owner", ".lock"))
    ]
    found += [f"not from the source: {record.sha256}" for record in rows.values() if record.sha256 not in wanted]
    if library.store.intents.list():
        found.append("an intent was left")
    if len({record.sha256 for record in rows.values()}) != len(rows):
        found.append("an image twice")
    if not library.store.database.integrity_check():
        found.append("the catalogue is damaged")
    if not library.store.audit.verify().holds:
        found.append("the audit chain is broken")
    return found


def _check_after(root: Path, source: Path, wanted: dict[str, str]) -> list[str]:
    """Open the library again as a person would, look, import again, look again."""
    found = [f"source harmed: {name}" for name in wanted if _hash(source / name) != wanted[name]]
    with open_library(root, create=True, examiner=PlainExaminer()) as library:  # type: ignore[arg-type]
        found += _violations(library, root, set(wanted.values()))
        library.imports.run(library.owner(), ImportArgs((source,)), JobContext.silent())
        found += _violations(library, root, set(wanted.values()))
        there = {record.sha256 for record in library.store.images.stream()}
        if there != set(wanted.values()):
            found.append("the second import did not complete")
        if len(library.patients.page(library.owner(), None, 10)) != 1:
            found.append("not exactly one patient")
    return found


def test_killed_at_every_call(tool: Callable[[str], str], tmp_path: Path, long_run: bool) -> None:
    strace, started = tool("strace"), time.monotonic()
    everything = harness.points(strace, "careful", tmp_path / "trace")
    chosen = everything if long_run else harness.evenly(everything, KILL_POINTS)
    bad, hit = harness.sweep(strace, tmp_path, "careful", chosen, "signal=SIGKILL", _check_after)
    seconds = time.monotonic() - started
    print(
        f"import: {len(chosen)} of {len(everything)} kill points, {hit} killed, {len(bad)} violations, {seconds:.0f} s"
    )
    assert len(chosen) >= 60
    assert hit >= len(chosen) * 0.9
    assert not bad


def test_killed_at_every_call_of_a_move(tool: Callable[[str], str], tmp_path: Path, long_run: bool) -> None:
    strace = tool("strace")
    everything = harness.points(strace, "moving", tmp_path / "trace")
    chosen = everything if long_run else harness.evenly(everything, MOVE_POINTS)
    bad, hit = harness.sweep(strace, tmp_path, "moving", chosen, "signal=SIGKILL", _check_after)
    print(f"move: {len(chosen)} of {len(everything)} kill points, {hit} killed, {len(bad)} violations")
    assert hit >= len(chosen) * 0.9
    assert not bad


def test_no_space_at_any_write(tool: Callable[[str], str], tmp_path: Path, long_run: bool) -> None:
    strace = tool("strace")
    writes = {"write", "pwrite64", "ftruncate", "fdatasync", "link", "linkat", "mkdir"}
    everything = [point for point in harness.points(strace, "careful", tmp_path / "trace") if point.call in writes]
    chosen = everything if long_run else harness.evenly(everything, FULL_POINTS)
    bad, hit = harness.sweep(strace, tmp_path, "careful", chosen, "error=ENOSPC", _check_after)
    print(f"no space: {len(chosen)} of {len(everything)} calls failed, {hit} runs said so, {len(bad)} violations")
    assert hit > 0, "no write really failed"
    assert not bad


def test_no_space_at_any_sync(tool: Callable[[str], str], tmp_path: Path) -> None:
    strace = tool("strace")
    chosen = [point for point in harness.points(strace, "careful", tmp_path / "trace") if point.call == "fsync"]
    bad, hit = harness.sweep(strace, tmp_path, "careful", chosen, "error=ENOSPC", _check_after)
    print(f"no space: {len(chosen)} syncs failed, {hit} runs said so, {len(bad)} violations")
    assert not bad


def _check_naive(root: Path, source: Path, wanted: dict[str, str]) -> list[str]:
    if not (root / "naive.db").exists():
        return []
    database = sqlite3.connect(root / "naive.db")
    try:
        rows = dict(database.execute("SELECT name, sha256 FROM images"))
    finally:
        database.close()
    found = []
    for name, digest in rows.items():
        path = root / "files" / name
        if not path.exists() or _hash(path) != digest:
            found.append(f"row without its whole file: {name}")
    for name in wanted:
        kept = root / "files" / name
        if not (source / name).exists() and (not kept.exists() or _hash(kept) != wanted[name]):
            found.append(f"lost: {name}")
    return found


def test_the_same_harness_catches_a_naive_importer(tool: Callable[[str], str], tmp_path: Path) -> None:
    strace = tool("strace")
    everything = harness.points(strace, "naive", tmp_path / "trace")
    bad, hit = harness.sweep(strace, tmp_path, "naive", everything, "signal=SIGKILL", _check_naive)
    print(f"naive importer: {len(everything)} kill points, {hit} killed, {len(bad)} violations")
    assert bad
