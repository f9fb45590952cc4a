"""Mirrors as destinations of the queues: connected by their settings."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings
from app.core.errors import UserError
from app.core.paths import LibraryPaths
from app.domain.remote_names import Layout
from app.domain.roles import Actor
from app.services.door import Door
from app.services.locating import Locator
from app.services.mirroring.care import MirrorCare
from app.services.mirroring.guard import RemovalGuard
from app.services.mirroring.opening import BLOCKING, AskDrive, Secret, open_marked
from app.services.mirroring.sending import MirrorSender
from app.services.sending.connector import Connection
from app.services.settings import SettingsService
from app.transfer.stores.store import Store


class MirrorConnector:
    """Connects to the clinic's mirrors. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        locator: Locator,
        care: MirrorCare,
        guard: RemovalGuard,
        drive: AskDrive,
    ) -> None:
        self._door = door
        self._care = care
        self._guard = guard
        self.drive = drive
        self._root = paths.root
        self._settings = settings
        self._locator = locator

    @contextlib.contextmanager
    def connect(self, destination: str, ctx: JobContext) -> Iterator[Connection]:
        """Make ready to send.

        Raises
        ------
        BitewingError
            ``mirror.not_set_up``, and as :func:`open_marked`.
        """
        mirror = self.mirror(destination)
        if not mirror.enabled:
            raise UserError("mirror.not_set_up", destination=mirror.name)
        with contextlib.closing(self.open(mirror)) as store:
            sender = MirrorSender(self._door.store, store, Layout(mirror.layout), self._locator, ctx)

            def after(actor: Actor, trigger: str, run: JobContext) -> None:
                self._care.after_round(actor, mirror, store, trigger, run)

            yield Connection(
                sender,
                BLOCKING,
                mirror.connections,
                float(mirror.interval_s),
                hold=partial(self._guard.hold, destination),
                after=after,
            )

    def mirror(self, destination: str) -> MirrorSettings:
        """Return the settings of a mirror by the name of its queue. Raises ``settings.no_connection``."""
        for mirror in self._settings.mirrors():
            if mirror.destination == destination:
                return mirror
        raise UserError("settings.no_connection", name=destination.removeprefix(f"{MIRROR}."))

    def chosen(self, name: str | None, *, paused: bool = True) -> list[MirrorSettings]:
        """Return the mirror of that name, or every one that is on; without ``paused`` those that are not paused.

        Raises
        ------
        UserError
            ``settings.no_connection`` for an unknown name, ``mirror.none`` where there is no mirror.
        """
        if name is not None:
            return [self.mirror(f"{MIRROR}.{name}")]
        every = [mirror for mirror in self._settings.mirrors() if mirror.enabled]
        if not every:
            raise UserError("mirror.none")
        return [mirror for mirror in every if paused or not mirror.paused]

    def open(self, mirror: MirrorSettings) -> Store:
        """Return the store of a mirror. Raises as :func:`open_marked`."""
        self.require_apart(mirror)
        return open_marked(mirror, self.secret_of(mirror), self._door.store, self.drive)

    def require_apart(self, mirror: MirrorSettings) -> None:
        """Raise ``mirror.inside_library`` for a folder that is a part of the library, or has the library in it."""
        if mirror.kind != "folder" or not mirror.path:
            return
        place, root = Path(mirror.path).resolve(), self._root.resolve()
        if place.is_relative_to(root) or root.is_relative_to(place):
            raise UserError("mirror.inside_library", path=mirror.path)

    def secret_of(self, mirror: MirrorSettings) -> Secret:
        """Return what gives the stored secrets of a mirror."""
        return lambda last: self._settings.secret(f"{mirror.destination}.{last}") or ""
