"""Comparing a mirror with the catalogue and the ledger: what is missing there, different, extra; nothing is deleted.

What is missing or different is queued again, the latter only once the file here was proven good. Listing and
catalogue are not of one moment, so that whatever looks wrong is looked at once more before it is said.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.destinations import MIRROR, MirrorSettings
from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import sha256_file
from app.core.progress import Progress
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.image import ImageRecord, Placement
from app.domain.remote_names import Layout, remote_name
from app.domain.roles import Action, Actor
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.locating import Locator
from app.services.mirroring.catalogue_copy import FOLDER as CATALOGUE_FOLDER
from app.services.mirroring.catalogue_copy import CatalogueKeeper
from app.services.mirroring.connector import MirrorConnector
from app.services.mirroring.remote import Remote, listed
from app.services.mirroring.sending import proof
from app.services.workroom import private_folder
from app.storage.events import Level
from app.transfer.stores.store import Store

KIND = "mirror-verify"
MISSING, DIFFERENT, EXTRA = "missing", "different", "extra"
# What is said of a file that is not as it should be, where there is nothing better to say.
SAID = {MISSING: "mirror.file_missing", DIFFERENT: "mirror.file_different", EXTRA: "mirror.file_extra"}
_PAGE = 500
_MOST_ITEMS = 10_000
# Extra files beyond that are not looked at once more, one by one.
_MOST_EXTRA = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing at a mirror that is not as it should be; ``code`` says why it was not queued again."""

    destination: str
    status: str
    name: str
    image_id: str | None = None
    code: str | None = None

    @property
    def reason(self) -> str:
        """The code of what is to be said of it."""
        return self.code or SAID[self.status]


@dataclass(slots=True)
class VerifyReport:
    """What comparing found (CLI contract). ``waiting`` counts images that were never said to be there yet."""

    missing: int = 0
    different: int = 0
    extra: int = 0
    verified: int = 0
    waiting: int = 0
    queued_again: int = 0
    items: list[Difference] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether everything that should be there is there as it should be."""
        return not (self.missing or self.different)

    def note(self, item: Difference) -> None:
        """Count a difference."""
        setattr(self, item.status, getattr(self, item.status) + 1)
        if len(self.items) < _MOST_ITEMS:
            self.items.append(item)


class MirrorVerification:
    """Verifies the mirrors of one library. Any thread."""

    def __init__(
        self,
        door: Door,
        connector: MirrorConnector,
        locator: Locator,
        jobs: JobLog,
        events: EventLog,
        keeper: CatalogueKeeper,
    ) -> None:
        self._keeper = keeper
        self._door = door
        self._connector = connector
        self._locator = locator
        self._jobs = jobs
        self._events = events

    def run(
        self, actor: Actor, ctx: JobContext, name: str | None = None, *, deep: bool = False, trigger: str = "user"
    ) -> VerifyReport:
        """Compare every mirror, or the one of that name; ``deep`` reads everything there again.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``mirror.none``, ``settings.no_connection``, ``mirror.not_set_up``.
        BitewingError
            As every call of a store: a mirror that is away is not "everything is missing".
        """
        self._door.require(actor, Action.LIBRARY_CHECK)
        report = VerifyReport()
        for mirror in self._connector.chosen(name):
            with (
                self._jobs.running(actor, KIND, {"destination": mirror.destination}, trigger) as job,
                contextlib.closing(self._connector.open(mirror)) as store,
                private_folder(self._door.store) as work,
            ):
                store.probe()
                one = _Comparison(self._door, self._locator, mirror, store, work, deep=deep).run(ctx)
                if self._keeper.is_good(mirror, store, work, ctx, deep=deep) is False:
                    one.note(Difference(mirror.destination, MISSING, CATALOGUE_FOLDER))
                job.counts = {
                    "missing": one.missing,
                    "different": one.different,
                    "extra": one.extra,
                    "verified": one.verified,
                }
                if not one.is_sound:
                    self._say(actor, mirror, one, job.id)
            for what in ("missing", "different", "extra", "verified", "waiting", "queued_again"):
                setattr(report, what, getattr(report, what) + getattr(one, what))
            report.items += one.items
        return report

    def _say(self, actor: Actor, mirror: MirrorSettings, report: VerifyReport, job_id: str) -> None:
        self._events.say(
            actor,
            Level.ERROR,
            MIRROR,
            "mirror.found_different",
            job_id=job_id,
            destination=mirror.destination,
            missing=report.missing,
            different=report.different,
            queued=report.queued_again,
        )
        self._door.publish(ChangeSet((Change(Entity.OUTBOX, ChangeKind.CHANGED, mirror.destination),)))


class _Comparison:
    """One look at one mirror."""

    def __init__(
        self, door: Door, locator: Locator, mirror: MirrorSettings, store: Store, work: Path, *, deep: bool
    ) -> None:
        self._catalogue = door.store
        self._locator = locator
        self._mirror = mirror
        self._destination = mirror.destination
        self._layout = Layout(mirror.layout)
        self._store = store
        self._work = work
        self._deep = deep
        self._report = VerifyReport()
        self._seen: set[str] = set()

    def run(self, ctx: JobContext) -> VerifyReport:
        remote = listed(self._store, (self._layout,), ctx)
        with self._catalogue.read():
            total = self._catalogue.images.count(Placement.FILED)
        done = 0
        with ThreadPoolExecutor(self._mirror.connections, thread_name_prefix="verify") as pool:
            for records in self._pages():
                ctx.check()
                expected = self._expected(records)
                found = list(pool.map(lambda one: self._judge(one[0], one[1], remote, ctx), expected))
                self._settle([item for item in found if item is not None], {record.id: record for record in records})
                self._report.verified += sum(item is None for item in found)
                done += len(records)
                ctx.report(Progress(min(done, total), total, "images"))
        self._note_extra(remote, ctx)
        return self._report

    def _pages(self) -> Iterator[list[ImageRecord]]:
        every = (
            record
            for record in self._catalogue.images.stream(include_deleted=False)
            if record.placement is Placement.FILED
        )
        while page := list(islice(every, _PAGE)):
            yield page

    def _expected(self, records: list[ImageRecord]) -> list[tuple[ImageRecord, str]]:
        """Return which images must be there, and under which name; the others wait to be sent."""
        with self._catalogue.read():
            known = self._catalogue.ledger.known(self._destination, [record.id for record in records])
        expected = []
        for record in records:
            name, one = remote_name(record, self._layout), known[record.id]
            self._seen.update((name, *one.names))
            if one.is_left_out and not one.names:
                continue
            if one.waits and name not in one.names:
                self._report.waiting += 1
            else:
                expected.append((record, name))
        return expected

    def _judge(self, record: ImageRecord, name: str, remote: Remote, ctx: JobContext) -> Difference | None:
        """Return what is wrong with an image there; ``None`` where nothing is."""
        ctx.check()
        status = None
        if remote.sizes.get(name) != record.size_bytes or self._store.capabilities.has_hash:
            there = self._store.stat(name)
            status = MISSING if there is None else DIFFERENT if proof(there, record) is None else None
        if status is None and self._deep:
            status = self._read_again(record, name, ctx)
        return None if status is None else Difference(self._destination, status, name, record.id)

    def _read_again(self, record: ImageRecord, name: str, ctx: JobContext) -> str | None:
        target = self._work / record.id
        try:
            self._store.get(name, target, ctx)
            return None if sha256_file(target)[0] == record.sha256 else DIFFERENT
        except EnvironmentFault as fault:
            statuses = {"store.not_there": MISSING, "store.altered": DIFFERENT}
            if fault.code not in statuses:
                raise
            return statuses[fault.code]
        finally:
            target.unlink(missing_ok=True)

    def _settle(self, found: list[Difference], records: dict[str, ImageRecord]) -> None:
        """Count differences and queue those again that can be."""
        again, gone = [], []
        for item in found:
            image_id = str(item.image_id)
            with self._catalogue.read():
                now = self._catalogue.images.get(image_id)
            if now is None or now.deleted_at is not None or remote_name(now, self._layout) != item.name:
                # Moved or deleted meanwhile; its queue knows.
                continue
            code = self._problem_here(records[image_id]) if item.status == DIFFERENT else None
            if code is None:
                again.append((image_id, item.name))
                if item.status == MISSING:
                    gone.append((image_id, item.name))
            self._report.note(Difference(item.destination, item.status, item.name, image_id, code))
        if again:
            self._report.queued_again += self._catalogue.ledger.send_again(self._destination, again, gone, utc_now())

    def _problem_here(self, record: ImageRecord) -> str | None:
        """Return why the file here must not replace what is there; ``None`` where it is proven good."""
        try:
            return None if sha256_file(self._locator.path_of(record))[0] == record.sha256 else "file.corrupt"
        except BitewingError as error:
            return error.code
        except OSError:
            return "file.unreadable"

    def _note_extra(self, remote: Remote, ctx: JobContext) -> None:
        with self._catalogue.read():
            leaving = self._catalogue.ledger.leaving(self._destination)
        extra = sorted(set(remote.sizes) - self._seen - leaving)
        for number, name in enumerate(extra):
            ctx.check()
            if number < _MOST_EXTRA and self._is_gone(name):
                continue
            self._report.note(Difference(self._destination, EXTRA, name))

    def _is_gone(self, name: str) -> bool:
        try:
            return self._store.stat(name) is None
        except EnvironmentFault as fault:
            if fault.code != "store.bad_name":
                raise
            return False
