"""What goes wrong without anybody noticing: destinations that do not get on, clocks, certificates, silence.

The figures of queues are of now; clocks and certificates are looked at now and then and remembered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.core.clock import epoch_ms, utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.publication import KIND, public_destination
from app.domain.roles import Action, Actor
from app.domain.watchdog import Concern, Light, Standing, concerns, light_of, silence
from app.services.door import Door
from app.services.settings import SettingsService
from app.storage.destinations import Queue
from app.storage.rows import moment_or_none

EVERY_S = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a destination: its clock minus ours in seconds, the end of its certificate (UTC)."""

    clock_s: float | None = None
    certificate_until: datetime | None = None


class Observer(Protocol):
    """Looks at one kind of destinations. Any thread."""

    def observe(self, destination: str) -> Observation:
        """Return what is to be seen from outside. Raises BitewingError."""


class Observers(Protocol):
    """Gives who looks at a kind of destinations."""

    def get(self, kind: str) -> Observer | None:
        """Return the observer; ``None`` where there is nothing to be seen from outside."""


@dataclass(frozen=True, slots=True)
class DestinationHealth:
    """How a destination stands, and what is to be said of it, what matters most first.

    ``paused``: what is filed waits because a person said so.
    """

    queue: Queue
    light: Light
    concerns: tuple[Concern, ...]
    paused: bool = False


class Watchdog:
    """Watches over one library. Any thread."""

    def __init__(self, door: Door, settings: SettingsService, observers: Observers) -> None:
        self._door = door
        self._settings = settings
        self._observers = observers

    def destinations(self, actor: Actor) -> list[DestinationHealth]:
        """Return how every destination stands."""
        now = utc_now()
        mirrors = self._settings.mirrors()
        paused = {mirror.destination for mirror in mirrors if mirror.paused}
        publishing = {public_destination(mirror.name) for mirror in mirrors if mirror.publish}
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            found = []
            for queue in _shown(store.destinations.queues(), publishing):
                seen = store.state.get(_key(queue.name))
                standing = _standing(queue, seen if isinstance(seen, dict) else {})
                said = concerns(standing, now)
                found.append(DestinationHealth(queue, light_of(standing, said), said, queue.name in paused))
            return found

    def arrivals(self, actor: Actor) -> tuple[datetime | None, tuple[Concern, ...]]:
        """Return when the newest image came in, and whether that is suspiciously long ago."""
        local = self._settings.workstation()
        is_listening = local.receive_enabled or bool(local.monitor_enabled and local.monitor_folders)
        with self._door.reading(actor, Action.STATUS_VIEW) as store:
            last = store.images.last_arrival()
        return last, silence(last, is_listening, utc_now())

    def run(self, actor: Actor, ctx: JobContext) -> None:
        """Look at every destination now and then, for ever. Raises Cancelled."""
        while True:
            self.observe(actor, ctx)
            ctx.wait(EVERY_S)

    def observe(self, actor: Actor, ctx: JobContext) -> None:
        """Look at the clock and the certificate of every destination; one that is away stays as last seen."""
        self._door.require(actor, Action.STATUS_VIEW)
        with self._door.store.read():
            queues = [queue for queue in self._door.store.destinations.queues() if queue.enabled]
        for queue in queues:
            ctx.check()
            observer = self._observers.get(queue.kind)
            if observer is None:
                continue
            try:
                seen = observer.observe(queue.name)
            except Cancelled:
                raise
            except BitewingError:
                # Its queue says why it does not answer.
                continue
            until = epoch_ms(seen.certificate_until) if seen.certificate_until is not None else None
            self._door.store.state.set(_key(queue.name), {"clock_s": seen.clock_s, "certificate_until": until})


def _shown(queues: Iterable[Queue], publishing: Collection[str]) -> Iterator[Queue]:
    """Yield the queues that people see: a public folder that is switched on, or has something to do still.

    In the catalogue it is never on: nothing goes there by itself.
    """
    for queue in queues:
        if queue.kind != KIND:
            yield queue
        elif queue.name in publishing or queue.waiting or queue.parked:
            yield replace(queue, enabled=True)


def _key(destination: str) -> str:
    return f"observed.{destination}"


def _standing(queue: Queue, seen: Mapping[str, object]) -> Standing:
    clock, until = seen.get("clock_s"), seen.get("certificate_until")
    return Standing(
        enabled=queue.enabled,
        waiting=queue.waiting,
        parked=queue.parked,
        oldest=queue.oldest,
        last_success=queue.last_success,
        blocked_code=queue.blocked_code,
        last_fault=queue.last_fault,
        clock_s=float(clock) if isinstance(clock, int | float) else None,
        certificate_until=moment_or_none(until) if isinstance(until, int) else None,
    )
