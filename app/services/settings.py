"""Settings by key: the clinic's in the catalogue, the workstation's in its file."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any

from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.core.secrets import Sealer, SecretStore, system_secret_store
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
from app.domain.watch_rules import parse_rule
from app.services.door import Door, Unit

WORKSTATION = "workstation"
ORTHANC = "orthanc"
_ARCHIVE_KEYS = "orthanc."


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting with its value; a secret's value is ``None`` and ``is_set`` says whether there is one."""

    key: str
    value: Any
    default: Any
    scope: str
    choices: tuple[str, ...] = ()
    is_set: bool = True


class SettingsService:
    """Reading and changing settings. Any thread."""

    def __init__(self, door: Door, paths: LibraryPaths, secrets: SecretStore | None = None) -> None:
        self._door = door
        self._paths = paths
        self._sealer = Sealer(secrets or system_secret_store(), door.store.library_id)
        self._writing = threading.Lock()

    def clinic(self) -> ClinicSettings:
        """Return the clinic's settings as the program uses them."""
        with self._door.store.read():
            return clinic_settings(self._door.store.settings.all())

    def workstation(self) -> WorkstationSettings:
        """Return this workstation's settings."""
        return read_workstation(self._paths.workstation_toml)

    def get(self, actor: Actor, key: str) -> Any:
        """Return one value, ``None`` for a secret. Raises ``settings.unknown_key``."""
        entry = setting_key(key)
        self._door.require(actor, Action.SETTINGS_VIEW)
        return self._value(entry)

    def list(self, actor: Actor) -> list[SettingValue]:
        """Return every setting."""
        self._door.require(actor, Action.SETTINGS_VIEW)
        return [
            SettingValue(
                entry.key,
                self._value(entry),
                None if entry.is_secret else entry.default,
                entry.scope,
                entry.choices,
                is_set=not entry.is_secret or self.has_secret(entry.key),
            )
            for entry in SETTING_KEYS.values()
        ]

    def has_secret(self, key: str) -> bool:
        """Whether a secret is stored."""
        with self._door.store.read():
            return self._door.store.secrets.get(key) is not None

    def secret(self, key: str) -> str | None:
        """Return a secret to the service that works with it; ``None`` when none is stored.

        Raises
        ------
        EnvironmentFault
            ``secrets.no_key`` or ``secrets.wrong_key`` when this account cannot read it.
        """
        with self._door.store.read():
            sealed = self._door.store.secrets.get(key)
        return None if sealed is None else self._sealer.unseal(key, sealed)

    def set(self, actor: Actor, key: str, text: str) -> Any:
        """Change one setting from its text and return the value.

        Raises
        ------
        UserError
            ``settings.unknown_key``, ``settings.invalid_value``, ``monitor.bad_rule``.
        EnvironmentFault
            ``disk.full`` and its kin when the workstation's file cannot be written; ``secrets.no_store`` when
            there is nowhere to keep a secret safely: none is stored then.
        """
        entry = setting_key(key)
        return self.set_value(actor, key, entry.parse(text))

    def set_value(self, actor: Actor, key: str, value: Any) -> Any:
        """Change one setting to a typed value. Raises as :meth:`set`."""
        entry = setting_key(key)
        entry.require_valid(value)
        if key == "monitor.folders":
            for folder in value:
                parse_rule(folder)
        if entry.is_secret:
            self._set_secret(actor, key, value)
            return None
        if entry.scope == WORKSTATION:
            self._set_here(actor, entry, value)
            return value
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            unit.store.settings.set(key, value)
            if key.startswith(_ARCHIVE_KEYS):
                self._tell_outbox(unit)
            unit.audit(Entity.SETTING, key)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)
        return value

    def _tell_outbox(self, unit: Unit) -> None:
        """Let the queue know where images go from now on; what blocked it may be mended by the change."""
        enabled = bool(clinic_settings(unit.store.settings.all()).orthanc_enabled)
        unit.store.outbox.set_destination(ORTHANC, ORTHANC, enabled=enabled)

    def _set_secret(self, actor: Actor, key: str, value: str) -> None:
        """Seal and store a secret; an empty one is forgotten."""
        self._door.require(actor, Action.SETTINGS_CHANGE)
        sealed = self._sealer.seal(key, value) if value else None
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            if sealed is None:
                unit.store.secrets.remove(key)
            else:
                unit.store.secrets.set(key, sealed)
            if key.startswith(_ARCHIVE_KEYS):
                self._tell_outbox(unit)
            unit.audit(Entity.SETTING, key)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)

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
        if entry.is_secret:
            return None
        settings: Any = self.workstation() if entry.scope == WORKSTATION else self.clinic()
        return getattr(settings, entry.attribute)
