"""Importing step by step: choose and scan, say where to, watch, read the results.

The import itself is a job: closing the dialog does not stop it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BitewingError
from app.domain.image import Filing
from app.domain.patient import PatientSummary
from app.domain.roles import Action
from app.jobs.handle import JobHandle, JobState
from app.sync.report import ImportArgs
from app.ui.dialogs.frame import DialogFrame
from app.ui.dialogs.import_results import ResultsView
from app.ui.dialogs.place_form import PlaceForm
from app.ui.dialogs.scan_figures import ScanFigures
from app.ui.dialogs.wanted_files import WantedFiles
from app.ui.formats import clock, ltr, number, remaining
from app.ui.header.patient_header import HeaderForDialog
from app.ui.main_window.imports import ImportRun, Imports
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.status.job_strip import show_progress
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.place import Place
from app.words import errors as error_words
from app.words import t


class ImportDialog(DialogFrame):
    """Two pages: what and where; progress and results. GUI thread only."""

    inbox_requested = Signal()

    def __init__(
        self,
        session: Session,
        imports: Imports,
        summary: PatientSummary | None,
        parent: QWidget | None = None,
        *,
        place: Place | None = None,
    ) -> None:
        super().__init__(t("Import images"), parent, header=HeaderForDialog(summary) if summary else None)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._imports = session, imports
        self._summary, self._place = summary, place
        self._paths: list[Path] = []
        self._scan: JobHandle | None = None
        self._run: ImportRun | None = None
        self._results: ResultsView | None = None
        self._stack = QStackedWidget()
        self._stack.addWidget(self._choose_page())
        self._stack.addWidget(self._run_page())
        self.body.addWidget(self._stack, 1)
        self._close = self.add_cancel()
        self._go = self.add_button(t("Import"), "primary", default=True)
        self._go.clicked.connect(self._on_go_clicked)
        self._tick = QTimer(self)
        self._tick.setInterval(200)
        self._tick.timeout.connect(self._show_run)
        self.resize(UNIT * 96, UNIT * 70)
        self.setAcceptDrops(True)
        self._show_choice()

    @Slot()
    def choose_files(self) -> None:
        """Ask for files."""
        names, _kind = QFileDialog.getOpenFileNames(self, t("Choose files to import"))
        self.add_paths([Path(name) for name in names])

    @Slot()
    def choose_folder(self) -> None:
        """Ask for a folder."""
        name = QFileDialog.getExistingDirectory(self, t("Choose a folder to import"))
        if name:
            self.add_paths([Path(name)])

    def add_paths(self, paths: Sequence[Path]) -> None:
        """Take files and folders into the list and count what they hold."""
        fresh = [path for path in paths if path not in self._paths]
        if fresh:
            self._paths += fresh
            self._list.addItems([ltr(str(path)) for path in fresh])
            self._start_scan()
        self._show_choice()

    def dragEnterEvent(self, event: object) -> None:
        """Welcome files."""
        if event.mimeData().hasUrls():  # type: ignore[attr-defined]
            event.acceptProposedAction()  # type: ignore[attr-defined]

    def dropEvent(self, event: object) -> None:
        """Take dropped files into the list."""
        urls = event.mimeData().urls()  # type: ignore[attr-defined]
        self.add_paths([Path(url.toLocalFile()) for url in urls if url.isLocalFile()])

    def done(self, code: int) -> None:
        """Close; a running scan is stopped, a running import goes on."""
        if self._scan is not None:
            self._scan.cancel()
        super().done(code)

    # -- choosing ------------------------------------------------------------------------------------

    def _choose_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        buttons = QHBoxLayout()
        buttons.addWidget(plain_label(t("What to import"), "heading"), 1)
        for text, slot, action in (
            (t("Add files…"), self.choose_files, Action.IMAGE_IMPORT),
            (t("Add a folder…"), self.choose_folder, Action.LIBRARY_IMPORT),
            (t("Clear"), self._on_clear_clicked, Action.IMAGE_IMPORT),
        ):
            button = QPushButton(text)
            button.setAutoDefault(False)
            button.clicked.connect(slot)
            button.setEnabled(self._session.may(action))
            buttons.addWidget(button)
        column.addLayout(buttons)
        self._list = QListWidget()
        self._list.setProperty("role", "boxed")
        self._list.setAccessibleName(t("Files and folders to import"))
        self._list.setMinimumHeight(UNIT * 10)
        column.addWidget(self._list, 1)
        self._wanted = WantedFiles()
        self._wanted.changed.connect(self._start_scan)
        column.addWidget(self._wanted)
        self._figures = ScanFigures()
        column.addWidget(self._figures)
        column.addSpacing(UNIT)
        column.addWidget(plain_label(t("Where to"), "heading"))
        self._by_file = QRadioButton(t("Where each file says; what is unsure waits in the inbox"))
        self._here = QRadioButton(self._here_text())
        self._here.setVisible(self._target_id is not None)
        self._by_file.setChecked(self._target_id is None)
        self._here.setChecked(self._target_id is not None)
        column.addWidget(self._by_file)
        column.addWidget(self._here)
        self._form = PlaceForm(self._session.notation, keep=True, views=True)
        if self._place is not None:
            self._form.set_values(self._place.tooth, self._place.image_type)
        column.addWidget(self._form)
        return page

    @property
    def _target_id(self) -> str | None:
        if self._place is not None:
            return self._place.patient_id
        return self._summary.patient.id if self._summary else None

    def _here_text(self) -> str:
        name = self._summary.patient.name if self._summary else ""
        return t("To {patient}; files that name somebody else wait in the inbox", patient=name or t("this patient"))

    def _show_choice(self) -> None:
        self._go.setEnabled(bool(self._paths))
        if not self._paths:
            self._figures.say(t("Add files or a folder, or drop them here."))

    @Slot()
    def _on_clear_clicked(self) -> None:
        self._paths.clear()
        self._list.clear()
        self._show_choice()

    @Slot()
    def _start_scan(self) -> None:
        if self._scan is not None:
            self._scan.cancel()
        if not self._paths:
            return
        self._scan = self._imports.scan(self._paths, recursive=self._wanted.recursive, kinds=self._wanted.kinds)
        self._scan.succeeded.connect(self._figures.show_report)
        self._scan.progressed.connect(self._figures.show_progress)
        self._scan.failed.connect(self._on_scan_failed)
        self._figures.say(t("Looking…"))

    @Slot(object)
    def _on_scan_failed(self, error: BitewingError) -> None:
        self._figures.say(error_words.words_for(error).explanation)

    # -- running -------------------------------------------------------------------------------------

    def _run_page(self) -> QWidget:
        page = QWidget()
        self._run_column = QVBoxLayout(page)
        self._run_column.setContentsMargins(0, 0, 0, 0)
        self._run_column.setSpacing(UNIT)
        self._headline = plain_label("", "title", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._current = plain_label("", "muted")
        self._times = plain_label("", "muted")
        row = QHBoxLayout()
        row.addWidget(self._current, 1)
        row.addWidget(self._times)
        for part in (self._headline, self._bar):
            self._run_column.addWidget(part)
        self._run_column.addLayout(row)
        return page

    @Slot()
    def _on_go_clicked(self) -> None:
        if self._run is not None:
            self._run.handle.cancel()
            self._go.setEnabled(False)
            self._go.setText(t("Stopping…"))
            return
        if self._scan is not None:
            self._scan.cancel()
        target = self._target_id if self._here.isChecked() else None
        filing = Filing(target, self._form.tooth, None, self._form.image_type, self._form.view)
        args = ImportArgs(tuple(self._paths), filing, recursive=self._wanted.recursive, kinds=self._wanted.kinds)
        self._run = self._imports.start(args)
        self._results = ResultsView(self._run.items, live=True)
        self._results.inbox_requested.connect(self._on_inbox_requested)
        self._run_column.addWidget(self._results, 1)
        self._run.handle.finished.connect(self._on_run_finished)
        self._stack.setCurrentIndex(1)
        self._go.setText(t("Stop"))
        self._close.setText(t("Go on in the background"))
        self._tick.start()
        self._show_run()

    @Slot()
    def _show_run(self) -> None:
        if self._run is None:
            return
        handle = self._run.handle
        progress = handle.progress
        done, total = number(progress.done), number(progress.total or 0)
        counted = (
            t("{done} of {total} files", done=done, total=total) if progress.total else t("{done} files", done=done)
        )
        self._headline.setText({JobState.RUNNING: t("Importing: {count}", count=counted)}.get(handle.state, counted))
        self._current.setText(progress.item)
        left = handle.remaining_s
        spent = t("{time} so far", time=clock(handle.elapsed_s))
        self._times.setText(f"{spent}  ·  {remaining(left)}" if left is not None else spent)
        show_progress(self._bar, handle)

    @Slot()
    def _on_run_finished(self) -> None:
        self._tick.stop()
        if self._run is None or self._results is None:
            return
        self._results.stop()
        self._bar.setRange(0, 1)
        self._bar.setValue(1)
        handle = self._run.handle
        titles = {
            JobState.SUCCEEDED: t("Import finished"),
            JobState.CANCELLED: t("Stopped. What was finished stays; import the same folder again to go on."),
            JobState.FAILED: error_words.words_for(handle.error).title if handle.error else t("Import failed"),
        }
        self._headline.setText(titles.get(handle.state, ""))
        self._current.setText("")
        self._times.setText(t("took {time}", time=clock(handle.elapsed_s)))
        self._go.hide()
        self._close.setText(t("Close"))

    @Slot()
    def _on_inbox_requested(self) -> None:
        self.inbox_requested.emit()
        self.accept()
