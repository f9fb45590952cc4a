"""Watched folders in the settings: tried out as one types, saved as rules."""

from __future__ import annotations

import pytest

from app.ui.settings.dialog import SettingsDialog
from app.ui.settings.folder_rule import FolderRuleDialog
from tests.integration.import_material import photograph


@pytest.fixture
def sensor(tmp_path):
    folder = tmp_path / "sensor"
    photograph(folder / "Doe_Jane" / "14.jpg", 1)
    return folder


@pytest.fixture
def dialog(qtbot, session):
    made = FolderRuleDialog(session, None)
    qtbot.addWidget(made)
    made.show()
    return made


def choose(box, value) -> None:
    box.setCurrentIndex(box.findData(value))


def test_the_preview_says_what_the_rule_reads(qtbot, dialog, sensor):
    assert not dialog.ok.isEnabled()
    dialog.path.setText(str(sensor))
    choose(dialog.kind, "folder")
    dialog.pattern.setText("{family}_{given}")
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=3000)
    row = dialog.preview.topLevelItem(0)
    assert (row.text(0), row.text(1)) == ("Doe_Jane/14.jpg", "Doe, Jane")
    dialog.pattern.setText("{family}")
    assert not dialog.ok.isEnabled()
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=3000)
    dialog.ok.click()
    assert dialog.rule.to_setting() == {"path": str(sensor), "rule": "folder:{family}", "after": "leave"}


def test_a_bad_pattern_is_said_and_cannot_be_used(qtbot, dialog, sensor):
    dialog.path.setText(str(sensor))
    choose(dialog.kind, "file")
    dialog.pattern.setText("no parts")
    qtbot.waitUntil(lambda: "no rule" in dialog.problem.text(), timeout=3000)
    assert not dialog.ok.isEnabled()


def test_the_library_itself_is_refused_and_an_absent_folder_is_not(qtbot, session, dialog, tmp_path):
    dialog.path.setText(str(session.library.paths.root))
    qtbot.waitUntil(lambda: "inside the library" in dialog.problem.text(), timeout=3000)
    assert not dialog.ok.isEnabled()
    dialog.path.setText(str(tmp_path / "not-yet"))
    qtbot.waitUntil(dialog.ok.isEnabled, timeout=3000)


def test_deleting_warns(qtbot, dialog):
    choose(dialog.after, "delete")
    assert dialog._warning.isVisible()
    assert "deleted" in dialog._warning.text()


def test_saved_and_shown_again(qtbot, session, library, sensor):
    rules = [{"path": str(sensor), "rule": "dicom", "after": "move"}, {"path": "/x", "rule": "of old"}]
    local = library.settings.workstation()
    settings = SettingsDialog(session, page="monitor")
    qtbot.addWidget(settings)
    settings.show()
    editor = settings.editor("monitor.folders")
    assert not editor.changed
    editor._append(rules[0])
    assert editor.changed
    settings._save.click()
    assert local.monitor_folders == []
    assert library.settings.workstation().monitor_folders == rules[:1]
    again = SettingsDialog(session, page="monitor")
    qtbot.addWidget(again)
    again.show()
    again.editor("monitor.folders")._append(rules[1])
    again._save.click()
    assert "no rule" in again.problem.text()
    assert library.settings.workstation().monitor_folders == rules[:1]
