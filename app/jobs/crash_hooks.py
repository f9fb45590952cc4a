"""Uncaught exceptions reach the log and the window, from whatever thread; never a box from a worker.

Python calls ``sys.excepthook`` in the thread that failed, so the hook only posts (STYLE: uncaught
exceptions). ``faulthandler`` writes hard crashes to a file.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, Slot, qInstallMessageHandler

from app.core.errors import BitewingError
from app.jobs.worker import as_fault

log = logging.getLogger(__name__)
_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


class CrashHooks(QObject):
    """Installs the hooks; ``crashed(BitewingError)`` arrives in the window's thread."""

    crashed = Signal(object)
    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._file: IO[str] | None = None
        self._before: tuple[Any, Any] | None = None
        self._posted.connect(self._on_posted, Qt.ConnectionType.QueuedConnection)

    def install(self, folder: Path) -> None:
        """Take over the hooks; ``folder`` gets the file for hard crashes."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = (folder / "crash.log").open("a", encoding="utf-8")
        faulthandler.enable(self._file)
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._hook
        threading.excepthook = self._thread_hook
        qInstallMessageHandler(_to_log)

    def remove(self) -> None:
        """Give the hooks back (tests, and before the interpreter goes down)."""
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before
            self._before = None
        qInstallMessageHandler(None)
        if self._file is not None:
            faulthandler.disable()
            self._file.close()
            self._file = None

    def _hook(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        log.critical("uncaught %s", kind.__name__, exc_info=(kind, error, trace))
        self._posted.emit(as_fault(error))

    def _thread_hook(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None:
            self._hook(args.exc_type, args.exc_value, args.exc_traceback)

    @Slot(object)
    def _on_posted(self, error: BitewingError) -> None:
        self.crashed.emit(error)


def _to_log(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    log.log(_LEVELS.get(kind, logging.WARNING), "Qt: %s (%s)", text, context.category or "")
