"""A core application for signals; no widgets here."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from PySide6.QtCore import QCoreApplication
from PySide6.QtWidgets import QApplication


@pytest.fixture
def application() -> QCoreApplication:
    return QApplication.instance() or QApplication([])


@pytest.fixture
def until(application: QCoreApplication) -> Callable[..., None]:
    """Return a function that runs the event loop until something is true."""

    def wait(true: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < deadline, "it did not happen in time"
            application.processEvents()
            time.sleep(0.002)

    return wait
