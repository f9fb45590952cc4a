"""Mirrors as a use case: synchronising now, trying the connection."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.mirroring.catalogue_copy import catalogue_key
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.opening import mark_afresh, open_store, remember_marker
from app.services.publishing.trying import try_public
from app.services.sending.service import SendingService, SendReport
from app.services.workroom import private_folder
from app.transfer.stores.store import Store, System


class MirrorService:
    """The mirrors of one library. Any thread."""

    def __init__(self, door: Door, sending: SendingService, connector: MirrorConnector) -> None:
        self._door = door
        self._sending = sending
        self._connector = connector

    def sync(self, actor: Actor, ctx: JobContext, name: str | None = None, trigger: str = "user") -> SendReport:
        """Send what waits to every mirror, or to the one of that name; what was parked is tried again.

        One that is paused is left alone unless it is named.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``mirror.none`` where there is no mirror; ``settings.no_connection`` for an unknown name.
        """
        self._door.require(actor, Action.ARCHIVE_PUSH)
        wanted = [mirror.destination for mirror in self._connector.chosen(name, paused=False)]
        return self._sending.send(actor, ctx, wanted, trigger)

    def start_afresh(self, actor: Actor, name: str) -> None:
        """Take the folder that is at a mirror's place now for its own, as after a drive was replaced: all is sent anew.

        What is in it already is asked for first, so a drive that was used before is not written twice.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``settings.no_connection``; ``mirror.not_a_folder`` for every other kind, which has no drive.
        TransientFault
            ``store.unreachable`` where there is no folder.
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        mirror = self._connector.mirror(f"{MIRROR}.{name}")
        if mirror.kind != "folder":
            raise UserError("mirror.not_a_folder", name=name)
        self._connector.require_apart(mirror)
        marker = mark_afresh(mirror)
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            remember_marker(unit.store, mirror, marker)
            unit.store.state.remove(catalogue_key(mirror))
            unit.store.destinations.moved(mirror.destination)
            unit.store.destinations.set(mirror.destination, MIRROR, enabled=mirror.enabled)
            unit.audit(Entity.SETTING, mirror.destination, started_afresh=True)
            # Whoever sends there just now starts anew.
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, f"{mirror.destination}.path")

    def test(self, actor: Actor, name: str, ctx: JobContext) -> System:
        """Try the connection: sign in, write, read and delete a small file.

        Raises
        ------
        BitewingError
            As every call of a store; ``settings.no_connection``, ``mirror.not_set_up``.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        mirror = self._connector.mirror(f"{MIRROR}.{name}")
        with contextlib.closing(self._connector.open(mirror)) as store:
            return self._tried(mirror, store, ctx)

    def try_out(self, actor: Actor, mirror: MirrorSettings, secrets: Mapping[str, str], ctx: JobContext) -> System:
        """Try settings that are not stored yet; a secret that is not among ``secrets`` is the stored one.

        Raises
        ------
        BitewingError
            As :meth:`test`.
        """
        self._door.require(actor, Action.SETTINGS_CHANGE)
        self._connector.require_apart(mirror)
        stored = self._connector.secret_of(mirror)
        opened = open_store(mirror, lambda last: secrets.get(last) or stored(last), self._connector.drive)
        with contextlib.closing(opened) as store:
            return self._tried(mirror, store, ctx)

    def _tried(self, mirror: MirrorSettings, store: Store, ctx: JobContext) -> System:
        system = store.check(ctx)
        with private_folder(self._door.store) as work:
            found = (*system.warnings, *try_public(mirror, store, work, ctx))
        if mirror.publish:
            # Something of it is meant to be open; what exactly is looked for above.
            found = tuple("publish.open_bucket" if code == "store.public" else code for code in found)
        return replace(system, warnings=found)
