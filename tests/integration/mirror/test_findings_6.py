"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.roles import owner
from app.storage.outbox import EntryState
from tests.integration.mirror.test_folder_mirror import ROOT, fill

OWNER, QUIET = owner("test"), JobContext.silent()


def test_what_was_settled_stays_settled(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    image = library.images.list(OWNER)[0]
    (library.paths.root / image.path).write_bytes(b"rotten")
    library.mirrors.sync(OWNER, QUIET)
    [parked] = library.store.outbox.entries("mirror.nas", (EntryState.PARKED,))
    library.outbox.settle(OWNER, parked.number)
    library.settings.set(OWNER, "mirror.nas.interval", "60")
    [queue] = library.outbox.queues(OWNER)
    assert (queue.waiting, queue.parked) == (0, 0)


def test_exit_code_of_a_blocked_mirror(library: Library, place: Path, tmp_path: Path) -> None:
    library.settings.set_destination(OWNER, "mirror", "a", {"path": str(library.paths.root / "x"), "enabled": True}, {})
    fill(library, tmp_path / "in", 1)
    done = subprocess.run(
        [sys.executable, "-m", "app", "--library", str(library.paths.root), "mirror", "--once"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    print(done.returncode, done.stdout, done.stderr)
    assert done.returncode != 0 or done.stderr
