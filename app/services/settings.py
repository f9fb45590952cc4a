"""Settings by key: the clinic's in the catalogue, the workstation's in its file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from app.core.clock import utc_now
from app.core.destinations import (
    DIMSE,
    MIRROR,
    DimseSettings,
    MirrorSettings,
    is_name,
    is_place,
    is_same_place,
    keys_of,
    named_key,
    names_of,
)
from app.core.errors import UserError
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.core.secrets import Sealer, SecretStore, system_secret_store
from app.core.settings import (
    SETTING_KEYS,
    ClinicSettings,
    SettingKey,
    WorkstationSettings,
    clinic_settings,
    dimse_archives,
    mirrors,
    read_workstation,
    setting_key,
    write_workstation,
)
from app.domain.changes import ChangeKind, Entity
from app.domain.profiles import profiles
from app.domain.roles import Action, Actor
from app.domain.sharing import seconds_of
from app.domain.watch_rules import parse_rule
from app.services.door import Door, Unit

WORKSTATION = "workstation"
ORTHANC = "orthanc"
_ARCHIVE_KEYS = "orthanc."
# Where links lead: at another place they could not be ended. (Who we are there may change: a key is replaced, say.)
_LINKS_NEED = frozenset({"kind", "endpoint", "bucket"})
# Fields of a mirror that change nothing of what goes there.
_NOT_THE_QUEUES = frozenset({"paused", "clear_catalogue"})


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

    def mirrors(self) -> list[MirrorSettings]:
        """Return the clinic's mirrors, by name."""
        with self._door.store.read():
            return mirrors(self._door.store.settings.all())

    def dimse_archives(self) -> list[DimseSettings]:
        """Return the clinic's archives that speak DICOM alone, by name."""
        with self._door.store.read():
            return dimse_archives(self._door.store.settings.all())

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
            for entry in (*SETTING_KEYS.values(), *map(setting_key, self._named_keys()))
        ]

    def _named_keys(self) -> tuple[str, ...]:
        with self._door.store.read():
            stored = {**self._door.store.settings.all(), **dict.fromkeys(self._door.store.secrets.names())}
        topics = (MIRROR, DIMSE)
        return tuple(key for topic in topics for name in names_of(topic, stored) for key in keys_of(topic, name))

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
            ``settings.unknown_key``, ``settings.invalid_value``, ``monitor.bad_rule``; ``share.links_open``.
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
        if key == "share.expires":
            seconds_of(value)
        if key == "share.profiles":
            profiles(value)
        if key == "share.destination":
            self._require_bucket(value)
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
            self._note_place(unit, key, value)
            unit.store.settings.set(key, value)
            self._tell_outbox(unit, key)
            unit.audit(Entity.SETTING, key)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)
        return value

    def set_destination(
        self, actor: Actor, topic: str, name: str, values: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> None:
        """Change several settings of a mirror or an archive at once; ``values`` and ``secrets`` by last part of key.

        Raises
        ------
        UserError
            ``settings.bad_name``; as :meth:`set_value`.
        EnvironmentFault
            ``secrets.no_store``: nothing is changed then.
        """
        if not is_name(name):
            raise UserError("settings.bad_name", name=name)
        entries = {setting_key(f"{topic}.{name}.{last}"): value for last, value in values.items()}
        for entry, value in entries.items():
            entry.require_valid(value)
        with self._door.store.read():
            stored = self._door.store.settings.all()
        # Only what differs is written and stands in the audit log.
        entries = {entry: value for entry, value in entries.items() if stored.get(entry.key, entry.default) != value}
        self._door.require(actor, Action.SETTINGS_CHANGE)
        keys = {setting_key(f"{topic}.{name}.{last}").key: text for last, text in secrets.items()}
        sealed = {key: self._sealer.seal(key, text) for key, text in keys.items() if text}
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            for entry, value in entries.items():
                self._note_place(unit, entry.key, value)
                unit.store.settings.set(entry.key, value)
            for key, text in sealed.items():
                unit.store.secrets.set(key, text)
            for key in (*(entry.key for entry in entries), *sealed):
                unit.audit(Entity.SETTING, key)
                unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)
            self._tell_outbox(unit, f"{topic}.{name}.enabled")

    def forget(self, actor: Actor, topic: str, name: str) -> None:
        """Forget a mirror or an archive with its secrets. What lies there stays there; what waits is cancelled.

        Raises
        ------
        UserError
            ``settings.no_connection`` when there is none of that name; ``share.links_open`` while links lead there.
        """
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            keys = [*keys_of(topic, name)] if is_name(name) else []
            stored = {*unit.store.settings.all(), *unit.store.secrets.names()}
            known = [key for key in keys if key in stored]
            if not known:
                raise UserError("settings.no_connection", name=name)
            _require_no_links(unit, f"{topic}.{name}")
            for key in known:
                unit.store.settings.remove(key)
                unit.store.secrets.remove(key)
                unit.changed(Entity.SETTING, ChangeKind.REMOVED, key)
            unit.store.destinations.forget(f"{topic}.{name}")
            unit.audit(Entity.SETTING, f"{topic}.{name}", forgotten=True)

    def _require_bucket(self, name: str) -> None:
        """Refuse a mirror by which no links can be made; one that is not set up yet may be named before."""
        for mirror in self.mirrors():
            if mirror.name == name.removeprefix(f"{MIRROR}.") and mirror.kind != "s3":
                raise UserError("share.not_s3", destination=mirror.name)

    def _note_place(self, unit: Unit, key: str, value: Any) -> None:
        """Let the queue know when a destination is to be at another place from now on."""
        destination, _dot, last = key.rpartition(".")
        before = unit.store.settings.get(key)
        before = setting_key(key).default if before is None else before
        if last in _LINKS_NEED and not is_same_place(key, before, value):
            _require_no_links(unit, destination)
        if is_place(key) and not is_same_place(key, before, value):
            unit.store.destinations.moved(destination)
        elif last == "layout" and before != value:
            unit.store.destinations.stale(destination)

    def _tell_outbox(self, unit: Unit, key: str) -> None:
        """Let the queue know where images go from now on; what blocked it may be mended by the change."""
        values, named = unit.store.settings.all(), named_key(key)
        if key.startswith(_ARCHIVE_KEYS):
            clinic = clinic_settings(values)
            enabled = clinic.orthanc_enabled and bool(clinic.orthanc_url)
            unit.store.destinations.set(ORTHANC, ORTHANC, enabled=enabled)
        elif named is not None and named.field not in _NOT_THE_QUEUES:
            every = mirrors(values) if named.topic == MIRROR else dimse_archives(values)
            for one in every:
                if one.name == named.name:
                    is_ready = one.enabled and (named.topic == MIRROR or bool(one.host))
                    unit.store.destinations.set(one.destination, named.topic, enabled=is_ready)

    def _set_secret(self, actor: Actor, key: str, value: str) -> None:
        """Seal and store a secret; an empty one is forgotten."""
        self._door.require(actor, Action.SETTINGS_CHANGE)
        sealed = self._sealer.seal(key, value) if value else None
        with self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            if sealed is None:
                _require_no_links(unit, key.rpartition(".")[0])
                unit.store.secrets.remove(key)
            else:
                unit.store.secrets.set(key, sealed)
            self._tell_outbox(unit, key)
            unit.audit(Entity.SETTING, key)
            unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)

    def keep_secret(self, key: str, value: str) -> None:
        """Seal and keep a secret that is no setting, for the service that asked who may; an empty one is forgotten.

        Raises
        ------
        EnvironmentFault
            ``secrets.no_store``: nothing is kept then.
        """
        sealed = self._sealer.seal(key, value) if value else None
        with self._door.store.write():
            if sealed is None:
                self._door.store.secrets.remove(key)
            else:
                self._door.store.secrets.set(key, sealed)

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
        named = named_key(entry.key)
        if named is not None:
            every = self.mirrors() if named.topic == MIRROR else self.dimse_archives()
            return next((getattr(one, entry.attribute) for one in every if one.name == named.name), entry.default)
        settings: Any = self.workstation() if entry.scope == WORKSTATION else self.clinic()
        return getattr(settings, entry.attribute)


def _require_no_links(unit: Unit, destination: str) -> None:
    """Refuse to lose the way to a place where links lead that work still: nobody could end them then."""
    count = unit.store.shares.working_at(destination, utc_now())
    if count:
        raise UserError("share.links_open", destination=destination.removeprefix(f"{MIRROR}."), count=count)
