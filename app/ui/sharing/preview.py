"""What goes out, exactly: each picture of each copy in turn, drawn from the file that goes; and which were seen."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.jobs.calls import Calls
from app.services.outgoing.looking import Look
from app.ui.formats import joined, ltr, number, size
from app.ui.sharing.closer import CloserView
from app.ui.states import ElidedLabel
from app.ui.theme.icons import icon
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import is_right_to_left, t

if TYPE_CHECKING:
    from app.services.outgoing.model import OutgoingCopy

_NAMES = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "application/dicom": "DICOM",
    "image/tiff": "TIFF",
    "application/pdf": "PDF",
}
# Slow enough to see each picture while the key is held.
_REPEAT_MS = 150


class PreviewPane(QWidget):
    """Goes through copies; ``draw`` draws one picture of one, in the background. GUI thread only.

    A picture counts as seen once it stands here, and not before. ``moved`` gives the number of the copy that is
    shown. ``named``: by what their files are called.
    """

    seen_changed = Signal()
    moved = Signal(int)

    def __init__(
        self,
        calls: Calls,
        draw: Callable[[OutgoingCopy, int], Look],
        parent: QWidget | None = None,
        *,
        named: bool = True,
    ) -> None:
        super().__init__(parent)
        self._named = named
        self._calls, self._draw = calls, draw
        self._lane = ("share-look", id(self))
        self._copies: tuple[OutgoingCopy, ...] = ()
        # Every picture as (copy, picture in it), in the order of looking.
        self._places: list[tuple[int, int]] = []
        self._seen: set[tuple[int, int]] = set()
        self._at, self._waiting = 0, False
        self.picture = CloserView()
        self.picture.setAccessibleName(t("What goes out"))
        self.picture.clicked.connect(self._on_picture_clicked)
        self.caption = ElidedLabel("muted")
        back, onwards = ("next", "previous") if is_right_to_left() else ("previous", "next")
        self.back = self._step(back, t("The one before"), -1)
        self.onwards = self._step(onwards, t("The next one"), 1)
        self.closer = QToolButton()
        self.closer.setText("1:1")
        self.closer.setCheckable(True)
        self.closer.setToolTip(t("Every pixel; drag to move"))
        self.closer.setAccessibleName(t("Every pixel; drag to move"))
        self.closer.toggled.connect(self.picture.set_closer)
        foot = QHBoxLayout()
        foot.setSpacing(UNIT)
        foot.addWidget(self.back)
        foot.addWidget(self.caption, 1)
        foot.addWidget(self.closer)
        foot.addWidget(self.onwards)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(UNIT)
        column.addWidget(self.picture, 1)
        column.addLayout(foot)

    def show_copies(self, copies: tuple[OutgoingCopy, ...]) -> None:
        """Show these, first the first that wants to be looked at."""
        self._copies, self._seen = copies, set()
        self._places = [(row, index) for row, copy in enumerate(copies) for index in range(copy.pictures)]
        self._at = next((at for at, (row, _) in enumerate(self._places) if copies[row].to_look_at), 0)
        self._show()

    def clear(self) -> None:
        """Show nothing; the files are about to go."""
        self._calls.drop(self._lane)
        self._copies, self._places, self._waiting = (), [], False
        self.picture.set_look(None)

    def go_to(self, row: int) -> None:
        """Show the first picture of a copy, unless one of it is shown."""
        if self._places and self._places[self._at][0] != row:
            self._at = self._places.index((row, 0))
            self._show()

    def left(self, warning: str | None = None) -> int:
        """Return how many pictures (of those with a warning) were not seen yet."""
        wanted = [place for place in self._places if warning in (None, *self._copies[place[0]].to_look_at)]
        return len([place for place in wanted if place not in self._seen])

    def _step(self, name: str, text: str, by: int) -> QToolButton:
        button = QToolButton()
        button.setIcon(icon(name))
        button.setToolTip(text)
        button.setAccessibleName(text)
        button.setProperty("by", by)
        button.setAutoRepeat(True)
        button.setAutoRepeatInterval(_REPEAT_MS)
        button.clicked.connect(self._on_step_clicked)
        return button

    @Slot()
    def _on_step_clicked(self) -> None:
        button = self.sender()
        if not isinstance(button, QToolButton) or not self._places:
            return
        # One that is held waits for the picture: else it would run past them.
        if not (self._waiting and button.isDown()):
            self._at = (self._at + int(button.property("by"))) % len(self._places)
            self._show()

    @Slot()
    def _on_picture_clicked(self) -> None:
        self.closer.setChecked(not self.closer.isChecked())

    def _show(self) -> None:
        several = len(self._places) > 1
        for button in (self.back, self.onwards):
            button.setVisible(several)
        if not self._places:
            return
        row, index = self._places[self._at]
        copy = self._copies[row]
        self._waiting = True
        self._calls.ask(
            self._lane,
            partial(self._draw, copy, index),
            partial(self._on_drawn, (row, index)),
            self._on_failed,
        )
        place = t("{number} of {count}", number=self._at + 1, count=len(self._places)) if several else ""
        pixels = t("{columns} × {rows}", columns=number(copy.columns), rows=number(copy.rows))
        kind = _NAMES.get(copy.mime_type, copy.mime_type)
        name = ltr(copy.path.name) if self._named else ""
        self.caption.setText(joined(place, name, kind, pixels, size(copy.size_bytes)))
        self.moved.emit(row)

    def _on_drawn(self, place: tuple[int, int], look: Look) -> None:
        self._waiting = False
        self.picture.set_look(look)
        self._seen.add(place)
        self.seen_changed.emit()

    def _on_failed(self, error: BitewingError) -> None:
        """Say that this one cannot be shown; nobody has seen it then."""
        self._waiting = False
        words = error_words.words_for(error)
        self.picture.set_look(None, joined(t("This cannot be shown."), words.explanation, between="\n"))
