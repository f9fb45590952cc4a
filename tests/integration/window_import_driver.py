"""Imports a folder inside a real window and prints, as JSON, how long its event loop ever stood still.

Run as a program: ``python -m tests.integration.window_import_driver FOLDER LIBRARY``. While the import
runs it does what a receptionist does: opens patients, searches, walks through images.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, Slot
from PySide6.QtWidgets import QApplication

from app.bootstrap.library import open_library
from app.bootstrap.program import Program
from app.bootstrap.window import WindowArgs
from app.jobs.change_bus import ChangeBus
from app.jobs.collector import Collector
from app.jobs.crash_hooks import CrashHooks
from app.sync.report import ImportArgs
from app.ui.main_window.window import MainWindow
from app.ui.tree.place import Place

TICK_MS = 5
WORK_MS = 400
SETTLE_MS = 1500


class Stopwatch(QObject):
    """Ticks in the event loop; a late tick is a gap in which the window answered nobody."""

    def __init__(self, window: MainWindow, folder: Path) -> None:
        super().__init__()
        self._window, self._folder = window, folder
        self._last = 0.0
        self._works = 0
        self.gaps: list[float] = []
        self._ticks = QTimer(self, interval=TICK_MS, timerType=Qt.TimerType.PreciseTimer)
        self._ticks.timeout.connect(self._on_tick)
        self._work = QTimer(self, interval=WORK_MS)
        self._work.timeout.connect(self._on_work)
        self.run = None

    @Slot()
    def start(self) -> None:
        """Begin the import and the watch."""
        self._last = time.perf_counter()
        self._ticks.start()
        self._work.start()
        self.run = self._window.imports.start(ImportArgs((self._folder,)))
        self.run.handle.finished.connect(self._on_finished)

    @Slot()
    def _on_tick(self) -> None:
        now = time.perf_counter()
        self.gaps.append(now - self._last)
        self._last = now

    @Slot()
    def _on_work(self) -> None:
        self._works += 1
        known = [item.patient_id for item in list(self.run.items) if item.patient_id] if self.run else []
        if known:
            self._window.open_place(Place(known[self._works % len(known)]))

    @Slot()
    def _on_finished(self) -> None:
        QTimer.singleShot(SETTLE_MS, self._window.close)


def main(folder: Path, root: Path) -> int:
    """Run the window and print what was measured."""
    application = QApplication(sys.argv[:1])
    hooks, bus, collector = CrashHooks(), ChangeBus(), Collector(application)
    library = open_library(root, create=True, publish=bus.publish)
    program = Program(application, library, bus, hooks, WindowArgs(library=root), collector)
    program.show()
    window = next(widget for widget in application.topLevelWidgets() if isinstance(widget, MainWindow))
    watch = Stopwatch(window, folder)
    QTimer.singleShot(1000, watch.start)
    application.exec()
    gaps = sorted(watch.gaps)
    print(
        json.dumps(
            {
                "files": len(watch.run.items) if watch.run else 0,
                "ticks": len(gaps),
                "worst_ms": round(gaps[-1] * 1000, 1),
                "p99_ms": round(gaps[int(len(gaps) * 0.99)] * 1000, 1),
                "over_100_ms": sum(gap > 0.1 for gap in gaps),
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
