"""Settings: saved together or not at all; the search looks everywhere; roles are minded."""

from __future__ import annotations

import pytest

from app.core.settings import SETTING_KEYS
from app.domain.roles import Role
from app.ui.settings.dialog import SettingsDialog


@pytest.fixture
def dialog(qtbot, session):
    made = SettingsDialog(session)
    qtbot.addWidget(made)
    made.show()
    return made


def test_every_setting_has_a_place(dialog):
    assert {editor.field.key for editor in dialog.editors} == set(SETTING_KEYS)


def test_cancel_changes_nothing(dialog, library):
    dialog.editor("clinic.name").widget.setText("Other")
    dialog.reject()
    assert library.clinic_values.clinic_name == ""


def test_save_writes_what_differs_and_asks_for_a_new_window(dialog, library):
    dialog.editor("clinic.name").widget.setText("Nile Dental")
    box = dialog.editor("display.theme").widget
    box.setCurrentIndex(box.findData("light"))
    dialog._save.click()
    assert library.clinic_values.clinic_name == "Nile Dental"
    assert library.local_values.theme == "light"
    assert dialog.needs_rebuild


def test_units_are_converted_both_ways(dialog, library):
    spin = dialog.editor("storage.reserve_bytes").widget
    assert spin.value() == 500
    spin.setValue(750)
    dialog._save.click()
    assert library.clinic_values.reserve_bytes == 750_000_000


def test_the_search_looks_on_all_pages(dialog):
    dialog._search.setText("palmer")
    assert not dialog.editor("clinic.name").widget.isVisible()
    dialog._search.setText("wheel")
    assert dialog.editor("viewer.wheel").widget.isVisible()
    assert not dialog.editor("clinic.name").widget.isVisible()


class TestForOthers:
    @pytest.fixture
    def role(self):
        return Role.DENTIST

    def test_only_an_administrator_changes_settings(self, dialog):
        assert not dialog._save.isEnabled()
        assert not dialog.editor("clinic.name").widget.isEnabled()
