"""Browsing the archive: search, look, open without importing, fetch. Whoever shows it keeps it for the next look."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QSplitter, QWidget

from app.domain.changes import ChangeSet, Entity
from app.domain.patient import Patient
from app.domain.roles import Action
from app.services.archiving.fetching import Wanted
from app.transfer.found import StudyQuery
from app.ui.archive.fetch_strip import FetchStrip
from app.ui.archive.found_pane import FoundPane
from app.ui.archive.search_form import SearchForm
from app.ui.archive.study_pane import StudyPane
from app.ui.archive.study_words import name_of
from app.ui.dialogs.frame import DialogFrame
from app.ui.session import Session
from app.ui.theme.stylesheet import UNIT
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.archiving.matching import ArchiveStudy


class ArchiveBrowser(DialogFrame):
    """The archive as a list of studies. GUI thread only.

    ``open_requested`` carries a Study Instance UID, and a Series Instance UID or nothing; ``place_requested`` a
    place of the library and an image.
    """

    open_requested = Signal(str, str)
    place_requested = Signal(object, str)
    inbox_requested = Signal()
    settings_requested = Signal()

    def __init__(
        self,
        session: Session,
        open_patient: Callable[[], Patient | None] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(t("Browse the archive"), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session = session
        self._open_patient = open_patient
        self.form = SearchForm()
        self.form.searched.connect(self.search)
        self.form.refused.connect(self.say_problem)
        self.body.addWidget(self.form)
        self.found = FoundPane(session)
        self.found.chosen_changed.connect(self._on_chosen_changed)
        self.found.activated.connect(self.open_study)
        self.found.settings_requested.connect(self.settings_requested)
        self.pane = StudyPane(session)
        self.pane.choice_changed.connect(self._refresh_buttons)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(self.found)
        split.addWidget(self.pane)
        split.setStretchFactor(0, 1)
        split.setSizes([UNIT * 92, UNIT * 40])
        split.setChildrenCollapsible(False)
        self.body.addWidget(split, 1)
        self.strip = FetchStrip(session)
        self.strip.problem.connect(self.say_problem)
        self.strip.ended.connect(self._on_strip_ended)
        self.strip.place_requested.connect(self.place_requested)
        self.strip.inbox_requested.connect(self.inbox_requested)
        self.body.addWidget(self.strip)
        self.add_cancel(t("Close"))
        self.fetch_button = self.add_button(t("Fetch into the library"))
        self.fetch_button.clicked.connect(self.fetch)
        self.open_button = self.add_button(t("Open"), "primary")
        self.open_button.clicked.connect(self.open_study)
        session.bus.changed.connect(self._on_bus_changed)
        self.resize(UNIT * 150, UNIT * 88)
        self.form.name.setFocus()
        self.search(StudyQuery())

    def done(self, result: int) -> None:
        """Ask for nothing more; a fetch goes on and is shown in Activity."""
        self._session.calls.drop(("archive-study", id(self)))
        self.found.stop()
        self.pane.stop()
        super().done(result)

    @Slot(object)
    def search(self, query: StudyQuery) -> None:
        """Show what matches, newest first."""
        self.say_problem("")
        self.found.search(query)

    @Slot()
    def open_study(self) -> None:
        """Look at the chosen study, or the chosen series of it, without importing."""
        study = self.found.chosen()
        if study is not None:
            series = self.pane.choice().series_uids if self._is_shown(study) else ()
            self.open_requested.emit(study.found.study_uid, series[0] if len(series) == 1 else "")

    @Slot()
    def fetch(self) -> None:
        """Bring what is chosen into the library."""
        study, choice = self.found.chosen(), self.pane.choice()
        if study is not None and self._is_shown(study) and choice.is_fetchable:
            wanted = Wanted(study.found.study_uid, choice.series_uids, choice.sop_uid, self.pane.patient_id)
            self.strip.fetch(wanted, name_of(study.found))
            self._refresh_buttons()

    def _is_shown(self, study: ArchiveStudy) -> bool:
        return self.pane.study is not None and self.pane.study.found.key == study.found.key

    @Slot()
    def _on_chosen_changed(self) -> None:
        study = self.found.chosen()
        if study is None or not self._is_shown(study):
            self.pane.show_study(study, self._open_patient())
        self._refresh_buttons()

    @Slot()
    def _refresh_buttons(self) -> None:
        study, choice = self.found.chosen(), self.pane.choice()
        can_fetch = study is not None and self._is_shown(study) and not self.strip.is_running(study.found.study_uid)
        self.open_button.setEnabled(study is not None)
        self.fetch_button.setEnabled(can_fetch and choice.is_fetchable and self._session.may(Action.ARCHIVE_FETCH))
        if not choice.is_fetchable:
            text = t("Fetch one image at a time")
        elif choice.sop_uid is not None:
            text = t("Fetch this image")
        elif choice.series_uids:
            text = tn("Fetch this series", "Fetch {n} series", len(choice.series_uids))
        else:
            text = t("Fetch into the library")
        self.fetch_button.setText(text)

    @Slot(str)
    def _on_strip_ended(self, study_uid: str) -> None:
        self._refresh_buttons()
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask(
            ("archive-study", id(self)), partial(library.browsing.study, actor, study_uid), self._on_study, _nothing
        )

    def _on_study(self, study: ArchiveStudy) -> None:
        self.found.model.update(study)
        if self._is_shown(study):
            self.pane.show_study(study, self._open_patient())

    @Slot(object)
    def _on_bus_changed(self, changes: ChangeSet) -> None:
        if any(change.id.startswith("orthanc.") for change in changes.of(Entity.SETTING)):
            self.found.again()


def _nothing(_answer: object) -> None:
    """Take an answer that nobody waits for."""
