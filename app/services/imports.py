"""Importing: permission, the job's row, the examiner, and the engine in ``sync`` put together."""

from __future__ import annotations

import tempfile
from pathlib import Path

from app.core.context import JobContext
from app.core.files import free_bytes
from app.core.errors import EnvironmentFault
from app.core.paths import LibraryPaths
from app.domain.roles import Action, Actor
from app.services.books import ImportBooks
from app.services.decoders import DecoderExaminer, Decoders, HeaderFallback
from app.services.door import Door
from app.services.jobs import JobLog
from app.services.settings import SettingsService
from app.services.shelf import Shelf
from app.services.thumbnails import Thumbnails
from app.sync.importer import Importer, OnItem
from app.sync.report import Examiner, ImportArgs, ImportReport
from app.sync.scan import ScanReport, scan

KIND = "import"
# A drop of single files beyond this is not remembered for resuming; hashes still tell what is known.
_PATHS_KEPT = 1000


class ImportsService:
    """Scans and imports. Any thread; one import at a time is kept by the job runner."""

    def __init__(
        self,
        door: Door,
        paths: LibraryPaths,
        shelf: Shelf,
        thumbnails: Thumbnails,
        settings: SettingsService,
        decoders: Decoders,
        jobs: JobLog,
        examiner: Examiner | None = None,
    ) -> None:
        self._door = door
        self._paths = paths
        self._shelf = shelf
        self._thumbnails = thumbnails
        self._settings = settings
        self._decoders = decoders
        self._jobs = jobs
        self._examiner = examiner

    def scan(self, actor: Actor, paths: tuple[Path, ...], ctx: JobContext, *, recursive: bool = True) -> ScanReport:
        """Count what ``paths`` hold, changing nothing. Raises Cancelled."""
        self._door.require(actor, Action.IMAGE_IMPORT)
        return scan_anywhere(paths, self._decoders, ctx, recursive=recursive, unpack_into=self._paths.incoming)

    def run(self, actor: Actor, args: ImportArgs, ctx: JobContext, on_item: OnItem | None = None) -> ImportReport:
        """Import; ``on_item`` hears of every file as it is finished.

        Raises
        ------
        RefusedError
            ``role.refused``; bringing in folders and archives needs the right for existing data (H3).
        UserError
            ``patient.none``.
        EnvironmentFault
            ``disk.reserve`` when there is not enough room to begin with.
        """
        return self.run_as(actor, Action.IMAGE_IMPORT, args, ctx, on_item)

    def run_as(
        self, actor: Actor, action: Action, args: ImportArgs, ctx: JobContext, on_item: OnItem | None = None
    ) -> ImportReport:
        """Import as part of other work that has a permission of its own (demonstration, migration)."""
        self._door.require(actor, action)
        listener: OnItem = on_item or (lambda _item: None)
        if args.dry_run:
            return self._engine(actor, action, None, None, ctx).run(args, ctx, listener)
        earlier = args.resume_job or self._jobs.unfinished(KIND, _arguments(args))
        with self._jobs.running(actor, KIND, _arguments(args), trigger=args.trigger) as job:
            engine = self._engine(actor, action, job.id, earlier, ctx)
            report = engine.run(args, ctx, listener)
            job.counts = {status.value: count for status, count in report.counts.items()}
            job.stopped, job.stop_facts = report.stopped, report.stop_facts
            return report

    def resume(self, actor: Actor, job_id: str, ctx: JobContext, on_item: OnItem | None = None) -> ImportReport:
        """Go on with an import that was stopped or interrupted. Raises ``job.none``."""
        return self.run(actor, self._jobs.import_args(job_id), ctx, on_item)

    def _engine(
        self, actor: Actor, action: Action, job_id: str | None, earlier: str | None, ctx: JobContext
    ) -> Importer:
        books = ImportBooks(self._door, self._shelf, self._thumbnails, actor, action, job_id, earlier)
        examiner = self._examiner or DecoderExaminer(self._decoders.importing(), ctx.token)
        self._paths.incoming.mkdir(mode=0o700, exist_ok=True)
        return Importer(
            catalogue=books,
            examiner=examiner,
            space=Reserve(self._paths.root, self._settings.clinic().reserve_bytes),
            unpack_into=self._paths.incoming,
            added_by=actor.id,
            job_id=job_id,
        )


class Reserve:
    """The free space that an import must leave (T10)."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder
        self._reserve = reserve

    def require(self, needed: int) -> None:
        """Raise ``disk.reserve`` when ``needed`` bytes would eat into the reserve."""
        free = free_bytes(self._folder)
        if self._reserve > 0 and free < needed + self._reserve:
            raise EnvironmentFault("disk.reserve", needed=needed, free=free, reserve=self._reserve)


def scan_anywhere(
    paths: tuple[Path, ...],
    decoders: Decoders,
    ctx: JobContext,
    *,
    recursive: bool = True,
    unpack_into: Path | None = None,
) -> ScanReport:
    """Scan with or without a library; without one, archive members are unpacked in a private folder."""
    fallback = HeaderFallback(decoders, ctx.token)
    if unpack_into is not None and unpack_into.is_dir():
        return scan(paths, unpack_into, fallback, ctx, recursive=recursive)
    with tempfile.TemporaryDirectory(prefix="bitewing-scan-") as folder:
        return scan(paths, Path(folder), fallback, ctx, recursive=recursive)


def _arguments(args: ImportArgs) -> dict[str, object]:
    """Return what makes two runs the same work; kept with the job, so that it can go on."""
    filing = args.filing
    return {
        "paths": [str(path.absolute()) for path in args.paths] if len(args.paths) <= _PATHS_KEPT else [],
        "paths_count": len(args.paths),
        "recursive": args.recursive,
        "patient_id": filing.patient_id,
        "tooth": filing.tooth,
        "teeth": list(filing.teeth) if filing.teeth is not None else None,
        "type": filing.image_type.value if filing.image_type else None,
        "view": filing.view.value if filing.view else None,
    }
