"""Settings by key: the clinic's in the catalogue, the workstation's in its file."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.core.settings import (
    SETTING_KEYS,
    ClinicSettings,
    SettingKey,
    WorkstationSettings,
    clinic_settings,
    read_workstation,
    setting_key,
    write_workstation,
)
from app.domain.changes import ChangeKind, Entity
from app.domain.roles import Action, Actor
from app.services.door import Door

WORKSTATION = "workstation"


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting with its value."""

    key: str
    value: Any
    default: Any
    scope: str
    choices: tuple[str, ...] = ()


class SettingsService:
    """Reading and changing settings. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths) -> None:
        self._door = door
        self._paths = paths
        self._writing = threading.Lock()

    def clinic(self) -> ClinicSettings:
        """Return the clinic's settings as the program uses them."""
        with self._door.store.read():
            return clinic_settings(self._door.store.settings.all())

    def workstation(self) -> WorkstationSettings:
        """Return this workstation's settings."""
        return read_workstation(self._paths.workstation_toml)

    def get(self, actor: Actor, key: str) -> Any:
        """Return one value. Raises ``settings.unknown_key``."""
        entry = setting_key(key)
        self._door.require(actor, Action.SETTINGS_VIEW)
        return self._value(entry)

    def list(self, actor: Actor) -> list[SettingValue]:
        """Return every setting."""
        self._door.require(actor, Action.SETTINGS_VIEW)
        return [
            SettingValue(entry.key, self._value(entry), entry.default, entry.scope, entry.choices)
            for entry in SETTING_KEYS.values()
        ]

    def set(self, actor: Actor, key: str, text: str) -> Any:
        """Change one setting from its text and return the value.

        Raises
        ------
        UserError
            ``settings.unknown_key`` or ``settings.invalid_value``.
        EnvironmentFault
            ``disk.full`` and its kin when the workstation's file cannot be written.
        """
        entry = setting_key(key)
        return self.set_value(actor, key, entry.parse(text))

    def set_value(self, actor: Actor, key: str, value: Any) -> Any:
        """Change one setting to a typed value. Raises as :meth:`set`."""
        entry = setting_key(key)
        entry.require_valid(value)
        if entry.scope == WORKSTATION:
            self._set_here(actor, entry, value)
            return value
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            unit.store.settings.set(key, value)
            unit.audit(Entity.SETTING, key)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)
        return value

    def _set_here(self, actor: Actor, entry: SettingKey, value: Any) -> None:
        """Change the workstation's file, between two transactions: nobody waits for the disk, and whoever hears
        of the change finds it there."""
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            unit.audit(Entity.SETTING, entry.key)
        try:
            with self._writing:
                changed = replace(self.workstation(), **{entry.attribute: value})
                write_workstation(self._paths.workstation_toml, changed)
        except OSError as error:
            raise translate_os_error(error) from error
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, entry.key)

    def _value(self, entry: SettingKey) -> Any:
        settings: Any = self.workstation() if entry.scope == WORKSTATION else self.clinic()
        return getattr(settings, entry.attribute)
