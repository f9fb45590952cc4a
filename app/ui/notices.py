"""What the program wants to say without stopping anybody: a channel with any number of listeners.

Senders say what happened; the main window shows it as a toast. Never a dialog.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from PySide6.QtCore import QObject, Signal, Slot

from app.core.errors import BitewingError, Cancelled
from app.words import errors as error_words


class NoticeKind(StrEnum):
    """How a notice looks."""

    INFO = "info"
    DONE = "done"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Notice:
    """One thing said. ``action`` is a button's text, ``act`` what it does."""

    kind: NoticeKind
    title: str
    text: str = ""
    action: str = ""
    act: Callable[[], None] | None = None


class Notices(QObject):
    """Takes notices and passes them on. GUI thread only."""

    said = Signal(object)

    def say(
        self,
        title: str,
        text: str = "",
        *,
        kind: NoticeKind = NoticeKind.INFO,
        action: str = "",
        act: Callable[[], None] | None = None,
    ) -> None:
        """Say something in words."""
        self.said.emit(Notice(kind, title, text, action, act))

    @Slot(object)
    def fault(self, error: BitewingError) -> None:
        """Say that something failed, with what to do about it. Cancelling is not a failure."""
        if isinstance(error, Cancelled):
            return
        words = error_words.words_for(error)
        text = " ".join(part for part in (words.explanation, words.what_to_do) if part)
        self.said.emit(Notice(NoticeKind.ERROR, words.title, text))
