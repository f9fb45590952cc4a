"""Brings in what lies in the archive alone, so that mirrors and backups have it too (REQUIREMENTS H5).

By the same rules for the right patient as anything else: who is not surely meant waits in the inbox. What could not be
brought is remembered and tried again; what is here already is never fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, TransientFault
from app.core.progress import Progress
from app.domain.roles import Action, Actor
from app.services.archiving.browsing import BrowsingService
from app.services.archiving.fetching import Wanted
from app.services.archiving.matching import ArchiveStudy
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.storage.events import Level
from app.sync.report import ItemStatus
from app.transfer.found import StudyQuery

KIND = "keep"
_STATE = "archive_wanted"
_GONE = "pacs.gone"


@dataclass(slots=True)
class KeepReport:
    """What came: studies looked at and fetched, their images by what became of them, and why some did not come."""

    looked_at: int = 0
    fetched: int = 0
    imported: int = 0
    inbox: int = 0
    failed: dict[str, str] = field(default_factory=dict)


class ArchiveKeeping:
    """Keeps one library as full as its archive. Any thread; one run at a time."""

    def __init__(self, door: Door, browsing: BrowsingService, jobs: JobLog, events: EventLog) -> None:
        self._door = door
        self._browsing = browsing
        self._jobs = jobs
        self._events = events

    def bring(self, actor: Actor, ctx: JobContext, arrived: Iterable[str]) -> KeepReport:
        """Bring in studies that arrived, and those that could not be brought before.

        Raises
        ------
        RefusedError
            ``role.refused``.
        Cancelled
            What was not brought yet is brought the next time.
        """
        self._door.require(actor, Action.ARCHIVE_FETCH)
        before = self._wanted()
        left = list(dict.fromkeys([*before, *arrived]))
        if left != before:
            self._door.store.state.set(_STATE, left)
        report = KeepReport()
        try:
            for uid in tuple(left):
                ctx.check()
                self._bring_one(actor, ctx, uid, report, is_new=uid not in before)
                if uid not in report.failed:
                    left.remove(uid)
        finally:
            if left != self._wanted():
                self._door.store.state.set(_STATE, left)
        return report

    def bring_all(self, actor: Actor, ctx: JobContext) -> KeepReport:
        """Go through the whole archive, newest first, and bring in what is not here. Raises as :meth:`bring`."""
        self._door.require(actor, Action.ARCHIVE_FETCH)
        report = KeepReport()
        with self._jobs.running(actor, KIND, {}, "user") as job:
            for study in self._every_study(actor):
                ctx.check()
                report.looked_at += 1
                self._keep(actor, ctx, study, report, is_new=True)
                ctx.report(Progress(report.looked_at, None, "studies"))
            job.counts = {"studies": report.fetched, "imported": report.imported, "inbox": report.inbox}
        return report

    def _every_study(self, actor: Actor) -> Iterator[ArchiveStudy]:
        place, is_first, seen = None, True, set[str]()
        while is_first or place is not None:
            page = self._browsing.search(actor, StudyQuery(), place)
            for study in page.studies:
                if study.found.study_uid not in seen:
                    seen.add(study.found.study_uid)
                    yield study
            place, is_first = page.following, False

    def _wanted(self) -> list[str]:
        stored = self._door.store.state.get(_STATE)
        return [uid for uid in stored if isinstance(uid, str)] if isinstance(stored, list) else []

    def _bring_one(self, actor: Actor, ctx: JobContext, uid: str, report: KeepReport, *, is_new: bool) -> None:
        report.looked_at += 1
        try:
            study = self._browsing.study(actor, uid)
        except Cancelled:
            raise
        except BitewingError as fault:
            self._note(actor, uid, fault, report, is_new=is_new)
            return
        self._keep(actor, ctx, study, report, is_new=is_new)

    def _keep(self, actor: Actor, ctx: JobContext, study: ArchiveStudy, report: KeepReport, *, is_new: bool) -> None:
        uid, instances = study.found.study_uid, study.found.instances
        with self._door.store.read():
            # Reports and the like never count as images here: they are not fetched again for it.
            known = max(study.held, self._door.store.studies.kept(uid))
        if known >= instances:
            return
        try:
            came = self._browsing.fetch(actor, JobContext(ctx.token), Wanted(uid, trigger=KIND))
        except Cancelled:
            raise
        except BitewingError as fault:
            self._note(actor, uid, fault, report, is_new=is_new)
            return
        self._door.store.studies.keep(uid, instances)
        report.fetched += 1
        report.imported += came.imported.count(ItemStatus.IMPORTED)
        report.inbox += came.imported.count(ItemStatus.INBOX)

    def _note(self, actor: Actor, uid: str, fault: BitewingError, report: KeepReport, *, is_new: bool) -> None:
        """Remember a study that did not come; it is said once, and not at all while the archive is merely away."""
        if fault.code == _GONE:
            return
        report.failed[uid] = fault.code
        if is_new and not isinstance(fault, TransientFault):
            self._events.say(actor, Level.WARNING, KIND, "pacs.not_kept", study=uid, cause=fault.code)
