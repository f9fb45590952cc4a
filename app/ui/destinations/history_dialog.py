"""The runs of a destination: when, what, how many files and bytes, how it ended and why, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QStackedWidget, QTreeWidgetItem, QWidget

from app.core.errors import BitewingError
from app.ui.controls import row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, moment
from app.ui.session import Session
from app.ui.states import StatePage
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import log, numbers, t, terms, tn

if TYPE_CHECKING:
    from app.storage.jobs import JobRecord

SHOWN = 200
_ICONS = {
    "succeeded": ("check", "green"),
    "running": ("activity", "green"),
    "cancelled": ("history", "muted"),
    "interrupted": ("warning", "amber"),
    "failed": ("warning", "red"),
}


class HistoryDialog(DialogFrame):
    """GUI thread only."""

    def __init__(self, session: Session, destination: str, parent: QWidget | None = None) -> None:
        super().__init__(t("Runs of {name}", name=terms.destination(destination)), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("history", id(self))
        titles = (t("Started"), t("Finished"), t("What"), t("Files"), t("Size"), t("Result"))
        self.list = row_list(titles, self.windowTitle())
        self._empty = StatePage("history", t("Asking…"))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self._stack.setCurrentWidget(self._empty)
        self.body.addWidget(self._stack, 1)
        self.add_cancel(t("Close"))
        self.resize(UNIT * 120, UNIT * 60)
        library, actor = session.library, session.actor
        session.calls.ask(
            self._lane, lambda: library.activity.runs(actor, destination, SHOWN), self._fill, self._on_failed
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    def _fill(self, runs: list[JobRecord]) -> None:
        for run in runs:
            item = QTreeWidgetItem(
                [
                    moment(run.started_at),
                    moment(run.ended_at) if run.ended_at else "",
                    log.kind_words(run.kind),
                    numbers_of(run),
                    numbers.size(run.counts.get("bytes", 0)) if run.counts.get("bytes") else "",
                    result_of(run),
                ]
            )
            icon, colour = _ICONS.get(run.state.value, ("history", "muted"))
            item.setIcon(5, pixmap(icon, getattr(active(), colour), UNIT * 2))
            item.setToolTip(5, result_of(run))
            self.list.addTopLevelItem(item)
        self._empty.set_words(t("Nothing ran yet"), t("Every run that had something to do appears here."))
        self._stack.setCurrentWidget(self.list if runs else self._empty)

    def _on_failed(self, error: BitewingError) -> None:
        self._empty.set_fault(error)


def numbers_of(run: JobRecord) -> str:
    """Return how many files a run was about."""
    told = [run.counts[key] for key in ("sent", "removed", "downloaded", "verified") if run.counts.get(key)]
    return str(sum(told)) if told else ""


def result_of(run: JobRecord) -> str:
    """Return how a run ended, and why."""
    counts = run.counts
    why = error_words.reason(run.error_code, run.error_facts) if run.error_code else ""
    found = [
        t("{n} failed", n=counts["failed"]) if counts.get("failed") else "",
        t("{n} missing", n=counts["missing"]) if counts.get("missing") else "",
        tn("{n} different", "{n} different", counts["different"]) if counts.get("different") else "",
    ]
    return joined(log.state_words(run.state.value), *found, why)
