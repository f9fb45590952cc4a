"""The watched folders on the settings page: a list of rules, each in words, to add, change and remove."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem

from app.core.errors import UserError
from app.core.settings import SettingKey
from app.domain.watch_rules import After, WatchRule, parse_rule
from app.ui.formats import joined, ltr
from app.ui.later import part
from app.ui.session import Session
from app.ui.settings.editable_list import EditableList
from app.ui.settings.pages import Field
from app.ui.theme.stylesheet import UNIT
from app.words import t, terms

_ENTRY = Qt.ItemDataRole.UserRole


class FoldersEditor:
    """Edits ``monitor.folders``; an entry that is no rule any more is kept and shown as it is."""

    def __init__(self, field: Field, entry: SettingKey, value: list[dict[str, Any]], session: Session) -> None:
        self.field, self.entry, self._before, self._session = field, entry, list(value), session
        self.widget = EditableList(field.title, t("Add a folder…"), "folder", UNIT * 18)
        self.list, self.add_button = self.widget.list, self.widget.add_button
        self.widget.add_requested.connect(self.add)
        self.widget.edit_requested.connect(self._on_edit_clicked)
        self.widget.remove_requested.connect(self._on_remove_clicked)
        for stored in value:
            self._append(stored)

    @property
    def changed(self) -> bool:
        """Whether the list differs from what was stored."""
        return self.value() != self._before

    def value(self) -> list[dict[str, Any]]:
        """Return the list as the setting holds it."""
        return [dict(row.data(_ENTRY)) for row in self.widget.entries()]

    def add(self) -> None:
        """Ask for a folder and its rule."""
        rule = self._ask(None)
        if rule is not None:
            self._append(rule.to_setting())
            self.list.setCurrentRow(self.list.count() - 1)

    def _on_edit_clicked(self) -> None:
        row = self.list.currentItem()
        if row is None:
            return
        rule = self._ask(_rule_of(row.data(_ENTRY)))
        if rule is not None:
            _show(row, rule.to_setting())

    def _on_remove_clicked(self) -> None:
        self.widget.take()

    def _ask(self, rule: WatchRule | None) -> WatchRule | None:
        dialog = part("FolderRuleDialog")(self._session, rule, self.widget)
        chosen: WatchRule | None = dialog.rule if dialog.exec() else None
        return chosen

    def _append(self, stored: dict[str, Any]) -> None:
        _show(self.widget.append(), stored)


def rule_words(rule: WatchRule) -> str:
    """Return in one line whose the images of a folder are and what becomes of its files."""
    whose = {
        "dicom": t("patient as the files say"),
        "open": t("the open patient, confirmed in the inbox"),
        "folder": t("patient from the folder's name: {pattern}", pattern=ltr(rule.pattern)),
        "file": t("patient from the file's name: {pattern}", pattern=ltr(rule.pattern)),
    }[rule.kind]
    after = {
        After.LEAVE: t("files stay"),
        After.MOVE: t("files move to “imported”"),
        After.DELETE: t("files are deleted once safe"),
    }[rule.after]
    image_type = terms.image_type(rule.image_type) if rule.image_type is not None else ""
    return joined(whose, after, image_type)


def _rule_of(stored: dict[str, Any]) -> WatchRule | None:
    try:
        return parse_rule(stored)
    except UserError:
        return None


def _show(row: QListWidgetItem, stored: dict[str, Any]) -> None:
    rule = _rule_of(stored)
    words = rule_words(rule) if rule is not None else t("not understood; change or remove it")
    row.setText(f"{ltr(str(stored.get('path', '')))}\n{words}")
    row.setData(_ENTRY, stored)
