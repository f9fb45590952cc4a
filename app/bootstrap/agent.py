"""The agent: all background work without a window, until it is stopped; its service manager is kept informed."""

from __future__ import annotations

import logging
import signal
import socket
import sys
from types import FrameType

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, QTimer, Slot

from app.bootstrap.background import AGENT, Background
from app.bootstrap.library import Library
from app.core import supervision
from app.core.memory import give_back, stay_small
from app.core.paths import log_directory
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.crash_hooks import CrashHooks
from app.jobs.runner import JobRunner

log = logging.getLogger(__name__)

STOP_S = 5.0
_BEAT_MS = 200
_TIDY_MS = 5 * 60 * 1000
_STOPPING = (signal.SIGINT, signal.SIGTERM)


def run_agent(library: Library) -> int:
    """Run until SIGINT or SIGTERM; return the exit code."""
    stay_small()
    application = QCoreApplication.instance() or QCoreApplication(sys.argv[:1])
    hooks = CrashHooks()
    hooks.install(log_directory())
    calls, bus, runner = Calls(), ChangeBus(), JobRunner(leave=library.close_thread)
    background = Background(library, library.owner(), runner, calls, bus, AGENT)
    signals = _Signals(application)
    told = _Told(background)
    tidy = QTimer()
    tidy.timeout.connect(_tidy)
    tidy.start(_TIDY_MS)
    bus.watch(calls, library.changes_since, library.changes_since(None).seq)
    QTimer.singleShot(0, background.start)
    QTimer.singleShot(0, told.ready)
    log.info("agent started")
    try:
        application.exec()
    finally:
        supervision.tell(supervision.STOPPING)
        tidy.stop()
        bus.stop()
        while not background.stop(STOP_S):
            told.alive()
        while not runner.shutdown(STOP_S):
            told.alive()
        calls.shutdown()
        signals.remove()
        hooks.remove()
        log.info("agent ended")
    return 0


def _tidy() -> None:
    give_back()


class _Told(QObject):
    """Says to the service manager that the agent is ready, what it does, and, as often as asked, that it lives."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        background.turned.connect(self._on_background_turned)
        self._pulse = QTimer(self)
        self._pulse.timeout.connect(self.alive)
        allowed_s = supervision.watchdog_s()
        if allowed_s is not None:
            # systemd's own advice is half of it; a busy computer may be late.
            self._pulse.start(max(1, int(allowed_s * 1000 / 3)))

    @Slot()
    def ready(self) -> None:
        """Say that the work is under way."""
        supervision.tell(supervision.READY, self._status())

    @Slot()
    def alive(self) -> None:
        """Say that the agent's own loop turns."""
        supervision.tell(supervision.ALIVE)

    @Slot(bool)
    def _on_background_turned(self, _active: bool) -> None:
        supervision.tell(self._status())

    def _status(self) -> str:
        return "STATUS=" + ("working" if self._background.active else "standing by: somebody else does the work")


class _Signals(QObject):
    """Ends the loop on SIGINT and SIGTERM, and wakes it up for that: while it sleeps Python hears of no signal."""

    def __init__(self, application: QCoreApplication) -> None:
        super().__init__()
        self._application = application
        self._before = {number: signal.signal(number, self._stop) for number in _STOPPING}
        if sys.platform == "win32":
            # There the loop cannot watch such a socket together with a console's events: it gets a beat instead.
            self._beat = QTimer(self)
            self._beat.timeout.connect(self._drain)
            self._beat.start(_BEAT_MS)
        self._heard, self._rung = socket.socketpair()
        self._heard.setblocking(False)
        self._rung.setblocking(False)
        self._old_wakeup = signal.set_wakeup_fd(self._rung.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._heard.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)

    def remove(self) -> None:
        """Give the signals back."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._old_wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._heard.close()
        self._rung.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        self._application.quit()

    @Slot()
    def _drain(self) -> None:
        """Take what woke the loop; being in Python at all lets the handlers run."""
        while True:
            try:
                if not self._heard.recv(64):
                    return
            except BlockingIOError:
                return
