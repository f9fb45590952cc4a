"""A window over a small library in memory, with real threads."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QClipboard
from PySide6.QtWidgets import QApplication

sys.path.insert(0, str(Path(__file__).parent))

from fake_library import FakeLibrary

from app.domain.roles import Role, owner
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.ui.main_window.window import MainWindow
from app.ui.session import Session
from app.words import set_language


@pytest.fixture
def library() -> FakeLibrary:
    return FakeLibrary().fill()


@pytest.fixture
def role() -> Role:
    return Role.ADMIN


@pytest.fixture
def session(qapp: QApplication, library: FakeLibrary, role: Role) -> Iterator[Session]:
    set_language("en")
    bus, calls, runner = ChangeBus(), Calls(), JobRunner()
    library.publish = bus.publish
    actor = owner("test")
    made = Session(
        library,
        type(actor)(actor.id, actor.name, role),
        calls,
        runner,
        bus,
        library.clinic_values,
        library.local_values,
    )
    yield made
    bus.stop()
    assert runner.shutdown(5.0)
    calls.shutdown()


@pytest.fixture
def window(qtbot, session: Session) -> Iterator[MainWindow]:
    pictures = Calls()
    made = MainWindow(session, pictures)
    qtbot.addWidget(made)
    made.tree.reload()
    made.show()
    qtbot.waitExposed(made)
    yield made
    pictures.shutdown()
    session.calls.drop_all()


@pytest.fixture
def settled(qtbot, session: Session) -> Callable[[], None]:
    """Return a function that waits until nothing is asked any more."""

    def wait() -> None:
        qtbot.waitUntil(lambda: not session.calls.waiting(), timeout=5000)
        qtbot.wait(80)
        qtbot.waitUntil(lambda: not session.calls.waiting(), timeout=5000)

    return wait


@pytest.fixture
def clipboard(qapp: QApplication) -> Iterator[QClipboard]:
    """The clipboard, emptied afterwards.

    Data made in Python that still lies there when the interpreter has gone is deleted by Qt's exit handler,
    through a wrapper that needs the interpreter: the process dies of a segmentation fault after its last line.
    """
    yield qapp.clipboard()
    qapp.clipboard().clear()


@pytest.fixture
def right_to_left(qapp: QApplication) -> Iterator[None]:
    qapp.setLayoutDirection(Qt.LayoutDirection.RightToLeft)
    yield
    qapp.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
