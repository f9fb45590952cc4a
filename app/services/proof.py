"""The nightly proof: a thirtieth of the library is read again every night, and what is damaged is mended.

Where it stands is remembered, so that a run that is cut off goes on (A4). Reading is slow on purpose: nobody
should notice it.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.backup.unpacking import write_member
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.core.files import sha256_file
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import ImageRecord
from app.domain.roles import Action, Actor
from app.services.backups import BackupsService
from app.services.door import Door
from app.services.events import EventLog
from app.services.jobs import JobLog
from app.services.locating import Locator
from app.services.replacing import put_right
from app.services.workroom import private_folder
from app.storage.backups import BackupState
from app.storage.events import Level

log = logging.getLogger(__name__)

NIGHTS = 30
STATE = "scrub.position"
DAMAGED = "scrub.damaged"
_NOTE_EVERY = 100
# Waiting nine times as long as working keeps it under a tenth of one core.
_REST = 9.0
_LONGEST_REST_S = 0.5


@dataclass(frozen=True, slots=True)
class ProofReport:
    """What a night's reading found. ``damaged`` is what could not be mended."""

    read: int
    bytes: int
    damaged: int
    repaired: int
    database: str
    round_complete: bool


class ProofService:
    """Reads the library again, part by part. Any thread; one run at a time."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        jobs: JobLog,
        events: EventLog,
        backups: BackupsService,
        locator: Locator,
    ) -> None:
        self._door = door
        self._paths = paths
        self._jobs = jobs
        self._events = events
        self._backups = backups
        self._locator = locator

    def run(
        self, actor: Actor, ctx: JobContext, *, nights: int = NIGHTS, hurry: bool = False, trigger: str = "schedule"
    ) -> ProofReport:
        """Read the next part; ``hurry`` does so without resting (by hand, tests).

        Raises
        ------
        RefusedError
            ``role.refused``.
        EnvironmentFault
            ``library.away`` when the volume is missing: that is not damage.
        """
        self._door.require(actor, Action.LIBRARY_CHECK)
        if not self._paths.exists() or not self._paths.marker.exists():
            raise EnvironmentFault("library.away", path=str(self._paths.root))
        with self._jobs.running(actor, "proof", {}, trigger) as job:
            report = self._read(actor, ctx, nights, hurry, job.id)
            job.counts = {"read": report.read, "damaged": report.damaged, "repaired": report.repaired}
        return report

    def damaged(self) -> dict[str, str]:
        """Return the images known to be damaged and not mended, with the code of what is wrong."""
        with self._door.store.read():
            return dict(self._door.store.state.get(DAMAGED) or {})

    def _read(self, actor: Actor, ctx: JobContext, nights: int, hurry: bool, job_id: str) -> ProofReport:
        store = self._door.store
        with store.read():
            database = "ok" if store.database.integrity_check() else "damaged"
            total = store.images.count_all()
            position = int((store.state.get(STATE) or {}).get("rank", 0))
        if database != "ok":
            self._events.say(actor, Level.ERROR, "proof", "proof.catalogue_damaged", job_id=job_id)
        share = -(-total // nights)
        read = size = damaged = repaired = 0
        last = position
        for rank, record in self._part(position, share):
            ctx.check()
            began = time.monotonic()
            code = self._problem(record, ctx)
            mended = code is not None and self._mend(actor, record, code, ctx, job_id)
            repaired += mended
            damaged += code is not None and not mended
            self._settle(record.id, None if mended else code)
            if read % _NOTE_EVERY == 0:
                self._remember(rank)
            read, size, last = read + 1, size + record.size_bytes, rank
            ctx.report(Progress(read, max(share, read), "images", record.filename))
            if not hurry:
                ctx.wait(min((time.monotonic() - began) * _REST, _LONGEST_REST_S))
        complete = read < share or last >= self._last_rank()
        self._remember(0 if complete else last)
        if complete:
            store.state.set("scrub.round_at", utc_now().isoformat())
        return ProofReport(read, size, damaged, repaired, database, complete)

    def _part(self, position: int, share: int) -> Iterator[tuple[int, ImageRecord]]:
        yield from islice(self._door.store.images.stream_after(position), share)

    def _last_rank(self) -> int:
        with self._door.store.read():
            return self._door.store.images.last_rank()

    def _remember(self, rank: int) -> None:
        self._door.store.state.set(STATE, {"rank": rank, "at": utc_now().isoformat()})

    def _settle(self, image_id: str, code: str | None) -> None:
        """Keep the list of damaged images true; most images are not on it."""
        known = self.damaged()
        if code is None and image_id not in known:
            return
        if code is None:
            known.pop(image_id, None)
        else:
            known[image_id] = code
        self._door.store.state.set(DAMAGED, known)

    def _problem(self, record: ImageRecord, ctx: JobContext) -> str | None:
        path = self._paths.root / record.path
        try:
            if path.is_symlink() or not path.is_file():
                return "check.missing"
            if path.stat().st_size != record.size_bytes:
                return "check.size"
            return None if sha256_file(path, lambda _bytes: ctx.check())[0] == record.sha256 else "check.hash"
        except OSError:
            return "check.unreadable"

    def _mend(self, actor: Actor, record: ImageRecord, code: str, ctx: JobContext, job_id: str) -> bool:
        """Bring the right bytes back from elsewhere in the library or from a backup; whether that worked."""
        with self._door.store.read():
            now = self._door.store.images.get(record.id)
        if now is None or now.path != record.path:
            # Moved while it was read: it is looked at at its new place next time.
            return True
        source = self._found_here(record) if code == "check.missing" else None
        try:
            mended = source is not None or self._from_backups(record, ctx)
        except BitewingError as error:
            log.warning("repair of %s failed: %s", record.id, error.code)
            mended = False
        said = "proof.repaired" if mended else "proof.damaged"
        level = Level.WARNING if mended else Level.ERROR
        self._events.say(actor, level, "proof", said, job_id=job_id, image=record.id, cause=code)
        if mended:
            with self._door.writing(actor, Action.LIBRARY_CHECK) as unit:
                unit.audit(Entity.IMAGE, record.id, repaired=code)
                unit.changed(Entity.IMAGE, ChangeKind.CHANGED, record.id, record.patient_id)
        return mended

    def _found_here(self, record: ImageRecord) -> Path | None:
        try:
            return self._locator.path_of(record)
        except BitewingError:
            return None

    def _from_backups(self, record: ImageRecord, ctx: JobContext) -> bool:
        with self._door.store.read():
            records = self._door.store.backups.list()
        for backup in records:
            if backup.state is not BackupState.GOOD or backup.contents != "images" or not Path(backup.path).exists():
                continue
            with contextlib.suppress(BitewingError), self._backups.opened(Path(backup.path)) as archive:
                for member in archive.manifest.members:
                    if member.sha256 == record.sha256:
                        with private_folder(self._door.store) as work:
                            write_member(archive, member, work / "image", ctx)
                            put_right(self._paths, record, work / "image")
                        return True
        return False
