"""Importing: permission, the job's row, the examiner, and the engine in ``sync`` put together."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Set
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.core.files import free_bytes
from app.core.paths import LibraryPaths
from app.domain.image import IMPORTABLE, FileKind, Filing, ImageType, ImageView
from app.domain.roles import Action, Actor
from app.imaging.sniff import Content
from app.services.books import ImportBooks
from app.services.decoders import DecoderExaminer, Decoders, HeaderFallback
from app.services.door import Door
from app.services.jobs import JobLog
from app.services.settings import SettingsService
from app.services.shelf import Shelf
from app.services.thumbnails import Thumbnails
from app.services.workroom import private_folder
from app.storage.jobs import JobRecord, JobState
from app.sync.importer import Importer, OnItem
from app.sync.report import Examiner, ImportArgs, ImportReport
from app.sync.scan import ScanReport, scan
from app.sync.sources import content_of

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

    def scan(
        self,
        actor: Actor,
        paths: tuple[Path, ...],
        ctx: JobContext,
        *,
        recursive: bool = True,
        kinds: Set[FileKind] = IMPORTABLE,
    ) -> ScanReport:
        """Count what ``paths`` hold of ``kinds``, changing nothing. Raises Cancelled."""
        self._door.require(actor, Action.IMAGE_IMPORT)
        with private_folder(self._door.store) as folder:
            fallback = HeaderFallback(self._decoders, ctx.token)
            return scan(paths, folder, fallback, ctx, recursive=recursive, kinds=kinds)

    def run(self, actor: Actor, args: ImportArgs, ctx: JobContext, on_item: OnItem | None = None) -> ImportReport:
        """Import; ``on_item`` hears of every file as it is finished.

        Raises
        ------
        RefusedError
            ``role.refused``; bringing in folders, archives and discs needs the right for existing data (H3).
        UserError
            ``patient.none``.
        EnvironmentFault
            ``disk.reserve`` when there is not enough room to begin with.
        """
        if any(_holds_many(path) for path in args.paths):
            self._door.require(actor, Action.LIBRARY_IMPORT)
        return self.run_as(actor, Action.IMAGE_IMPORT, args, ctx, on_item)

    def run_as(
        self,
        actor: Actor,
        action: Action,
        args: ImportArgs,
        ctx: JobContext,
        on_item: OnItem | None = None,
        kind: str = KIND,
        *,
        keep_empty: bool = True,
    ) -> ImportReport:
        """Import as part of other work that has a permission and a kind of job of its own (demonstration).

        Without ``keep_empty`` a run that brought nothing in leaves no row in the job log.
        """
        self._door.require(actor, action)
        listener: OnItem = on_item or (lambda _item: None)
        if args.dry_run:
            with private_folder(self._door.store) as folder:
                return self._engine(actor, action, None, None, ctx, folder).run(args, ctx, listener)
        earlier = args.resume_job or self._jobs.unfinished(kind, _arguments(args))
        with (
            self._jobs.running(actor, kind, _arguments(args), args.trigger, keep_empty=keep_empty) as job,
            private_folder(self._door.store) as folder,
        ):
            engine = self._engine(actor, action, job.id, earlier, ctx, folder)
            report = engine.run(args, ctx, listener)
            job.counts = {status.value: count for status, count in report.counts.items()}
            job.stopped, job.stop_facts = report.stopped, report.stop_facts
            return report

    def resume(self, actor: Actor, job_id: str, ctx: JobContext, on_item: OnItem | None = None) -> ImportReport:
        """Go on with an import that was stopped or interrupted.

        Raises
        ------
        UserError
            ``job.none`` when there is none that :func:`can_resume`.
        """
        job = self._jobs.get(job_id)
        if job is None or not can_resume(job):
            raise UserError("job.none", id=job_id)
        return self.run(actor, replace(_args_of(job.arguments), resume_job=job_id), ctx, on_item)

    def _engine(
        self,
        actor: Actor,
        action: Action,
        job_id: str | None,
        earlier: str | None,
        ctx: JobContext,
        unpack_into: Path,
    ) -> Importer:
        books = ImportBooks(self._door, self._shelf, self._thumbnails, actor, action, job_id, earlier, ctx)
        examiner = self._examiner or DecoderExaminer(self._decoders.importing(), ctx.token)
        return Importer(
            catalogue=books,
            examiner=examiner,
            space=Reserve(self._paths.root, self._settings.clinic().reserve_bytes),
            unpack_into=unpack_into,
            added_by=actor.id,
            job_id=job_id,
        )


def can_resume(job: JobRecord) -> bool:
    """Whether a run can go on: it is an import that did not reach its end and all it was asked is written down."""
    ended_early = job.state in {JobState.CANCELLED, JobState.FAILED, JobState.INTERRUPTED}
    return job.kind == KIND and ended_early and bool(job.arguments.get("paths"))


def _holds_many(path: Path) -> bool:
    """Whether a path stands for a collection: a folder, an archive, a disc's index."""
    return path.is_dir() or (path.is_file() and content_of(path) in {Content.ZIP, Content.DICOMDIR})


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


def scan_without_library(
    paths: tuple[Path, ...], ctx: JobContext, *, recursive: bool = True, kinds: Set[FileKind] = IMPORTABLE
) -> ScanReport:
    """Scan when there is no library; archive members are unpacked in a private folder. Raises Cancelled."""
    decoders = Decoders()
    fallback = HeaderFallback(decoders, ctx.token)
    with contextlib.closing(decoders), tempfile.TemporaryDirectory(prefix="bitewing-scan-") as folder:
        return scan(paths, Path(folder), fallback, ctx, recursive=recursive, kinds=kinds)


def _args_of(arguments: dict[str, Any]) -> ImportArgs:
    """Return the arguments of an earlier run."""
    teeth, image_type, view = arguments.get("teeth"), arguments.get("type"), arguments.get("view")
    filing = Filing(
        arguments.get("patient_id"),
        arguments.get("tooth"),
        tuple(teeth) if teeth is not None else None,
        ImageType(image_type) if image_type else None,
        ImageView(view) if view else None,
    )
    paths = tuple(Path(path) for path in arguments["paths"])
    return ImportArgs(
        paths,
        filing,
        recursive=bool(arguments.get("recursive", True)),
        kinds=frozenset(map(FileKind, arguments.get("kinds", IMPORTABLE))),
        may_make_patients=bool(arguments.get("may_make_patients", True)),
    )


def _arguments(args: ImportArgs) -> dict[str, object]:
    """Return what makes two runs the same work; kept with the job, so that it can go on."""
    filing = args.filing
    # Without its paths a run cannot be resumed: what was chosen file by file is not kept.
    is_whole = len(args.paths) <= _PATHS_KEPT and not args.filings
    return {
        "paths": [str(path.absolute()) for path in args.paths] if is_whole else [],
        "paths_count": len(args.paths),
        "recursive": args.recursive,
        "kinds": sorted(args.kinds),
        "may_make_patients": args.may_make_patients,
        "patient_id": filing.patient_id,
        "tooth": filing.tooth,
        "teeth": list(filing.teeth) if filing.teeth is not None else None,
        "type": filing.image_type.value if filing.image_type else None,
        "view": filing.view.value if filing.view else None,
    }
