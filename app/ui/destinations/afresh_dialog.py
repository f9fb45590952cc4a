"""A drive at a mirror's place was replaced: a person says so, and everything is sent to the new one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QWidget

from app.core.errors import BitewingError
from app.ui.dialogs.frame import DialogFrame
from app.ui.formats import joined
from app.ui.session import Session
from app.ui.states import plain_label
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import t, terms

# What the queue says while another folder than the mirror's own is at its place.
OTHER_DRIVE = "store.other_drive"


class AfreshDialog(DialogFrame):
    """GUI thread only. Nothing is done but by its button."""

    def __init__(self, session: Session, destination: str, parent: QWidget | None = None) -> None:
        super().__init__(t("Start {name} afresh", name=terms.destination(destination)), parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._session, self._destination = session, destination
        self._lane = ("afresh", id(self))
        for words in (
            t(
                "The folder at the mirror's place is not the one that was used before. Often its drive is just not"
                " connected: then connect it, and nothing else is needed."
            ),
            t(
                "Only if the drive was replaced: take the folder that is there now for the mirror. Every image is sent"
                " there anew; nothing is deleted anywhere."
            ),
        ):
            self.body.addWidget(plain_label(words, wrap=True))
        self.add_cancel()
        self.start_button = self.add_button(t("The drive was replaced: start afresh"), "primary")
        self.start_button.clicked.connect(self._on_start_clicked)
        self.resize(UNIT * 64, UNIT * 26)

    def done(self, result: int) -> None:
        """Ask for nothing more."""
        self._session.calls.drop(self._lane)
        super().done(result)

    @Slot()
    def _on_start_clicked(self) -> None:
        library, actor, name = self._session.library, self._session.actor, self._destination.partition(".")[2]
        self.start_button.setEnabled(False)
        self._session.calls.ask(
            self._lane, lambda: library.mirrors.start_afresh(actor, name), self._on_started, self._on_failed
        )

    def _on_started(self, _nothing: object) -> None:
        self.accept()

    def _on_failed(self, error: BitewingError) -> None:
        self.start_button.setEnabled(True)
        words = error_words.words_for(error)
        self.say_problem(joined(words.explanation, words.what_to_do, between=" "))
