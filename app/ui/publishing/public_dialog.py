"""Everything that is public, is to be, or is not proven to be private again: looked over, opened, taken back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QStackedWidget,
    QTreeWidgetItem,
    QWidget,
)

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.domain.changes import ChangeSet, Entity
from app.domain.publication import PublicState
from app.domain.roles import Action
from app.ui.controls import push_button, row_list
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined, ltr, moment, who
from app.ui.session import Session
from app.ui.states import StatePage, plain_label
from app.ui.theme.icons import pixmap
from app.ui.theme.palette import active
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import publishing as public_words
from app.words import t, terms, tn

if TYPE_CHECKING:
    from app.services.publishing.service import PublicItem, PublicRow
    from app.storage.publications import PublicEntry

_ROW = Qt.ItemDataRole.UserRole
_SOON_MS = 400
# More lines than that nobody looks over.
_MOST = 1000


class PublicImagesDialog(DialogFrame):
    """Stays open beside the work. GUI thread only."""

    image_requested = Signal(str, str)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(t("Public images"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._lane = ("public", id(self))
        self._count = plain_label("", "muted", wrap=True)
        self.body.addWidget(self._count)
        titles = (t("Patient"), t("Image"), t("Type"), t("State"), t("Since"), t("Address"))
        self.list = row_list(titles, t("Public images"))
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.itemSelectionChanged.connect(self._on_selection_changed)
        self.list.itemActivated.connect(self._on_show_clicked)
        self._empty = StatePage(
            "check", t("Nothing is public"), t("What is published appears here until it is private again.")
        )
        self._stack = QStackedWidget()
        for page in (self.list, self._empty):
            self._stack.addWidget(page)
        self.body.addWidget(self._stack, 1)
        self._why = plain_label("", "muted", wrap=True)
        self.body.addWidget(self._why)
        row = QHBoxLayout()
        row.setSpacing(UNIT)
        self.show_button = push_button(t("Show the image"), self._on_show_clicked)
        self.copy_button = push_button(t("Copy the address"), self._on_copy_clicked)
        self.open_button = push_button(t("Open in the browser"), self._on_open_clicked)
        for button in (self.show_button, self.copy_button, self.open_button):
            row.addWidget(button)
        row.addStretch(1)
        self.body.addLayout(row)
        self.add_cancel(t("Close"))
        self.private_button = self.add_button(t("Move to private"), "danger")
        self.private_button.clicked.connect(self._on_private_clicked)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(_SOON_MS)
        self._later.timeout.connect(self.reload)
        session.bus.changed.connect(self._on_bus_changed)
        self.resize(UNIT * 150, UNIT * 64)
        self._on_selection_changed()
        self.reload()

    @Slot()
    def reload(self) -> None:
        """Ask what is public."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            self._lane, lambda: library.publishing.public(actor, _MOST + 1), self._on_read, self._on_failed
        )

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._later.stop()
        self._session.bus.changed.disconnect(self._on_bus_changed)
        self._session.calls.drop(self._lane)
        super().done(result)

    def _on_read(self, rows: list[PublicRow]) -> None:
        chosen = {row.entry.publication.id for row in self._chosen()}
        self.list.clear()
        for row in rows[:_MOST]:
            copy = row.entry.publication
            words, picture, colour = state_of(row.entry)
            since = copy.withdrawn_at or copy.public_at or copy.asked_at
            texts = [who(row.patient), row.image, terms.image_type(copy.image_type), words, moment(since)]
            item = QTreeWidgetItem([*texts, ltr(copy.url or t("none"))])
            item.setIcon(3, pixmap(picture, getattr(active(), colour), UNIT * 2))
            item.setToolTip(5, copy.url or "")
            item.setData(0, _ROW, row)
            self.list.addTopLevelItem(item)
            item.setSelected(copy.id in chosen)
        self._stack.setCurrentWidget(self.list if rows else self._empty)
        self._count.setText(
            tn("{n} copy is or may be public.", "{n} copies are or may be public.", len(rows))
            if len(rows) <= _MOST
            else t("More than {n} copies are or may be public; the newest are listed.", n=_MOST)
        )
        for widget in (self._count, self.show_button, self.copy_button, self.open_button, self.private_button):
            widget.setVisible(bool(rows))
        self._on_selection_changed()

    def _chosen(self) -> list[PublicRow]:
        return [item.data(0, _ROW) for item in self.list.selectedItems()]

    @Slot()
    def _on_selection_changed(self) -> None:
        chosen = self._chosen()
        one = chosen[0].entry if len(chosen) == 1 else None
        # What was found in public, and nobody knew of, is no image's.
        self.show_button.setEnabled(one is not None and bool(one.publication.image_id))
        has_address = one is not None and one.publication.url is not None
        for button in (self.copy_button, self.open_button):
            button.setEnabled(has_address)
        # Also what is being taken back: then it is asked for at once.
        self.private_button.setEnabled(bool(chosen) and self._session.may(Action.IMAGE_WITHDRAW))
        self._why.setText(why_of(one) if one is not None else "")
        self._why.setVisible(bool(self._why.text()))

    @Slot()
    def _on_show_clicked(self, *_item: Any) -> None:
        chosen = self._chosen()
        if chosen and chosen[0].entry.publication.image_id:
            copy = chosen[0].entry.publication
            self.image_requested.emit(copy.patient_id, copy.image_id)

    @Slot()
    def _on_copy_clicked(self) -> None:
        for row in self._chosen()[:1]:
            QGuiApplication.clipboard().setText(row.entry.publication.url or "")

    @Slot()
    def _on_open_clicked(self) -> None:
        for row in self._chosen()[:1]:
            QDesktopServices.openUrl(QUrl(row.entry.publication.url or ""))

    @Slot()
    def _on_private_clicked(self) -> None:
        library, actor = self._session.library, self._session.actor
        ids = [row.entry.publication.image_id for row in self._chosen()]
        self.private_button.setEnabled(False)
        self.say_problem("")
        self._session.calls.ask(
            (*self._lane, "private"),
            partial(library.publishing.withdraw, actor, ids, JobContext.silent()),
            self._on_withdrawn,
            self._on_failed,
        )

    def _on_withdrawn(self, items: list[PublicItem]) -> None:
        failed = [item for item in items if item.state is None]
        if failed:
            words = error_words.words_for(EnvironmentFault(failed[0].code or "", **failed[0].facts))
            count = tn(
                "{n} image could not be moved to private.", "{n} images could not be moved to private.", len(failed)
            )
            self.say_problem(joined(count, words.explanation, words.what_to_do, between=" "))
        self.reload()

    def _on_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        self.say_problem(joined(words.explanation, words.what_to_do, between=" "))
        self._on_selection_changed()

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if (changes.of(Entity.OUTBOX) or changes.of(Entity.IMAGE)) and not self._later.isActive():
            self._later.start()


def state_of(entry: PublicEntry) -> tuple[str, str, str]:
    """Return how a copy stands: words, the name of an icon and of a colour. What is pending is never green."""
    state = entry.publication.state
    words = public_words.state(state)
    if entry.parked:
        return joined(words, t("waits for a decision")), "warning", "red"
    if entry.code:
        return joined(words, t("is tried again")), "retry", "amber"
    pictures = {
        PublicState.UNPROVEN: ("history", "amber"),
        PublicState.PUBLIC: ("link", "amber"),
        PublicState.WITHDRAWING: ("history", "amber"),
        PublicState.PRIVATE: ("check", "green"),
    }
    return (words, *pictures.get(state, ("history", "muted")))


def why_of(entry: PublicEntry) -> str:
    """Return why a copy is not where it is meant to be; empty where there is nothing to say."""
    if not entry.code:
        return ""
    words = error_words.words_for(EnvironmentFault(entry.code, **entry.facts))
    return joined(words.explanation, words.what_to_do, between=" ")
