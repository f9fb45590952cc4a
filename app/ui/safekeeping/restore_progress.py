"""The restore itself, while no library is open: progress, remaining time, stop, and how it ended."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QProgressBar, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.roles import Actor
from app.jobs.runner import JobRunner
from app.services.backups import open_archive
from app.services.drive.fetched import remove_fetched
from app.services.restoring import RestoreArgs, restore_library
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, remaining
from app.ui.safekeeping.wishes import RestoreWish
from app.ui.states import plain_label
from app.ui.status.job_strip import show_progress
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

_TICK_MS = 200


class RestoreProgress(DialogFrame):
    """Runs one restore. Accepted when it was done; the library is as it was otherwise. GUI thread only."""

    def __init__(self, actor: Actor, root: Path, wish: RestoreWish, parent: QWidget | None = None) -> None:
        super().__init__(t("Restore the library"), parent)
        self._headline = plain_label(t("Restoring…"), "title", wrap=True)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._current = plain_label("", "muted", wrap=True)
        self._text = plain_label("", wrap=True, selectable=True)
        for widget in (self._headline, self._bar, self._current, self._text):
            self.body.addWidget(widget)
        self.body.addStretch(1)
        self._button = self.add_button(t("Stop"))
        self._button.clicked.connect(self._on_button_clicked)
        self.setMinimumSize(UNIT * 72, UNIT * 30)
        self._runner = JobRunner(self)

        def engine(asked: RestoreWish, ctx: JobContext) -> Any:
            with contextlib.closing(open_archive(asked.path, asked.password)) as archive:
                report = restore_library(actor, RestoreArgs(root, archive, asked.foreign), ctx)
            remove_fetched(root, asked.path)
            return report

        self._handle = self._runner.start("restore", t("Restoring"), engine, wish)
        self._handle.succeeded.connect(self._on_succeeded)
        self._handle.failed.connect(self._on_failed)
        self._handle.cancelled.connect(self._on_cancelled)
        self._tick = QTimer(self)
        self._tick.setInterval(_TICK_MS)
        self._tick.timeout.connect(self._on_tick_timeout)
        self._tick.start()

    def reject(self) -> None:
        """Stop first; leave when nothing runs any more."""
        if self._handle.running:
            self._stop()
        else:
            self.done(self.DialogCode.Rejected if self._handle.report is None else self.DialogCode.Accepted)

    def done(self, code: int) -> None:
        """Wait for the thread: a restore is never left half way by its window."""
        self._tick.stop()
        self._runner.shutdown(60.0)
        super().done(code)

    @Slot()
    def _on_button_clicked(self) -> None:
        self.reject()

    def _stop(self) -> None:
        self._handle.cancel()
        self._button.setEnabled(False)
        self._headline.setText(t("Stopping…"))

    @Slot()
    def _on_tick_timeout(self) -> None:
        show_progress(self._bar, self._handle)
        left = self._handle.remaining_s
        item = self._handle.progress.item
        self._current.setText(joined(item, remaining(left) if left is not None else ""))

    @Slot(object)
    def _on_succeeded(self, report: Any) -> None:
        lines = [tn("{n} image is back.", "{n} images are back.", report.images)]
        if report.missing:
            lines.append(t("{n} images have no file: their files were not in the backup.", n=report.missing))
        if report.kept is not None:
            lines.append(t("What was there before is kept as {path}.", path=ltr(str(report.kept))))
        self._end(t("The library was restored"), "\n".join(lines), t("Open the library"))

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        text = " ".join(part for part in (words.explanation, words.what_to_do) if part)
        unchanged = t("The library is as it was.")
        self._end(words.title, f"{text}\n{unchanged}", t("Open the library"))

    @Slot()
    def _on_cancelled(self) -> None:
        self._on_failed(Cancelled())

    def _end(self, title: str, text: str, button: str) -> None:
        self._tick.stop()
        self._headline.setText(title)
        self._text.setText(text)
        self._current.setText("")
        self._bar.hide()
        self._button.setText(button)
        self._button.setEnabled(True)
        self._button.setFocus()
