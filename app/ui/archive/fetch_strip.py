"""Fetching out of the archive, as a strip of a dialog: the job while it runs, then what became of it and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.services.archiving.fetching import FetchReport, Wanted
from app.sync.report import ItemStatus
from app.ui.archive.found_pane import explained
from app.ui.archive.study_words import count_words
from app.ui.formats import isolated, joined
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.ui.tree.place import Place
from app.words import errors as error_words
from app.words import log as log_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.sync.report import ImportItem


class FetchStrip(QWidget):
    """GUI thread only; a job goes on without it. ``ended`` carries the study's UID, ``problem`` words or nothing."""

    ended = Signal(str)
    problem = Signal(str)
    place_requested = Signal(object, str)
    inbox_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._study_uid = self._whose = ""
        self._items: list[ImportItem] = []
        self._job = JobSlot()
        self.result = plain_label("", "good", wrap=True)
        self.show_button = QPushButton(t("Show in the library"))
        self.show_button.clicked.connect(self._on_show_clicked)
        self.inbox_button = QPushButton(t("Go to the inbox"))
        self.inbox_button.clicked.connect(self.inbox_requested)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        row.addWidget(self.result, 1)
        for button in (self.show_button, self.inbox_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._job)
        column.addLayout(row)
        self._clear()

    def is_running(self, study_uid: str) -> bool:
        """Whether a study is being fetched."""
        return self._session.runner.find(("fetch", study_uid)) is not None

    def fetch(self, wanted: Wanted, whose: str) -> None:
        """Bring something into the library; ``whose`` it is stands before what became of it."""
        library, actor = self._session.library, self._session.actor
        items: list[ImportItem] = []

        def engine(given: Wanted, ctx: JobContext) -> FetchReport:
            report: FetchReport = library.browsing.fetch(actor, ctx, given, items.append)
            return report

        self._clear()
        self._items, self._study_uid, self._whose = items, wanted.study_uid, whose
        title = t("Fetching from the archive")
        handle = self._session.runner.start(("fetch", wanted.study_uid), title, engine, wanted)
        handle.succeeded.connect(self._on_succeeded)
        handle.failed.connect(self._on_failed)
        handle.cancelled.connect(self._on_cancelled)
        handle.thread_ended.connect(self._on_thread_ended)
        self._job.show_job(handle)

    def _clear(self) -> None:
        self.problem.emit("")
        for widget in (self.result, self.show_button, self.inbox_button):
            widget.hide()

    @Slot(object)
    def _on_succeeded(self, report: FetchReport) -> None:
        counts = {status.value: count for status, count in report.imported.counts.items()}
        ours = tn("{n} was sent there from here", "{n} were sent there from here", report.ours) if report.ours else ""
        text = joined(log_words.counts_words(counts), ours) or count_words(report.fetched)
        if report.imported.stopped:
            text = joined(error_words.reason(report.imported.stopped, report.imported.stop_facts), text)
        self.result.setText(t("{patient}: {text}", patient=isolated(self._whose), text=text))
        self.result.show()
        self.show_button.setVisible(bool(self._filed()))
        self.inbox_button.setVisible(report.imported.count(ItemStatus.INBOX) > 0)

    def _filed(self) -> list[tuple[str, str]]:
        known = {ItemStatus.IMPORTED, ItemStatus.DUPLICATE}
        found = ((item.patient_id, item.image_id) for item in self._items if item.status in known)
        return [(patient_id, image_id) for patient_id, image_id in found if patient_id and image_id]

    @Slot()
    def _on_show_clicked(self) -> None:
        patient_id, image_id = self._filed()[0]
        self.place_requested.emit(Place(patient_id), image_id)

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        if not isinstance(error, Cancelled):
            self.problem.emit(explained(error))

    @Slot()
    def _on_cancelled(self) -> None:
        self.problem.emit(t("Stopped. Nothing of it was brought into the library."))

    @Slot(object)
    def _on_thread_ended(self, _handle: object) -> None:
        self.ended.emit(self._study_uid)
