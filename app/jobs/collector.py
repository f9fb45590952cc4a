"""Python's own collecting of circles, kept to the window's thread.

Python collects in whichever thread happens to make objects. A dialog that was closed and is held in a circle would be
found by a worker; Shiboken then leaves its destruction to the window's thread for later, and by that time Qt may have
destroyed it with its parent: the process dies (seen with PySide6 6.11.3, in
``BindingManager::runDeletionInMainThread``).
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer, Slot

EVERY_MS = 500


class Collector(QObject):
    """Collects about as often as Python would, by the same thresholds. GUI thread only.

    Nobody collects from its making on, it does from :meth:`start`, and Python again from :meth:`stop`.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        gc.disable()
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MS)
        self._timer.timeout.connect(self._on_timeout)

    def start(self) -> None:
        """Begin, with what is made from now on: looking at modules and the window again and again finds nothing.

        Measured: 30 ms for each full collection, in which the window stands still.
        """
        gc.freeze()
        self._timer.start()

    def begin_anew(self) -> None:
        """Collect what the window that has closed left; :meth:`start` follows with the next one."""
        gc.unfreeze()
        gc.collect()

    def stop(self) -> None:
        """Leave it to Python again; no other thread may be at work any more."""
        self._timer.stop()
        gc.unfreeze()
        gc.enable()

    @Slot()
    def _on_timeout(self) -> None:
        counts, thresholds = gc.get_count(), gc.get_threshold()
        for generation in (2, 1, 0):
            if counts[generation] > thresholds[generation] > 0:
                gc.collect(generation)
                return
