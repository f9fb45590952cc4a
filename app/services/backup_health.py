"""How safe the library is: the newest good backup, the last trial of restoring, and whether either is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.core.settings import ClinicSettings
from app.domain.schedule import next_moment
from app.services.schedule import DRIVE_REVOKED, DRIVE_TOKEN
from app.storage.backups import BackupRecord, BackupState, DrillRecord
from app.storage.catalogue import Catalogue
from app.storage.drive import DriveRecord

# A day longer than the time between two runs: one that is merely late is no alarm.
_OVERDUE = {"daily": timedelta(days=2), "weekly": timedelta(days=8), "monthly": timedelta(days=32)}


@dataclass(frozen=True, slots=True)
class DriveHealth:
    """How Google Drive stands, as far as it is known without asking Google; ``last`` is the last upload begun."""

    is_connected: bool = False
    is_revoked: bool = False
    next_at: datetime | None = None
    last: DriveRecord | None = None


@dataclass(frozen=True, slots=True)
class BackupHealth:
    """``last`` is the newest backup that was read back whole; ``next_at`` when the next begins by schedule."""

    last: BackupRecord | None
    next_at: datetime | None
    last_drill: DrillRecord | None
    is_overdue: bool
    drill_is_overdue: bool
    drive: DriveHealth = DriveHealth()


def backup_health(store: Catalogue, clinic: ClinicSettings, now: datetime) -> BackupHealth:
    """Return how safe a library is at ``now`` (aware)."""
    good = [record for record in store.backups.list() if record.state is BackupState.GOOD]
    last = good[0] if good else None
    scheduled = clinic.backup_schedule in _OVERDUE and bool(clinic.backup_folder)
    overdue = scheduled and (last is None or now - last.created_at > _OVERDUE[clinic.backup_schedule])
    return BackupHealth(
        last,
        next_moment(clinic.backup_schedule, clinic.backup_time, now.astimezone()) if scheduled else None,
        store.backups.last_drill(),
        overdue,
        bool(good) and _drill_is_overdue(store, good[-1], timedelta(days=clinic.drill_days), now),
        _drive_health(store, clinic, now),
    )


def _drive_health(store: Catalogue, clinic: ClinicSettings, now: datetime) -> DriveHealth:
    is_connected, is_revoked = store.secrets.get(DRIVE_TOKEN) is not None, bool(store.state.get(DRIVE_REVOKED))
    scheduled = is_connected and not is_revoked
    next_at = next_moment(clinic.drive_schedule, clinic.drive_time, now.astimezone()) if scheduled else None
    return DriveHealth(is_connected, is_revoked, next_at, store.drive_backups.last())


def _drill_is_overdue(store: Catalogue, oldest: BackupRecord, longest: timedelta, now: datetime) -> bool:
    passed = store.backups.last_drill(only_good=True)
    since = oldest.created_at if passed is None else passed.at
    return now - since >= longest
