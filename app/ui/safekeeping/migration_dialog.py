"""Bringing in what an earlier program left: choose its folder, see what would happen, then let it run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QHeaderView, QPushButton, QTreeWidget, QTreeWidgetItem, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.jobs.handle import JobHandle
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, number
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.migration import MigrationReport

_MOST_SHOWN = 2000


class MigrationDialog(DialogFrame):
    """Dry run first; the run itself is a job that goes on when the dialog closes. GUI thread only."""

    def __init__(self, session: Session, parent: QWidget | None = None, *, source: Path | None = None) -> None:
        super().__init__(t("Bring in from an earlier program"), parent)
        self._session = session
        self._source: Path | None = None
        self._handle: JobHandle | None = None
        said = t(
            "The folder is only read, never changed. Lists of patients, images and treatments beside the images "
            "(CSV, SQLite, JSON) are understood; without them the folders say whose the images are. What is not sure "
            "waits in the inbox."
        )
        self.body.addWidget(plain_label(said, "muted", wrap=True))
        row = QHBoxLayout()
        self._place = plain_label(t("No folder chosen"), wrap=True)
        choose = QPushButton(t("Choose a folder…"))
        choose.setAutoDefault(False)
        choose.clicked.connect(self.choose)
        row.addWidget(self._place, 1)
        row.addWidget(choose)
        self.body.addLayout(row)
        self._headline = plain_label("", "title", wrap=True)
        self._facts = plain_label("", wrap=True)
        self.body.addWidget(self._headline)
        self.body.addWidget(self._facts)
        self._job = JobSlot()
        self.body.addWidget(self._job)
        self.exceptions = QTreeWidget()
        self.exceptions.setProperty("role", "boxed")
        self.exceptions.setRootIsDecorated(False)
        self.exceptions.setUniformRowHeights(True)
        self.exceptions.setHeaderLabels([t("Where"), t("What is not as it should be")])
        self.exceptions.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self.exceptions.setAccessibleName(t("Exceptions"))
        self.body.addWidget(self.exceptions, 1)
        self._close = self.add_cancel()
        self.go = self.add_button(t("Bring in"), "primary", default=True)
        self.go.setEnabled(False)
        self.go.clicked.connect(self._on_go_clicked)
        self.resize(UNIT * 100, UNIT * 72)
        if source is not None:
            self.look_at(source)

    @Slot()
    def choose(self) -> None:
        """Ask for the folder."""
        name = QFileDialog.getExistingDirectory(self, t("Choose the folder of the earlier program"))
        if name:
            self.look_at(Path(name))

    def look_at(self, source: Path) -> None:
        """Say what bringing in ``source`` would do."""
        library, actor = self._session.library, self._session.actor
        self._source = source
        self._place.setText(ltr(str(source)))
        self._start(("migrate-look", source), t("Looking at the old folder"), library.migration.look, actor)
        if self._handle is not None:
            self._handle.succeeded.connect(self._on_looked)

    def done(self, code: int) -> None:
        """Stop looking; a run goes on."""
        if self._handle is not None and self._handle.running and self._handle.key != "migrate":
            self._handle.cancel()
        super().done(code)

    def _start(self, key: object, title: str, work: Any, actor: Any) -> None:
        if self._handle is not None and self._handle.running:
            self._handle.cancel()

        def engine(source: Path, ctx: JobContext) -> Any:
            return work(actor, source, ctx)

        self.go.setEnabled(False)
        self.say_problem("")
        self._handle = self._session.runner.start(key, title, engine, self._source)
        self._handle.failed.connect(self._on_failed)
        self._job.show_job(self._handle)

    @Slot()
    def _on_go_clicked(self) -> None:
        library, actor = self._session.library, self._session.actor
        self._close.setText(t("Go on in the background"))
        self._start("migrate", t("Bringing in from an earlier program"), library.migration.run, actor)
        if self._handle is not None:
            self._handle.succeeded.connect(self._on_done)

    @Slot(object)
    def _on_looked(self, report: MigrationReport) -> None:
        self._headline.setText(
            tn("{n} image can be brought in", "{n} images can be brought in", report.planned)
            if report.planned
            else t("There is nothing to bring in here")
        )
        self._show(report)
        self.go.setEnabled(report.planned > 0 or report.patients > 0)
        self.go.setFocus()

    @Slot(object)
    def _on_done(self, report: MigrationReport) -> None:
        arrived, planned = number(report.arrived), number(report.planned)
        self._headline.setText(
            t("All {planned} images are here", planned=planned)
            if report.is_complete
            else t("{arrived} of {planned} images are here", arrived=arrived, planned=planned)
        )
        self._show(report)
        self.go.setText(t("Go on") if not report.is_complete else t("Bring in"))
        self.go.setEnabled(not report.is_complete)
        self._close.setText(t("Close"))

    def _show(self, report: MigrationReport) -> None:
        self._facts.setText(
            joined(
                tn("{n} file in the folder", "{n} files in the folder", report.source),
                tn("{n} patient", "{n} patients", report.patients),
                t("{n} of them new", n=number(report.patients_made)) if report.patients_made else "",
                tn("{n} treatment", "{n} treatments", report.treatments) if report.treatments else "",
                t("{n} for the inbox", n=number(report.inbox)) if report.inbox else "",
                tn("{n} exception", "{n} exceptions", len(report.exceptions)) if report.exceptions else "",
            )
        )
        self.exceptions.clear()
        for problem in report.exceptions[:_MOST_SHOWN]:
            reason = error_words.reason(problem.code, problem.facts)
            self.exceptions.addTopLevelItem(QTreeWidgetItem([ltr(problem.where), reason]))

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self._headline.setText(words.title)
        self._facts.setText("")
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))
        self._close.setText(t("Close"))
