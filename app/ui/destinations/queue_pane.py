"""One destination: how it stands, what waits for it and why, sending now, trying the connection.

Offline is told in amber and in words; nothing here ever asks a question that could have been a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QStackedWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.roles import Action
from app.ui.controls import push_button, row_list
from app.ui.destinations.connection_words import try_connection
from app.ui.destinations.mirror_bar import MirrorBar
from app.ui.destinations.states import destination_state
from app.ui.formats import joined, moment, who
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.status.chip import Dot
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain.roles import Actor
    from app.services.outbox import Queued
    from app.services.watchdog import DestinationHealth
    from app.storage.outbox import Entry

SHOWN = 200
_ENTRY = Qt.ItemDataRole.UserRole


class QueuePane(QWidget):
    """GUI thread only; sending goes on without it."""

    settings_requested = Signal(str)
    browse_requested = Signal()
    problem_said = Signal(str)
    sent = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._lane = ("queue", id(self))
        self._name = ""
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        self._dot, self._state = Dot(), plain_label("", "title", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(UNIT)
        head.addWidget(self._dot)
        head.addWidget(self._state, 1)
        column.addLayout(head)
        self._reason = plain_label("", wrap=True)
        column.addWidget(self._reason)
        self._facts = plain_label("", "muted", wrap=True, selectable=True)
        column.addWidget(self._facts)
        self.send_button = self._button(t("Send now"), self.send, "primary", Action.ARCHIVE_PUSH)
        self.test_button = self._button(t("Try the connection"), self.try_it, "", Action.SETTINGS_VIEW)
        settings = self._button(t("Settings…"), self._on_settings_clicked, "", Action.SETTINGS_VIEW)
        self.browse_button = self._button(
            t("Browse the archive…"), self.browse_requested.emit, "", Action.ARCHIVE_BROWSE
        )
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        for button in (self.send_button, self.test_button, self.browse_button, settings):
            row.addWidget(button)
        row.addStretch(1)
        column.addLayout(row)
        self.retry_button = self._button(t("Try this one again"), self._on_retry_clicked, "", Action.ARCHIVE_PUSH)
        self.settle_button = self._button(t("It is settled"), self._on_settle_clicked, "", Action.ARCHIVE_PUSH)
        self._advice = plain_label("", "muted", wrap=True)
        self._found = plain_label("", wrap=True, selectable=True)
        self._found.hide()
        column.addWidget(self._found)
        self._job = JobSlot()
        column.addWidget(self._job)
        self.list = row_list((t("Patient"), t("Image"), t("What"), t("State")), t("What waits"))
        self._empty = StatePage(
            "check", t("Nothing waits"), t("What is filed from now on appears here until it is sent.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        column.addWidget(self._stack, 1)
        self._more = plain_label("", "muted")
        column.addWidget(self._more)
        column.addWidget(self._advice)
        deciding = QHBoxLayout()
        deciding.setSpacing(UNIT)
        deciding.addWidget(self.retry_button)
        deciding.addWidget(self.settle_button)
        deciding.addStretch(1)
        column.addLayout(deciding)
        self.list.itemSelectionChanged.connect(self._on_selection_changed)
        self._on_selection_changed()
        self.mirror_bar = MirrorBar(session)
        self.mirror_bar.problem_said.connect(self.problem_said)
        column.addWidget(self.mirror_bar)

    def show_destination(self, health: DestinationHealth) -> None:
        """Show how a destination stands and ask what waits for it."""
        name = health.queue.name
        if name != self._name:
            self._name = name
            self._found.hide()
            self._job.clear()
            self.list.clear()
            self.problem_said.emit("")
        self.browse_button.setVisible(health.queue.kind == "orthanc")
        self.mirror_bar.show_destination(health)
        colour, text, reason = destination_state(health)
        self._dot.set_health(colour)
        self._state.setText(f"{terms.destination(name)} — {text}")
        self._reason.setText(reason)
        self._reason.setVisible(bool(reason))
        facts = _facts(health)
        self._facts.setText(facts)
        # All sent: the reason says when, and that is all there is to say.
        self._facts.setVisible(bool(facts) and (bool(health.queue.waiting or health.queue.parked) or not reason))
        self.send_button.setEnabled(health.queue.enabled and self._session.may(Action.ARCHIVE_PUSH))
        total = health.queue.waiting + health.queue.parked
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane,
            lambda: library.outbox.queued(actor, name, SHOWN),
            lambda rows: self._fill(rows, total),
            self._on_failed,
        )

    def leave(self) -> None:
        """Ask for nothing more."""
        for lane in (self._lane, ("decide", id(self)), ("try", id(self))):
            self._session.calls.drop(lane)

    @Slot()
    def send(self) -> None:
        """Send what waits now, and let what was parked try again."""
        library, actor, name = self._session.library, self._session.actor, self._name

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.sending.send(actor, ctx, (name,))

        self.problem_said.emit("")
        title = t("Sending to {name}", name=terms.destination(name))
        handle = self._session.runner.start(("send", name), title, engine)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.sent)
        self._job.show_job(handle)

    @Slot()
    def try_it(self) -> None:
        """Ask the destination who it is and whether it takes anything."""
        session, name = self._session, self._name
        self.problem_said.emit("")
        self._found.setText(t("Asking…"))
        self._found.show()
        self.test_button.setEnabled(False)
        session.calls.ask(
            ("try", id(self)), lambda: (name, try_connection(session, name)), self._on_tested, self._on_test_failed
        )

    def _button(self, text: str, slot: Any, role: str, action: Action) -> QPushButton:
        return push_button(text, slot, role, enabled=self._session.may(action))

    def _on_settings_clicked(self) -> None:
        kind = self._name.partition(".")[0]
        # The public folder is a mirror's.
        self.settings_requested.emit("mirror" if kind == "public" else kind)

    @Slot()
    def _on_selection_changed(self) -> None:
        """Offer a decision about the chosen entry where it waits for one."""
        entry = self._chosen()
        is_parked = entry is not None and entry.state.value == "parked"
        for button in (self.retry_button, self.settle_button):
            button.setVisible(is_parked)
            button.setEnabled(is_parked and self._session.may(Action.ARCHIVE_PUSH))
        self._advice.setText(_advice(entry) if entry is not None and is_parked else "")
        self._advice.setVisible(is_parked)

    def _chosen(self) -> Entry | None:
        items = self.list.selectedItems()
        entry: Entry | None = items[0].data(0, _ENTRY) if items else None
        return entry

    def _on_retry_clicked(self) -> None:
        self._decide(self._session.library.outbox.retry)

    def _on_settle_clicked(self) -> None:
        self._decide(self._session.library.outbox.settle)

    def _decide(self, decide: Callable[[Actor, int], object]) -> None:
        entry, actor = self._chosen(), self._session.actor
        if entry is None:
            return
        number = entry.number
        self.problem_said.emit("")
        self._session.calls.ask(
            ("decide", id(self)), lambda: decide(actor, number), lambda _entry: self.sent.emit(), self._on_failed
        )

    def _fill(self, rows: list[Queued], total: int) -> None:
        chosen = self._chosen()
        self.list.clear()
        for row in rows:
            state, icon, colour = _state(row)
            item = QTreeWidgetItem([who(row.patient), row.image, _what(row), state])
            item.setIcon(3, pixmap(icon, getattr(active(), colour), UNIT * 2))
            item.setToolTip(3, state)
            item.setData(0, _ENTRY, row.entry)
            self.list.addTopLevelItem(item)
            if chosen is not None and row.entry.number == chosen.number:
                self.list.setCurrentItem(item)
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        say_more(self._more, total - len(rows))

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.problem_said.emit(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    def _on_tested(self, found: tuple[str, list[str]]) -> None:
        self.test_button.setEnabled(True)
        if found[0] == self._name:
            self._found.setText("\n".join(found[1]))

    def _on_test_failed(self, error: BitewingError) -> None:
        self.test_button.setEnabled(True)
        self._found.hide()
        self._on_failed(error)


def say_more(label: Any, beyond: int) -> None:
    """Say how many more there are than a list shows."""
    label.setText(tn("and {n} more", "and {n} more", beyond) if beyond > 0 else "")
    label.setVisible(beyond > 0)


def _facts(health: DestinationHealth) -> str:
    queue = health.queue
    return joined(
        t("Last sent: {date}", date=moment(queue.last_success)) if queue.last_success else t("nothing sent yet"),
        t("oldest waits since {date}", date=moment(queue.oldest)) if queue.waiting and queue.oldest else "",
    )


def _advice(entry: Entry) -> str:
    """Return what both decisions would mean, and before that what to do about what went wrong."""
    what_to_do = error_words.words_for(EnvironmentFault(entry.code, **entry.facts)).what_to_do if entry.code else ""
    if entry.wish.value == "remove":
        settled = t("“It is settled” means: somebody saw to it that the copy is gone there; so it is written down.")
    else:
        settled = t("“It is settled” means: this image is not sent there; what lies there stays there.")
    return joined(what_to_do, settled)


def _what(row: Queued) -> str:
    return t("call back") if row.entry.wish.value == "remove" else t("send")


def _state(row: Queued) -> tuple[str, str, str]:
    entry = row.entry
    if entry.state.value == "sending":
        return t("being sent"), "activity", "green"
    why = error_words.words_for(EnvironmentFault(entry.code, **entry.facts)).explanation if entry.code else ""
    if entry.state.value == "parked":
        return why or t("waits for a decision"), "warning", "red"
    if entry.code:
        again = t("again at {time}", time=moment(entry.due_at))
        return joined(why, tn("{n} try", "{n} tries", entry.tries), again), "retry", "amber"
    return t("waits"), "history", "muted"
