"""When a backup goes to Drive by itself: once a date, made up when missed, never without an account."""

from __future__ import annotations

from datetime import datetime
from types import SimpleNamespace

import pytest

from app.bootstrap.library import Library
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.services import schedule as schedule_module
from app.services.schedule import Task
from tests.drive_stand_in import DriveStandIn, Fault
from tests.integration.drive.conftest import QUIET

# The clinic's local time; only dates and hours matter.
BEFORE = datetime(2026, 6, 3, 1, 30).astimezone()
AFTER = datetime(2026, 6, 3, 2, 1).astimezone()
LATE = datetime(2026, 6, 5, 9, 0).astimezone()
SUNDAY = datetime(2026, 6, 7, 2, 1).astimezone()


def run(library: Library, now: datetime) -> bool:
    """Do as the background does."""
    with library.schedule.claimed(Task.DRIVE, now) as mine:
        if mine:
            library.drive.run_scheduled(library.owner(), QUIET)
        return mine


def due(library: Library, now: datetime) -> bool:
    return Task.DRIVE in library.schedule.due(now)


def test_once_a_date_and_made_up_when_missed(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    assert not due(library, AFTER)
    library.settings.set(actor, "drive.schedule", "daily")
    library.settings.set(actor, "drive.contents", "database")
    assert due(library, BEFORE)  # yesterday's
    assert run(library, BEFORE)
    # Made up late: today counts as done too.
    assert not due(library, AFTER)
    assert due(library, LATE)
    assert run(library, LATE)
    assert not run(library, LATE)
    assert not due(library, LATE)
    assert [record.started_by for record in library.drive.history(actor)] == ["schedule", "schedule"]
    assert {one.contents for one in library.drive.list(actor, QUIET)} == {"database"}
    assert library.status.backup_health(actor).drive.next_at is not None


def test_weekly_is_on_sundays_and_at_its_time(library: Library) -> None:
    actor = library.owner()
    library.settings.set(actor, "drive.schedule", "weekly")
    library.settings.set(actor, "drive.time", "03:30")
    assert run(library, SUNDAY)  # last week's, made up
    assert not due(library, SUNDAY.replace(hour=4))


def test_a_failure_gives_the_date_back_and_deletes_nothing(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.settings.set(actor, "drive.schedule", "daily")
    library.settings.set(actor, "drive.retention_days", "1")
    library.settings.set(actor, "drive.contents", "database")
    start = google.now()
    for day in range(5):
        google.now = lambda day=day: start.replace(year=2020, month=1, day=1 + day)
        library.drive.backup(actor, QUIET)
    google.now = lambda: start
    google.faults.append(Fault("POST", "uploadType", 403, "insufficientFilePermissions"))
    with pytest.raises(EnvironmentFault, match=r"drive\.forbidden"):
        run(library, AFTER)
    assert len(google.backups()) == 5
    assert not due(library, AFTER)
    library.schedule._not_before.clear()
    assert due(library, AFTER)
    assert run(library, AFTER)
    # Now the newest is of today: two of the others are kept with it.
    assert len(google.backups()) == 3


def test_a_line_that_is_down_is_tried_again_soon_and_a_refusal_later(
    library: Library, google: DriveStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, clock = library.owner(), [1000.0]
    monkeypatch.setattr(schedule_module, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    library.settings.set(actor, "drive.schedule", "daily")
    google.faults.append(Fault("GET", "about", 503, times=50, retry_after="0"))
    with pytest.raises(TransientFault):
        run(library, AFTER)
    clock[0] += 31 * 60
    assert due(library, AFTER)
    google.faults.clear()
    library.settings.set(actor, "backup.password", "")
    with pytest.raises(UserError, match=r"drive\.not_sealed"):
        run(library, AFTER)
    clock[0] += 31 * 60
    assert not due(library, AFTER)
    clock[0] += 6 * 60 * 60
    assert due(library, AFTER)


def test_a_failing_clean_up_makes_no_second_backup(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.settings.set(actor, "drive.schedule", "daily")
    google.faults.append(Fault("GET", "orderBy=createdTime\\+desc", 403, "insufficientFilePermissions"))
    assert run(library, AFTER)
    assert not due(library, AFTER)
    assert len(google.backups()) == 1
    assert "drive.not_pruned" in [event.code for event in library.events.list(actor)]


def test_no_account_nothing_due_and_the_status_says_how_it_stands(library: Library, google: DriveStandIn) -> None:
    actor = library.owner()
    library.settings.set(actor, "drive.schedule", "daily")
    library.drive.backup(actor, QUIET)
    health = library.status.backup_health(actor).drive
    assert health.is_connected
    assert health.last is not None
    assert health.last.state.value == "completed"
    google.revoke_all()
    with pytest.raises(EnvironmentFault, match=r"drive\.revoked"):
        run(library, AFTER)
    assert library.status.snapshot(actor).backup.drive.is_revoked
    library.drive.disconnect(actor)
    assert not due(library, AFTER)
    assert not library.status.backup_health(actor).drive.is_connected
