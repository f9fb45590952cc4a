"""The search box: each key asks in the background and only the newest answer is shown."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QWidget

from app.core.errors import BitewingError
from app.domain.patient import PatientSummary
from app.ui.search.line import SearchLine
from app.ui.search.results import SearchResults
from app.ui.session import Session
from app.words import errors as error_words
from app.words import t

LIMIT = 50


class SearchBox(SearchLine):
    """Ctrl+K, type any part of a name, number, phone or birth date, Enter."""

    patient_chosen = Signal(str)
    results_shown = Signal(int)

    def __init__(self, session: Session, over: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._results = SearchResults(over)
        self._results.patient_chosen.connect(self._on_results_patient_chosen)
        self.setPlaceholderText(t("Search patients ({key})", key="Ctrl+K"))
        self.setAccessibleName(t("Search patients"))
        self.setToolTip(t("Any part of a name, chart number, phone or birth date, in any order ({key})", key="Ctrl+K"))
        self.textEdited.connect(self._on_text_edited)
        over.installEventFilter(self)

    @Slot()
    def start(self) -> None:
        """Take the keyboard and show the recent patients."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()
        self._ask(self.text())

    def close_results(self) -> None:
        """Put the list away."""
        self._session.calls.drop("search")
        self._results.hide()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the list when a person comes here on purpose."""
        super().focusInEvent(event)
        if event.reason() in {Qt.FocusReason.MouseFocusReason, Qt.FocusReason.TabFocusReason}:
            self._ask(self.text())

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Put the list away when the keyboard goes elsewhere."""
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.close_results()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Steer the list from the box."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
        if event.key() in steps:
            if self._results.isVisible():
                self._results.move_choice(steps[Qt.Key(event.key())])
            else:
                self._ask(self.text())
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self._results.choose_current()
        elif event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.close_results()
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Close the list when the window under it changes size."""
        if event.type() == QEvent.Type.Resize and self._results.isVisible():
            self.close_results()
        return super().eventFilter(watched, event)

    @Slot(str)
    def _on_text_edited(self, text: str) -> None:
        self._ask(text)

    def _ask(self, text: str) -> None:
        library, actor, asked = self._session.library, self._session.actor, text.strip()

        def work() -> tuple[str, list[PatientSummary]]:
            if not asked:
                return "", library.patients.recent(actor, LIMIT)
            return asked, library.patients.search(actor, asked, LIMIT)

        self._session.calls.ask("search", work, self._on_found, self._on_failed)

    def _on_found(self, answer: tuple[str, list[PatientSummary]]) -> None:
        asked, rows = answer
        if not self.hasFocus() and not self.text():
            return
        if asked:
            heading = (
                "" if rows else t("Nobody matches. Check the spelling, or add the patient with {key}.", key="Ctrl+N")
            )
        else:
            heading = t("Recent patients") if rows else t("No patients yet")
        self._results.show_rows(heading, rows, self)
        self.results_shown.emit(len(rows))

    def _on_failed(self, error: BitewingError) -> None:
        self._results.show_rows(error_words.words_for(error).title, [], self)

    @Slot(object)
    def _on_results_patient_chosen(self, summary: PatientSummary) -> None:
        self.close_results()
        self.clear()
        self.patient_chosen.emit(summary.patient.id)
