"""The archive as a use case: pushing what is queued, testing the connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, UserError
from app.core.file_lock import FileLock
from app.core.paths import LibraryPaths
from app.domain.changes import Change, ChangeKind, ChangeSet, Entity
from app.domain.roles import Action, Actor
from app.services.archiving.access import CONNECTIONS, archive_args
from app.services.archiving.renditions import Renditions
from app.services.archiving.sending import OrthancSender
from app.services.decoders import Decoders
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.locating import Locator
from app.services.settings import ORTHANC, SettingsService
from app.storage.events import Level
from app.storage.outbox import Entry, EntryState
from app.sync.outbox import AWAY, Drainer, DrainReport, Sent
from app.transfer.http_errors import BLOCKING
from app.transfer.orthanc import Orthanc, System

KIND = "push"
_ASIDE_S = 5.0


@dataclass(frozen=True, slots=True)
class PushReport:
    """What one push did; ``queued`` counts what waits still."""

    drained: DrainReport
    queued: int


class ArchiveService:
    """The archive of one library. Any thread."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        settings: SettingsService,
        locator: Locator,
        decoders: Decoders,
        jobs: JobLog,
        events: EventLog,
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._locator = locator
        self._decoders = decoders
        self._jobs = jobs
        self._events = events

    def push(self, actor: Actor, ctx: JobContext, trigger: str = "user") -> PushReport:
        """Send what is queued, once; what was parked or blocked is tried again.

        While another process is sending nothing is done here but counting.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``pacs.not_set_up``, ``pacs.no_url``, ``pacs.bad_ca``.
        """
        self._door.require(actor, Action.ARCHIVE_PUSH)
        report = DrainReport()
        with self._drainer(actor) as drainer:
            # Whoever is sending just now takes these up.
            self._door.store.outbox.release(ORTHANC)
            if drainer is not None:
                with self._jobs.running(actor, KIND, {"destination": ORTHANC}, trigger) as job:
                    report = drainer.drain(ctx)
                    job.counts = {
                        "sent": report.sent,
                        "already_there": report.already_there,
                        "removed": report.removed,
                        "failed": report.failed,
                    }
        return PushReport(report, self._waiting())

    def run(self, actor: Actor, ctx: JobContext) -> None:
        """Send for ever; while another process is sending, wait for it. Raises Cancelled, and as :meth:`push`."""
        self._door.require(actor, Action.ARCHIVE_PUSH)
        while True:
            try:
                with self._drainer(actor) as drainer:
                    if drainer is not None:
                        drainer.run(ctx)
            except UserError as error:
                # By the settings nothing can be sent: said where the queue is looked at, until they are changed.
                self._door.store.outbox.block(ORTHANC, error.code, error.facts)
                raise
            ctx.wait(_ASIDE_S)

    def test(self, actor: Actor) -> System:
        """Try the connection; what is unsafe there is among its warnings.

        Raises
        ------
        BitewingError
            As :meth:`Orthanc.system`, and ``pacs.not_set_up``.
        """
        self._door.require(actor, Action.SETTINGS_VIEW)
        with contextlib.closing(self._orthanc()) as orthanc:
            return orthanc.system()

    def _orthanc(self) -> Orthanc:
        return Orthanc(archive_args(self._settings))

    @contextlib.contextmanager
    def _drainer(self, actor: Actor) -> Iterator[Drainer | None]:
        """Give the one drainer of the archive; ``None`` while another process has it."""
        clinic = self._settings.clinic()
        if not clinic.orthanc_enabled:
            raise UserError("pacs.not_set_up")
        orthanc = self._orthanc()
        lock = FileLock(self._paths.root / f".outbox-{ORTHANC}.lock")
        try:
            if not lock.acquire():
                yield None
                return
            try:
                store = self._door.store
                store.outbox.recover(ORTHANC)
                renditions = Renditions(store, self._paths, self._locator, self._decoders.importing(), clinic)
                yield Drainer(
                    _ArchiveQueue(self._door, self._events, actor),
                    OrthancSender(store, orthanc, renditions),
                    BLOCKING,
                    connections=CONNECTIONS,
                )
            finally:
                lock.release()
        finally:
            orthanc.close()

    def _waiting(self) -> int:
        with self._door.store.read():
            return sum(queue.waiting for queue in self._door.store.outbox.queues() if queue.name == ORTHANC)


class _ArchiveQueue:
    """The archive's queue as the drainer sees it: settles in the catalogue, says aloud what a person must know."""

    def __init__(self, door: Door, events: EventLog, actor: Actor) -> None:
        self._door = door
        self._outbox = door.store.outbox
        self._events = events
        self._actor = actor

    def take(self, now: datetime, limit: int) -> list[Entry]:
        return [] if self.is_blocked() else self._outbox.take(ORTHANC, now, limit)

    def confirm(self, done: Sequence[tuple[Entry, Sent]]) -> None:
        with self._door.store.write():
            for entry, sent in done:
                self._outbox.confirm(entry, sent.remote_id, sent.digest, sent.how, utc_now())
        self._say(*(entry for entry, _sent in done))

    def settle(self, entry: Entry, state: EntryState, fault: BitewingError | None, due: datetime | None) -> None:
        code, facts = (fault.code, fault.facts) if fault is not None else (None, {})
        self._outbox.settle(entry, state, code, facts, utc_now(), due)
        if state is EntryState.PARKED and fault is not None:
            self._events.say(self._actor, Level.ERROR, KIND, "pacs.parked", image=entry.image_id, cause=fault.code)
        self._say(entry)

    def block(self, fault: BitewingError) -> None:
        self._outbox.block(ORTHANC, fault.code, fault.facts)
        self._events.say(self._actor, Level.ERROR, KIND, "pacs.blocked", cause=fault.code)

    def is_blocked(self) -> bool:
        with self._door.store.read():
            return any(queue.blocked_code for queue in self._outbox.queues() if queue.name == ORTHANC)

    def hurry(self) -> None:
        self._outbox.hurry(ORTHANC, AWAY)

    def waiting(self) -> int:
        with self._door.store.read():
            return sum(queue.waiting for queue in self._outbox.queues() if queue.name == ORTHANC)

    def _say(self, *entries: Entry) -> None:
        changes = [Change(Entity.OUTBOX, ChangeKind.CHANGED, entry.image_id, entry.patient_id) for entry in entries]
        self._door.publish(ChangeSet(tuple(changes)))
