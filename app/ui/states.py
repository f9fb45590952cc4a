"""The designed look of a pane that has nothing to show: empty, loading, or failed, with what to do next."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from PySide6.QtCore import Qt, SignalInstance
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFormLayout, QLabel, QLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.core.errors import BitewingError
from app.ui.theme import palette
from app.ui.theme.icons import pixmap
from app.ui.theme.stylesheet import UNIT
from app.words import errors as error_words
from app.words import is_right_to_left

ONE_LINE_PX = 34


class StatePage(QWidget):
    """An icon, a line, a quieter line and the next steps, in the middle of a pane."""

    def __init__(self, icon_name: str, title: str, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._icon = QLabel()
        self._icon.setPixmap(pixmap(icon_name, palette.active().muted, UNIT * 5))
        self._title = plain_label(title, "heading")
        self._text = plain_label(text, "muted")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(UNIT * 2, UNIT * 2, UNIT * 2, UNIT * 2)
        self._layout.setSpacing(UNIT)
        self._layout.addStretch(2)
        self._layout.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignHCenter)
        for label in (self._title, self._text):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
            self._layout.addWidget(label)
        self._text.setVisible(bool(text))
        self._end = self._layout.count()
        self._layout.addStretch(3)

    def set_words(self, title: str, text: str = "") -> None:
        """Change both lines."""
        self._title.setText(title)
        self._text.setText(text)
        self._text.setVisible(bool(text))

    def set_fault(self, error: BitewingError) -> None:
        """Say a failure and what to do about it."""
        words = error_words.words_for(error)
        self.set_words(words.title, " ".join(part for part in (words.explanation, words.what_to_do) if part))

    def add_button(
        self, text: str, slot: SignalInstance | Callable[[], object], *, primary: bool = False
    ) -> QPushButton:
        """Add a next step."""
        button = QPushButton(text)
        if primary:
            button.setProperty("role", "primary")
        button.clicked.connect(lambda _checked=False: slot.emit() if isinstance(slot, SignalInstance) else slot())
        self._layout.insertWidget(self._end, button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._end += 1
        return button


def begun(text: str) -> str:
    """Return text with a mark before it where its first letter would turn the line round."""
    if is_right_to_left():
        return f"\u200f{text}" if text else text
    strong = next((kind for kind in map(unicodedata.bidirectional, text) if kind in {"L", "R", "AL"}), "L")
    return text if strong == "L" else f"\u200e{text}"


class Sentence(QLabel):
    """A label whose text runs in the language's direction, also where it begins with a Latin name."""

    def setText(self, text: str) -> None:
        """Show a text."""
        super().setText(begun(text))


def set_margins(layout: QLayout, near: int, top: int, far: int, bottom: int) -> None:
    """Set a layout's margins by reading direction: Qt mirrors what is in a layout, not its margins."""
    left, right = (far, near) if is_right_to_left() else (near, far)
    layout.setContentsMargins(left, top, right, bottom)


def plain_label(text: str, role: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """Return a label that never renders markup, whatever a file or a person put into ``text``."""
    # Keys are read from left to right in every language.
    label = QLabel() if role == "key" else Sentence()
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setText(text)
    label.setWordWrap(wrap)
    if role:
        label.setProperty("role", role)
    if selectable:
        label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return label


class ElidedLabel(QLabel):
    """One line of plain text that ends in an ellipsis where there is no room; the tool tip has it whole."""

    def __init__(self, role: str = "") -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("role", role)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint what fits."""
        painter = QPainter(self)
        text = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width())
        self.setToolTip(self.text() if text != self.text() else "")
        flags = int(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter) | int(Qt.TextFlag.TextSingleLine)
        self.style().drawItemText(
            painter, self.rect(), flags, self.palette(), self.isEnabled(), text, self.foregroundRole()
        )


def add_field(form: QFormLayout, title: str, field: QWidget) -> None:
    """Add a field with its title level with the first line of it."""
    label = plain_label(title)
    label.setBuddy(field)
    label.setMinimumHeight(min(field.sizeHint().height(), ONE_LINE_PX))
    top = Qt.AlignmentFlag.AlignTop if field.sizeHint().height() > ONE_LINE_PX * 2 else Qt.AlignmentFlag.AlignVCenter
    label.setAlignment(Qt.AlignmentFlag.AlignLeading | top)
    field.setAccessibleName(title)
    form.addRow(label, field)
