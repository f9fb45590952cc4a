"""A study, some of its series or one image out of the archive into the library.

Everything is downloaded into a private folder first: a line that breaks, a full disk or somebody who changes their mind
leaves nothing behind. Only what came whole is imported, by the same rules for the right patient as anything else.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from app.core.cancel import CancelToken
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, UserError
from app.core.files import free_bytes
from app.core.paths import LibraryPaths
from app.core.progress import Progress
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Filing
from app.domain.roles import Action, Actor
from app.services.archiving.arrival import require_asked_for
from app.services.archiving.opened import LINES
from app.services.decoders import Decoders, HeaderFallback
from app.services.door import Door, survivor
from app.services.export.dicom_files import key_of, key_of_original
from app.services.imports import ImportsService
from app.services.settings import ORTHANC, SettingsService
from app.services.workroom import private_folder
from app.sync.importer import OnItem
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from app.transfer.dicomweb import DicomWeb
from app.transfer.orthanc import instance_id
from app.transfer.retrieval import Allowance, Retrieval, retrieve

KIND = "fetch"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be fetched: a whole study, some of its series, or one image of the one series that is named.

    ``patient_id`` is whom a person chose to file it for; what contradicts them waits in the inbox.
    """

    study_uid: str
    series_uids: tuple[str, ...] = ()
    sop_uid: str | None = None
    patient_id: str | None = None
    trigger: str = "user"


@dataclass(frozen=True, slots=True)
class FetchReport:
    """What came. ``ours`` counts objects that were sent there from here and are in the library anyway."""

    fetched: int
    ours: int
    imported: ImportReport
    bytes: int = 0


class Fetching:
    """Fetches for one library. Any thread."""

    def __init__(
        self, door: Door, paths: LibraryPaths, settings: SettingsService, imports: ImportsService, decoders: Decoders
    ) -> None:
        self._door = door
        self._paths = paths
        self._settings = settings
        self._imports = imports
        self._decoders = decoders

    def allowance(self) -> Allowance:
        """Return how much may come: half of what is free beside the reserve, since importing copies it."""
        room = free_bytes(self._paths.root) - self._settings.clinic().reserve_bytes
        return Allowance(max(room, 0) // 2)

    def run(
        self, actor: Actor, web: DicomWeb, wanted: Wanted, ctx: JobContext, on_item: OnItem | None = None
    ) -> FetchReport:
        """Download, then import.

        Raises
        ------
        RefusedError
            ``role.refused``.
        BitewingError
            As :func:`retrieve`, ``pacs.something_else``; nothing was imported then. As :meth:`ImportsService.run`.
        Cancelled
            While downloading; nothing was imported then. Later the report says so.
        """
        self._door.require(actor, Action.ARCHIVE_FETCH)
        if wanted.patient_id is not None:
            with self._door.store.read():
                patient = survivor(self._door.store, wanted.patient_id)
            if patient is None or patient.id != wanted.patient_id:
                raise UserError("patient.none", text=wanted.patient_id)
        with private_folder(self._door.store) as folder:
            download = _Download(web, wanted, folder, ctx, self.allowance())
            files = download.run()
            ours = self._drop_ours(files, wanted.study_uid, HeaderFallback(self._decoders, ctx.token))
            ctx.check()
            total = len(files)

            def on_progress(progress: Progress) -> None:
                ctx.report(Progress(total + min(progress.done, total), total * 2, "images"))

            args = ImportArgs((folder,), Filing(patient_id=wanted.patient_id), trigger=wanted.trigger)
            inner = JobContext(ctx.token, on_progress)
            came: list[str] = []

            def hear(item: ImportItem) -> None:
                if item.status is ItemStatus.IMPORTED and item.image_id is not None:
                    came.append(item.image_id)
                if on_item is not None:
                    on_item(item)

            report = self._imports.run_as(actor, Action.ARCHIVE_FETCH, args, inner, hear, KIND)
            self._suppose_there(came)
        with self._door.writing(actor, Action.ARCHIVE_FETCH) as unit:
            counts = {status.value: count for status, count in report.counts.items()}
            unit.audit(Entity.STUDY, wanted.study_uid, series=len(wanted.series_uids), counts=counts, ours=ours)
            unit.changed(Entity.STUDY, ChangeKind.CHANGED, wanted.study_uid)
        return FetchReport(total, ours, report, download.allowance.taken)

    def _suppose_there(self, image_ids: list[str]) -> None:
        """Let what came from the archive be asked for there, not sent back to it."""
        store = self._door.store
        with store.write():
            for image_id in image_ids:
                record = store.images.get(image_id)
                if record is not None and record.md5 is not None:
                    instance = instance_id(key_of_original(record))
                    store.copies.suppose(image_id, ORTHANC, instance, record.md5, utc_now())

    def _drop_ours(self, files: list[Path], study_uid: str, fallback: HeaderFallback) -> int:
        """Remove what was sent there from here: a photograph would come back as another file of the same picture."""
        names: dict[str, list[Path]] = {}
        for path in files:
            header = require_asked_for(path, fallback, study_uid)
            key = key_of(header.patient_id, header.study_uid, header.series_uid, header.sop_instance_uid)
            names.setdefault(instance_id(key), []).append(path)
        store = self._door.store
        with store.read():
            ours = store.copies.sent_from_here(ORTHANC, names)
        dropped = [path for name in ours for path in names[name]]
        for path in dropped:
            path.unlink(missing_ok=True)
        return len(dropped)


class _Download:
    """Brings the files into a folder, several series at once."""

    def __init__(self, web: DicomWeb, wanted: Wanted, folder: Path, ctx: JobContext, allowance: Allowance) -> None:
        self._web, self._wanted, self._folder, self._ctx = web, wanted, folder, ctx
        self.allowance = allowance
        self._token = CancelToken()
        ctx.token.on_cancel(self._token.cancel)
        self._lock = threading.Lock()
        self._files: list[Path] = []
        self._total = 0

    def run(self) -> list[Path]:
        """Return the files, or raise the first fault."""
        pieces = self._pieces()
        self._ctx.report(Progress(0, self._total * 2 or None, "images"))
        with ThreadPoolExecutor(LINES, thread_name_prefix="archive") as lines:
            running = [lines.submit(self._bring, number, uids) for number, uids in enumerate(pieces, 1)]
            faults = [error for line in running if (error := line.exception()) is not None]
        self._ctx.check()
        # Those that were stopped because of it come after the fault itself.
        for fault in sorted(faults, key=lambda error: isinstance(error, Cancelled)):
            raise fault
        if not self._files:
            raise EnvironmentFault("pacs.gone")
        if len(self._files) < self._total and self._wanted.sop_uid is None:
            # The archive said how many there are. A study of which a part is missing must not look whole.
            raise EnvironmentFault("pacs.incomplete", came=len(self._files), expected=self._total)
        return self._files

    def _pieces(self) -> list[tuple[str, ...]]:
        wanted = self._wanted
        if wanted.sop_uid is not None:
            self._total = 1
            series = wanted.series_uids[0] if wanted.series_uids else self._series_of(wanted.sop_uid)
            return [(wanted.study_uid, series, wanted.sop_uid)]
        there = self._web.series(wanted.study_uid)
        chosen = [series for series in there if not wanted.series_uids or series.series_uid in wanted.series_uids]
        if not chosen or len(chosen) < len(wanted.series_uids):
            raise EnvironmentFault("pacs.gone")
        self._total = sum(series.instances for series in chosen)
        return [(wanted.study_uid, series.series_uid) for series in chosen]

    def _series_of(self, sop_uid: str) -> str:
        for series in self._web.series(self._wanted.study_uid):
            if any(
                found.sop_uid == sop_uid for found in self._web.instances(self._wanted.study_uid, series.series_uid)
            ):
                return series.series_uid
        raise EnvironmentFault("pacs.gone")

    def _bring(self, number: int, uids: tuple[str, ...]) -> None:
        try:
            how = Retrieval(self._folder, self._token, self.allowance, self._came)
            retrieve(self._web.server, uids, f"{number}-", how)
        except BitewingError:
            # One is missing: the others need not come.
            self._token.cancel()
            raise

    def _came(self, path: Path) -> None:
        with self._lock:
            self._files.append(path)
            done = len(self._files)
        self._ctx.report(Progress(done, max(self._total, done) * 2, "images"))
