"""Killed at any file-system call of a backup or a restore: no half backup, the whole old or the whole new library."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.services.backups import open_archive
from app.storage.backups import BackupState
from tests.integration.crash import harness

BACKUP_POINTS = 14
RESTORE_POINTS = 14
LEAST_LONG = 50
QUIET = JobContext.silent()


def _check_backups(root: Path, _source: Path, _wanted: dict[str, str]) -> list[str]:
    """Whatever is listed as good is whole, the first one is still there, and a second try succeeds."""
    found = []
    with open_library(root, create=False) as library:
        records = library.backups.list(owner("test"))
        if not any(record.path.endswith("first.zip") and record.state is BackupState.GOOD for record in records):
            found.append("the first backup is gone")
        for record in records:
            # One that got its name and not its row any more is found there; it has to be as whole.
            if record.state not in {BackupState.GOOD, BackupState.FOUND}:
                found.append(f"listed but {record.state}: {record.path}")
                continue
            try:
                if not library.backups.verify(owner("test"), Path(record.path), QUIET).is_sound:
                    found.append(f"listed as good and damaged: {record.path}")
            except BitewingError as error:
                found.append(f"listed as good and {error.code}: {record.path}")
        second = root.with_name("second.zip")
        if second.exists():
            # Its name is final: it must be whole even where the row was not written any more.
            with closing(open_archive(second)):
                second.unlink()
        library.backups.create(owner("test"), second, QUIET)
        library.backups.create(owner("test"), f"{root.with_name('folder')}/", QUIET)
        found += [f"half: {path.name}" for path in root.parent.glob("*.zip.part")]
    return found


def _check_library(root: Path, _source: Path, wanted: dict[str, str]) -> list[str]:
    """The library is sound and holds all images; nothing of a restore lies about; the old one is not lost."""
    found = []
    with open_library(root, create=False) as library:
        report = library.check.run(owner("test"), True, QUIET)
        if not report.is_sound:
            found.append(f"not sound: {report.items} {report.database}")
        if {record.sha256 for record in library.store.images.stream()} != set(wanted.values()):
            found.append("other images than before")
        after = library.store.database.value("SELECT COUNT(*) FROM patients WHERE family_name = 'Afterwards'")
        if not library.store.audit.verify().holds:
            found.append("the audit log does not hold")
    kept = sorted(root.parent.glob(f"{root.name}.before-restore-*"))
    if after == 0 and not kept:
        found.append("restored, and the library from before is lost")
    if after == 1 and kept:
        found.append("kept a library although nothing was restored")
    found += [f"left over: {path.name}" for path in root.parent.glob(f"{root.name}.restoring-*")]
    for folder in kept:
        with open_library(folder, create=False) as library:
            if not library.check.run(owner("test"), True, QUIET).is_sound:
                found.append("the kept library is not sound")
    return found


def _sweep(
    tool: Callable[[str], str], tmp_path: Path, mode: str, points: int, check: object, *, long_run: bool
) -> tuple[int, dict[harness.Point, list[str]]]:
    strace = tool("strace")
    everything = harness.points(strace, mode, tmp_path / "trace" / "place")
    chosen = everything if long_run else harness.evenly(everything, points)
    bad, hit = harness.sweep(strace, tmp_path, mode, chosen, "signal=SIGKILL", check)
    print(f"{mode}: {len(chosen)} of {len(everything)} kill points, {hit} killed, {len(bad)} violations")
    assert hit >= len(chosen) * 0.9
    return len(chosen), bad


def test_killed_at_every_call_of_a_backup(tool: Callable[[str], str], tmp_path: Path, long_run: bool) -> None:
    count, bad = _sweep(tool, tmp_path, "backing", BACKUP_POINTS, _check_backups, long_run=long_run)
    assert not long_run or count >= LEAST_LONG
    assert not bad


def test_killed_at_every_call_of_a_restore(tool: Callable[[str], str], tmp_path: Path, long_run: bool) -> None:
    count, bad = _sweep(tool, tmp_path, "restoring", RESTORE_POINTS, _check_library, long_run=long_run)
    assert not long_run or count >= LEAST_LONG
    assert not bad


def _check_naive(root: Path, source: Path, wanted: dict[str, str]) -> list[str]:
    try:
        return _check_library(root, source, wanted)
    except BitewingError as error:
        return [f"cannot be opened: {error.code}"]


def test_the_same_harness_catches_a_naive_restore(tool: Callable[[str], str], tmp_path: Path) -> None:
    _count, bad = _sweep(tool, tmp_path, "naive_restoring", 12, _check_naive, long_run=False)
    assert bad
