"""What a mirror's next round would do, before it does it; and agreeing to removals that are held for being many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QListWidget, QStackedWidget, QVBoxLayout, QWidget

from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.roles import Action
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import numbers, t, terms, tn

if TYPE_CHECKING:
    from app.sync.mirror_plan import MirrorPlan


class PlanDialog(DialogFrame):
    """GUI thread only. Nothing is done but what a person agrees to by its button."""

    def __init__(self, session: Session, destination: str, parent: QWidget | None = None) -> None:
        super().__init__(t("What would be done at {name}", name=terms.destination(destination)), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._destination = destination
        self._lane = ("plan", id(self))
        self._state = StatePage("search", t("Looking…"), t("What is there is listed and compared with what waits."))
        self.words = plain_label("", "title", wrap=True)
        self.held = plain_label("", "bad", wrap=True)
        self.held.hide()
        self.names = QListWidget()
        self.names.setProperty("role", "boxed")
        self.names.setAccessibleName(t("The first files"))
        found = QWidget()
        column = QVBoxLayout(found)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        for widget in (self.words, self.held):
            column.addWidget(widget)
        column.addWidget(self.names, 1)
        self._stack = QStackedWidget()
        self._stack.addWidget(self._state)
        self._stack.addWidget(found)
        self.body.addWidget(self._stack, 1)
        self.agree_button = self.add_button("", "danger")
        self.agree_button.clicked.connect(self._on_agree_clicked)
        self.agree_button.hide()
        self.add_cancel(t("Close"))
        self.resize(UNIT * 90, UNIT * 60)
        self._look()

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    def _look(self) -> None:
        library, actor, name = self._session.library, self._session.actor, self._destination.partition(".")[2]
        self._session.calls.ask(
            self._lane,
            lambda: library.mirror_preview.run(actor, JobContext.silent(), name),
            self._show_plan,
            self._on_failed,
        )

    def _show_plan(self, plan: MirrorPlan) -> None:
        self.words.setText(plan_words(plan))
        self.held.setText(
            tn(
                "{n} image would vanish from the mirror. So many at once are held until somebody agrees:"
                " were they deleted on purpose?",
                "{n} images would vanish from the mirror. So many at once are held until somebody agrees:"
                " were they deleted on purpose?",
                plan.held,
            )
        )
        self.held.setVisible(bool(plan.held))
        self.agree_button.setText(tn("Remove {n} file there", "Remove {n} files there", plan.held))
        self.agree_button.setVisible(bool(plan.held))
        self.agree_button.setEnabled(self._session.may(Action.SETTINGS_CHANGE))
        self.names.clear()
        self.names.addItems([f"+ {name}" for name in plan.first_uploads])
        self.names.addItems([f"− {name}" for name in plan.first_recalls])
        self.names.setVisible(self.names.count() > 0)
        self._stack.setCurrentIndex(1)

    @Slot()
    def _on_agree_clicked(self) -> None:
        library, actor, destination = self._session.library, self._session.actor, self._destination
        self.agree_button.setEnabled(False)
        self._session.calls.ask(
            self._lane, lambda: library.removals.agree(actor, destination), self._on_agreed, self._on_failed
        )

    def _on_agreed(self, count: int) -> None:
        self.agree_button.hide()
        self.held.setText(
            tn("{n} file is removed with the next round.", "{n} files are removed with the next round.", count)
        )

    def _on_failed(self, error: BitewingError) -> None:
        self._state.set_fault(error)
        self._stack.setCurrentIndex(0)


def plan_words(plan: MirrorPlan) -> str:
    """Return what would be done, in a line."""
    if not (plan.uploads or plan.recalls or plan.held):
        return t("Nothing: everything is there as it should be.")
    sends = tn("{n} file would be sent", "{n} files would be sent", plan.uploads)
    recalls = max(0, plan.recalls - plan.held)
    return joined(
        f"{sends} ({numbers.size(plan.bytes)})" if plan.uploads else "",
        tn("{n} would be called back", "{n} would be called back", recalls) if recalls else "",
        tn("{n} stays as it is", "{n} stay as they are", plan.unchanged) if plan.unchanged else "",
    )
