"""Many removals at once are held at the mirror until a person agrees; corrections and few deletions are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import RefusedError
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role, owner
from app.services.mirroring.guard import are_too_many
from tests.integration.mirror.conftest import Away
from tests.integration.mirror.test_pull_back import bitewing, fill, mirrored

OWNER, QUIET = owner("test"), JobContext.silent()


def images_there(away: Away) -> int:
    return sum(name.startswith("dental_images/") for name in away.files())


@pytest.mark.parametrize(
    ("going", "there", "held"),
    [(0, 0, False), (4, 4, False), (5, 20, True), (5, 25, False), (6, 25, True), (50, 1000, False), (51, 9999, True)],
)
def test_what_is_too_many(going: int, there: int, held: bool) -> None:
    assert are_too_many(going, there) is held


def test_many_deletions_are_held_until_somebody_agrees(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 19)
    every = [image.id for image in library.images.list(OWNER)]
    library.images.delete(OWNER, every[:5])
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.removed, report.drained.failed, images_there(folder_away)) == (0, 0, 20)
    parked = [queued.entry for queued in library.outbox.queued(OWNER, "mirror.away")]
    assert {(entry.state.value, entry.code) for entry in parked} == {("parked", "mirror.many_removals")}
    assert parked[0].facts == {"count": 5, "there": 20}
    # Trying again by hand is no agreement.
    library.mirrors.sync(OWNER, QUIET)
    assert images_there(folder_away) == 20
    with pytest.raises(RefusedError):
        library.removals.agree(Actor("d", "d", Role.DENTIST, "test"), "mirror.away")
    assert library.removals.agree(OWNER, "mirror.away") == 5
    assert library.mirrors.sync(OWNER, QUIET).drained.removed == 5
    assert images_there(folder_away) == 15
    # What was agreed to does not count against the next few.
    library.images.delete(OWNER, every[5:7])
    assert library.mirrors.sync(OWNER, QUIET).drained.removed == 2
    entries = [entry for entry in library.store.audit.list(limit=50) if entry.details.get("removals_agreed")]
    assert [entry.entity_id for entry in entries] == ["mirror.away"]


def test_deletions_one_after_the_other_count_together(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 19)
    for image in library.images.list(OWNER)[:8]:
        library.images.delete(OWNER, [image.id])
        library.mirrors.sync(OWNER, QUIET)
    assert images_there(folder_away) == 16


def test_what_was_deleted_by_mistake_and_restored_is_held_no_more(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 9)
    every = [image.id for image in library.images.list(OWNER)]
    library.images.delete(OWNER, every)
    library.mirrors.sync(OWNER, QUIET)
    library.images.restore(OWNER, every)
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.queued, report.drained.failed, images_there(folder_away)) == (0, 0, 10)
    assert library.outbox.queued(OWNER, "mirror.away") == []


def test_moving_everything_to_another_patient_is_no_removal(
    library: Library, folder_away: Away, tmp_path: Path
) -> None:
    mirrored(library, folder_away, tmp_path / "in", 9)
    other = library.patients.add(OWNER, PatientDraft("Roe", "Rick", "99"))
    library.images.move(OWNER, [image.id for image in library.images.list(OWNER)], Filing(patient_id=other.id))
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.failed, report.queued) == (0, 0)
    assert {name.split("/")[1] for name in folder_away.files() if name.startswith("dental_images/")} == {other.id}
    assert images_there(folder_away) == 10


def test_nothing_is_removed_from_an_unplugged_library(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 3)
    image = library.images.list(OWNER)[0]
    library.images.delete(OWNER, [image.id])
    library.paths.marker.unlink()
    assert library.mirrors.sync(OWNER, QUIET).drained.removed == 0
    assert images_there(folder_away) == 4
    library.paths.marker.touch()
    assert library.mirrors.sync(OWNER, QUIET).drained.removed == 1


def test_the_plan_says_it_and_does_nothing(library: Library, folder_away: Away, tmp_path: Path) -> None:
    mirrored(library, folder_away, tmp_path / "in", 19)
    before = folder_away.files()
    every = library.images.list(OWNER)
    library.images.move(OWNER, [every[0].id], Filing(tooth="3"))
    library.images.delete(OWNER, [image.id for image in every[1:7]])
    root = library.paths.root
    done = bitewing(root, "mirror", "--dry-run", "--json")
    assert done.returncode == 0, done.stderr
    [plan] = json.loads(done.stdout)
    now = library.images.list(OWNER)
    moved = next(image for image in now if image.id == every[0].id)
    assert {key: plan[key] for key in ("destination", "uploads", "recalls", "held", "unchanged", "bytes")} == {
        "destination": "away",
        "uploads": 1,
        "recalls": 6,
        "held": 6,
        "unchanged": 14,
        "bytes": moved.size_bytes,
    }
    assert plan["first_uploads"] == [moved.path]
    assert set(plan["first_recalls"]) == {image.path for image in every[1:7]}
    assert folder_away.files() == before
    assert "would be sent" in bitewing(root, "mirror", "--dry-run").stdout
    done = bitewing(root, "mirror", "--json")
    assert (done.returncode, json.loads(done.stdout)["held"]) == (0, 6)
    assert "--agree-removals" in done.stderr
    done = bitewing(root, "mirror", "--agree-removals", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["deleted"], document["held"]) == (0, 6, 0)
    assert images_there(folder_away) == 14


def test_a_paused_mirror_is_left_alone_unless_it_is_named(library: Library, folder_away: Away, tmp_path: Path) -> None:
    folder_away.set_up(library)
    library.settings.set(OWNER, "mirror.away.paused", "true")
    fill(library, tmp_path / "in", 2)
    report = library.mirrors.sync(OWNER, QUIET)
    assert (report.drained.sent, images_there(folder_away)) == (0, 0)
    [queue] = library.outbox.queues(OWNER)
    assert (queue.enabled, queue.waiting) == (True, 3)
    assert library.mirrors.sync(OWNER, QUIET, "away").drained.sent == 3
    library.settings.set(OWNER, "mirror.away.paused", "false")
    assert library.mirrors.sync(OWNER, QUIET).queued == 0
