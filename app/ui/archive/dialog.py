"""The archive's queue: what waits and why, sending now, letting parked images try again, trying the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStackedWidget,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.changes import ChangeSet, Entity
from app.domain.roles import Action
from app.ui.archive.states import archive_queue, archive_state
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, moment
from app.ui.panels.job_slot import JobSlot
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.status.chip import Dot, Health
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.outbox import Queued

_SOON_MS = 500
_IMAGE = Qt.ItemDataRole.UserRole
SHOWN = 200


class ArchiveDialog(DialogFrame):
    """Stays open beside the work; sending goes on without it. GUI thread only."""

    settings_requested = Signal()
    browse_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Archive"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("archive", id(self))
        self._dot, self._state = Dot(), plain_label("", "title", wrap=True)
        head = QHBoxLayout()
        head.setSpacing(UNIT)
        head.addWidget(self._dot)
        head.addWidget(self._state, 1)
        self.body.addLayout(head)
        self._reason = plain_label("", wrap=True)
        self.body.addWidget(self._reason)
        self._address = plain_label("", "muted", wrap=True, selectable=True)
        self.body.addWidget(self._address)
        self.send_button = self._button(t("Send now"), self.send, "primary", Action.ARCHIVE_PUSH)
        self.test_button = self._button(t("Try the connection"), self.try_connection, "", Action.SETTINGS_VIEW)
        settings = self._button(t("Settings…"), self.settings_requested.emit, "", Action.SETTINGS_VIEW)
        browse = self._button(t("Browse…"), self.browse_requested.emit, "", Action.ARCHIVE_BROWSE)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        for button in (self.send_button, browse, self.test_button, settings):
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self._found = plain_label("", wrap=True)
        self._found.hide()
        self.body.addWidget(self._found)
        self._job = JobSlot()
        self.body.addWidget(self._job)
        self.list = QTreeWidget()
        self.list.setProperty("role", "boxed")
        self.list.setRootIsDecorated(False)
        self.list.setUniformRowHeights(True)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHeaderLabels([t("Patient"), t("Image"), t("What"), t("State")])
        self.list.setAccessibleName(t("What waits"))
        for column in range(3):
            self.list.header().setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        self.list.header().setStretchLastSection(True)
        self._empty = StatePage(
            "check", t("Nothing waits"), t("What is filed from now on appears here until it is sent.")
        )
        self._stack = QStackedWidget()
        self._stack.addWidget(self.list)
        self._stack.addWidget(self._empty)
        self.body.addWidget(self._stack, 1)
        self._more = plain_label("", "muted")
        self.body.addWidget(self._more)
        self.add_cancel(t("Close"))
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SOON_MS)
        self._later.timeout.connect(self.reload)
        session.bus.changed.connect(self._on_bus_changed)
        self.resize(UNIT * 108, UNIT * 72)
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask how the queue stands."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane,
            lambda: (
                library.outbox.queues(actor),
                library.outbox.queued(actor, "orthanc", SHOWN),
                library.settings.clinic().orthanc_url,
            ),
            self._on_read,
            self._on_failed,
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def send(self) -> None:
        """Send what waits now, and let what was parked try again."""
        library, actor = self._session.library, self._session.actor

        def engine(_args: Any, ctx: JobContext) -> Any:
            return library.archive.push(actor, ctx)

        self.say_problem("")
        handle = self._session.runner.start("push", t("Sending to the archive"), engine)
        handle.failed.connect(self._on_failed)
        handle.finished.connect(self.reload)
        self._job.show_job(handle)

    @Slot()
    def try_connection(self) -> None:
        """Ask the archive who it is."""
        library, actor = self._session.library, self._session.actor
        self.say_problem("")
        self._found.setText(t("Asking…"))
        self._found.show()
        self.test_button.setEnabled(False)
        self._session.calls.ask(
            ("archive-test", id(self)), lambda: library.archive.test(actor), self._on_tested, self._on_test_failed
        )

    def _button(self, text: str, slot: Any, role: str, action: Action) -> QPushButton:
        button = QPushButton(text)
        button.setAutoDefault(False)
        if role:
            button.setProperty("role", role)
        button.setEnabled(self._session.may(action))
        button.clicked.connect(lambda _checked=False: slot())
        return button

    # -- answers -----------------------------------------------------------------------------------------

    def _on_read(self, found: Any) -> None:
        queues, rows, address = found
        queue = archive_queue(queues)
        self._address.setText(ltr(address))
        self.send_button.setEnabled(queue is not None and self._session.may(Action.ARCHIVE_PUSH))
        if queue is None:
            self._dot.set_health(Health.OFF)
            self._state.setText(t("No archive is set up"))
            self._reason.setText(
                t("In the settings, enter the address of an Orthanc: every image then goes there too.")
            )
        else:
            health, text, reason = archive_state(queue)
            self._dot.set_health(health)
            self._state.setText(text)
            self._reason.setText(reason)
        self._fill(rows, (queue.waiting + queue.parked) if queue is not None else 0)

    def _fill(self, rows: list[Queued], total: int) -> None:
        self.list.clear()
        for row in rows:
            state, icon, colour = _state(row)
            item = QTreeWidgetItem([row.patient, row.image, _what(row), state])
            item.setData(0, _IMAGE, row.entry.image_id)
            item.setIcon(3, pixmap(icon, getattr(active(), colour), UNIT * 2))
            item.setToolTip(3, state)
            self.list.addTopLevelItem(item)
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        beyond = total - len(rows)
        self._more.setText(tn("and {n} more", "and {n} more", beyond) if beyond > 0 else "")

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(" ".join(part for part in (words.explanation, words.what_to_do) if part))

    def _on_tested(self, system: Any) -> None:
        self.test_button.setEnabled(True)
        plugins = t("DICOMweb is there") if "dicom-web" in system.plugins else t("no DICOMweb")
        holds = tn("{n} image there", "{n} images there", system.instances)
        text = joined(t("Orthanc {version}", version=system.version), system.name, plugins, holds)
        warnings = [error_words.reason(code) for code in system.warnings]
        self._found.setText("\n".join([text, *warnings]))

    def _on_test_failed(self, error: BitewingError) -> None:
        self.test_button.setEnabled(True)
        self._found.hide()
        self._on_failed(error)

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if (changes.of(Entity.OUTBOX) or changes.of(Entity.SETTING)) and not self._later.isActive():
            self._later.start()


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
