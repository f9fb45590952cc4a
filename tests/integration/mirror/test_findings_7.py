"""Faults found later: a lock that cannot be taken is said in words, and goes by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.roles import owner
from tests.integration.mirror.test_pull_back import fill

OWNER, QUIET = owner("test"), JobContext.silent()


def test_a_lock_that_cannot_be_taken_is_said(library: Library, place: Path, tmp_path: Path) -> None:
    fill(library, tmp_path / "in", 1)
    # A folder where the file would be: no rights are needed for this fault, and the superuser meets it too.
    lock = library.paths.root / ".outbox-mirror.nas.lock"
    lock.mkdir()
    with pytest.raises(EnvironmentFault, match=r"disk\."):
        library.mirrors.sync(OWNER, QUIET)
    with pytest.raises(EnvironmentFault, match=r"disk\."):
        library.sending.run(OWNER, JobContext(CancelToken()), "mirror.nas")
    [queue] = library.outbox.queues(OWNER)
    assert queue.blocked_code is not None
    lock.rmdir()
    assert library.mirrors.sync(OWNER, QUIET).drained.sent > 0
    [queue] = library.outbox.queues(OWNER)
    assert (queue.blocked_code, queue.waiting) == (None, 0)
