"""Google Drive as the window, the command line and the agent see it: one door to its parts."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.core.paths import LibraryPaths
from app.domain.roles import Actor
from app.services.backups import BackupsService
from app.services.door import Door
from app.services.drive.account import DriveAccount, DriveWay, Standing
from app.services.drive.fetching import DriveFetching
from app.services.drive.listing import DriveBackup, DriveListing, PruneReport
from app.services.drive.sending import DriveReport, DriveSending
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.settings import SettingsService
from app.storage.drive import DriveRecord
from app.transfer.drive.drive import Account
from app.transfer.drive.endpoints import GOOGLE, Endpoints
from app.transfer.drive.oauth import Pages
from app.transfer.drive.uploading import Delay, usual_delay_s


class DriveService:
    """Backups on Google Drive. Any thread. ``endpoints`` and ``delay`` are other ones in tests alone."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        jobs: JobLog,
        events: EventLog,
        backups: BackupsService,
        endpoints: Endpoints = GOOGLE,
        delay: Delay = usual_delay_s,
    ) -> None:
        self._account = DriveAccount(door, settings, events, endpoints, delay)
        self._listing = DriveListing(door, settings, events, self._account)
        self._sending = DriveSending(door, paths, settings, jobs, events, backups, self._account)
        self._fetching = DriveFetching(door, paths, settings, jobs, self._account, self._listing)

    def standing(self, actor: Actor) -> Standing:
        """Return how the connection stands. Raises as :meth:`DriveAccount.standing`."""
        return self._account.standing(actor)

    def connect(self, actor: Actor, show: Callable[[str], object], pages: tuple[str, str], ctx: JobContext) -> Account:
        """Connect an account in the browser. Raises as :meth:`DriveAccount.connect`.

        ``pages`` are what the browser shows in the end: that it is done, and that it was not allowed.
        """
        return self._account.connect(actor, show, Pages(*pages), ctx)

    def disconnect(self, actor: Actor) -> bool:
        """Forget the account and what was on its way. Raises as :meth:`DriveAccount.disconnect`."""
        heard = self._account.disconnect(actor)
        self._sending.forget(actor)
        return heard

    def try_out(self, actor: Actor, ctx: JobContext) -> Account:
        """Ask Google whose Drive it is. Raises as :meth:`DriveAccount.try_out`."""
        return self._account.try_out(actor, ctx)

    def way(self, actor: Actor) -> DriveWay:
        """Return what opens the account's Drive to a mirror. Raises as :meth:`DriveAccount.way`."""
        return self._account.way(actor)

    def take_over(self, actor: Actor, way: DriveWay) -> None:
        """Keep the sign-in of another library. Raises as :meth:`DriveAccount.take_over`."""
        self._account.take_over(actor, way)

    def backup(
        self,
        actor: Actor,
        ctx: JobContext,
        *,
        database_only: bool | None = None,
        password: str | None = None,
        trigger: str = "user",
    ) -> DriveReport:
        """Bring a backup there. Raises as :meth:`DriveSending.run`."""
        return self._sending.run(actor, ctx, database_only=database_only, password=password, trigger=trigger)

    def run_scheduled(self, actor: Actor, ctx: JobContext) -> DriveReport:
        """Bring a backup there by schedule, then let go of old ones. Raises as :meth:`DriveSending.run`."""
        report = self._sending.run(actor, ctx, trigger="schedule")
        try:
            self._listing.let_go(actor, ctx)
        except BitewingError as error:
            # The backup is there: old ones that stay a day longer are no reason to make another.
            self._listing.say_not_pruned(actor, error)
        return report

    def list(self, actor: Actor, ctx: JobContext) -> builtins.list[DriveBackup]:
        """Return what lies there. Raises as :meth:`DriveListing.list`."""
        return self._listing.list(actor, ctx)

    def history(self, actor: Actor) -> builtins.list[DriveRecord]:
        """Return what was sent. Raises as :meth:`DriveListing.history`."""
        return self._listing.history(actor)

    def fetch(self, actor: Actor, which: str, ctx: JobContext) -> Path:
        """Bring a backup beside the library. Raises as :meth:`DriveFetching.run`."""
        return self._fetching.run(actor, which, ctx)

    def prune(self, actor: Actor, ctx: JobContext) -> PruneReport:
        """Let go of old backups. Raises as :meth:`DriveListing.prune`."""
        return self._listing.prune(actor, ctx)
