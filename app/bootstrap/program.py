"""Builds the window: one per library, styled, fast to its first paint, and closed without losing work.

Reached through :func:`app.bootstrap.window.run_window`. Everything heavy (decoder, pixels) starts after the
first paint.
"""

from __future__ import annotations

import importlib
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QLibraryInfo, QLocale, QObject, Qt, QTimer, QTranslator, Slot
from PySide6.QtWidgets import QApplication

from app.bootstrap.library import Library, workstation_name
from app.bootstrap.opening import open_or_explain
from app.bootstrap.window import WindowArgs
from app.core import logs
from app.core.paths import LibraryPaths, default_library, log_directory
from app.domain.changes import ChangeSet
from app.domain.roles import Actor, owner
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.collector import Collector
from app.jobs.crash_hooks import CrashHooks
from app.jobs.runner import JobRunner
from app.ui.later import part
from app.ui.main_window.window import MainWindow
from app.ui.main_window.wishes import Wishes, WishFulfiller
from app.ui.session import Session
from app.ui.theme.apply import apply_theme, take_palette
from app.words import is_right_to_left, language, set_language

if TYPE_CHECKING:
    from app.ui.dialogs.first_run import FirstChoices

log = logging.getLogger(__name__)

SHUTDOWN_S = 5.0
_BUSY_POLL_MS = 500


def run(given: WindowArgs, root: Path) -> int:
    """Open the window on the library at ``root`` and return the exit code when it has closed."""
    application = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(application, QApplication)
    application.setApplicationName("Bitewing")
    application.setApplicationDisplayName("Bitewing")
    hooks, collector = CrashHooks(), Collector(application)
    folder = log_directory()
    logs.set_up(folder)
    hooks.install(folder)
    speak("")
    choices = None
    if not LibraryPaths(root).exists() and given.screenshot is None:
        apply_theme(application, "dark")
        choices = ask_first_choices(root, fixed_place=root != default_library())
        if choices is None:
            hooks.remove()
            collector.stop()
            return 0
        root = choices.library
    try:
        while True:
            bus = ChangeBus()
            library = open_or_explain(application, root, bus)
            if library is None:
                return 1
            program = Program(application, library, bus, hooks, given, collector)
            if choices is not None:
                program.settle(choices)
            program.show()
            code = application.exec()
            if program.restore is None:
                return program.exit_code or code
            collector.begin_anew()
            # Nobody has the library open now: that is what a restore needs.
            part("RestoreProgress")(owner(workstation_name()), root, program.restore).exec()
            choices = None
    finally:
        hooks.remove()
        collector.stop()


def speak(code: str) -> None:
    """Use a language for words, dates and Qt's own dialogs, and lay the window out in its direction."""
    set_language(code)
    application = QApplication.instance()
    assert isinstance(application, QApplication)
    QLocale.setDefault(QLocale(language()))
    for old in application.findChildren(QTranslator):
        application.removeTranslator(old)
        old.setParent(None)
    translator = QTranslator(application)
    if translator.load(f"qtbase_{language()}", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        application.installTranslator(translator)
    direction = Qt.LayoutDirection.RightToLeft if is_right_to_left() else Qt.LayoutDirection.LeftToRight
    application.setLayoutDirection(direction)


def ask_first_choices(root: Path, *, fixed_place: bool) -> FirstChoices | None:
    """Show the first-run assistant; ``None`` when the person left."""
    while True:
        dialog = part("FirstRunDialog")(root, language(), fixed_place=fixed_place)
        result = dialog.exec()
        if dialog.relaunch_language is not None:
            speak(dialog.relaunch_language or "")
            continue
        return dialog.choices() if result else None


class Program(QObject):
    """Owns the library, the threads and the window. GUI thread only."""

    def __init__(
        self,
        application: QApplication,
        library: Library,
        bus: ChangeBus,
        hooks: CrashHooks,
        args: WindowArgs,
        collector: Collector,
    ) -> None:
        super().__init__()
        self._application = application
        self._library = library
        self._args = args
        self._collector = collector
        self._calls, self._pictures = Calls(), Calls()
        self._runner = JobRunner(leave=library.close_thread)
        self._bus = bus
        self._hooks = hooks
        self._background: Any = None
        self._want_demo = False
        self._seen: int | None = None
        self._window: MainWindow | None = None
        self._ending = False
        self.restore: Any = None
        self.exit_code = 0
        application.setQuitOnLastWindowClosed(False)
        self._server: Any = None
        self._busy = QTimer(self)
        self._busy.setInterval(_BUSY_POLL_MS)
        self._busy.timeout.connect(self._finish)

    def settle(self, choices: FirstChoices) -> None:
        """Write down the first choices."""
        settings, actor = self._library.settings, self._actor
        settings.set_value(actor, "display.language", choices.language)
        settings.set_value(actor, "display.theme", choices.theme)
        settings.set_value(actor, "display.tooth_numbers", choices.tooth_numbers)
        self._want_demo = choices.demo

    def show(self) -> None:
        """Build and show the window; everything that can wait happens after its first paint."""
        window = self._build()
        if self._args.screenshot is None:
            window.arrangement.recall()
        if self._args.size is not None:
            window.resize(*self._args.size)
        # What others change while the tree is read is heard by the first poll.
        self._seen = self._library.changes_since(None).seq
        window.tree.reload()
        window.show()
        QTimer.singleShot(0, self._on_first_paint)

    @property
    def _actor(self) -> Actor:
        return self._library.owner()

    def _build(self) -> MainWindow:
        settings = self._library.settings
        workstation = settings.workstation()
        if workstation.language and workstation.language != language():
            speak(workstation.language)
        take_palette(self._application, workstation.theme)
        session = Session(
            self._library, self._actor, self._calls, self._runner, self._bus, settings.clinic(), workstation
        )
        self._hooks.crashed.connect(session.notices.fault)
        window = MainWindow(session, self._pictures)
        # After building: a style sheet that is already there is worked through again for each part put in place.
        apply_theme(self._application, workstation.theme, touch=workstation.touch_targets)
        window.closed.connect(self._on_window_closed)
        window.restore_requested.connect(self._on_restore_requested, Qt.ConnectionType.QueuedConnection)
        window.rebuild_requested.connect(self._on_rebuild_requested, Qt.ConnectionType.QueuedConnection)
        self._window = window
        return window

    @Slot()
    def _on_first_paint(self) -> None:
        window = self._window
        if window is None:
            return
        # Not before: building a window makes many objects and little rubbish.
        self._collector.start()
        if self._args.screenshot is None:
            self._server = part("InstanceServer")(self._library.paths.root, self)
            self._server.asked.connect(self._on_server_asked)
        window.dress()
        self._bus.watch(self._calls, self._poll, self._seen)
        if self._want_demo:
            self._want_demo = False
            window.imports.fill_demo()
        if self._args.screenshot is None and self._library.read_only is None:
            self._start_background()
            window.pages.offer_migration()
        WishFulfiller(window).fulfil(Wishes.parse(self._args.wishes()))
        self._pictures.ask("warm", self._library.viewing.warm, _ignore, _ignore)
        if self._args.screenshot is not None:
            part("Snapshot")(window, self._args.screenshot, self._on_snapshot_taken)

    def _start_background(self) -> None:
        """Begin with what goes on behind the window; imported only now, after the first paint."""
        kind = importlib.import_module("app.bootstrap.background").Background
        self._background = kind(
            self._library, self._actor, self._runner, self._calls, self._bus, "window", self._open_patient
        )
        self._background.start()

    def _open_patient(self) -> str | None:
        """Return who is open in the window. Any thread: one reference is read."""
        window = self._window
        place = window.patient.place if window is not None else None
        return place.patient_id if place is not None else None

    def _poll(self, seq: int | None) -> ChangeSet:
        return self._library.changes_since(seq)

    @Slot(object)
    def _on_server_asked(self, message: dict[str, Any]) -> None:
        if self._window is None:
            return
        self._window.come_forward()
        WishFulfiller(self._window).fulfil(Wishes.parse(message))

    @Slot()
    def _on_rebuild_requested(self) -> None:
        old = self._window
        if old is None:
            return
        place, current = old.patient.place, old.table.current
        geometry, was_shown = old.saveGeometry(), old.isFullScreen()
        old.closed.disconnect(self._on_window_closed)
        self._hooks.crashed.disconnect(old.session.notices.fault)
        self._calls.drop_all()
        self._pictures.drop_all()
        speak(self._library.settings.workstation().language)
        window = self._build()
        window.restoreGeometry(geometry)
        window.tree.reload()
        if was_shown:
            window.showFullScreen()
        else:
            window.show()
        old.dispose()
        window.dress()
        if place is not None:
            window.open_place(place, current.id if current else None)

    @Slot(object)
    def _on_restore_requested(self, wish: Any) -> None:
        """Close everything; :func:`run` restores and opens the library again."""
        self.restore = wish
        if self._window is not None:
            self._window.close()

    def _on_snapshot_taken(self, ok: bool) -> None:
        self.exit_code = 0 if ok else 1
        if self._window is not None:
            self._window.close()

    @Slot()
    def _on_window_closed(self) -> None:
        if self._ending:
            return
        self._ending = True
        self._bus.stop()
        if self._server is not None:
            self._server.close()
        self._runner.shutdown(SHUTDOWN_S)
        self._finish()

    @Slot()
    def _finish(self) -> None:
        # A thread that is still busy keeps the process alive, hidden: a running QThread must never be dropped.
        stopped = self._background is None or self._background.stop(SHUTDOWN_S if not self._busy.isActive() else 0)
        if not (self._runner.shutdown(0) and stopped):
            self._busy.start()
            return
        self._busy.stop()
        self._pictures.shutdown()
        self._calls.shutdown()
        self._library.close()
        self._application.exit(self.exit_code)


def _ignore(_answer: object) -> None:
    """Take an answer that nobody waits for."""
