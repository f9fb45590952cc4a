"""Receivers on the settings page: built-in ones are changed and come back, own ones join; nothing else is touched."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QDialog

from app.core.settings import setting_key
from app.domain.profiles import BUILT_IN, Profile, profiles, to_setting
from app.ui.settings.pages import Field
from app.ui.settings.receiver_form import ReceiverForm
from app.ui.settings.receivers import ReceiversEditor


def editor(qtbot, value):
    made = ReceiversEditor(Field("share.profiles", "Receivers"), setting_key("share.profiles"), value)
    qtbot.addWidget(made.widget)
    made.widget.show()
    return made


def answer(monkeypatch, change):
    """Have the form changed and accepted."""

    def accept(form) -> int:
        change(form)
        form.ok.click()
        return int(form.result() == QDialog.DialogCode.Accepted)

    monkeypatch.setattr(ReceiverForm, "exec", accept)


@pytest.mark.parametrize("profile", [*BUILT_IN, Profile("Dr Weiss", needs=("tooth",), newest_months=6)])
def test_a_form_left_alone_changes_nothing(qtbot, profile):
    form = ReceiverForm(profile, frozenset())
    qtbot.addWidget(form)
    form.ok.click()
    assert form.profile == profile
    assert profiles([to_setting(profile)])[-1] in {profile, BUILT_IN[-1]}


def test_a_built_in_one_is_changed_and_comes_back(qtbot, monkeypatch):
    made = editor(qtbot, [])
    assert made.list.count() == len(BUILT_IN)
    assert not made.changed
    made.list.setCurrentRow(1)
    answer(monkeypatch, lambda form: form.months.setValue(6))
    made.widget.edit_requested.emit()
    assert made.changed
    assert [one.newest_months for one in profiles(made.value()) if one.name == "insurer"] == [6]
    made.widget.remove_requested.emit()
    assert made.value() == []


def test_own_ones_join_and_go(qtbot, monkeypatch):
    made = editor(qtbot, [])
    answer(monkeypatch, lambda form: (form.name.setText("Dr Weiss"), form.needs["tooth"].setChecked(True)))
    made.add()
    assert made.value() == [{"name": "Dr Weiss", "needs": ["tooth"]}]
    # The name is taken now; an empty one is none.
    for name in ("Dr Weiss", ""):
        answer(monkeypatch, lambda form, name=name: form.name.setText(name))
        made.add()
        assert len(made.value()) == 1
    made.widget.remove_requested.emit()
    assert made.value() == []


def test_what_is_not_understood_is_kept_until_somebody_changes_the_list(qtbot, monkeypatch):
    made = editor(qtbot, [{"name": "x", "form": "fax"}])
    assert not made.changed
    made.list.setCurrentRow(2)
    answer(monkeypatch, lambda form: form.longest.setValue(1000))
    made.widget.edit_requested.emit()
    assert [one["name"] for one in made.value()] == ["patient"]
