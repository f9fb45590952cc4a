"""The nightly proof finds every flipped bit and mends it; the drill restores and certifies; rotation is careful."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.services.schedule import Task
from app.storage.backups import BackupState
from app.storage.events import EventFilter
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph

QUIET = JobContext.silent()


@pytest.fixture
def library(clinic: Path) -> Iterator[Library]:
    with open_library(clinic, create=False) as opened:
        yield opened


def _flip(path: Path, rng: random.Random) -> None:
    data = bytearray(path.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def _whole_round(library: Library, nights: int = 30) -> tuple[int, int]:
    damaged = repaired = 0
    for _night in range(nights + 1):
        report = library.proof.run(library.owner(), QUIET, nights=nights, hurry=True)
        damaged, repaired = damaged + report.damaged, repaired + report.repaired
        if report.round_complete:
            return damaged, repaired
    raise AssertionError("the round never ended")


def test_one_bit_in_some_of_many_files(tmp_path: Path, long_run: bool) -> None:
    """Issue 3, item 5: 50 of 5,000 in the long form."""
    files, flipped = (5000, 50) if long_run else (150, 10)
    source, rng = tmp_path / "source", random.Random(5)
    for number in range(files):
        photograph(source / f"{number}.png", number, "PNG")
    with open_library(tmp_path / "library", create=True) as library:
        library.imports.run(library.owner(), ImportArgs((source,)), QUIET)
        records = list(library.store.images.stream())
        assert len(records) == files
        assert _whole_round(library) == (0, 0)
        chosen = rng.sample(records, flipped)
        for record in chosen:
            _flip(library.paths.root / record.path, rng)
        assert _whole_round(library) == (flipped, 0)
        assert set(library.proof.damaged()) == {record.id for record in chosen}
        print(f"{flipped} of {files} files with one bit flipped: {len(library.proof.damaged())} found, 0 false")


def test_damage_is_mended_from_the_newest_good_backup(library: Library, tmp_path: Path, contents) -> None:
    before = contents(library.paths.root)
    library.backups.create(library.owner(), f"{tmp_path}/folder/", QUIET)
    library.backups.create(library.owner(), tmp_path / "a.zip", QUIET)
    paths = sorted(before)
    _flip(library.paths.root / paths[0], random.Random(1))
    (library.paths.root / paths[1]).unlink()
    assert _whole_round(library, 1) == (0, 2)
    assert contents(library.paths.root) == before
    assert library.proof.damaged() == {}
    # What was damaged is kept, not thrown away.
    assert len([path for path in (library.paths.root / ".replaced").rglob("*") if path.is_file()]) == 1
    events = library.events.list(library.owner(), EventFilter(topics=("proof",)))
    assert [event.code for event in events] == ["proof.repaired"] * 2
    assert library.check.run(library.owner(), True, QUIET).is_sound


def test_a_night_that_is_cut_off_goes_on_where_it_was(library: Library) -> None:
    token = CancelToken()
    seen = []

    def stop(progress) -> None:
        seen.append(progress.done)
        token.cancel()

    with pytest.raises(Cancelled):
        library.proof.run(library.owner(), JobContext(token, stop), nights=1, hurry=True)
    position = library.store.state.get("scrub.position")["rank"]
    report = library.proof.run(library.owner(), QUIET, nights=1, hurry=True)
    assert report.round_complete
    assert report.read + position >= library.store.images.count_all()


def test_a_volume_that_is_away_is_no_damage(library: Library) -> None:
    (library.paths.root / ".bitewing-root").unlink()
    with pytest.raises(BitewingError) as caught:
        library.proof.run(library.owner(), QUIET)
    assert caught.value.code == "library.away"
    assert library.proof.damaged() == {}


@pytest.mark.parametrize("target", ["a.zip", "folder/"])
def test_the_drill_restores_compares_and_certifies(library: Library, tmp_path: Path, target: str) -> None:
    with pytest.raises(BitewingError) as caught:
        library.drill.run(library.owner(), QUIET)
    assert caught.value.code == "drill.no_backup"
    library.backups.create(library.owner(), f"{tmp_path}/{target}", QUIET)
    report = library.drill.run(library.owner(), QUIET)
    assert report.record.ok
    assert report.record.files == library.store.images.count_all() + 2
    assert report.certificate is not None
    assert json.loads(report.certificate.read_text())["ok"] is True
    assert library.drill.last(library.owner()) == report.record
    assert not list((library.paths.root / ".incoming").glob("*.work"))


def test_a_backup_that_rots_fails_its_drill(library: Library, tmp_path: Path) -> None:
    record = library.backups.create(library.owner(), tmp_path / "a.zip", QUIET).record
    _flip(tmp_path / "a.zip", random.Random(3))
    report = library.drill.run(library.owner(), QUIET)
    assert not report.record.ok
    assert {entry.id: entry.state for entry in library.backups.list(library.owner())} == {
        record.id: BackupState.DAMAGED
    }
    (event,) = library.events.list(library.owner(), EventFilter(topics=("drill",)))
    assert event.code == "drill.failed"


@pytest.mark.parametrize("form", ["zip", "folder"])
def test_scheduled_backups_rotate_and_three_good_ones_stay(library: Library, tmp_path: Path, form: str) -> None:
    actor, folder = library.owner(), tmp_path / "backups"
    folder.mkdir()
    library.settings.set(actor, "backup.folder", str(folder))
    library.settings.set(actor, "backup.form", form)
    by_hand = library.backups.create(actor, tmp_path / "mine.zip", QUIET).record
    for _number in range(5):
        library.backups.run_scheduled(actor, QUIET)
    database = library.store.database
    for age, (number,) in enumerate(database.rows("SELECT number FROM backups ORDER BY number DESC")):
        database.execute(
            "UPDATE backups SET created_at = created_at - ? WHERE number = ?", (age * 40 * 86_400_000, number)
        )
    library.backups.run_scheduled(actor, QUIET)
    left = library.backups.list(actor)
    assert sum(record.started_by == "schedule" for record in left) == 3
    assert by_hand.id in {record.id for record in left}
    for record in left:
        assert library.backups.verify(actor, Path(record.path), QUIET).is_sound


def test_a_missing_backup_folder_is_tried_again_the_same_day(library: Library, tmp_path: Path) -> None:
    actor = library.owner()
    now = datetime(2026, 11, 27, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    library.settings.set(actor, "backup.schedule", "daily")
    assert Task.BACKUP not in library.schedule.due(now)
    library.settings.set(actor, "backup.folder", str(tmp_path / "unplugged"))
    assert Task.BACKUP in library.schedule.due(now)

    def attempt() -> bool:
        with library.schedule.claimed(Task.BACKUP, now) as mine:
            if mine:
                library.backups.run_scheduled(actor, QUIET)
            return mine

    with pytest.raises(BitewingError):
        attempt()
    assert Task.BACKUP not in library.schedule.due(now)
    library.schedule._not_before.clear()
    (tmp_path / "unplugged").mkdir()
    assert attempt()
    assert not attempt()
    assert Task.BACKUP in library.schedule.due(now + timedelta(days=1))
