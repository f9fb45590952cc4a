"""The agent's work goes over to a window that opens and comes back when it has closed; whole runs only."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.bootstrap.background import AGENT, SCHEDULED, WINDOW, Background
from app.bootstrap.library import Library, open_library
from app.jobs.calls import Calls
from app.jobs.change_bus import ChangeBus
from app.jobs.runner import JobRunner
from app.storage.lease import holder_of

# How long a busy machine may take; how soon it happens on a quiet one is not what is tested here.
PATIENCE_MS = 30_000


class Doing:
    """A background as the window's or the agent's process has it."""

    def __init__(self, library: Library, kind: str) -> None:
        self.calls, self.bus, self.runner = Calls(), ChangeBus(), JobRunner(leave=library.close_thread)
        self.background = Background(library, library.owner(), self.runner, self.calls, self.bus, kind)

    def end(self) -> None:
        while not self.background.stop(5.0):
            continue
        while not self.runner.shutdown(5.0):
            continue
        self.calls.shutdown()


@pytest.fixture
def library(tmp_path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True, kind=AGENT) as opened:
        # Apart from the library: a folder that holds it is refused.
        (tmp_path / "watched").mkdir()
        folders = [{"path": str(tmp_path / "watched"), "rule": "dicom", "after": "leave"}]
        opened.settings.set_value(opened.owner(), "monitor.folders", folders)
        yield opened


@pytest.fixture
def agent(library) -> Iterator[Doing]:
    made = Doing(library, AGENT)
    made.background.start()
    yield made
    made.end()


def holder(library: Library) -> str | None:
    found = holder_of(library.paths.root)
    return found.kind if found else None


def test_a_window_gets_the_work_and_the_agent_takes_it_back(qtbot, library, agent):
    watching = agent.background._watching
    qtbot.waitUntil(lambda: [run.key for run in watching.running()] == ["monitor"], timeout=PATIENCE_MS)
    assert holder(library) == AGENT
    with open_library(library.paths.root, create=False, kind=WINDOW) as seen:
        window = Doing(seen, WINDOW)
        window.background.start()
        try:
            assert not window.background.active
            qtbot.waitUntil(lambda: window.background.active, timeout=PATIENCE_MS)
            assert not agent.background.active
            assert watching.running() == []
            assert holder(library) == WINDOW
            qtbot.wait(2_500)
            assert holder(library) == WINDOW, "the agent stands by while the window is there"
        finally:
            window.end()
    qtbot.waitUntil(lambda: agent.background.active, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: [run.key for run in watching.running()] == ["monitor"], timeout=PATIENCE_MS)


def test_a_backup_under_way_is_finished_first(qtbot, library, agent):
    qtbot.waitUntil(lambda: agent.background.active, timeout=PATIENCE_MS)
    done: list[str] = []

    def backup(_args, ctx):
        ctx.wait(3.0)
        done.append("backup")

    agent.runner.start(f"{SCHEDULED}backup", "Backing up", backup)
    with open_library(library.paths.root, create=False, kind=WINDOW):
        qtbot.wait(2_200)
        assert (agent.background.active, done) == (True, [])
        qtbot.waitUntil(lambda: not agent.background.active, timeout=PATIENCE_MS)
        assert done == ["backup"]


def test_monitor_sync_and_backup_are_switched_one_by_one(qtbot, library, agent, tmp_path):
    settings, owner, work = library.settings, library.owner(), agent.background._work
    settings.set(owner, "backup.folder", str(tmp_path / "backups"))
    settings.set(owner, "backup.schedule", "daily")
    settings.set(owner, "mirror.nas.path", str(tmp_path / "nas"))
    settings.set(owner, "mirror.nas.enabled", "true")

    def wanted() -> tuple[bool, bool, bool]:
        return work.wants_monitor(), work.is_enabled("mirror.nas"), "backup" in work.due()

    assert wanted() == (True, True, True)
    for key, left in (
        ("monitor.enabled", (False, True, True)),
        ("background.sync", (True, False, True)),
        ("background.backup", (True, True, False)),
    ):
        settings.set(owner, key, "false")
        assert wanted() == left
        settings.set(owner, key, "true")
