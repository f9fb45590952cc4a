"""The agent: all background work without a window, until it is stopped."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from PySide6.QtCore import QCoreApplication, QTimer

from app.bootstrap.background import Background
from app.bootstrap.library import Library
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner

STOP_S = 5.0
_BEAT_MS = 200


def run_agent(library: Library) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    application = QCoreApplication.instance() or QCoreApplication(sys.argv[:1])
    calls, bus, runner = Calls(), ChangeBus(), JobRunner(leave=library.close_thread)
    background = Background(library, library.owner(), runner, calls, bus, "agent")

    def stop(_number: int, _frame: FrameType | None) -> None:
        application.quit()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    # Python runs signal handlers between its own steps: without a beat there are none.
    beat = QTimer()
    beat.timeout.connect(_beat)
    beat.start(_BEAT_MS)
    bus.watch(calls, library.changes_since, library.changes_since(None).seq)
    QTimer.singleShot(0, background.start)
    application.exec()
    beat.stop()
    bus.stop()
    while not background.stop(STOP_S):
        continue
    while not runner.shutdown(STOP_S):
        continue
    calls.shutdown()
    return 0


def _beat() -> None:
    """Give Python its turn."""
