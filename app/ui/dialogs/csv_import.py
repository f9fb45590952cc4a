"""Bringing in a patient list: choose a CSV file, see what it would do, then do it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QListWidget, QPushButton, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.jobs.handle import JobHandle
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.patient_import import CsvReport

PROBLEMS_SHOWN = 500


class CsvImportDialog(DialogFrame):
    """Dry run first: nothing is written before a person has seen what would be."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Import a patient list"), parent)
        self._session = session
        self._path: Path | None = None
        self._job: JobHandle | None = None
        help_text = t(
            "A CSV file with a line of titles: family name, given name, birth date, sex, chart number, phone. "
            "Titles in other common spellings are understood."
        )
        self.body.addWidget(plain_label(help_text, "muted", wrap=True))
        row = QHBoxLayout()
        self._file = plain_label(t("No file chosen"), wrap=True)
        choose = QPushButton(t("Choose a file…"))
        choose.clicked.connect(self.choose)
        row.addWidget(self._file, 1)
        row.addWidget(choose)
        self.body.addLayout(row)
        self._summary = plain_label("", "title", wrap=True)
        self.body.addWidget(self._summary)
        self._problems = QListWidget()
        self._problems.setProperty("role", "boxed")
        self._problems.setAccessibleName(t("Lines with problems"))
        self.body.addWidget(self._problems, 1)
        self._close = self.add_cancel()
        self._go = self.add_button(t("Import patients"), "primary", default=True)
        self._go.setEnabled(False)
        self._go.clicked.connect(self._on_go_clicked)
        self.resize(UNIT * 84, UNIT * 60)

    @Slot()
    def choose(self) -> None:
        """Ask for the file and look at it."""
        name, _kind = QFileDialog.getOpenFileName(
            self, t("Choose a patient list"), "", t("Lists (*.csv *.txt);;All files (*)")
        )
        if name:
            self.look_at(Path(name))

    def look_at(self, path: Path) -> None:
        """Show what importing the file would do."""
        self._path = path
        self._file.setText(ltr(str(path)))
        self._summary.setText(t("Looking…"))
        self._start(dry_run=True)

    def done(self, code: int) -> None:
        """Stop what runs when the dialog closes."""
        if self._job is not None:
            self._job.cancel()
        super().done(code)

    def _start(self, *, dry_run: bool) -> None:
        patients, actor, path = self._session.library.patients, self._session.actor, self._path

        def engine(_args: Any, ctx: JobContext) -> CsvReport:
            report: CsvReport = patients.import_csv(actor, path, ctx, dry_run=dry_run)
            return report

        self._go.setEnabled(False)
        title = t("Reading a patient list") if dry_run else t("Importing patients")
        self._job = self._session.runner.start(("patient-list", dry_run), title, engine)
        self._job.succeeded.connect(self._on_read if dry_run else self._on_imported)
        self._job.failed.connect(self._on_failed)

    @Slot()
    def _on_go_clicked(self) -> None:
        self._start(dry_run=False)

    @Slot(object)
    def _on_read(self, report: CsvReport) -> None:
        self._show(report, tn("{n} patient would be added", "{n} patients would be added", report.added))
        self._go.setEnabled(report.added > 0)

    @Slot(object)
    def _on_imported(self, report: CsvReport) -> None:
        self._show(report, tn("{n} patient was added", "{n} patients were added", report.added))
        self._go.hide()
        self._close.setText(t("Close"))

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self._summary.setText(words.title)
        self._problems.clear()
        self._problems.addItem(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    def _show(self, report: CsvReport, headline: str) -> None:
        known = tn("{n} is known already", "{n} are known already", report.known) if report.known else ""
        wrong = tn("{n} line has a problem", "{n} lines have problems", len(report.problems)) if report.problems else ""
        self._summary.setText(joined(headline, known, wrong))
        self._problems.clear()
        for problem in report.problems[:PROBLEMS_SHOWN]:
            reason = error_words.reason(problem.code, problem.facts)
            self._problems.addItem(t("Line {line}: {reason}", line=problem.line, reason=reason))
