"""Bringing in from an earlier program in the window: looked at first, run, and offered once at the start."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QLabel

from app.ui.safekeeping.migration_dialog import MigrationDialog
from tests.integration.migration.trees import make


@pytest.fixture
def dialog(qtbot, session):
    made = MigrationDialog(session)
    qtbot.addWidget(made)
    made.show()
    return made


def texts(widget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisible())


def test_looks_first_then_brings_in(qtbot, session, library, dialog, tmp_path):
    tree = make(tmp_path / "old", 20, "tooth", "csv")
    (tree.root / "1000" / "notes.txt").write_text("x")
    before = library.store.images.count(None)
    dialog.look_at(tree.root)
    qtbot.waitUntil(dialog.go.isEnabled, timeout=10_000)
    assert "20 images can be brought in" in texts(dialog)
    assert "5 treatments" in texts(dialog)
    assert dialog.exceptions.topLevelItemCount() == 1
    assert library.store.images.count(None) == before
    dialog.go.click()
    qtbot.waitUntil(lambda: "All 20 images are here" in texts(dialog), timeout=30_000)
    assert library.store.images.count(None) == before + 20
    assert not dialog.go.isEnabled()


def test_nothing_there_is_said(qtbot, session, dialog, tmp_path):
    dialog.look_at(tmp_path / "gone")
    qtbot.waitUntil(lambda: "Folder not there" in texts(dialog), timeout=5000)
    (tmp_path / "empty").mkdir()
    dialog.look_at(tmp_path / "empty")
    qtbot.waitUntil(lambda: "nothing to bring in" in texts(dialog), timeout=5000)
    assert not dialog.go.isEnabled()


def test_offered_once(library):
    owner, place = library.owner(), library.paths.root.parent / "dental_images"
    assert library.migration.offer(owner) is None
    make(place, 20, "flat", "csv")
    assert library.migration.offer(owner) == place
    assert library.migration.offer(owner) is None
