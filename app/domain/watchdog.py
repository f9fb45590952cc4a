"""When a destination, or a silence, needs somebody's attention. Pure: facts and the time in, concerns out.

A failure that nobody sees is the worst kind: what waits too long, clocks that drift, certificates that end, sensors
that fell silent are said before anybody misses an image. Being offline alone is amber; nothing is lost by it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

WAITS_LONG = timedelta(hours=24)
WAITS_TOO_LONG = timedelta(days=7)
CERTIFICATE_SOON = timedelta(days=30)
CLOCK_S = 60.0
# From Friday afternoon to Monday morning, and a holiday, nothing arrives anywhere.
QUIET = timedelta(days=4)


class Light(StrEnum):
    """How something stands: off, well, waiting by itself, or waiting for a person."""

    OFF = "off"
    GOOD = "good"
    WAITING = "waiting"
    FAILED = "failed"


_ORDER = (Light.OFF, Light.GOOD, Light.WAITING, Light.FAILED)


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to know, as a stable code with its facts."""

    code: str
    light: Light
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a destination. ``clock_s``: its clock minus ours, in seconds, when last looked at."""

    enabled: bool
    waiting: int = 0
    parked: int = 0
    oldest: datetime | None = None
    last_success: datetime | None = None
    blocked_code: str | None = None
    last_fault: str | None = None
    clock_s: float | None = None
    certificate_until: datetime | None = None


def concerns(standing: Standing, now: datetime) -> tuple[Concern, ...]:
    """Return what is to be said of a destination at ``now``, what matters most first."""
    if not standing.enabled:
        return ()
    found = [
        *_queue(standing, now),
        *_certificate(standing.certificate_until, now),
    ]
    if standing.clock_s is not None and abs(standing.clock_s) > CLOCK_S:
        found.append(Concern("watch.clock", Light.WAITING, {"seconds": round(abs(standing.clock_s))}))
    return tuple(sorted(found, key=lambda one: -_ORDER.index(one.light)))


def light_of(standing: Standing, found: tuple[Concern, ...]) -> Light:
    """Return the worst of it in one colour."""
    if not standing.enabled:
        return Light.OFF
    return max((Light.GOOD, *(one.light for one in found)), key=_ORDER.index)


def silence(last_arrival: datetime | None, is_listening: bool, now: datetime) -> tuple[Concern, ...]:
    """Return whether nothing has come in for suspiciously long though something should."""
    if not is_listening or last_arrival is None or now - last_arrival <= QUIET:
        return ()
    return (Concern("watch.quiet", Light.WAITING, {"days": (now - last_arrival).days}),)


def _queue(standing: Standing, now: datetime) -> list[Concern]:
    found = []
    if standing.blocked_code:
        found.append(Concern("watch.blocked", Light.FAILED, {"cause": standing.blocked_code}))
    if standing.parked:
        found.append(Concern("watch.parked", Light.FAILED, {"n": standing.parked}))
    if standing.waiting and standing.oldest is not None:
        age = now - standing.oldest
        if age > WAITS_LONG and _moves(standing, now):
            # A first fill of hundreds of thousands takes its weeks; what cannot go at all is parked, not waiting.
            found.append(Concern("watch.long_queue", Light.WAITING, {"n": standing.waiting}))
        elif age > WAITS_LONG:
            light = Light.FAILED if age > WAITS_TOO_LONG else Light.WAITING
            found.append(Concern("watch.waits_long", light, {"hours": int(age.total_seconds() // 3600)}))
    if standing.waiting and standing.last_fault and not standing.blocked_code:
        found.append(Concern("watch.offline", Light.WAITING, {"cause": standing.last_fault}))
    return found


def _moves(standing: Standing, now: datetime) -> bool:
    """Whether something arrived there lately: the queue is long, not stuck."""
    return standing.last_success is not None and now - standing.last_success <= WAITS_LONG


def _certificate(until: datetime | None, now: datetime) -> list[Concern]:
    if until is None or until - now > CERTIFICATE_SOON:
        return []
    if until <= now:
        return [Concern("watch.certificate_over", Light.FAILED)]
    return [Concern("watch.certificate_soon", Light.WAITING, {"days": (until - now).days})]
