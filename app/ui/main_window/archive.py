"""The archive from the window: its browser, and studies of it on the light table without importing them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Slot

from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.domain.patient import Patient
from app.domain.roles import Action
from app.jobs.handle import JobHandle
from app.ui.archive.study_words import facts_of, name_of
from app.ui.later import part
from app.ui.notices import NoticeKind
from app.ui.tree.place import Place
from app.words import log as log_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.archiving.opened import OpenedStudy
    from app.ui.main_window.window import MainWindow


_FETCH, _LOOK = "fetch", "archive-look"


class ArchiveLook(QObject):
    """Opens the browser and studies. GUI thread only."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._session = window.session
        self._opened: OpenedStudy | None = None
        self._browser: Any = None
        window.patient.patient_changed.connect(self._on_patient_changed)
        window.panels.activity.retry_requested.connect(self._on_retry_requested)
        window.session.runner.ended.connect(self._on_runner_ended)

    @Slot()
    def show_browser(self) -> None:
        """Bring the browser to the front as it was left."""
        library, actor = self._session.library, self._session.actor
        self._session.calls.ask("archive-seen", partial(library.news.seen, actor), _nothing, _nothing)
        if self._browser is None:
            self._browser = self._make_browser()
        self._browser.show()
        self._browser.raise_()
        self._browser.activateWindow()

    def _make_browser(self) -> Any:
        browser = part("ArchiveBrowser")(self._session, self._open_patient, self._window)
        browser.open_requested.connect(self.open_study)
        browser.place_requested.connect(self._on_place_requested)
        browser.inbox_requested.connect(self._on_inbox_requested)
        browser.settings_requested.connect(partial(self._window.pages.show_settings, page="orthanc"))
        browser.finished.connect(self._on_browser_finished)
        return browser

    def _stand_aside(self) -> None:
        """Put the browser away without losing what was found: it would lie over what it has opened."""
        if self._browser is not None:
            self._browser.hide()

    @Slot(str, str)
    def open_study(self, study_uid: str, series_uid: str = "") -> None:
        """Show a study of the archive, or one series of it, as soon as its first image is here."""
        if not self._session.may(Action.ARCHIVE_BROWSE):
            return
        self._stand_aside()
        library, actor = self._session.library, self._session.actor
        self._window.patient.loading_changed.emit(True)
        self._session.calls.ask(
            "archive-open",
            partial(library.browsing.open, actor, study_uid, series_uid or None),
            self._on_opened,
            self._on_open_failed,
        )

    def open_by_uid(self, study_uid: str) -> None:
        """Show a study wherever it is: in the library if it has it, else in the archive."""
        library, actor = self._session.library, self._session.actor

        def there(images: list[Any]) -> None:
            if images and images[0].patient_id is not None:
                self._window.open_place(Place(images[0].patient_id), images[0].id)
            else:
                self.open_study(study_uid)

        self._session.calls.ask(
            "study-by-uid",
            partial(library.images.list, actor, study_uid=study_uid, limit=1),
            there,
            self._on_open_failed,
        )

    @Slot(int)
    def show_news(self, count: int) -> None:
        """Say on the command how many studies came to the archive since somebody last looked."""
        action = self._window.actions_by_name["browse_archive"]
        new = tn("Browse the archive… ({n} new)", "Browse the archive… ({n} new)", count)
        action.setText(new if count else t("Browse the archive…"))

    def _open_patient(self) -> Patient | None:
        summary = self._window.patient.summary
        return summary.patient if summary is not None else None

    def _on_opened(self, opened: OpenedStudy) -> None:
        window = self._window
        window.patient.close()
        window.patient.loading_changed.emit(False)
        self._opened = opened
        # Nobody of the tree is looked at now.
        window.tree.view.clearSelection()
        window.arrangement.show_inbox(on=False)
        window.header.show_archived(name_of(opened.study.found), facts_of(opened.study.found))
        window.table.show_archived(opened)
        self._fill(opened)

    def _fill(self, opened: OpenedStudy) -> None:
        def engine(given: OpenedStudy, ctx: JobContext) -> int:
            return given.fill(ctx)

        handle = self._session.runner.start((_LOOK, id(opened)), t("Getting the images"), engine, opened)
        handle.failed.connect(self._on_fill_failed)

    def _on_open_failed(self, error: BitewingError) -> None:
        self._window.patient.loading_changed.emit(False)
        self._session.notices.fault(error)

    @Slot(object)
    def _on_fill_failed(self, error: BitewingError) -> None:
        if not isinstance(error, Cancelled):
            self._session.notices.fault(error)

    @Slot(object)
    def _on_retry_requested(self, handle: JobHandle) -> None:
        """Start what failed once more."""
        kind = handle.key[0] if isinstance(handle.key, tuple) else ""
        library, actor = self._session.library, self._session.actor
        if kind == _FETCH:
            self._session.runner.start(
                handle.key, handle.title, lambda given, ctx: library.browsing.fetch(actor, ctx, given), handle.args
            )
        elif kind == _LOOK:
            self.open_study(handle.args.study.found.study_uid)

    @Slot(object)
    def _on_runner_ended(self, handle: JobHandle) -> None:
        """Say what became of a fetch whose browser is not there to say it."""
        is_seen = self._browser is not None and self._browser.isVisible()
        if is_seen or not (isinstance(handle.key, tuple) and handle.key[0] == _FETCH):
            return
        if handle.error is not None:
            self._session.notices.fault(handle.error)
        elif handle.report is not None:
            counts = {status.value: count for status, count in handle.report.imported.counts.items()}
            text = log_words.counts_words(counts)
            self._session.notices.say(t("Fetched from the archive"), text, kind=NoticeKind.DONE)

    @Slot(object)
    def _on_patient_changed(self, summary: object) -> None:
        """Let go of the study when somebody else is looked at: its files are removed."""
        opened, self._opened = self._opened, None
        if opened is not None:
            self._session.calls.ask(("archive-leave", id(opened)), opened.close, _nothing, _nothing)

    @Slot(object, str)
    def _on_place_requested(self, place: Place, image_id: str) -> None:
        self._stand_aside()
        self._window.open_place(place, image_id)

    @Slot()
    def _on_inbox_requested(self) -> None:
        self._stand_aside()
        self._window.pages.show_inbox()

    @Slot()
    def _on_browser_finished(self) -> None:
        self._browser = None


def _nothing(_answer: object) -> None:
    """Take an answer that nobody waits for."""
