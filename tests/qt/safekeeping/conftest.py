"""A window over a real, small library on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.roles import Role
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.sync.report import ImportArgs
from app.ui.session import Session
from app.words import set_language
from tests.integration.import_material import radiograph

QUIET = JobContext.silent()


@pytest.fixture
def bus() -> ChangeBus:
    return ChangeBus()


@pytest.fixture
def library(tmp_path: Path, bus: ChangeBus) -> Iterator[Library]:
    source = tmp_path / "source"
    for number in range(3):
        radiograph(source / f"{number}.dcm", number)
    with open_library(tmp_path / "clinic" / "library", create=True, publish=bus.publish) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        opened.settings.set(opened.owner(), "clinic.name", "Nile Dental")
        opened.imports.run(opened.owner(), ImportArgs((source,)), QUIET)
        yield opened


@pytest.fixture
def session(qapp: QApplication, library: Library, bus: ChangeBus, role: Role) -> Iterator[Session]:
    set_language("en")
    calls, runner = Calls(), JobRunner(leave=library.close_thread)
    actor = library.owner()
    settings = library.settings
    made = Session(
        library,
        type(actor)(actor.id, actor.name, role, actor.workstation),
        calls,
        runner,
        bus,
        settings.clinic(),
        settings.workstation(),
    )
    yield made
    bus.stop()
    assert runner.shutdown(10.0)
    calls.shutdown()
