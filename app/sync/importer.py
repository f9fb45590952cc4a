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
from app.sync.filing import FATAL_CODES, Filer, mark_of
from app.sync.plan import require_valid
from app.sync.ports import Catalogue, LedgerLine, Space
from app.sync.prepare import Prepared, prepare_all
from app.sync.report import Examiner, ImportArgs, ImportItem, ImportReport, ItemStatus, Tally
from app.sync.sources import Source
from app.sync.stream import enumerate_sources, measure

log = logging.getLogger(__name__)

OnItem = Callable[[ImportItem], None]
NOTE_EVERY = 100
NOTE_AFTER_S = 1.0


@dataclass(slots=True)
class _Run:
    """What one run was asked, and how far it is."""

    args: ImportArgs
    ctx: JobContext
    on_item: OnItem
    tally: Tally = field(default_factory=Tally)
    files: int = 0


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
        self._require_patients(args)
        run = _Run(args, ctx, on_item)
        tally = run.tally
        stopped: BitewingError | None = None
        filer = Filer(args, self.catalogue, self.now, self.added_by)
        self._noted_at = time.monotonic()
        try:
            volume = measure(args.paths, ctx, recursive=args.recursive)
            if not args.dry_run:
                self.space.require(volume.bytes)
            run.files = volume.files
            self._each(run, filer)
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

    def _require_patients(self, args: ImportArgs) -> None:
        """Refuse patients who do not exist, are deleted or were merged away, before anything happens."""
        chosen = {filing.patient_id for filing in (args.filing, *args.filings.values()) if filing.patient_id}
        for patient_id in sorted(chosen):
            patient = self.catalogue.patient(patient_id)
            if patient is None or patient.id != patient_id:
                raise UserError("patient.none", text=patient_id)

    def _each(self, run: _Run, filer: Filer) -> None:
        sources = enumerate_sources(
            run.args.paths, self.unpack_into, recursive=run.args.recursive, kinds=run.args.kinds
        )
        fresh = self._without_finished(sources, run)
        with closing(prepare_all(fresh, self.examiner, filer.is_known, run.ctx)) as prepared_files:
            for prepared in prepared_files:
                try:
                    run.ctx.check()
                    item = self._finish(filer, prepared, run)
                finally:
                    prepared.source.release()
                self._tell(run, prepared.source, item)

    def _without_finished(self, sources: Iterator[Source], run: _Run) -> Iterator[Source]:
        """Leave out what an interrupted run finished with, told from path, size and time alone."""
        for source in sources:
            item = self.catalogue.finished(mark_of(source))
            if item is None:
                yield source
                continue
            source.release()
            run.ctx.check()
            self._tell(run, source, item)

    def _finish(self, filer: Filer, prepared: Prepared, run: _Run) -> ImportItem:
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
            self._tell(run, prepared.source, item)
            raise fault
        return item

    def _tell(self, run: _Run, source: Source, item: ImportItem) -> None:
        run.tally.add(item, source.size)
        if item.image_id is None or not item.is_new:
            # New records carry their ledger line in their own transaction.
            self._notes.append(LedgerLine(mark_of(source), item))
        run.on_item(item)
        done = run.tally.done
        run.ctx.report(Progress(done, max(run.files, done), "files", source.original_name))
        self._flush_if_due(run.args)

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
