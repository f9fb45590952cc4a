"""Settings, secrets, changes, jobs: what else the catalogue keeps."""

from __future__ import annotations

import pytest

from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.storage import changes
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.events import EventFilter, Level
from app.storage.jobs import JobItem, JobState

ADDED = Change(Entity.IMAGE, ChangeKind.ADDED, "i1", "p1")
CHANGED = Change(Entity.PATIENT, ChangeKind.CHANGED, "p1")


def test_settings_keep_their_types(catalogue: Catalogue) -> None:
    values = {"a": 1, "b": True, "c": "عيادة", "d": [{"path": "x"}], "e": None}
    for key, value in values.items():
        catalogue.settings.set(key, "before")
        catalogue.settings.set(key, value)
    assert catalogue.settings.all() == values
    assert catalogue.settings.get("d") == [{"path": "x"}]
    catalogue.settings.remove("a")
    assert catalogue.settings.get("a") is None


def test_secrets_are_kept_as_they_come(catalogue: Catalogue) -> None:
    catalogue.secrets.set("mirror.password", "c2VhbGVk")
    catalogue.secrets.set("mirror.password", "c2VhbGVkMg==")
    assert catalogue.secrets.get("mirror.password") == "c2VhbGVkMg=="
    assert catalogue.secrets.names() == ["mirror.password"]
    catalogue.secrets.remove("mirror.password")
    assert catalogue.secrets.get("mirror.password") is None


def test_other_processes_hear_of_changes(catalogue: Catalogue) -> None:
    other = open_catalogue(catalogue.paths)
    start = other.changes.last()
    last = catalogue.changes.append(ChangeSet((ADDED, CHANGED)))
    assert [item.change for item in other.changes.since(start)] == [ADDED, CHANGED]
    heard = other.changes.set_since(start, other_than=other.changes.origin)
    assert heard == ChangeSet((ADDED, CHANGED), last)
    assert catalogue.changes.set_since(start, other_than=catalogue.changes.origin) == ChangeSet((), last)
    assert other.changes.since(last or 0) == []
    assert catalogue.changes.append(()) is None
    other.close()


def test_who_is_far_behind_catches_up_in_steps(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "MOST_AT_ONCE", 3)
    added = [Change(Entity.IMAGE, ChangeKind.ADDED, f"i{number}") for number in range(7)]
    catalogue.changes.append(added)
    heard: list[Change] = []
    seq = 0
    for _step in range(3):
        step = catalogue.changes.set_since(seq)
        heard += step.changes
        seq = step.seq
    assert heard == added
    assert seq == catalogue.changes.last()


def test_the_life_of_a_job(catalogue: Catalogue) -> None:
    job = catalogue.jobs.start("import", "user", "owner", {"paths": ["x"]})
    assert catalogue.jobs.list() == [job]
    assert catalogue.jobs.unfinished("import") is None
    items = [
        JobItem("a.dcm", "imported", 10, 11, "i1", "p1"),
        JobItem("b.dcm", "quarantined", 20, 21, code="file.truncated", facts={"has": 1}),
    ]
    catalogue.jobs.add_items(job.id, items)
    catalogue.jobs.finish(job.id, JobState.FAILED, {"imported": 1, "failed": 1}, "disk.full", {"free": 0})
    stored = catalogue.jobs.get(job.id)
    assert stored is not None
    assert (stored.state, stored.counts, stored.error_code) == (
        JobState.FAILED,
        {"imported": 1, "failed": 1},
        "disk.full",
    )
    assert stored.ended_at is not None
    assert catalogue.jobs.items(job.id) == items
    assert catalogue.jobs.item_of(job.id, "a.dcm", 10, 11) == items[0]
    assert catalogue.jobs.item_of(job.id, "a.dcm", 10, 12) is None
    assert catalogue.jobs.unfinished("import", {"paths": ["x"]}) == stored
    assert catalogue.jobs.unfinished("import", {"paths": ["y"]}) is None
    later = catalogue.jobs.start("import", "user", "owner", {"paths": ["x"]})
    catalogue.jobs.finish(later.id, JobState.SUCCEEDED)
    assert catalogue.jobs.unfinished("import") is None
    assert [found.id for found in catalogue.jobs.list(kind="import")] == [later.id, job.id]
    assert catalogue.jobs.list(kind="check") == []


def test_only_dead_processes_are_interrupted(catalogue: Catalogue) -> None:
    job = catalogue.jobs.start("import", "user", "owner")
    other = open_catalogue(catalogue.paths)
    assert other.recover("desk").cleared == 0
    assert other.jobs.get(job.id) == job
    catalogue.owner.close()
    other.recover("desk")
    found = other.jobs.get(job.id)
    assert found is not None
    assert found.state is JobState.INTERRUPTED
    other.close()


def test_paths_that_are_no_unicode_are_found_again(catalogue: Catalogue) -> None:
    path = "/in/caf\udce9.jpg"
    job = catalogue.jobs.start("import", "user", "owner", {"paths": [path]})
    catalogue.jobs.add_items(job.id, [JobItem(path, "failed", 5, 6, facts={"path": path})])
    found = catalogue.jobs.item_of(job.id, path, 5, 6)
    assert found is not None
    assert (found.path, found.facts) == ("/in/caf\\udce9.jpg", {"path": path})
    catalogue.jobs.finish(job.id, JobState.CANCELLED)
    assert catalogue.jobs.unfinished("import", {"paths": [path]}) is not None


def test_events_are_listed_newest_first_in_pages(catalogue: Catalogue) -> None:
    for number in range(5):
        level = Level.ERROR if number % 2 else Level.INFO
        catalogue.events.append(level, "monitor" if number < 3 else "backup", "file.empty", {"n": number})
    assert [event.facts["n"] for event in catalogue.events.list()] == [4, 3, 2, 1, 0]
    newest = catalogue.events.list(limit=2)
    older = catalogue.events.list(limit=2, before=newest[-1].number)
    assert [event.facts["n"] for event in older] == [2, 1]
    chosen = EventFilter(topics=("monitor",), levels=(Level.ERROR,))
    assert [event.facts["n"] for event in catalogue.events.list(chosen)] == [1]
    at = newest[0].at
    assert catalogue.events.list(EventFilter(until=catalogue.events.list()[-1].at)) == []
    assert newest[0] in catalogue.events.list(EventFilter(since=at))


def test_what_was_learned_is_remembered(catalogue: Catalogue) -> None:
    assert catalogue.state.get("scrub.rank") is None
    catalogue.state.set("scrub.rank", 12)
    catalogue.state.set("scrub.rank", {"rank": 13})
    assert catalogue.state.get("scrub.rank") == {"rank": 13}
