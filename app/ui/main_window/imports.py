"""Imports as jobs: starts them, says how they ended, and keeps each file's result for the list."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.image import IMPORTABLE, FileKind, Filing
from app.jobs.handle import JobHandle
from app.ui.formats import joined, number
from app.ui.later import part
from app.ui.notices import NoticeKind
from app.ui.session import Session
from app.ui.tree.place import Place
from app.words import t, tn

if TYPE_CHECKING:
    from app.sync.report import ImportArgs, ImportItem, ImportReport

DEMO_PATIENTS, DEMO_IMAGES, DEMO_SEED = 12, 120, 1


@dataclass(frozen=True)
class ImportRun:
    """One import: its job, and each file's result in the order they were done.

    The worker's thread appends to ``items``; readers go by its length and never change it.
    """

    handle: JobHandle
    items: list[ImportItem]


class Imports(QObject):
    """Starts imports and other long work that fills the library. GUI thread only."""

    results_requested = Signal(object)
    demo_filled = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = session
        self._runs: dict[JobHandle, ImportRun] = {}
        self._serial = 0

    def import_here(self, paths: Sequence[Path], place: Place | None, *, remove_after: bool = False) -> ImportRun:
        """Import files for a place; with ``None`` the files themselves say whose they are."""
        run = self.start(part("ImportArgs")(tuple(paths), place.filing() if place else Filing()))
        if remove_after:
            run.handle.finished.connect(_Remover(tuple(paths), run.handle).on_finished)
        return run

    def start(self, args: ImportArgs) -> ImportRun:
        """Start an import as a job."""
        self._serial += 1
        library, actor = self.session.library, self.session.actor
        items: list[ImportItem] = []

        def engine(given: ImportArgs, ctx: JobContext) -> ImportReport:
            report: ImportReport = library.imports.run(actor, given, ctx, items.append)
            return report

        return self._watch(self.session.runner.start(("import", self._serial), t("Importing"), engine, args), items)

    def _watch(self, handle: JobHandle, items: list[ImportItem]) -> ImportRun:
        run = ImportRun(handle, items)
        self._runs[handle] = run
        handle.succeeded.connect(self._on_import_succeeded)
        handle.failed.connect(self._on_job_failed)
        handle.cancelled.connect(self._on_import_cancelled)
        return run

    @Slot(str)
    def resume(self, job_id: str) -> ImportRun:
        """Go on with an import that was stopped or cut off."""
        library, actor = self.session.library, self.session.actor
        items: list[ImportItem] = []

        def engine(given: str, ctx: JobContext) -> ImportReport:
            report: ImportReport = library.imports.resume(actor, given, ctx, items.append)
            return report

        return self._watch(self.session.runner.start(("import", job_id), t("Importing"), engine, job_id), items)

    @Slot()
    def check(self) -> JobHandle:
        """Check that every image has its file and every file its image."""
        library, actor = self.session.library, self.session.actor
        handle = self.session.runner.start(
            "check", t("Checking the library"), lambda _args, ctx: library.check.run(actor, False, ctx)
        )
        handle.succeeded.connect(self._on_check_succeeded)
        handle.failed.connect(self._on_job_failed)
        return handle

    def scan(
        self, paths: Sequence[Path], *, recursive: bool = True, kinds: frozenset[FileKind] = IMPORTABLE
    ) -> JobHandle:
        """Count what lies in folders without importing."""
        self._serial += 1
        library, actor = self.session.library, self.session.actor
        return self.session.runner.start(
            ("scan", self._serial),
            t("Scanning"),
            lambda given, ctx: library.imports.scan(actor, given, ctx, recursive=recursive, kinds=kinds),
            tuple(paths),
        )

    @Slot()
    def fill_demo(self) -> JobHandle:
        """Fill the library with a made-up clinic."""
        library, actor = self.session.library, self.session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.demo.fill(actor, DEMO_PATIENTS, DEMO_IMAGES, DEMO_SEED, ctx)

        handle = self.session.runner.start("demo", t("Making a demonstration clinic"), engine)
        handle.failed.connect(self._on_job_failed)
        handle.succeeded.connect(self._on_demo_succeeded)
        return handle

    @Slot(object)
    def retry(self, handle: JobHandle) -> None:
        """Start a failed job again with what it was given."""
        if isinstance(handle.args, part("ImportArgs")):
            self.start(handle.args)
        elif handle.key == "demo":
            self.fill_demo()

    @Slot(object)
    def _on_import_succeeded(self, report: ImportReport) -> None:
        handle = self.sender()
        run = self._runs.get(handle) if isinstance(handle, JobHandle) else None
        title, text, kind = part("ending_words")(report)
        self.session.notices.say(
            title,
            text,
            kind=kind,
            action=t("Show each file") if run else "",
            act=(lambda: self.results_requested.emit(run)) if run else None,
        )

    @Slot()
    def _on_import_cancelled(self) -> None:
        self.session.notices.say(
            t("Import stopped"), t("What was finished stays. Import the same folder again to go on.")
        )

    @Slot(object)
    def _on_check_succeeded(self, report: Any) -> None:
        if report.is_sound:
            self.session.notices.say(
                t("The library is sound"),
                tn("{n} image has its file.", "All {n} images have their files.", report.images),
                kind=NoticeKind.DONE,
            )
            return
        found = (
            t("{n} files missing", n=number(report.missing)) if report.missing else "",
            t("{n} files without an image", n=number(report.orphans)) if report.orphans else "",
            t("{n} files changed", n=number(report.corrupt)) if report.corrupt else "",
        )
        self.session.notices.say(t("The check found problems"), joined(*found), kind=NoticeKind.WARNING)

    @Slot(object)
    def _on_job_failed(self, error: BitewingError) -> None:
        self.session.notices.fault(error)

    @Slot(object)
    def _on_demo_succeeded(self, _report: Any) -> None:
        self.session.notices.say(t("The demonstration clinic is ready"), kind=NoticeKind.DONE)
        self.demo_filled.emit()


class _Remover(QObject):
    """Removes a pasted picture's temporary file after its import."""

    def __init__(self, paths: tuple[Path, ...], handle: JobHandle) -> None:
        super().__init__(handle)
        self._paths = paths

    @Slot()
    def on_finished(self) -> None:
        for path in self._paths:
            shutil.rmtree(path.parent, ignore_errors=True)
