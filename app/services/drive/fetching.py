"""Bringing a backup from Drive to this computer, beside the library, proven, for the restore that follows."""

from __future__ import annotations

from pathlib import Path

from app.core.context import JobContext
from app.core.files import require_space, translate_os_error
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.drive.account import TOPIC, DriveAccount
from app.services.drive.fetched import fetched_folder
from app.services.drive.listing import DriveListing
from app.services.jobs import JobLog
from app.services.settings import SettingsService

JOB = "drive-fetch"


class DriveFetching:
    """Downloads and proves. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        jobs: JobLog,
        account: DriveAccount,
        listing: DriveListing,
    ) -> None:
        self._door, self._paths, self._settings = door, paths, settings
        self._jobs, self._account, self._listing = jobs, account, listing

    def run(self, actor: Actor, which: str, ctx: JobContext) -> Path:
        """Bring a backup (its id, Google's, or ``newest``) beside the library and return where it lies.

        What was interrupted goes on. Whoever asked removes the file when the restore is done.

        Raises
        ------
        UserError
            ``drive.none``, ``drive.not_connected``.
        TransientFault, EnvironmentFault
            ``drive.altered``: what came is not what was sent; ``drive.*``, ``disk.reserve``, ``disk.full``.
        Cancelled
            What has come stays, to go on from.
        """
        self._door.require(actor, Action.BACKUP_RESTORE)
        with (
            self._jobs.running(actor, JOB, {"backup": which}) as job,
            self._account.opened(actor) as drive,
        ):
            found = self._listing.find(drive, which, ctx)
            # Beside the library, not in it: the restore puts another library in its place.
            folder = fetched_folder(self._paths.root)
            try:
                folder.mkdir(mode=0o700, exist_ok=True)
                require_space(folder, found.bytes, max(self._settings.clinic().reserve_bytes, 1))
                target = folder / f"bitewing-{found.made_at:%Y%m%dT%H%M%SZ}-{found.sha256[:12]}.zip"
            except OSError as error:
                raise translate_os_error(error, path=str(folder)) from error

            def on_bytes(done: int) -> None:
                ctx.report(Progress(done, found.bytes, "bytes", found.file_name))

            remote = drive.get(found.remote_id, ctx)
            drive.download(remote, target, found.sha256, found.md5, ctx, on_bytes)
            job.counts = {"bytes": found.bytes}
            with self._door.writing(actor, Action.BACKUP_RESTORE) as unit:
                unit.audit(Entity.BACKUP, found.id, place=TOPIC, fetched=True)
            return target
