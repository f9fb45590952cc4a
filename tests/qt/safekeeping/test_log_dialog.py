"""The log page over a real library: filtered, paged, exported, and closed to those who are no admins."""

from __future__ import annotations

import csv

import pytest

from app.domain.roles import Role
from app.storage.events import Level
from app.ui.log import dialog as module
from app.ui.log.dialog import LogDialog


@pytest.fixture
def dialog(qtbot, session):
    made = LogDialog(session)
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: not session.calls.waiting())
    return made


def titles(dialog) -> list[str]:
    return [dialog.list.topLevelItem(row).text(1) for row in range(dialog.list.topLevelItemCount())]


def choose(qtbot, session, box, value) -> None:
    box.setCurrentIndex(box.findData(value))
    qtbot.waitUntil(lambda: not session.calls.waiting())


def test_filters(qtbot, session, library, dialog):
    assert titles(dialog) == ["Import: done"]
    library.events.say(library.owner(), Level.WARNING, "monitor", "monitor.away", folder="/drop")
    dialog.reload()
    qtbot.waitUntil(lambda: len(titles(dialog)) == 2)
    assert titles(dialog)[0] == "Folder went away"
    choose(qtbot, session, dialog.level, "warning")
    assert titles(dialog) == ["Folder went away"]
    choose(qtbot, session, dialog.level, "error")
    assert titles(dialog) == []
    assert "Nothing of this kind" in dialog.state._title.text()
    choose(qtbot, session, dialog.level, "")
    choose(qtbot, session, dialog.topic, "import")
    assert titles(dialog) == ["Import: done"]


def test_older_entries_come_when_asked(qtbot, session, library, dialog, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 10)
    for number in range(25):
        library.events.say(library.owner(), Level.INFO, "monitor", "monitor.back", folder=f"/{number}")
    dialog.reload()
    qtbot.waitUntil(lambda: len(titles(dialog)) == 10)
    dialog.more.click()
    qtbot.waitUntil(lambda: len(titles(dialog)) == 20)
    dialog.more.click()
    qtbot.waitUntil(lambda: len(titles(dialog)) == 26)
    shown = [dialog.list.topLevelItem(row).text(2) for row in range(25)]
    assert len(set(shown)) == 25
    assert dialog.more.isHidden()


def test_export_writes_what_is_shown(qtbot, session, dialog, tmp_path):
    dialog.export(tmp_path / "log.csv")
    qtbot.waitUntil(lambda: (tmp_path / "log.csv").exists() and not session.runner.running())
    rows = list(csv.DictReader((tmp_path / "log.csv").read_text("utf-8-sig").splitlines()))
    assert [row["title"] for row in rows] == ["Import: done"]


class TestForOthers:
    @pytest.fixture
    def role(self) -> Role:
        return Role.DENTIST

    def test_the_log_is_for_admins(self, dialog):
        assert titles(dialog) == []
        assert dialog._stack.currentWidget() is dialog.state
