"""What lies on Drive: the backups whose bytes are proven to be those that were sent, and which of them may go.

A backup says of itself whose it is and what its digest is; Google says what the digest of its bytes is. Only where
the two agree it is one: what broke on its way is in no list, and needs no note of ours to be left out.
"""

from __future__ import annotations

import builtins
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.context import JobContext
from app.core.errors import BitewingError, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.retention import Kept, expired
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.drive.account import TOPIC, DriveAccount
from app.services.events import EventLog
from app.services.settings import SettingsService
from app.storage.drive import DriveRecord, UploadState
from app.storage.events import Level
from app.transfer.drive.drive import Drive
from app.transfer.drive.remote import RemoteFile

# What a file of ours says of itself (at most 124 bytes each, key and value together).
APP = {"app": "bitewing", "kind": "backup"}


@dataclass(frozen=True, slots=True)
class DriveBackup:
    """One backup on Drive. ``made_at`` by the clock of its maker, ``uploaded_at`` by Google's."""

    id: str
    remote_id: str
    file_name: str
    made_at: datetime
    uploaded_at: datetime
    bytes: int
    images: int
    contents: str
    encrypted: bool
    library_id: str
    sha256: str
    md5: str
    verified: bool
    started_by: str

    def is_of(self, library_id: str) -> bool:
        """Whether it is a backup of this library."""
        return self.library_id == library_id


@dataclass(frozen=True, slots=True)
class PruneReport:
    """Which backups were deleted, and how many good ones stay."""

    deleted: tuple[str, ...]
    kept: int


class DriveListing:
    """Looks, and lets go of what is old. Any thread."""

    def __init__(self, door: Door, settings: SettingsService, events: EventLog, account: DriveAccount) -> None:
        self._door, self._settings, self._events, self._account = door, settings, events, account

    def list(self, actor: Actor, ctx: JobContext) -> builtins.list[DriveBackup]:
        """Return the good backups that lie there, of this library and of others, newest first by Google's clock.

        Raises
        ------
        RefusedError, UserError, TransientFault, EnvironmentFault
            As :meth:`DriveAccount.opened`, and ``drive.*`` of the way there.
        """
        self._door.require(actor, Action.BACKUP_VIEW)
        with self._account.opened(actor) as drive:
            return [one for one in backups_on(drive, ctx) if one.verified]

    def history(self, actor: Actor) -> builtins.list[DriveRecord]:
        """Return what was sent or meant to be, newest first, without any network. Raises ``role.refused``."""
        with self._door.reading(actor, Action.BACKUP_VIEW) as store:
            return store.drive_backups.list()

    def find(self, drive: Drive, which: str, ctx: JobContext) -> DriveBackup:
        """Return a good backup by its id or Google's; ``newest`` is this library's newest. Raises ``drive.none``."""
        good = [one for one in backups_on(drive, ctx) if one.verified]
        if which == "newest":
            found = [one for one in good if one.is_of(self._door.store.library_id)] or good
        else:
            found = [one for one in good if which in {one.id, one.remote_id}]
        if not found:
            raise UserError("drive.none", name=which)
        return found[0]

    def prune(self, actor: Actor, ctx: JobContext) -> PruneReport:
        """Delete this library's backups that are older than the settings say, counted from the newest good one.

        Three good ones always stay, of each kind; nothing is deleted while the last upload has not arrived.

        Raises
        ------
        UserError
            ``drive.last_failed``; as :meth:`list`.
        """
        self._door.require(actor, Action.BACKUP_DELETE)
        return self.let_go(actor, ctx)

    def let_go(self, actor: Actor, ctx: JobContext) -> PruneReport:
        """Do as :meth:`prune` after a backup by schedule, whose right includes it. Raises likewise."""
        self._door.require(actor, Action.BACKUP_CREATE)
        with self._door.store.read():
            last = self._door.store.drive_backups.last()
        if last is not None and last.state is not UploadState.COMPLETED:
            raise UserError("drive.last_failed")
        days, deleted = self._settings.clinic().drive_retention_days, []
        with self._account.opened(actor) as drive:
            own = [one for one in backups_on(drive, ctx) if one.is_of(self._door.store.library_id)]
            rows: dict[str, builtins.list[Kept]] = {}
            for one in own:
                rows.setdefault(one.contents, []).append(Kept(one.remote_id, one.uploaded_at, one.verified))
            old = {remote_id for row in rows.values() for remote_id in expired(row, days)}
            for one in own:
                if one.remote_id in old:
                    ctx.check()
                    drive.delete(one.remote_id, ctx)
                    self._write_down(actor, one)
                    deleted.append(one.id)
        if deleted:
            self._events.say(actor, Level.INFO, TOPIC, "drive.pruned", count=len(deleted))
        return PruneReport(tuple(deleted), sum(one.verified and one.remote_id not in old for one in own))

    def say_not_pruned(self, actor: Actor, error: BitewingError) -> None:
        """Write down that old backups stayed."""
        self._events.say(actor, Level.WARNING, TOPIC, "drive.not_pruned", cause=error.code)

    def _write_down(self, actor: Actor, one: DriveBackup) -> None:
        with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
            unit.store.drive_backups.set_state(one.id, UploadState.DELETED)
            unit.audit_as(Action.BACKUP_DELETE, Entity.BACKUP, one.id, place=TOPIC)
            unit.changed(Entity.BACKUP, ChangeKind.REMOVED, one.id)


def backups_on(drive: Drive, ctx: JobContext) -> builtins.list[DriveBackup]:
    """Return what calls itself a backup of ours, good or not, newest first. Raises as :meth:`Drive.list`."""
    return [one for file in drive.list(APP, ctx) if (one := parse_backup(file)) is not None]


def parse_backup(file: RemoteFile) -> DriveBackup | None:
    """Return a backup as its file says; ``None`` where it does not say enough."""
    told: Any = file.properties
    try:
        sha256, md5 = told["sha256"], told["md5"]
        return DriveBackup(
            id=told["backup_id"],
            remote_id=file.id,
            file_name=file.name,
            made_at=datetime.fromisoformat(told["made_at"]),
            uploaded_at=file.created_at,
            bytes=file.size,
            images=int(told["images"]),
            contents=told["contents"],
            encrypted=told["encrypted"] == "true",
            library_id=told["library_id"],
            sha256=sha256,
            md5=md5,
            verified=file.is_whole(int(told["bytes"]), sha256, md5),
            started_by=told.get("started_by", ""),
        )
    except (KeyError, ValueError):
        return None
