"""The power goes at random moments of an import, a watched folder and a backup: nothing lost, nothing of no length."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.services.backups import open_archive
from app.storage.backups import BackupState
from app.sync.report import ImportArgs
from tests.integration.crash.driver import PlainExaminer
from tests.integration.power.disk import after_power_cut, disk, settle

ROOT = Path(__file__).resolve().parents[3]
ACTOR, QUIET = owner("test"), JobContext.silent()
FILES = 60
MOMENTS, LONG_MOMENTS = 12, 100
# What is there once the work proper has begun.
_BEGUN = {
    "importing": "library/*",
    "watching": "library/dental_images/**/*.png",
    "backing": "*.zip*",
    "naive": "library/files/*",
}
Check = Callable[[Path, Mapping[str, str], list[str]], list[str]]

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs a loop device with ext4"),
    pytest.mark.skipif(
        sys.platform == "linux" and os.geteuid() != 0, reason="only the superuser mounts a disk in a file"
    ),
]


def _make_source(folder: Path) -> dict[str, str]:
    folder.mkdir()
    chance = random.Random(17)
    wanted = {}
    for number in range(FILES):
        content = b"\x89PNG\r\n\x1a\n" + chance.randbytes(2000 + number * 1500)
        (folder / f"{number:03}.png").write_bytes(content)
        wanted[f"{number:03}.png"] = hashlib.sha256(content).hexdigest()
    return wanted


class _Workload:
    """A driver in its own process that can be held still at any moment, with what it has promised by then."""

    def __init__(self, mode: str, place: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.power.driver", mode, str(place)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        self._said = b""

    def hold(self) -> bool:
        """Stop every thread of it and wait until none writes any more; false when it has ended."""
        if self._process.poll() is not None:
            return False
        self._process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self._process.pid}/task")
        while any(_state(thread) not in "TtXZ" for thread in threads.iterdir()):
            time.sleep(0.001)
        return True

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def promises(self) -> list[str]:
        assert self._process.stdout is not None
        self._said += self._process.stdout.read() or b""
        return self._said.decode().splitlines()

    def __enter__(self) -> _Workload:
        return self

    def __exit__(self, kind: type[BaseException] | None, _value: object, _trace: object) -> None:
        if kind is not None:
            self._process.kill()
        self.go_on()
        _out, errors = self._process.communicate(timeout=60)
        assert kind is not None or self._process.returncode == 0, errors.decode()


def _state(thread: Path) -> str:
    try:
        return (thread / "stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def _cut(mode: str, tmp_path: Path, moments: int, check: Check, pace: float = 0.1) -> list[str]:
    """Cut the power at that many moments of as many runs as that takes; return what was violated."""
    chance, violations, done, during = random.Random(), [], 0, 0
    while done < moments:
        folder = tmp_path / f"{mode}-{done}"
        folder.mkdir()
        with disk(folder) as place:
            wanted = _make_source(place / "source")
            settle(place)
            with _Workload(mode, place) as work:
                running = True
                while running and done < moments:
                    time.sleep(chance.uniform(0.001, pace))
                    running = work.hold()
                    promised = work.promises()
                    if not running or any(place.glob(_BEGUN[mode])):
                        with after_power_cut(folder) as left:
                            violations += [f"moment {done}: {text}" for text in check(left, wanted, promised)]
                        done += 1
                        during += running
                    work.go_on()
        (folder / "disk.img").unlink()
    print(f"{mode}: {done} power cuts, {during} of them while it ran, {len(violations)} violations")
    assert during >= moments * 0.7
    return violations


def _check_library(left: Path, found: list[str]) -> set[str]:
    """Open what is left, prove it sound, and return the SHA-256 of its images."""
    with open_library(left / "library", create=True, examiner=PlainExaminer()) as library:
        report = library.check.run(ACTOR, True, QUIET)
        if not report.is_sound:
            found.append(f"not sound: {report.items} {report.database}")
        if not library.store.audit.verify().holds:
            found.append("the audit log does not hold")
        there = {record.sha256 for record in library.store.images.stream()}
    for root in (left / "library" / "dental_images", left / "library" / "inbox"):
        found += [f"no length: {path.name}" for path in root.rglob("*") if path.is_file() and path.stat().st_size == 0]
    return there


def _sources(left: Path) -> set[str]:
    return {hashlib.sha256(path.read_bytes()).hexdigest() for path in (left / "source").iterdir()}


def _check_import(left: Path, wanted: Mapping[str, str], promised: list[str]) -> list[str]:
    found: list[str] = []
    there = _check_library(left, found)
    found += [f"promised and lost: {name}" for name in promised if wanted[name] not in there]
    with open_library(left / "library", create=False, examiner=PlainExaminer()) as library:
        library.settings.set_value(ACTOR, "storage.reserve_bytes", 0)
        library.imports.run(ACTOR, ImportArgs((left / "source",)), QUIET)
        again = sorted(record.sha256 for record in library.store.images.stream())
    if again != sorted(wanted.values()):
        found.append(f"after importing again there are {len(again)} images")
    return found


def _check_watched(left: Path, wanted: Mapping[str, str], _promised: list[str]) -> list[str]:
    found: list[str] = []
    kept = _check_library(left, found) | _sources(left)
    return found + [f"lost: {name}" for name, digest in wanted.items() if digest not in kept]


def _check_backup(left: Path, _wanted: Mapping[str, str], promised: list[str]) -> list[str]:
    found: list[str] = []
    _check_library(left, found)
    with open_library(left / "library", create=False) as library:
        records = {record.path: record for record in library.backups.list(ACTOR)}
        good = [record for record in records.values() if record.state is BackupState.GOOD]
        for record in good:
            try:
                # The paths are those of the disk before the cut.
                path = left / Path(record.path).relative_to(left.parent / "disk")
                if not library.backups.verify(ACTOR, path, QUIET).is_sound:
                    found.append(f"listed as good and damaged: {record.path}")
            except BitewingError as error:
                found.append(f"listed as good and {error.code}: {record.path}")
        found += [f"promised and not listed: {path}" for path in promised if path not in {one.path for one in good}]
    for archive in left.glob("*.zip"):
        with closing(open_archive(archive)):
            pass
    return found


def _check_naive(left: Path, wanted: Mapping[str, str], promised: list[str]) -> list[str]:
    files = left / "library" / "files"
    there = {hashlib.sha256(path.read_bytes()).hexdigest() for path in files.iterdir()} if files.exists() else set()
    kept = there | _sources(left)
    return [f"promised and lost: {name}" for name in promised if wanted[name] not in kept]


@pytest.mark.parametrize(
    ("mode", "check"), [("importing", _check_import), ("watching", _check_watched), ("backing", _check_backup)]
)
def test_nothing_is_lost_when_the_power_goes(mode: str, check: Check, tmp_path: Path, long_run: bool) -> None:
    assert not _cut(mode, tmp_path, LONG_MOMENTS if long_run else MOMENTS, check)


def test_the_same_harness_catches_a_naive_import(tmp_path: Path) -> None:
    assert _cut("naive", tmp_path, MOMENTS, _check_naive, pace=0.005)
