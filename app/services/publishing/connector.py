"""The public folders of mirrors as destinations of the queues: nothing goes there but what a person chose."""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings, place_of
from app.core.errors import UserError
from app.core.paths import LibraryPaths
from app.domain.publication import KIND, public_destination
from app.domain.roles import Actor, owner
from app.services.door import Door
from app.services.events import EventLog
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.opening import BLOCKING
from app.services.publishing.caring import PublicCare
from app.services.publishing.placing import AtItsPlace
from app.services.publishing.sending import PublicSender
from app.services.publishing.telling import tell_done
from app.services.publishing.trying import ca_of
from app.services.sending.connector import Connection
from app.services.settings import SettingsService
from app.storage.events import Level
from app.sync.outbox import IDLE_S
from app.transfer.stores.store import Store

log = logging.getLogger(__name__)

# What keeps one copy from being published keeps nobody from taking another one back.
_BLOCKING = BLOCKING - {"store.full", "store.forbidden"}
# The web server, or the clinic's line, is away while the mirror answers.
_WAITED_OUT = frozenset(f"publish.{how}" for how in ("unreachable", "slow", "cut_off", "busy"))
# It lies in public and is never shown as it should be, or must not go any more: it is taken away again.
_NOT_SHOWN = ("not_served", "other_served", "certificate", "no_web")
_GIVEN_UP = frozenset(f"publish.{how}" for how in ("off", "elsewhere", *_NOT_SHOWN))
# A copy that was just made is not written down yet by whoever makes it.
_KEPT_S = 3600.0


class PublicConnector:
    """Connects to where images are published. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        mirrors: MirrorConnector,
        events: EventLog,
        workstation: str,
    ) -> None:
        self._events = events
        self._actor = owner(workstation)
        self._door = door
        self._paths = paths
        self._settings = settings
        self._mirrors = mirrors

    @contextlib.contextmanager
    def connect(self, destination: str, ctx: JobContext) -> Iterator[Connection]:
        """Make ready to publish and to take back; the latter also where publishing is switched off.

        Raises
        ------
        BitewingError
            ``settings.no_connection``, and as :func:`open_marked`.
        """
        mirror = self.mirror(destination)
        with contextlib.closing(self._mirrors.open(mirror)) as place:
            care = PublicCare(self._door.store, mirror, place, ctx, partial(self._warn, destination))
            sender = PublicSender(
                self._door.store,
                place,
                self._paths.to_publish,
                ctx,
                care,
                is_on=mirror.publish,
                base=mirror.public_url,
                ca=ca_of(mirror),
            )
            yield Connection(
                AtItsPlace(sender, self._door.store, place_of(mirror)),
                _BLOCKING,
                mirror.connections,
                IDLE_S,
                after=partial(self._after, care),
                done=tell_done,
                insists=True,
                waited_out=_WAITED_OUT,
                given_up=_GIVEN_UP,
            )

    def open(self, destination: str) -> Store:
        """Return the store that a public folder lies in. Raises as :func:`open_marked`."""
        return self._mirrors.open(self.mirror(destination))

    def mirror(self, destination: str) -> MirrorSettings:
        """Return the settings of the mirror whose public folder this is. Raises ``settings.no_connection``."""
        return self._mirrors.mirror(f"{MIRROR}.{destination.removeprefix(f'{KIND}.')}")

    def places(self) -> list[MirrorSettings]:
        """Return the mirrors that images may be published at."""
        return [mirror for mirror in self._settings.mirrors() if mirror.publish]

    def chosen(self, name: str | None) -> MirrorSettings:
        """Return where to publish: the place of that name, or the only one.

        Raises
        ------
        UserError
            ``publish.off`` where publishing is not switched on; ``publish.which`` where there are several;
            ``publish.no_address`` where nothing could be proven.
        """
        places = self.places()
        if name is not None:
            places = [mirror for mirror in places if mirror.name == name]
        if not places:
            raise UserError("publish.off", destination=name or "")
        if len(places) > 1:
            raise UserError("publish.which", names=", ".join(mirror.name for mirror in places))
        if not places[0].public_url:
            raise UserError("publish.no_address", name=places[0].name)
        return places[0]

    def busy(self) -> list[str]:
        """Return the queues of places that publish, or that have something in public still.

        Also of one that the settings do not know (any more): whoever takes back has to hear of it.
        """
        with self._door.store.read():
            open_ones = self._door.store.publications.open_places()
        publishing = [public_destination(mirror.name) for mirror in self.places()]
        return list(dict.fromkeys((*publishing, *sorted(open_ones))))

    def every(self) -> list[str]:
        """Return the queues of every place where something of ours may be public, also without our knowing."""
        known = (public_destination(mirror.name) for mirror in self._settings.mirrors())
        return list(dict.fromkeys((*self.busy(), *known)))

    def _warn(self, destination: str, code: str) -> None:
        self._events.say(self._actor, Level.WARNING, KIND, code, destination=destination)

    def _after(self, care: PublicCare, _actor: Actor, _trigger: str, _ctx: JobContext) -> None:
        """Look after the place; remove copies that were sent some time ago, or are not to be sent any more."""
        care.after_round()
        with self._door.store.read():
            wanted = self._door.store.publications.wanted_files()
        try:
            with os.scandir(self._paths.to_publish) as entries:
                old = [entry for entry in entries if time.time() - entry.stat().st_mtime > _KEPT_S]
            for entry in old:
                if entry.name not in wanted:
                    Path(entry.path).unlink(missing_ok=True)
        except FileNotFoundError:
            # Nothing was ever published here.
            return
        except OSError as error:
            log.warning("copies that were published are left over: %s", type(error).__name__)
