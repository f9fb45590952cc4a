"""A backup to Drive: a sealed archive is made here, sent in pieces, and counts once Google's digest is ours.

The archive stays in the library's ``drive`` folder until it has arrived: whatever ends the program, the next run
goes on at the byte that Google confirms.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault, UserError
from app.core.file_lock import FileLock
from app.core.files import digest_file, translate_os_error
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.services.backups import PASSWORD_KEY, BackupsService, open_archive, scheduled_name
from app.services.door import Door
from app.services.drive.account import SESSION, TOPIC, DriveAccount
from app.services.drive.listing import APP, parse_backup
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.settings import SettingsService
from app.storage.drive import DriveRecord, UploadState
from app.storage.events import Level
from app.transfer.drive.drive import Drive
from app.transfer.drive.remote import RemoteFile
from app.transfer.drive.uploading import Outgoing

log = logging.getLogger(__name__)

JOB = "drive"
# Google ends a session after about a week.
RESUMED_FOR = timedelta(days=6)
# What goes on after longer than this is no backup of today: one of today follows it.
FRESH_FOR = timedelta(days=1)
_SENT_AGAIN = 3


@dataclass(frozen=True, slots=True)
class DriveReport:
    """A backup that has arrived. ``resumed``: it went on where an earlier run had stopped."""

    record: DriveRecord
    resumed: bool


@dataclass(frozen=True, slots=True)
class _Wish:
    contents: str
    password: str | None
    trigger: str


class DriveSending:
    """Makes and sends. Any thread; one at a time in a library, whatever the process."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        jobs: JobLog,
        events: EventLog,
        backups: BackupsService,
        account: DriveAccount,
    ) -> None:
        self._door, self._paths, self._settings = door, paths, settings
        self._jobs, self._events, self._backups, self._account = jobs, events, backups, account

    def run(
        self,
        actor: Actor,
        ctx: JobContext,
        *,
        database_only: bool | None = None,
        password: str | None = None,
        trigger: str = "user",
    ) -> DriveReport:
        """Bring a backup to Drive, going on with one that was interrupted.

        ``password`` seals it; without one the password of the settings does. ``database_only``: as the settings say.

        Raises
        ------
        UserError
            ``drive.not_sealed``, ``drive.not_connected``, ``drive.no_client``, ``backup.short_password``.
        TransientFault
            ``drive.unreachable``, ``drive.slow``, ``drive.cut_off``, ``drive.busy``: the next run goes on.
        EnvironmentFault
            ``drive.revoked``, ``drive.full``, ``drive.altered``, ``drive.running``, …; ``disk.*``.
        Cancelled
            Likewise.
        """
        self._door.require(actor, Action.BACKUP_CREATE)
        clinic = self._settings.clinic()
        password = password or self._settings.secret(PASSWORD_KEY)
        if password is None and not clinic.drive_allow_plain:
            raise UserError("drive.not_sealed")
        only = clinic.drive_contents == "database" if database_only is None else database_only
        wish = _Wish("database" if only else "images", password, trigger)
        with self._alone(), self._jobs.running(actor, JOB, {"contents": wish.contents}, trigger) as job:
            try:
                report = self._run(actor, wish, ctx)
            except BitewingError as error:
                # That Google ended it is said once, by whoever heard it.
                if error.code != "drive.revoked":
                    passes = isinstance(error, TransientFault | Cancelled)
                    level = Level.WARNING if passes else Level.ERROR
                    self._events.say(actor, level, TOPIC, "drive.not_sent", job_id=job.id, cause=error.code)
                raise
            job.counts = {"images": report.record.images, "bytes": report.record.bytes}
            self._events.say(actor, Level.INFO, TOPIC, "drive.sent", job_id=job.id, images=report.record.images)
            return report

    def forget(self, actor: Actor) -> None:
        """Give up what was on its way: there is no account for it any more. Raises ``disk.*``."""
        with self._alone():
            self._sweep(actor, keep="")

    # -- one run -------------------------------------------------------------------------------------

    def _run(self, actor: Actor, wish: _Wish, ctx: JobContext) -> DriveReport:
        with self._account.opened(actor) as drive:
            try:
                # Before hours of packing: is anybody there, is there room?
                free = drive.account(ctx).free
                record = self._unfinished(wish, ctx)
                self._sweep(actor, keep=record.file_name if record else "")
                resumed = record is not None
                if record is None:
                    self._require_room(free, self._last_size(wish.contents))
                    record = self._pack(actor, wish, ctx)
            except BitewingError as error:
                self._note_not_begun(actor, wish, error)
                raise
            done = self._send(actor, drive, record, free, ctx)
            if resumed and utc_now() - record.started_at > FRESH_FOR:
                done, resumed = self._send(actor, drive, self._pack(actor, wish, ctx), None, ctx), False
        return DriveReport(done, resumed)

    def _unfinished(self, wish: _Wish, ctx: JobContext) -> DriveRecord | None:
        """Return what was interrupted, if it is what is wanted now and its archive is here, whole."""
        with self._door.store.read():
            record = self._door.store.drive_backups.last()
        going = {UploadState.RUNNING, UploadState.WAITING, UploadState.FAILED}
        if record is None or record.state not in going or not record.file_name or record.contents != wish.contents:
            return None
        path = self._paths.drive / record.file_name
        is_young = utc_now() - record.started_at < RESUMED_FOR
        if not is_young or record.encrypted != (wish.password is not None) or not path.is_file():
            return None
        try:
            # Sealed with another password than today's: nobody could open it.
            open_archive(path, wish.password).close()
            found = digest_file(path, lambda _size: ctx.check())
        except Cancelled:
            raise
        except (BitewingError, OSError):
            return None
        return record if (found.sha256, found.size_bytes) == (record.sha256, record.bytes) else None

    def _pack(self, actor: Actor, wish: _Wish, ctx: JobContext) -> DriveRecord:
        started = utc_now()
        path = self._paths.drive / scheduled_name(started)
        only = wish.contents == "database"
        report = self._backups.pack(actor, path, ctx, database_only=only, password=wish.password)
        try:
            found = digest_file(path, lambda _size: ctx.check())
        except OSError as error:
            raise translate_os_error(error, path=str(path)) from error
        record = DriveRecord(
            id=str(uuid.uuid4()),
            started_at=started,
            finished_at=None,
            file_name=path.name,
            remote_id=None,
            bytes=found.size_bytes,
            images=report.record.images,
            contents=wish.contents,
            encrypted=wish.password is not None,
            sha256=found.sha256,
            md5=found.md5,
            state=UploadState.RUNNING,
            code=None,
            started_by=wish.trigger,
            workstation=actor.workstation,
        )
        self._settings.keep_secret(SESSION, "")
        self._add(actor, record)
        return record

    def _send(self, actor: Actor, drive: Drive, record: DriveRecord, free: int | None, ctx: JobContext) -> DriveRecord:
        try:
            self._set(actor, record, UploadState.RUNNING)
            self._require_room(free, record.bytes)
            remote = self._arrived(drive, record, ctx)
        except BitewingError as error:
            passes = isinstance(error, TransientFault | Cancelled)
            self._set(actor, record, UploadState.WAITING if passes else UploadState.FAILED, error.code)
            raise
        now = utc_now()
        with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
            unit.store.drive_backups.set_state(record.id, UploadState.COMPLETED, remote_id=remote.id, finished_at=now)
            unit.audit(Entity.BACKUP, record.id, place=TOPIC, contents=record.contents, images=record.images)
            unit.changed(Entity.BACKUP, ChangeKind.ADDED, record.id)
        self._settings.keep_secret(SESSION, "")
        self._remove(self._paths.drive / record.file_name)
        with self._door.store.read():
            found = self._door.store.drive_backups.last()
        assert found is not None
        return found

    def _arrived(self, drive: Drive, record: DriveRecord, ctx: JobContext) -> RemoteFile:
        """Send until what Google has is what was sent; anything else is deleted there."""
        outgoing = Outgoing(
            self._paths.drive / record.file_name, record.bytes, self._metadata(record, self._folder(drive, ctx))
        )

        def find() -> RemoteFile | None:
            return next(iter(drive.list({**APP, "backup_id": record.id}, ctx)), None)

        def on_session(address: str) -> None:
            self._settings.keep_secret(SESSION, f"{record.id} {address}")

        def on_bytes(done: int) -> None:
            ctx.report(Progress(done, record.bytes, "bytes", record.file_name))

        for _number in range(_SENT_AGAIN):
            remote = drive.upload(outgoing, self._session(record), find, ctx, on_session, on_bytes)
            if remote.is_whole(record.bytes, record.sha256, record.md5) and parse_backup(remote) is not None:
                return remote
            log.warning("a backup did not arrive whole on Drive")
            self._settings.keep_secret(SESSION, "")
            drive.delete(remote.id, ctx)
        raise EnvironmentFault("drive.altered")

    def _folder(self, drive: Drive, ctx: JobContext) -> str:
        return drive.folder(self._settings.clinic().drive_folder, ctx)

    def _session(self, record: DriveRecord) -> str:
        backup_id, _space, address = (self._settings.secret(SESSION) or "").partition(" ")
        return address if backup_id == record.id else ""

    def _metadata(self, record: DriveRecord, folder: str) -> dict[str, object]:
        properties = {
            **APP,
            "backup_id": record.id,
            "library_id": self._door.store.library_id,
            "made_at": record.started_at.isoformat(),
            "bytes": str(record.bytes),
            "images": str(record.images),
            "contents": record.contents,
            "encrypted": "true" if record.encrypted else "false",
            "sha256": record.sha256,
            "md5": record.md5,
            "started_by": record.started_by[:40],
        }
        return {"name": record.file_name, "parents": [folder], "appProperties": properties}

    # -- room, rows, files ------------------------------------------------------------------------------

    @staticmethod
    def _require_room(free: int | None, needed: int) -> None:
        if free is not None and free < needed:
            raise EnvironmentFault("drive.full", needed=needed, free=free)

    def _last_size(self, contents: str) -> int:
        """Return how large the last one was: the next will not be much smaller."""
        with self._door.store.read():
            last = self._door.store.drive_backups.last(UploadState.COMPLETED)
        return last.bytes if last is not None and last.contents == contents else 0

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder of what is on its way. Raises ``drive.running`` when another process sends."""
        lock = FileLock(self._paths.drive / ".lock")
        try:
            self._paths.drive.mkdir(mode=0o700, exist_ok=True)
            taken = lock.acquire()
        except OSError as error:
            raise translate_os_error(error, path=str(self._paths.drive)) from error
        if not taken:
            raise EnvironmentFault("drive.running")
        try:
            yield
        finally:
            lock.release()

    def _sweep(self, actor: Actor, keep: str) -> None:
        """Remove archives that nobody goes on with, and say so of their rows. Only with the lock."""
        with self._door.store.read():
            records = self._door.store.drive_backups.list()
        for record in records:
            is_open = record.state in {UploadState.RUNNING, UploadState.WAITING}
            is_ours = record.workstation == actor.workstation
            if is_open and is_ours and record.file_name != keep:
                self._set(actor, record, UploadState.FAILED, "drive.given_up")
        for path in self._paths.drive.glob("bitewing-*.zip*"):
            if path.name != keep:
                self._remove(path)

    @staticmethod
    def _remove(path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError:
            # The next run sweeps it.
            log.warning("an archive that was sent could not be removed")

    def _note_not_begun(self, actor: Actor, wish: _Wish, error: BitewingError) -> None:
        """Keep a failure before the first byte in the history, once and not at each try; being offline is none."""
        if isinstance(error, TransientFault | Cancelled):
            return
        now = utc_now()
        with self._door.store.read():
            last = self._door.store.drive_backups.last()
        if last is not None and last.state is UploadState.FAILED and (last.code, last.file_name) == (error.code, ""):
            self._set(actor, last, UploadState.FAILED, error.code)
            return
        self._add(actor, _not_begun(actor, wish, error.code, now))

    def _add(self, actor: Actor, record: DriveRecord) -> None:
        with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
            unit.store.drive_backups.add(record)
            unit.changed(Entity.BACKUP, ChangeKind.ADDED, record.id)

    def _set(self, actor: Actor, record: DriveRecord, state: UploadState, code: str | None = None) -> None:
        ended = None if state is UploadState.RUNNING else utc_now()
        with self._door.writing(actor, Action.BACKUP_CREATE) as unit:
            unit.store.drive_backups.set_state(record.id, state, code=code, finished_at=ended)
            unit.changed(Entity.BACKUP, ChangeKind.CHANGED, record.id)


def _not_begun(actor: Actor, wish: _Wish, code: str, now: datetime) -> DriveRecord:
    return DriveRecord(
        id=str(uuid.uuid4()),
        started_at=now,
        finished_at=now,
        file_name="",
        remote_id=None,
        bytes=0,
        images=0,
        contents=wish.contents,
        encrypted=wish.password is not None,
        sha256="",
        md5="",
        state=UploadState.FAILED,
        code=code,
        started_by=wish.trigger,
        workstation=actor.workstation,
    )
