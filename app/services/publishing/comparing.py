"""Comparing public folders with the records: what lies there that nobody knows of, and what is not there any more.

A catalogue that was lost, or restored from long ago, does not know everything that it ever published; what it does not
know nobody could take back.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field

from app.core.context import JobContext
from app.core.errors import TransientFault
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.publication import FOLDER, PublicState
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.jobs import JobLog
from app.services.publishing.connector import PublicConnector
from app.transfer.stores.store import Store

KIND = "publish-check"
MISSING, UNKNOWN = "missing", "unknown"
_MOST = 1_000_000
# Only what has a name that we give is ever removed; somebody may keep a page of their own beside the images.
_OURS = re.compile(rf"{FOLDER}/[0-9a-f]{{40}}\.(jpg|dcm)")


@dataclass(frozen=True, slots=True)
class PublicDifference:
    """One thing in public that is not as the records say; ``removed``: an unknown one that was taken away."""

    destination: str
    status: str
    name: str
    image_id: str | None = None
    removed: bool = False


@dataclass(slots=True)
class PublicReport:
    """What comparing found; ``public`` counts what is there as it should be."""

    public: int = 0
    items: list[PublicDifference] = field(default_factory=list)

    def count(self, status: str) -> int:
        """Return how many differences of a kind remain."""
        return sum(item.status == status and not item.removed for item in self.items)


class PublicComparison:
    """Compares the public folders of one library. Any thread."""

    def __init__(self, door: Door, places: PublicConnector, jobs: JobLog) -> None:
        self._door = door
        self._places = places
        self._jobs = jobs

    def run(self, actor: Actor, ctx: JobContext, *, remove: bool = False) -> PublicReport:
        """Compare every place that publishes or has something in public; ``remove`` what nobody knows of.

        Raises
        ------
        RefusedError
            ``role.refused``.
        BitewingError
            As every call of a store: a place that is away is not an empty one.
        """
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        report = PublicReport()
        for destination in self._places.busy():
            with (
                self._jobs.running(actor, KIND, {"destination": destination}) as job,
                contextlib.closing(self._places.open(destination)) as place,
            ):
                place.probe()
                self._compare(destination, place, report, ctx)
                if remove:
                    self._remove(actor, place, report)
                job.counts = {"verified": report.public, "missing": report.count(MISSING)}
        return report

    def _compare(self, destination: str, place: Store, report: PublicReport, ctx: JobContext) -> None:
        there = set()
        for entry in place.list(FOLDER):
            ctx.check()
            if not entry.is_folder:
                there.add(entry.name)
                ctx.report(Progress(len(there), None, "files"))
        with self._door.store.read():
            every = [entry.publication for entry in self._door.store.publications.open(_MOST)]
        known = {one.remote_id: one for one in every if one.destination == destination}
        for name, one in known.items():
            if one.state is not PublicState.PUBLIC:
                continue
            if name in there:
                report.public += 1
            else:
                report.items.append(PublicDifference(destination, MISSING, name, one.image_id))
        for name in sorted(there - known.keys()):
            if _OURS.fullmatch(name):
                report.items.append(PublicDifference(destination, UNKNOWN, name))

    def _remove(self, actor: Actor, place: Store, report: PublicReport) -> None:
        for number, item in enumerate(report.items):
            if item.status != UNKNOWN or item.removed:
                continue
            place.delete(item.name)
            if place.stat(item.name) is not None:
                raise TransientFault("store.altered", name=item.name)
            with self._door.writing(actor, Action.IMAGE_WITHDRAW) as unit:
                unit.audit(Entity.OUTBOX, item.name, destination=item.destination, unknown=True)
                unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, item.name)
            report.items[number] = PublicDifference(item.destination, UNKNOWN, item.name, removed=True)
