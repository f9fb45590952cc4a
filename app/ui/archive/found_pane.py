"""The studies of a search: a table that grows while it is scrolled, and what stands there while there is none.

Being offline is said in amber words where the studies would be; it is never a box.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.core.errors import BitewingError, TransientFault
from app.domain.roles import Action
from app.transfer.found import StudyQuery
from app.ui.archive.delegate import ROW_PX, WhoDelegate
from app.ui.archive.results import StudiesModel
from app.ui.formats import joined
from app.ui.header.identity_card import mark
from app.ui.session import Session
from app.ui.states import StatePage, plain_label, set_margins
from app.ui.status.chip import Dot, Health
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.archiving.browsing import Findings
    from app.services.archiving.matching import ArchiveStudy
    from app.transfer.newest import Place

_LOOK_MS = 120
_SOON_MS = 150


class FoundPane(QWidget):
    """GUI thread only. ``chosen_changed`` comes a moment after the choice has come to rest."""

    chosen_changed = Signal()
    activated = Signal()
    settings_requested = Signal()

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._query = StudyQuery()
        self._following: Place | None = None
        self._dot, self._state = Dot(Health.OFF), plain_label("", "muted", wrap=True)
        self.model = StudiesModel(session)
        self.model.setParent(self)
        self.model.more_wanted.connect(self._on_more_wanted)
        self.table = QTableView()
        self._loading = StatePage("search", t("Asking the archive…"))
        self._empty = StatePage("search", t("Nothing found"), t("Try fewer words, or a longer span of days."))
        self._failed = StatePage("warning", "")
        self._failed.add_button(t("Try again"), self.again, primary=True)
        self._settings = self._failed.add_button(t("Settings…"), self.settings_requested)
        self.stack = QStackedWidget()
        for page in (self.table, self._loading, self._empty, self._failed):
            self.stack.addWidget(page)
        head = QHBoxLayout()
        head.setSpacing(UNIT)
        head.addWidget(self._dot)
        head.addWidget(self._state, 1)
        column = QVBoxLayout(self)
        set_margins(column, 0, 0, UNIT, 0)
        column.setSpacing(UNIT)
        column.addLayout(head)
        column.addWidget(self.stack, 1)
        self._look = self._timer(_LOOK_MS, self._on_look_timeout)
        self._later = self._timer(_SOON_MS, self.chosen_changed.emit)
        self._prepare_table()

    def _prepare_table(self) -> None:
        table = self.table
        table.setModel(self.model)
        table.setItemDelegateForColumn(0, WhoDelegate(table))
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setAccessibleName(t("Studies found"))
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(ROW_PX)
        header = table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.Stretch)
        for column, width in ((1, 21), (2, 8), (4, 8), (5, 12)):
            table.setColumnWidth(column, UNIT * width)
        table.selectionModel().currentRowChanged.connect(self._on_current_changed)
        table.activated.connect(self._on_activated)
        table.verticalScrollBar().valueChanged.connect(self._on_scrolled)

    def _timer(self, milliseconds: int, slot: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(milliseconds)
        timer.timeout.connect(slot)
        return timer

    @property
    def is_loading(self) -> bool:
        """Whether an answer is waited for."""
        return self.stack.currentWidget() is self._loading

    def chosen(self) -> ArchiveStudy | None:
        """Return the chosen study."""
        return self.model.study(self.table.currentIndex().row())

    def stop(self) -> None:
        """Ask for nothing more."""
        for lane in ("archive-search", "archive-more"):
            self._session.calls.drop((lane, id(self)))
        self.model.stop()

    def search(self, query: StudyQuery) -> None:
        """Show what matches, newest first."""
        self.stop()
        self._query, self._following = query, None
        self.model.clear()
        self.stack.setCurrentWidget(self._loading)
        self._say(Health.OFF, t("Asking the archive…"))
        self.chosen_changed.emit()
        self._ask("archive-search", None, self._on_found, self._on_search_failed)

    @Slot()
    def again(self) -> None:
        """Search for the same once more."""
        self.search(self._query)

    def _ask(self, lane: str, place: Place | None, then: Callable[[Any], None], failed: Any) -> None:
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            (lane, id(self)), partial(library.browsing.search, actor, self._query, place), then, failed
        )

    @Slot()
    def _on_more_wanted(self) -> None:
        self._say(Health.GOOD, joined(self._count_text(), t("more is coming…")))
        self._ask("archive-more", self._following, self._on_more, self._on_more_failed)

    def _on_found(self, found: Findings) -> None:
        self._take(found)
        is_empty = self.model.rowCount() == 0
        self.stack.setCurrentWidget(self._empty if is_empty and not self.model.has_more else self.table)
        if not is_empty:
            # selectRow() chooses nothing from right to left before the table has been laid out.
            self.table.setCurrentIndex(self.model.index(0, 0))
        elif self.model.has_more:
            self.model.fetchMore(QModelIndex())

    def _on_more(self, found: Findings) -> None:
        self._take(found)
        if self.model.rowCount() == 0:
            if self.model.has_more:
                self.model.fetchMore(QModelIndex())
            else:
                self.stack.setCurrentWidget(self._empty)

    def _take(self, found: Findings) -> None:
        self._following = found.following
        self.model.add(found.studies, has_more=found.following is not None)
        self._say(Health.GOOD, self._count_text())
        self._look.start()

    def _count_text(self) -> str:
        count = self.model.rowCount()
        shown = tn("{n} study", "{n} studies", count)
        return joined(shown, t("scroll for older ones")) if self.model.has_more else shown

    def _on_search_failed(self, error: BitewingError) -> None:
        words = error_words.words_for(error)
        is_away = isinstance(error, TransientFault)
        # That images wait to be sent is no answer to somebody who looks for some.
        self._failed.set_words(words.title, words.explanation if is_away else explained(error))
        self._settings.setVisible(not is_away and self._session.may(Action.SETTINGS_VIEW))
        self.stack.setCurrentWidget(self._failed)
        self._say(Health.WAITING if is_away else Health.FAILED, t("offline") if is_away else words.title)

    def _on_more_failed(self, error: BitewingError) -> None:
        self.model.page_failed()
        words = error_words.words_for(error)
        self._say(Health.WAITING, joined(self._count_text(), words.title))

    def _say(self, health: Health, text: str) -> None:
        self._dot.set_health(health)
        self._state.setText(text)
        mark(self._state, {Health.WAITING: "warn", Health.FAILED: "bad"}.get(health, "muted"))

    @Slot(QModelIndex, QModelIndex)
    def _on_current_changed(self, _current: QModelIndex, _previous: QModelIndex) -> None:
        self._later.start()

    @Slot(QModelIndex)
    def _on_activated(self, _index: QModelIndex) -> None:
        self.activated.emit()

    @Slot(int)
    def _on_scrolled(self, _value: int) -> None:
        self._look.start()

    @Slot()
    def _on_look_timeout(self) -> None:
        first = max(self.table.rowAt(0), 0)
        last = self.table.rowAt(self.table.viewport().height() - 1)
        last = self.model.rowCount() - 1 if last < 0 else last
        self.model.want(range(first, last + 1))


def explained(error: BitewingError) -> str:
    """Return what happened and what to do, in one paragraph."""
    words = error_words.words_for(error)
    return " ".join(part for part in (words.explanation, words.what_to_do) if part)
