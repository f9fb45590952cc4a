"""What was done to the library in this window and can be taken back: moves, deletions, filing.

Undoing is a new, audited operation of the service, run in the background; nothing is ever un-recorded.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from app.core.errors import BitewingError
from app.ui.notices import NoticeKind
from app.ui.session import Session
from app.words import t

LIMIT = 100


@dataclass(frozen=True)
class Step:
    """One thing done: its name for people, how to take it back and how to do it again."""

    title: str
    undo: Callable[[], object]
    redo: Callable[[], object]


class UndoStack(QObject):
    """Steps of this session, newest last. GUI thread only."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._busy = False

    @property
    def next_undo(self) -> str:
        """Title of what would be taken back; empty for nothing."""
        return self._done[-1].title if self._done and not self._busy else ""

    @property
    def next_redo(self) -> str:
        """Title of what would be done again; empty for nothing."""
        return self._undone[-1].title if self._undone and not self._busy else ""

    def push(self, step: Step) -> None:
        """Remember something that was just done."""
        self._done.append(step)
        del self._done[:-LIMIT]
        self._undone.clear()
        self.changed.emit()

    def undo(self) -> None:
        """Take the last step back."""
        if self.next_undo:
            self._run(self._done, self._undone, self._done[-1].undo, t("Taken back: {what}", what=self.next_undo))

    def undo_only(self, step: Step) -> None:
        """Take this very step back, if it is the last one: a notice outlives what it speaks of."""
        if self._done and self._done[-1] is step:
            self.undo()

    def redo(self) -> None:
        """Do the last undone step again."""
        if self.next_redo:
            self._run(self._undone, self._done, self._undone[-1].redo, t("Done again: {what}", what=self.next_redo))

    def _run(self, source: list[Step], target: list[Step], work: Callable[[], object], said: str) -> None:
        self._busy = True
        self.changed.emit()

        def done(_result: object) -> None:
            self._busy = False
            target.append(source.pop())
            self.changed.emit()
            self._session.notices.say(said, kind=NoticeKind.DONE)

        def failed(error: BitewingError) -> None:
            # It cannot be taken back any more (somebody else went on from it): forget it, and say so.
            self._busy = False
            source.pop()
            self.changed.emit()
            self._session.notices.fault(error)

        self._session.calls.ask("undo", work, done, failed)
