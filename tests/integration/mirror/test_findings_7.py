"""Faults found later: a lock that cannot be taken is said in words; names that differ in capitals alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.domain.roles import owner
from app.services.sending.service import lock_name
from app.services.settings import DestinationChange, SettingChanges
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


def test_names_that_differ_in_capitals_alone_are_refused(library: Library, place: Path, tmp_path: Path) -> None:
    settings = library.settings
    with pytest.raises(UserError, match=r"settings\.name_taken") as caught:
        settings.set_destination(OWNER, "mirror", "NAS", {"path": str(tmp_path)}, {})
    assert caught.value.facts["name"] == "nas"
    with pytest.raises(UserError, match=r"settings\.name_taken"):
        settings.set(OWNER, "mirror.Nas.path", str(tmp_path))
    with pytest.raises(UserError, match=r"settings\.name_taken"):
        settings.set(OWNER, "mirror.nAS.password", "a secret")
    both = tuple(DestinationChange("dimse", name, {"host": "h"}, {}) for name in ("Pacs", "pacs"))
    with pytest.raises(UserError, match=r"settings\.name_taken"):
        settings.save(OWNER, SettingChanges(destinations=both))
    assert [mirror.name for mirror in settings.mirrors()] == ["nas"]
    # An archive of that name is something else, and a name that was given up is free.
    settings.set_destination(OWNER, "dimse", "Nas", {"host": "h"}, {})
    renamed = (DestinationChange("mirror", "NAS", {"path": str(place)}, {}),)
    settings.save(OWNER, SettingChanges(destinations=renamed, forgotten=(("mirror", "nas"),)))
    assert [mirror.name for mirror in settings.mirrors()] == ["NAS"]


def test_such_pairs_from_before_have_locks_of_their_own() -> None:
    names = [lock_name(f"mirror.{name}") for name in ("nas", "NAS", "Nas")]
    assert len({name.casefold() for name in names}) == 3
    assert names[0] == ".outbox-mirror.nas.lock"
