"""What the dashboard says, as lines with a lamp each: figures in, words out. Knows no widgets of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.ui.destinations.states import destination_state
from app.ui.formats import joined, moment, number, size
from app.ui.safekeeping.health_card import backup_lines
from app.ui.status.chip import Health
from app.ui.status.safety import folders_state
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.domain.watchdog import Concern
    from app.services.monitor import FolderStatus
    from app.services.status import Snapshot
    from app.services.watchdog import DestinationHealth

_ORDER = (Health.OFF, Health.GOOD, Health.WAITING, Health.FAILED)


@dataclass(frozen=True)
class Figures:
    """Everything that is asked for the dashboard, at one moment."""

    snapshot: Snapshot
    destinations: Sequence[DestinationHealth]
    folders: Sequence[FolderStatus]
    last_arrival: datetime | None
    silence: Sequence[Concern]
    is_receiving: bool


@dataclass(frozen=True)
class Line:
    """One line: lamp, what it is about, how it stands, and what to know or do."""

    health: Health
    title: str
    text: str
    reason: str = ""


def arrivals(figures: Figures) -> list[Line]:
    """Return what came in."""
    snapshot = figures.snapshot
    today = tn("{n} image", "{n} images", snapshot.imported_today) if snapshot.imported_today else t("none today")
    lines = [Line(Health.GOOD if snapshot.imported_today else Health.OFF, t("Today"), today)]
    last = moment(figures.last_arrival) if figures.last_arrival else t("none yet")
    quiet = [error_words.describe(one.code, one.facts) for one in figures.silence]
    reason = "\n".join(joined(words.explanation, words.what_to_do) for words in quiet)
    lines.append(Line(Health.WAITING if quiet else Health.GOOD, t("Newest image"), last, reason))
    waits = tn("{n} image waits", "{n} images wait", snapshot.inbox) if snapshot.inbox else t("empty")
    lines.append(Line(Health.WAITING if snapshot.inbox else Health.GOOD, t("Inbox"), waits))
    if figures.folders:
        lines.append(Line(*_shuffled(t("Folders"), folders_state(figures.folders))))
    if figures.is_receiving:
        lines.append(Line(Health.GOOD, t("DICOM listener"), t("listening")))
    return lines


def destinations(figures: Figures) -> list[Line]:
    """Return where images go, each with its lamp."""
    return [
        Line(*_shuffled(terms.destination(one.queue.name), destination_state(one)))
        for one in figures.destinations
        if one.queue.enabled
    ]


def backups(figures: Figures) -> list[Line]:
    """Return how safe the library is."""
    return [Line(health, title, text) for title, health, text in backup_lines(figures.snapshot.backup)]


def library(figures: Figures) -> list[Line]:
    """Return the figures of the library and its disk."""
    snapshot = figures.snapshot
    is_low = snapshot.free_bytes < snapshot.reserve_bytes * 4
    space = Health.WAITING if is_low else Health.GOOD
    return [
        Line(Health.GOOD, t("Patients"), number(snapshot.patients)),
        Line(Health.GOOD, t("Images"), joined(number(snapshot.images), size(snapshot.image_bytes))),
        Line(space if snapshot.has_room else Health.FAILED, t("Free space"), size(snapshot.free_bytes)),
        Line(Health.GOOD if snapshot.background else Health.OFF, t("Background work"), _worker(snapshot)),
    ]


def _worker(snapshot: Snapshot) -> str:
    """Return who watches, sends, receives and backs up on this computer."""
    words = {"window": t("in the window"), "agent": t("in the agent"), "watch": t("watching folders only")}
    return words.get(snapshot.background.kind, t("in another process")) if snapshot.background else t("none now")


def summary(lines: Sequence[Line]) -> tuple[Health, str]:
    """Return all of it in one line."""
    bad = sum(line.health is Health.FAILED for line in lines)
    if bad:
        return Health.FAILED, tn("{n} thing needs somebody", "{n} things need somebody", bad)
    waiting = sum(line.health is Health.WAITING for line in lines)
    if waiting:
        return Health.WAITING, tn(
            "{n} thing to know; nobody has to act now", "{n} things to know; nobody has to act now", waiting
        )
    return Health.GOOD, t("All is well")


def _shuffled(title: str, state: tuple[Health, str, str]) -> tuple[Health, str, str, str]:
    health, text, reason = state
    return health, title, text, reason if health in {Health.WAITING, Health.FAILED} else ""
