"""Uncaught exceptions of any thread are posted to the window, and the hooks go back where they were."""

from __future__ import annotations

import sys
import threading

from app.jobs.crash_hooks import CrashHooks


def test_a_threads_exception_arrives_here(application, until, tmp_path):
    before = sys.excepthook, threading.excepthook
    hooks, heard = CrashHooks(), []
    hooks.crashed.connect(lambda error: heard.append((threading.get_ident(), error)))
    hooks.install(tmp_path)
    try:
        thread = threading.Thread(target=lambda: 1 / 0)
        thread.start()
        thread.join()
        until(lambda: bool(heard))
    finally:
        hooks.remove()
    where, error = heard[0]
    assert where == threading.get_ident()
    assert error.code == "program.fault"
    assert error.facts["kind"] == "ZeroDivisionError"
    assert (tmp_path / "crash.log").is_file()
    assert (sys.excepthook, threading.excepthook) == before
