"""The clinic's account at Google: connected once in the browser, known by a sealed refresh token.

A token that Google does not take any more is asked with once, said once, and not again until somebody signs in.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.core.context import JobContext
from app.core.destinations import MIRROR
from app.core.errors import BitewingError, EnvironmentFault, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.schedule import DRIVE_REVOKED, DRIVE_TOKEN
from app.services.settings import SettingsService
from app.storage.events import Level
from app.transfer.drive.drive import Account, Drive
from app.transfer.drive.endpoints import GOOGLE, Endpoints
from app.transfer.drive.line import Client
from app.transfer.drive.oauth import Pages, revoke, sign_in
from app.transfer.drive.uploading import Delay, usual_delay_s

log = logging.getLogger(__name__)

TOPIC = "drive"
SESSION = "drive.session"
CLIENT_SECRET = "drive.client_secret"  # noqa: S105 - the name of a setting
CONNECTION = "drive.connection"
ACCOUNT = "drive.account"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether the clinic is connected, and whether Google has ended it. Asked of the catalogue alone."""

    has_client: bool
    is_connected: bool
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class DriveWay:
    """What opens the account's Drive. ``on_revoked`` hears that Google has ended the connection."""

    endpoints: Endpoints
    client: Client
    refresh_token: str = field(repr=False)
    on_revoked: Callable[[], None]


class DriveAccount:
    """Connects, disconnects, and opens the way. Any thread."""

    def __init__(
        self,
        door: Door,
        settings: SettingsService,
        events: EventLog,
        endpoints: Endpoints = GOOGLE,
        delay: Delay = usual_delay_s,
    ) -> None:
        self._door, self._settings, self._events = door, settings, events
        self._endpoints, self._delay = endpoints, delay
        self._noting = threading.Lock()

    def standing(self, actor: Actor) -> Standing:
        """Return how the connection stands, without any network. Raises ``role.refused``."""
        self._door.require(actor, Action.BACKUP_VIEW)
        return Standing(
            bool(self._settings.clinic().drive_client_id and self._settings.has_secret(CLIENT_SECRET)),
            self._settings.has_secret(DRIVE_TOKEN),
            self._is_revoked(),
        )

    def connect(self, actor: Actor, show: Callable[[str], object], pages: Pages, ctx: JobContext) -> Account:
        """Let an administrator allow it in the browser; ``show`` gets the address to open.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``drive.no_client``; as :func:`app.transfer.drive.oauth.sign_in`.
        TransientFault, EnvironmentFault
            As :func:`app.transfer.drive.oauth.sign_in`; ``secrets.no_store``: nothing is kept then.
        Cancelled
            When the person gave up.
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        client = self._client()
        token = sign_in(self._endpoints, client, show, pages, ctx)
        with contextlib.closing(Drive(self._endpoints, client, token, self._delay)) as drive:
            account = drive.account(ctx)
        # An upload of another account cannot go on in this one.
        self._settings.keep_secret(SESSION, "")
        self._settings.keep_secret(DRIVE_TOKEN, token)
        self._door.store.state.set(DRIVE_REVOKED, False)
        self._write_down(actor, connected=True, moved=self._is_other(account))
        self._events.say(actor, Level.INFO, TOPIC, "drive.connected")
        return account

    def disconnect(self, actor: Actor) -> bool:
        """Forget the account and tell Google; backups that lie there stay. Return whether Google heard it.

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``secrets.no_key``, …
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        token = self._settings.secret(DRIVE_TOKEN)
        for name in (SESSION, DRIVE_TOKEN):
            self._settings.keep_secret(name, "")
        self._door.store.state.set(DRIVE_REVOKED, False)
        self._write_down(actor, connected=False)
        if token is None:
            return True
        self._events.say(actor, Level.INFO, TOPIC, "drive.disconnected")
        try:
            revoke(self._endpoints, token)
        except BitewingError as error:
            log.warning("the token could not be given back: %s", error.code)
            return False
        return True

    def try_out(self, actor: Actor, ctx: JobContext) -> Account:
        """Ask Google whose Drive it is. Raises as :meth:`opened`."""
        self._door.require(actor, Action.BACKUP_VIEW)
        with self.opened(actor) as drive:
            return drive.account(ctx)

    @property
    def is_usable(self) -> bool:
        """Whether there is an account that Google has not ended."""
        return self._settings.has_secret(DRIVE_TOKEN) and not self._is_revoked()

    @contextlib.contextmanager
    def opened(self, actor: Actor) -> Iterator[Drive]:
        """Give the account's Drive.

        Raises
        ------
        UserError
            ``drive.not_connected``, ``drive.no_client``.
        EnvironmentFault
            ``drive.revoked``: at once when it is known, without asking Google again.
        """
        way = self.way(actor)
        drive = Drive(way.endpoints, way.client, way.refresh_token, self._delay)
        try:
            yield drive
        except EnvironmentFault as fault:
            if fault.code == "drive.revoked":
                way.on_revoked()
            raise
        finally:
            drive.close()

    def way(self, actor: Actor) -> DriveWay:
        """Return what opens the account's Drive to somebody who keeps files there. Raises as :meth:`opened`."""
        token = self._settings.secret(DRIVE_TOKEN)
        if token is None:
            raise UserError("drive.not_connected")
        if self._is_revoked():
            raise EnvironmentFault("drive.revoked")

        def on_revoked() -> None:
            # Several uploads meet it at the same moment.
            with self._noting:
                if self._settings.secret(DRIVE_TOKEN) == token and not self._is_revoked():
                    self._note_revoked(actor)

        return DriveWay(self._endpoints, self._client(), token, on_revoked)

    def take_over(self, actor: Actor, way: DriveWay) -> None:
        """Keep the sign-in of the library that was at this place before, here.

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``secrets.no_store``: nothing is kept then.
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        self._settings.set(actor, CLIENT_SECRET, way.client.secret)
        self._settings.set(actor, "drive.client_id", way.client.id)
        self._settings.keep_secret(DRIVE_TOKEN, way.refresh_token)
        self._door.store.state.set(DRIVE_REVOKED, False)
        self._write_down(actor, connected=True)

    def _client(self) -> Client:
        client_id = self._settings.clinic().drive_client_id
        secret = self._settings.secret(CLIENT_SECRET)
        if not client_id or not secret:
            raise UserError("drive.no_client")
        return Client(client_id, secret)

    def _is_revoked(self) -> bool:
        with self._door.store.read():
            return bool(self._door.store.state.get(DRIVE_REVOKED))

    def _note_revoked(self, actor: Actor) -> None:
        self._door.store.state.set(DRIVE_REVOKED, True)
        self._events.say(actor, Level.ERROR, TOPIC, "drive.revoked")
        with self._door.writing(actor, Action.BACKUP_VIEW) as unit:
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, CONNECTION)

    def _is_other(self, account: Account) -> bool:
        """Whether it is another account than the one before; which it was is known by its hash alone."""
        known = hashlib.sha256(account.email.casefold().encode()).hexdigest()
        with self._door.store.read():
            before = self._door.store.state.get(ACCOUNT)
        self._door.store.state.set(ACCOUNT, known)
        return before is not None and before != known

    def _write_down(self, actor: Actor, *, connected: bool, moved: bool = False) -> None:
        mirrors = [mirror for mirror in self._settings.mirrors() if mirror.kind == "drive"] if connected else []
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            for mirror in mirrors:
                if moved:
                    # What was proven to be there is in somebody else's Drive.
                    unit.store.destinations.moved(mirror.destination)
                # What kept it from being reached is over.
                unit.store.destinations.set(mirror.destination, MIRROR, enabled=mirror.enabled)
            unit.audit(Entity.SETTING, CONNECTION, connected=connected)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, CONNECTION)
