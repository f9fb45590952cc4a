"""When the lamps turn amber: an old backup, none although planned, a trial of restoring that is long ago."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.settings import ClinicSettings
from app.services.backup_health import BackupHealth, backup_health
from app.storage.backups import BackupRecord, BackupState, DrillRecord

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAILY = ClinicSettings(backup_folder="/x", backup_schedule="daily", drill_days=30)


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def health(library: Library, clinic: ClinicSettings = DAILY) -> BackupHealth:
    return backup_health(library.store, clinic, NOW)


def backup(library: Library, days: int, state: BackupState = BackupState.GOOD) -> None:
    at = NOW - timedelta(days=days)
    record = BackupRecord(f"b{days}{state}", f"/x/{days}{state}.zip", "zip", "images", at, at, 1, 1, encrypted=False)
    library.store.backups.add(replace(record, state=state))


def drill(library: Library, days: int, *, ok: bool = True) -> None:
    at = NOW - timedelta(days=days)
    library.store.backups.add_drill(DrillRecord(at, "/x/a.zip", at, 1, 1, 0, ok))


def test_nothing_planned_is_no_alarm_and_planned_without_any_is(library: Library) -> None:
    assert not health(library, ClinicSettings()).is_overdue
    assert health(library).is_overdue
    assert (
        health(library).next_at
        == datetime.combine(NOW.date() + timedelta(days=1), datetime.min.time()).replace(hour=2).astimezone()
    )


@pytest.mark.parametrize(("schedule", "fine", "late"), [("daily", 1, 3), ("weekly", 7, 9), ("monthly", 31, 33)])
def test_older_than_planned(library: Library, schedule: str, fine: int, late: int) -> None:
    clinic = replace(DAILY, backup_schedule=schedule)
    backup(library, late)
    assert health(library, clinic).is_overdue
    backup(library, fine)
    assert not health(library, clinic).is_overdue
    backup(library, 0, BackupState.DAMAGED)
    assert health(library, clinic).last.created_at == NOW - timedelta(days=fine)  # type: ignore[union-attr]


def test_a_trial_of_restoring_long_ago(library: Library) -> None:
    assert not health(library).drill_is_overdue
    backup(library, 10)
    assert not health(library).drill_is_overdue
    backup(library, 40)
    backup(library, 1)
    drill(library, 31)
    assert health(library).drill_is_overdue
    drill(library, 2, ok=False)
    assert health(library).drill_is_overdue
    assert health(library).last_drill.ok is False  # type: ignore[union-attr]
    drill(library, 1)
    assert not health(library).drill_is_overdue
