"""What a person may do with a mirror beside sending: pause it, look what would be done, compare it, see its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import Action
from app.ui.controls import push_button
from app.ui.destinations.afresh_dialog import OTHER_DRIVE, AfreshDialog
from app.ui.destinations.history_dialog import HistoryDialog
from app.ui.destinations.plan_dialog import PlanDialog
from app.ui.formats import joined
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.services.mirroring.verifying import VerifyReport
    from app.services.watchdog import DestinationHealth


class MirrorBar(QWidget):
    """GUI thread only; of an archive it has the history alone."""

    problem_said = Signal(str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._name = ""
        self._paused = False
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        self.pause_button = self._button("", self._on_pause_clicked, Action.SETTINGS_CHANGE)
        self.plan_button = self._button(t("What would be done…"), self._on_plan_clicked, Action.SETTINGS_VIEW)
        self.verify_button = self._button(t("Compare now"), self.verify, Action.LIBRARY_CHECK)
        self.history_button = self._button(t("History…"), self._on_history_clicked, Action.STATUS_VIEW)
        self.afresh_button = self._button(t("Start afresh…"), self._on_afresh_clicked, Action.SETTINGS_CHANGE)
        self.afresh_button.hide()
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        for button in (
            self.pause_button,
            self.plan_button,
            self.verify_button,
            self.history_button,
            self.afresh_button,
        ):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self.found = plain_label("", wrap=True, selectable=True)
        self.found.hide()
        column.addWidget(self.found)
        self._job = JobSlot()
        column.addWidget(self._job)

    def show_destination(self, health: DestinationHealth) -> None:
        """Show what may be done with a destination."""
        name, is_mirror = health.queue.name, health.queue.kind == "mirror"
        if name != self._name:
            self._name = name
            self.found.hide()
            self._job.clear()
        self._paused = health.paused
        self.pause_button.setText(t("Resume") if self._paused else t("Pause"))
        for button in (self.pause_button, self.plan_button, self.verify_button):
            button.setVisible(is_mirror)
        self.afresh_button.setVisible(is_mirror and health.queue.last_fault == OTHER_DRIVE)
        self.pause_button.setEnabled(health.queue.enabled and self._session.may(Action.SETTINGS_CHANGE))

    @Slot()
    def verify(self) -> None:
        """Compare the mirror with the library, and queue again what is wrong there."""
        library, actor, name = self._session.library, self._session.actor, self._name

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.verification.run(actor, ctx, name.partition(".")[2])

        self.problem_said.emit("")
        self.found.hide()
        handle = self._session.runner.start(
            ("mirror-verify", name), t("Comparing {name}", name=terms.destination(name)), engine
        )
        handle.failed.connect(self._on_failed)
        handle.succeeded.connect(self._on_verified)
        self._job.show_job(handle)

    def _button(self, text: str, slot: Any, action: Action) -> QPushButton:
        return push_button(text, slot, enabled=self._session.may(action))

    @Slot()
    def _on_pause_clicked(self) -> None:
        library, actor = self._session.library, self._session.actor
        key, paused = f"{self._name}.paused", not self._paused
        self.pause_button.setEnabled(False)
        self._session.calls.ask(
            ("pause", id(self)),
            lambda: library.settings.set_value(actor, key, paused),
            self._on_paused,
            self._on_failed,
        )

    def _on_paused(self, _value: object) -> None:
        # The window hears of the changed setting and shows it.
        self.pause_button.setEnabled(True)

    @Slot()
    def _on_plan_clicked(self) -> None:
        dialog = PlanDialog(self._session, self._name, self.window())
        dialog.show()

    @Slot()
    def _on_history_clicked(self) -> None:
        dialog = HistoryDialog(self._session, self._name, self.window())
        dialog.show()

    @Slot()
    def _on_afresh_clicked(self) -> None:
        dialog = AfreshDialog(self._session, self._name, self.window())
        dialog.show()

    @Slot(object)
    def _on_verified(self, report: VerifyReport) -> None:
        self.found.setText(verify_words(report))
        self.found.show()

    @Slot(object)
    def _on_failed(self, error: BitewingError) -> None:
        self.pause_button.setEnabled(self._session.may(Action.SETTINGS_CHANGE))
        words = error_words.words_for(error)
        self.problem_said.emit(joined(words.explanation, words.what_to_do, between=" "))


def verify_words(report: VerifyReport) -> str:
    """Return what comparing found, in a line."""
    return joined(
        tn("{n} file is as it should be", "{n} files are as they should be", report.verified),
        t("{n} missing", n=report.missing) if report.missing else "",
        tn("{n} different", "{n} different", report.different) if report.different else "",
        tn("{n} is sent again", "{n} are sent again", report.queued_again) if report.queued_again else "",
        tn("{n} belongs to no image", "{n} belong to no image", report.extra) if report.extra else "",
    )
