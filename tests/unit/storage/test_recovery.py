"""What a start does with work of dead processes, and that it leaves the living alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.file_lock import FileLock
from app.domain.image import ImageRecord
from app.storage.catalogue import Catalogue, open_catalogue
from app.storage.owner import Owner
from tests.unit.storage.conftest import sha256_of


@pytest.fixture
def successor(catalogue: Catalogue) -> Iterator[Catalogue]:
    """A second process's view of the same library."""
    opened = open_catalogue(catalogue.paths)
    yield opened
    opened.close()


def abandon(catalogue: Catalogue, record: ImageRecord, source: Path, *, placed: bool) -> None:
    """Leave an arrival as a killed process does: intent written, the file in place or not yet."""
    staged = catalogue.files.stage(source, record.sha256)
    catalogue.intents.begin_arrivals([record])
    if placed:
        catalogue.files.claim(staged, record.directory, record.filename)


@pytest.fixture
def record(new_record, source: Path) -> ImageRecord:
    return new_record(sha256=sha256_of(source))


def test_a_living_process_is_left_alone(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=False)
    report = successor.recover("desk")
    assert (report.finished, report.cleared, report.leftovers) == ((), 0, 0)
    assert len(successor.intents.list()) == 1
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        assert successor.recover("desk").leftovers == 0
        placed.write_rows()
    assert successor.images.get(record.id) is not None


def test_a_complete_file_gets_its_row_audit_and_change(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=True)
    catalogue.owner.close()
    before = successor.changes.last()
    assert successor.recover("desk").finished == (record.id,)
    assert successor.images.get(record.id) == record
    assert [entry.entity_id for entry in successor.audit.list()] == [record.id]
    assert [item.change.id for item in successor.changes.since(before)] == [record.id]
    assert successor.recover("desk").finished == ()


def test_what_came_in_again_meanwhile_is_not_finished_twice(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=True)
    again = replace(record, id=str(uuid.uuid4()))
    with successor.filing.arrival(again, source) as placed, successor.write():
        again = placed.write_rows()
    catalogue.owner.close()
    report = successor.recover("desk")
    assert (report.finished, report.cleared) == ((), 1)
    assert (list(successor.files.files_on_disk()), successor.intents.list()) == ([again.path], [])


def test_what_never_came_is_cleared(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=False)
    catalogue.owner.close()
    report = successor.recover("desk")
    assert (report.finished, report.cleared, report.leftovers) == ((), 1, 1)
    assert successor.images.get(record.id) is None
    assert list(successor.files.files_on_disk()) == []


def test_a_reserved_name_is_freed(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=False)
    path = catalogue.files.path_of(record)
    path.parent.mkdir(parents=True)
    path.touch()
    catalogue.owner.close()
    successor.recover("desk")
    assert not path.exists()


def test_other_bytes_under_the_name_are_not_ours_to_touch(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=False)
    path = catalogue.files.path_of(record)
    path.parent.mkdir(parents=True)
    path.write_text("somebody else's")
    catalogue.owner.close()
    report = successor.recover("desk")
    assert (report.finished, report.cleared) == ((), 1)
    assert path.read_text() == "somebody else's"


def test_a_move_is_never_finished_over_the_only_copy(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        stored = placed.write_rows()
    intent = catalogue.intents.begin_move("dental_images/gone/image-1.png", stored)
    catalogue.intents.commit(intent)
    begun = catalogue.intents.begin_move("dental_images/gone/image-1.png", stored)
    assert begun
    catalogue.owner.close()
    successor.recover("desk")
    assert successor.intents.list() == []
    assert list(successor.files.files_on_disk()) == [stored.path]


@pytest.mark.parametrize("state", ["begun", "committed"])
def test_a_move_takes_away_only_its_own_bytes(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path, state: str
) -> None:
    """A process that dies before the link has announced a name that may be somebody else's."""
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        stored = placed.write_rows()
    other = catalogue.paths.images / "other" / "image-1.png"
    other.parent.mkdir()
    other.write_text("somebody else's")
    elsewhere = replace(stored, directory="dental_images/other/", filename="image-1.png")
    if state == "begun":
        catalogue.intents.begin_move(stored.path, elsewhere)
    else:
        catalogue.intents.commit(catalogue.intents.begin_move(elsewhere.path, stored))
    catalogue.owner.close()
    successor.recover("desk")
    assert other.read_text() == "somebody else's"
    assert catalogue.files.path_of(stored).read_bytes() == source.read_bytes()
    assert successor.intents.list() == []


@pytest.mark.parametrize("left", ["link", "reservation"])
def test_a_move_that_never_was_leaves_nothing_at_its_target(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path, left: str
) -> None:
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        stored = placed.write_rows()
    target = catalogue.paths.images / "other" / "image-1.png"
    target.parent.mkdir()
    target.write_bytes(source.read_bytes() if left == "link" else b"")
    catalogue.intents.begin_move(stored.path, replace(stored, directory="dental_images/other/", filename="image-1.png"))
    catalogue.owner.close()
    successor.recover("desk")
    assert list(successor.files.files_on_disk()) == [stored.path]


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [("payload", "filed", "nonsense"), ("payload", "patient_id", "nobody"), ("target", "dental", "../dental")],
)
def test_an_intent_that_cannot_be_carried_out_never_stops_the_start(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path, column: str, before: str, after: str
) -> None:
    abandon(catalogue, record, source, placed=True)
    catalogue.owner.close()
    successor.database.execute(f"UPDATE file_intents SET {column} = replace({column}, ?, ?)", (before, after))
    successor.recover("desk")
    assert catalogue.files.path_of(record).is_file()


def test_a_patient_who_never_was_keeps_the_intent(
    catalogue: Catalogue, successor: Catalogue, record: ImageRecord, source: Path
) -> None:
    abandon(catalogue, record, source, placed=True)
    catalogue.owner.close()
    assert record.patient_id is not None
    successor.database.execute(
        "UPDATE file_intents SET payload = json_set(payload, '$.patient_id', 'somebody who is not there')"
    )
    assert successor.recover("desk").finished == ()
    assert len(successor.intents.list()) == 1
    assert catalogue.files.path_of(record).is_file()


@pytest.mark.parametrize(("age_s", "busy", "kept"), [(0, False, True), (3600, False, False), (3600, True, True)])
def test_things_without_a_mark_go_when_they_are_old(catalogue: Catalogue, age_s: int, busy: bool, kept: bool) -> None:
    stray = catalogue.paths.incoming / "member.dcm"
    stray.write_text("x")
    then = time.time() - age_s
    os.utime(stray, (then, then))
    if busy:
        catalogue.owner.token()
    assert catalogue.recover("desk").leftovers == (not kept)
    assert stray.exists() is kept


def test_a_library_that_cannot_be_written_still_opens(catalogue: Catalogue) -> None:
    incoming = catalogue.paths.incoming
    incoming.rmdir()
    incoming.write_text("in the way")
    assert catalogue.recover("desk").cleared == 0


def test_one_process_recovers_at_a_time(catalogue: Catalogue) -> None:
    lock = FileLock(catalogue.paths.incoming / "recovery.lock")
    assert lock.acquire()
    assert catalogue.recover("desk").cleared == 0
    lock.release()


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from app.storage.owner import Owner\n"
        "owner = Owner(Path(sys.argv[1])); print(owner.token(), flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdin is not None
    token, here = child.stdout.readline().strip(), Owner(tmp_path)
    assert here.is_alive(token)
    child.kill()
    child.wait(10)
    child.stdin.close()
    child.stdout.close()
    assert not here.is_alive(token)
    assert not here.is_alive("../../etc/passwd")
    assert here.is_alive(here.token())
    here.close()
    assert list(tmp_path.glob(f"{here.name}*")) == []


def test_a_lock_whose_file_was_removed_is_no_lock(tmp_path: Path) -> None:
    first = FileLock(tmp_path / "x.owner")
    assert first.acquire()
    assert first.acquire()
    second = FileLock(tmp_path / "x.owner")
    assert not second.acquire()
    first.release(remove=True)
    assert not (tmp_path / "x.owner").exists()
    assert second.acquire()
    assert second.held
    second.release()
    assert json.dumps(second.held) == "false"
