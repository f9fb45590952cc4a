"""The receivers of shared images on the settings page: the built-in ones, to be changed, and the clinic's own."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem

from app.core.errors import UserError
from app.core.settings import SettingKey
from app.domain.profiles import BUILT_IN, Profile, parse_profile, profiles, to_setting
from app.ui.formats import joined, number
from app.ui.later import part
from app.ui.settings.editable_list import EditableList
from app.ui.settings.pages import Field
from app.ui.theme.stylesheet import UNIT
from app.words import sharing as words
from app.words import t, tn

_PROFILE = Qt.ItemDataRole.UserRole
_BUILT_IN = {profile.name: profile for profile in BUILT_IN}


class ReceiversEditor:
    """Edits ``share.profiles``; what is not understood of it is left out when something else is saved."""

    def __init__(self, field: Field, entry: SettingKey, value: list[dict[str, Any]]) -> None:
        self.field, self.entry, self._before = field, entry, list(value)
        self._touched = False
        self.widget = EditableList(field.title, t("Add a receiver…"), "user", UNIT * 24)
        self.list = self.widget.list
        self.widget.add_requested.connect(self.add)
        self.widget.edit_requested.connect(self._on_edit_clicked)
        self.widget.remove_requested.connect(self._on_remove_clicked)
        for profile in profiles(_understood(value)):
            _show(self.widget.append(), profile)

    @property
    def changed(self) -> bool:
        """Whether a person changed the list."""
        return self._touched and self.value() != self._before

    def value(self) -> list[dict[str, Any]]:
        """Return the list as the setting holds it: what is not built in just so."""
        every = [row.data(_PROFILE) for row in self.widget.entries()]
        return [to_setting(profile) for profile in every if _BUILT_IN.get(profile.name) != profile]

    def add(self) -> None:
        """Ask for a new receiver."""
        profile = self._ask(None)
        if profile is not None:
            _show(self.widget.append(), profile)
            self.list.setCurrentRow(self.list.count() - 1)

    def _on_edit_clicked(self) -> None:
        row = self.list.currentItem()
        profile = self._ask(row.data(_PROFILE)) if row is not None else None
        if row is not None and profile is not None:
            _show(row, profile)

    def _on_remove_clicked(self) -> None:
        """Remove one of our own; a built-in one that was changed is as it was."""
        row = self.list.currentItem()
        if row is None:
            return
        self._touched = True
        built_in = _BUILT_IN.get(row.data(_PROFILE).name)
        if built_in is not None:
            _show(row, built_in)
        else:
            self.widget.take()

    def _ask(self, profile: Profile | None) -> Profile | None:
        taken = frozenset(row.data(_PROFILE).name for row in self.widget.entries()) - {profile.name if profile else ""}
        dialog = part("ReceiverForm")(profile, taken, self.widget)
        chosen: Profile | None = dialog.profile if dialog.exec() else None
        self._touched = self._touched or chosen is not None
        return chosen


def profile_words(profile: Profile) -> str:
    """Return in one line what a receiver gets."""
    is_original = profile.form == "original"
    form = t("all of the picture") if is_original else t("JPEG up to {pixels}", pixels=number(profile.longest_px))
    age = tn("at most {n} month old", "at most {n} months old", profile.newest_months) if profile.newest_months else ""
    return joined(form, t("with the name") if profile.identified else t("without a name"), age)


def _understood(stored: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for values in stored:
        try:
            parse_profile(values)
        except UserError:
            continue
        found.append(values)
    return found


def _show(row: QListWidgetItem, profile: Profile) -> None:
    row.setText(f"{words.receiver(profile.name)}\n{profile_words(profile)}")
    row.setData(_PROFILE, profile)
