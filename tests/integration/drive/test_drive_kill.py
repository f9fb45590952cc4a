"""Killed in the middle of an upload, again and again: it goes on where Google stands (RELIABILITY A13)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.bootstrap.library import Library
from app.sync.report import ImportArgs
from app.transfer.drive.uploading import CHUNK_BYTES
from tests.drive_stand_in import DriveStandIn
from tests.integration.drive.conftest import QUIET, connect

ROOT = Path(__file__).resolve().parents[3]
DRIVER = Path(__file__).with_name("driver.py")
MIB = 1 << 20


def fill(library: Library, source: Path, size: int) -> None:
    """Import pictures of noise, which nothing makes smaller, of so many bytes together."""
    source.mkdir()
    side = 1632  # 8 MB each as RGB
    chance = np.random.default_rng(5)
    for number in range(-(-size // (side * side * 3))):
        noise = chance.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(noise).save(source / f"{number}.bmp")
    report = library.imports.run(library.owner(), ImportArgs((source,)), QUIET)
    assert not report.has_failures


class Killer:
    """Runs the backup in a process of its own and kills it where it is told to."""

    def __init__(self, google: DriveStandIn, root: Path) -> None:
        self.google, self.root, self.pid, self.kills = google, root, 0, 0

    def run(self) -> subprocess.CompletedProcess[str]:
        process = subprocess.Popen(
            [sys.executable, str(DRIVER), str(self.root), self.google.url],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.pid = process.pid
        said, complained = process.communicate(timeout=240)
        return subprocess.CompletedProcess([], process.returncode, said, complained)

    def kill(self) -> None:
        self.kills += 1
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("when", ["after each chunk", "within each chunk"])
def test_killed_in_every_chunk_at_most_one_chunk_is_sent_again(
    google: DriveStandIn, tmp_path: Path, opened: Callable, when: str, long_run: bool
) -> None:
    root, size = tmp_path / "library", (200 if long_run else 40) * MIB
    with opened(root, create=True) as library:
        connect(library)
        fill(library, tmp_path / "noise", size)
    killer = Killer(google, root)
    if when == "after each chunk":
        google.on_chunk = lambda _number: killer.kill()
    else:
        marks = iter(range(CHUNK_BYTES // 2, 2 * size, CHUNK_BYTES))
        mark = [next(marks)]

        def on_block(total: int) -> None:
            if total >= mark[0]:
                mark[0] = next(marks)
                killer.kill()

        google.on_block = on_block
    ended = killer.run()
    while ended.returncode == -signal.SIGKILL:
        assert killer.kills < 100
        # Half an archive is no backup.
        assert len(google.backups()) <= 1
        ended = killer.run()
    assert ended.returncode == 0, ended.stderr
    (there,) = google.backups()
    chunks = -(-len(there.content) // CHUNK_BYTES)
    assert len(there.content) > size
    assert killer.kills >= chunks - 1
    again = google.chunk_bytes - len(there.content)
    print(f"{when}: {killer.kills} kills, {len(there.content) >> 20} MiB, {again} bytes sent again")
    assert again <= killer.kills * CHUNK_BYTES
    if when == "after each chunk":
        assert again == 0
    assert sum(method == "POST" and "uploadType" in path for method, path in google.requests) == 1
    with opened(root) as library:
        (listed,) = library.drive.list(library.owner(), QUIET)
        (row,) = library.drive.history(library.owner())
        assert (row.id, row.state.value, row.remote_id) == (listed.id, "completed", there.id)
        assert list(library.paths.drive.glob("*.zip*")) == []
