"""The mirrors, or the archives that speak DICOM alone, on a settings page: a list to add to, change and remove from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListWidgetItem

from app.core.context import JobContext
from app.core.destinations import DIMSE, DRIVE_FOLDER, MIRROR, DimseSettings, MirrorSettings, keys_of
from app.core.settings import setting_key
from app.services.settings import DestinationChange, SettingChanges
from app.ui.destinations.connection_words import dimse_words, store_words
from app.ui.formats import joined, ltr
from app.ui.later import part
from app.ui.session import Session
from app.ui.settings.destination_fields import Destination, kind_words
from app.ui.settings.editable_list import EditableList
from app.ui.theme.stylesheet import UNIT
from app.words import t

_ENTRY = Qt.ItemDataRole.UserRole


class DestinationsEditor:
    """Edits the destinations of one topic; nothing is stored before :meth:`save`. GUI thread only."""

    def __init__(self, topic: str, session: Session) -> None:
        self.topic, self._session = topic, session
        stored = session.library.settings.mirrors() if topic == MIRROR else session.library.settings.dimse_archives()
        self._before = {one.name: Destination(one.name, _values_of(topic, one)) for one in stored}
        self._removed: set[str] = set()
        title = t("Mirrors") if topic == MIRROR else t("Archives (DICOM)")
        self.widget = EditableList(title, t("Add…"), "export", UNIT * 24)
        self.list, self.add_button = self.widget.list, self.widget.add_button
        self.widget.add_requested.connect(self.add)
        self.widget.edit_requested.connect(self._on_edit_clicked)
        self.widget.remove_requested.connect(self._on_remove_clicked)
        for destination in self._before.values():
            self._append(destination)

    def changes(self) -> SettingChanges:
        """Return what differs from what is stored."""
        now = self._now()
        # One that was removed and added anew is another one, without the password of the old.
        gone = self._before.keys() & (self._removed | (self._before.keys() - now.keys()))
        changed = [
            DestinationChange(self.topic, name, entry.values, entry.secrets)
            for name, entry in now.items()
            if name in gone or entry != self._before.get(name)
        ]
        return SettingChanges(destinations=tuple(changed), forgotten=tuple((self.topic, name) for name in gone))

    def add(self) -> None:
        """Ask for a new one."""
        made = self._ask(None)
        if made is not None:
            self._append(made)
            self.list.setCurrentRow(self.list.count() - 1)

    def try_out(self, destination: Destination) -> list[str]:
        """Try settings that are not stored and return what was found. Any thread. Raises BitewingError."""
        library, actor = self._session.library, self._session.actor
        if self.topic == DIMSE:
            archive = replace(DimseSettings(destination.name), **_attributes(self.topic, destination))
            return dimse_words(library.archive.try_out(actor, archive))
        mirror = replace(MirrorSettings(destination.name), **_attributes(self.topic, destination))
        system = library.mirrors.try_out(actor, mirror, destination.secrets, JobContext.silent())
        return store_words(system)

    def _now(self) -> dict[str, Destination]:
        return {entry.name: entry for row in self.widget.entries() if (entry := row.data(_ENTRY))}

    def _on_edit_clicked(self) -> None:
        row = self.list.currentItem()
        if row is None:
            return
        changed = self._ask(row.data(_ENTRY))
        if changed is not None:
            _show(self.topic, row, changed)

    def _on_remove_clicked(self) -> None:
        taken = self.widget.take()
        if taken is not None:
            self._removed.add(taken.data(_ENTRY).name)

    def _ask(self, known: Destination | None) -> Destination | None:
        form = part("DestinationForm")(
            self._session, self.topic, known, frozenset(self._now()), self.try_out, self.widget
        )
        made: Destination | None = form.destination if form.exec() else None
        return made

    def _append(self, destination: Destination) -> None:
        _show(self.topic, self.widget.append(), destination)


def _values_of(topic: str, stored: MirrorSettings | DimseSettings) -> dict[str, Any]:
    keys = (setting_key(key) for key in keys_of(topic, stored.name))
    return {key.key.rpartition(".")[2]: getattr(stored, key.attribute) for key in keys if not key.is_secret}


def _attributes(topic: str, destination: Destination) -> dict[str, Any]:
    keys = {last: setting_key(f"{topic}.{destination.name}.{last}") for last in destination.values}
    return {key.attribute: destination.values[last] for last, key in keys.items()}


def _show(topic: str, row: QListWidgetItem, destination: Destination) -> None:
    values = destination.values
    if topic == MIRROR:
        kind = kind_words().get(values["kind"], "")
        usual = {"folder": values["path"], "drive": values["path"] or DRIVE_FOLDER}
        place = usual.get(values["kind"]) or values["host"] or values["bucket"]
    else:
        kind, place = values["aet"], f"{values['host']}:{values['port']}"
    state = "" if values["enabled"] else t("off")
    row.setText(f"{destination.name}\n{joined(kind, ltr(str(place)), state)}")
    row.setData(_ENTRY, destination)
