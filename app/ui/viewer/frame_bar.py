"""The bar under a picture of several frames: slider, number, play and pause. Knows numbers, not pictures."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from app.ui.theme.icons import icon
from app.ui.viewer.look import look
from app.words import t

DEFAULT_FRAME_MS = 100.0
FASTEST_FRAME_MS = 15.0


class FrameBar(QWidget):
    """Chooses a frame; plays them in a circle at the speed the file asks for."""

    frame_chosen = Signal(int)
    played = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = QToolButton(self)
        self._button.setAutoRaise(True)
        self._button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._button.clicked.connect(self.toggle)
        self._slider = QSlider(Qt.Orientation.Horizontal, self)
        self._slider.setAccessibleName(t("Frame"))
        self._slider.valueChanged.connect(self._on_slider_value_changed)
        self._label = QLabel(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 2, 8, 2)
        row.setSpacing(8)
        row.addWidget(self._button)
        row.addWidget(self._slider, 1)
        row.addWidget(self._label)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._on_timer_timeout)
        self._waiting = False
        self.set_frames(1, None)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), look().surface)
        painter.end()

    @property
    def is_playing(self) -> bool:
        """Whether frames run."""
        return self._timer.isActive()

    def set_frames(self, frames: int, frame_time_ms: float | None) -> None:
        """Take an image's number of frames and their time; hides itself for a single frame."""
        self._timer.setInterval(round(max(frame_time_ms or DEFAULT_FRAME_MS, FASTEST_FRAME_MS)))
        with QSignalBlocker(self._slider):
            self._slider.setRange(0, max(frames - 1, 0))
        self.setVisible(frames > 1)
        if frames < 2:
            self.stop()
        self._write()

    def show_frame(self, index: int) -> None:
        """Show which frame is on the canvas; playing goes on from there."""
        self._waiting = False
        with QSignalBlocker(self._slider):
            self._slider.setValue(index)
        self._write()

    @Slot()
    def toggle(self) -> None:
        """Play or pause."""
        if self._timer.isActive():
            self.stop()
        elif self._slider.maximum() > 0:
            self._timer.start()
            self._write()
            self.played.emit(True)

    def stop(self) -> None:
        """Pause."""
        if self._timer.isActive():
            self._timer.stop()
            self.played.emit(False)
        self._write()

    @Slot()
    def _on_timer_timeout(self) -> None:
        # A frame still on its way is waited for: playing slower beats skipping.
        if self._waiting:
            return
        self._waiting = True
        self._slider.setValue((self._slider.value() + 1) % (self._slider.maximum() + 1))

    @Slot(int)
    def _on_slider_value_changed(self, value: int) -> None:
        self._write()
        self.frame_chosen.emit(value)

    def _write(self) -> None:
        self._label.setText(t("{number} of {total}", number=self._slider.value() + 1, total=self._slider.maximum() + 1))
        self._button.setIcon(icon("pause" if self._timer.isActive() else "play"))
        name = t("Pause") if self._timer.isActive() else t("Play")
        self._button.setToolTip(t("{name} (Space)", name=name))
        self._button.setAccessibleName(name)
