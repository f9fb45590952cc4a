"""Regular work: what is due, each date once, tried again after a while when it failed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import date, datetime
from enum import StrEnum

from app.core.clock import utc_now
from app.core.errors import BitewingError, Cancelled, TransientFault
from app.domain.roles import Action, Actor
from app.domain.schedule import dates_claimed, next_moment
from app.services.door import Door
from app.services.settings import SettingsService

# Long enough for a drive to be plugged in again, short enough to make it the same night.
RETRY_S = 30 * 60.0
# What Google refuses waits for a person (no password, no room, an unknown client): a few tries a day are enough.
REFUSED_RETRY_S = 6 * 60 * 60.0
PROOF_AT = "01:00"
DRILL_AT = "04:00"
# How the account at Google stands, as app.services.drive.account keeps it; that module brings the network along.
DRIVE_TOKEN = "drive.refresh_token"  # noqa: S105 - the name of a secret
DRIVE_REVOKED = "drive.revoked"


class Task(StrEnum):
    """What runs regularly."""

    BACKUP = "backup"
    DRIVE = "drive"
    PROOF = "proof"
    DRILL = "drill"


class ScheduleService:
    """Knows what is due. Any thread."""

    def __init__(self, door: Door, settings: SettingsService) -> None:
        self._door = door
        self._settings = settings
        # Monotonic: a clock that is set cannot bring on or hold off another try.
        self._not_before: dict[Task, float] = {}

    def due(self, now: datetime | None = None) -> list[Task]:
        """Return what should have begun by now and has not."""
        local = now or utc_now().astimezone()
        with self._door.store.read():
            return [task for task in Task if self._is_due(task, local)]

    def next_backup(self, actor: Actor, now: datetime | None = None) -> datetime | None:
        """Return when the next backup begins; ``None`` when backups are made by hand."""
        self._door.require(actor, Action.STATUS_VIEW)
        clinic = self._settings.clinic()
        return next_moment(clinic.backup_schedule, clinic.backup_time, now or utc_now().astimezone())

    @contextlib.contextmanager
    def claimed(self, task: Task, now: datetime | None = None) -> Iterator[bool]:
        """Claim the date that is due; gives ``False`` when there is none. A failure gives the date back."""
        days = self._dates_of(task, now or utc_now().astimezone())
        if not days or not self._door.store.schedule_runs.claim(task.value, days):
            yield False
            return
        try:
            yield True
        except BitewingError as error:
            if not isinstance(error, Cancelled):
                is_refused = task is Task.DRIVE and not isinstance(error, TransientFault)
                self._not_before[task] = time.monotonic() + (REFUSED_RETRY_S if is_refused else RETRY_S)
            self._door.store.schedule_runs.release(task.value, days)
            raise

    def _is_due(self, task: Task, local: datetime) -> bool:
        if time.monotonic() < self._not_before.get(task, 0.0):
            return False
        days = self._dates_of(task, local)
        return bool(days) and not self._door.store.schedule_runs.is_claimed(task.value, days[0])

    def _dates_of(self, task: Task, local: datetime) -> tuple[date, ...]:
        clinic = self._settings.clinic()
        if task is Task.BACKUP:
            return dates_claimed(clinic.backup_schedule, clinic.backup_time, local) if clinic.backup_folder else ()
        if task is Task.DRIVE:
            return dates_claimed(clinic.drive_schedule, clinic.drive_time, local) if self._has_drive() else ()
        if task is Task.PROOF:
            return dates_claimed("daily", PROOF_AT, local) if clinic.proof_nightly else ()
        return dates_claimed("daily", DRILL_AT, local) if self._drill_is_old(clinic.drill_days) else ()

    def _has_drive(self) -> bool:
        """Whether there is an account: asking with one that Google has ended would bring nothing, each time."""
        store = self._door.store
        return store.secrets.get(DRIVE_TOKEN) is not None and not store.state.get(DRIVE_REVOKED)

    def _drill_is_old(self, days: int) -> bool:
        backups = self._door.store.backups
        if not any(record.state.value == "good" for record in backups.list()):
            return False
        last = backups.last_drill(only_good=True)
        return last is None or (utc_now() - last.at).days >= days
