"""The import of many files: finds, reads ahead, files one by one, stops cleanly, can be resumed.

Writes through the catalogue's port alone. Sources are never changed. What was finished stays, whatever
ends the run.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, ItemError, UserError
from app.core.files import translate_os_error
from app.core.progress import Progress
from app.domain.patient import Patient
from app.sync.filing import FATAL_CODES, Filer, mark_of
from app.sync.plan import require_valid
from app.sync.ports import Catalogue, LedgerLine, Space
from app.sync.prepare import Prepared, prepare_all
from app.sync.report import Examiner, ImportArgs, ImportItem, ImportReport, ItemStatus, Tally
from app.sync.sources import Source
from app.sync.stream import Volume, enumerate_sources, measure

log = logging.getLogger(__name__)

OnItem = Callable[[ImportItem], None]
NOTE_EVERY = 100
NOTE_AFTER_S = 1.0


@dataclass(slots=True)
class Importer:
    """One run. ``examiner`` looks at files, ``catalogue`` keeps them, ``space`` guards the reserve."""

    catalogue: Catalogue
    examiner: Examiner
    space: Space
    unpack_into: Path
    added_by: str = ""
    now: Callable[[], datetime] = utc_now
    job_id: str | None = None
    _notes: list[LedgerLine] = field(default_factory=list)
    _noted_at: float = 0.0

    def run(self, args: ImportArgs, ctx: JobContext, on_item: OnItem) -> ImportReport:
        """Import everything that ``args.paths`` name; ``on_item`` hears of each file as it is finished.

        A cancelled run returns its report with ``stopped="cancelled"``; a full disk with ``"disk.full"``.

        Raises
        ------
        UserError
            ``patient.none`` or ``tooth.unknown`` when what was chosen does not exist (T4).
        EnvironmentFault
            ``disk.reserve`` when there is not enough room to begin with.
        """
        for filing in (args.filing, *args.filings.values()):
            require_valid(filing)
        chosen = self._chosen(args)
        tally = Tally()
        stopped: BitewingError | None = None
        filer = Filer(args, self.catalogue, chosen, self.now, self.added_by)
        self._noted_at = time.monotonic()
        try:
            volume = measure(args.paths, ctx, recursive=args.recursive)
            if not args.dry_run:
                self.space.require(volume.bytes)
            self._each(args, filer, volume, tally, ctx, on_item)
        except Cancelled as error:
            stopped = error
        except EnvironmentFault as error:
            if error.code not in FATAL_CODES or tally.done == 0:
                raise
            stopped = error
        finally:
            self._flush(args)
        tally.patients_made = filer.patients_made
        return self._report(args, tally, stopped)

    def _chosen(self, args: ImportArgs) -> Patient | None:
        if args.filing.patient_id is None:
            return None
        patient = self.catalogue.patient(args.filing.patient_id)
        if patient is None or patient.deleted_at is not None:
            raise UserError("patient.none", text=args.filing.patient_id)
        return patient

    def _each(
        self, args: ImportArgs, filer: Filer, volume: Volume, tally: Tally, ctx: JobContext, on_item: OnItem
    ) -> None:
        sources = enumerate_sources(args.paths, self.unpack_into, recursive=args.recursive)
        fresh = self._without_finished(sources, tally, on_item)
        with closing(prepare_all(fresh, self.examiner, filer.is_known, ctx)) as prepared_files:
            for prepared in prepared_files:
                try:
                    ctx.check()
                    item = self._finish(filer, prepared, tally, on_item)
                finally:
                    prepared.source.release()
                self._tell(prepared.source, item, tally, on_item)
                ctx.report(Progress(tally.done, max(volume.files, tally.done), "files", prepared.source.original_name))
                self._flush_if_due(args)

    def _without_finished(self, sources: Iterator[Source], tally: Tally, on_item: OnItem) -> Iterator[Source]:
        """Leave out what an interrupted run finished with, told from path, size and time alone."""
        for source in sources:
            item = self.catalogue.finished(mark_of(source))
            if item is None:
                yield source
                continue
            source.release()
            self._tell(source, item, tally, on_item)

    def _finish(self, filer: Filer, prepared: Prepared, tally: Tally, on_item: OnItem) -> ImportItem:
        shown = prepared.source.shown
        try:
            return filer.finish(prepared)
        except Cancelled:
            raise
        except OSError as error:
            fault: BitewingError = translate_os_error(error)
        except BitewingError as error:
            fault = error
        except Exception:
            # One file of many must not end the run; the log has the details, without names.
            log.exception("import of one file failed")
            fault = ItemError("import.failed")
        item = ImportItem(shown, ItemStatus.FAILED, code=fault.code, facts=fault.facts)
        if fault.code in FATAL_CODES:
            self._tell(prepared.source, item, tally, on_item)
            raise fault
        return item

    def _tell(self, source: Source, item: ImportItem, tally: Tally, on_item: OnItem) -> None:
        tally.add(item, source.size)
        if item.image_id is None or item.status is ItemStatus.DUPLICATE:
            # New records carry their ledger line in their own transaction.
            self._notes.append(LedgerLine(mark_of(source), item))
        on_item(item)

    def _flush_if_due(self, args: ImportArgs) -> None:
        if len(self._notes) >= NOTE_EVERY or time.monotonic() - self._noted_at > NOTE_AFTER_S:
            self._flush(args)

    def _flush(self, args: ImportArgs) -> None:
        self._noted_at = time.monotonic()
        if not self._notes:
            return
        lines, self._notes = self._notes, []
        if args.dry_run:
            return
        try:
            self.catalogue.note(lines)
        except EnvironmentFault as error:
            # The ledger only saves time on the next run; what could not be noted is looked at again.
            log.warning("%d finished files not noted: %s", len(lines), error.code)

    def _report(self, args: ImportArgs, tally: Tally, stopped: BitewingError | None) -> ImportReport:
        return ImportReport(
            job_id=self.job_id,
            counts=dict(tally.counts),
            bytes=tally.bytes,
            similar=tally.similar,
            patients_made=tally.patients_made,
            stopped=stopped.code if stopped else None,
            stop_facts=stopped.facts if stopped else {},
            dry_run=args.dry_run,
        )
