"""Comparing public folders with the records: what lies there that nobody knows of, and what is not there any more.

A catalogue that was lost, or restored from long ago, does not know everything that it ever published; what it does not
know nobody could take back.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.destinations import MirrorSettings, place_of
from app.core.errors import BitewingError, Cancelled, RefusedError, UserError
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageType
from app.domain.publication import (
    FOLDER,
    KIND,
    Publication,
    PublicState,
    form_of,
    has_our_form,
    is_own_name,
    public_address,
)
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.jobs import JobLog
from app.services.mirroring.guard import are_too_many
from app.services.publishing.connector import PublicConnector
from app.services.sending.service import SendingService
from app.transfer.stores.store import Store

JOB = "publish-check"
# Of ours and not known; another library's, whose business it is; a place that does not answer and never published.
MISSING, UNKNOWN, FOREIGN, NOT_LOOKED = "missing", "unknown", "foreign", "not_looked"
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class PublicDifference:
    """One thing in public that is not as the records say.

    ``removed``: an unknown one that was taken away, and is proven to be; ``code`` is why it is not, or what kept the
    place from being looked at.
    """

    destination: str
    status: str
    name: str
    image_id: str | None = None
    removed: bool = False
    code: str | None = None


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

    def __init__(self, door: Door, places: PublicConnector, sending: SendingService, jobs: JobLog) -> None:
        self._door = door
        self._places = places
        self._sending = sending
        self._jobs = jobs

    def run(self, actor: Actor, ctx: JobContext, *, remove: bool = False, agreed: bool = False) -> PublicReport:
        """Compare every mirror that is set up; ``remove`` what this library gave and nobody knows of.

        That is called back like all that was published, and only said to be removed when its address shows it no more.
        What other libraries publish at the same place is theirs.

        Parameters
        ----------
        agreed
            That a person saw how many would be removed: without that many are not (RELIABILITY A11).

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``publish.too_many_unknown``.
        BitewingError
            As every call of a store: a place that is away is not an empty one. Others are looked at all the same.
        """
        self._door.require(actor, Action.IMAGE_WITHDRAW)
        report, busy, faults = PublicReport(), frozenset(self._places.busy()), []
        for destination in self._places.every():
            try:
                self._look(actor, destination, report, ctx, remove=remove, agreed=agreed)
            except (Cancelled, RefusedError):
                raise
            except BitewingError as fault:
                if destination in busy:
                    faults.append(fault)
                # One where nothing was ever published, as far as is known, may be away.
                report.items.append(PublicDifference(destination, NOT_LOOKED, "", code=fault.code))
        if faults:
            raise faults[0]
        return report

    def _look(
        self,
        actor: Actor,
        destination: str,
        report: PublicReport,
        ctx: JobContext,
        *,
        remove: bool,
        agreed: bool,
    ) -> None:
        mirror = self._places.mirror(destination)
        with contextlib.closing(self._places.open(destination)) as place:
            place.probe()
            with self._jobs.running(actor, JOB, {"destination": destination}) as job:
                there = _names(place, ctx)
                # Read only now: names are written down before anything is sent under them.
                with self._door.store.read():
                    known = [entry.publication for entry in self._door.store.publications.open(_MOST)]
                found = self._compare(destination, there, known, report)
                if remove:
                    unknown = [item.name for item in found if item.status == UNKNOWN]
                    if not agreed and are_too_many(len(unknown), len(there)):
                        raise UserError("publish.too_many_unknown", count=len(unknown), there=len(there))
                    found = self._removed(actor, mirror, found, ctx)
                report.items += found
                job.counts = {"verified": report.public, "missing": report.count(MISSING)}

    def _compare(
        self, destination: str, there: frozenset[str], known: Sequence[Publication], report: PublicReport
    ) -> list[PublicDifference]:
        found = []
        for one in known:
            if one.destination != destination or one.state is not PublicState.PUBLIC:
                continue
            if one.remote_id in there:
                report.public += 1
            else:
                found.append(PublicDifference(destination, MISSING, one.remote_id, one.image_id))
        # Two mirrors may lead to one place: what is known of either is known.
        for name in sorted(there - {one.remote_id for one in known}):
            is_own = is_own_name(name, self._door.store.library_id)
            found.append(PublicDifference(destination, UNKNOWN if is_own else FOREIGN, name))
        return found

    def _removed(
        self, actor: Actor, mirror: MirrorSettings, found: Sequence[PublicDifference], ctx: JobContext
    ) -> list[PublicDifference]:
        """Call back what is unknown, as what it is: something of ours that strangers may see until it is proven."""
        unknown = [item for item in found if item.status == UNKNOWN]
        if not unknown:
            return list(found)
        destination = unknown[0].destination
        with self._door.writing(actor, Action.IMAGE_WITHDRAW) as unit:
            unit.store.destinations.set(destination, KIND, enabled=False)
            for item in unknown:
                unit.store.publications.adopt(_stray(actor, mirror, item))
                unit.audit(Entity.OUTBOX, item.name, destination=destination, unknown=True)
                unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, item.name)
        self._sending.send(actor, ctx, [destination], action=Action.IMAGE_WITHDRAW, recalls_only=True)
        return [self._stands(item) if item.status == UNKNOWN else item for item in found]

    def _stands(self, item: PublicDifference) -> PublicDifference:
        """Return a removed one as it stands now."""
        with self._door.store.read():
            copy = self._door.store.publications.get(item.destination, item.name)
            entries = self._door.store.publications.of_image(copy.image_id) if copy is not None else []
        if copy is not None and copy.state is PublicState.PRIVATE:
            return PublicDifference(item.destination, UNKNOWN, item.name, removed=True)
        code = next((entry.code for entry in entries if entry.publication.remote_id == item.name), None)
        return PublicDifference(item.destination, UNKNOWN, item.name, code=code)


def _names(place: Store, ctx: JobContext) -> frozenset[str]:
    """Return what has a name that we give; somebody may keep a page of their own beside the images."""
    there = set()
    for entry in place.list(FOLDER):
        ctx.check()
        if not entry.is_folder and has_our_form(entry.name):
            there.add(entry.name)
            ctx.report(Progress(len(there), None, "files"))
    return frozenset(there)


def _stray(actor: Actor, mirror: MirrorSettings, item: PublicDifference) -> Publication:
    return Publication(
        id=str(uuid.uuid4()),
        image_id="",
        patient_id="",
        destination=item.destination,
        remote_id=item.name,
        place=place_of(mirror),
        url=public_address(mirror.public_url, item.name),
        form=form_of(item.name),
        filename="",
        sha256="",
        size_bytes=0,
        image_type=ImageType.OTHER.value,
        caption="",
        asked_by=actor.id,
        asked_at=utc_now(),
    )
