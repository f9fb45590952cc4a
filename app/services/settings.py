"""Settings by key: the clinic's in the catalogue, the workstation's in its file."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
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
    place_of,
)
from app.core.errors import UserError
from app.core.files import translate_os_error
from app.core.paths import LibraryPaths
from app.core.secrets import Sealer, SecretStore, system_secret_store
from app.core.settings import (
    SECRET,
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
from app.domain.publication import KIND, public_destination
from app.domain.roles import Action, Actor
from app.domain.sharing import seconds_of
from app.domain.watch_rules import parse_rule
from app.services.door import Door, Unit

WORKSTATION = "workstation"
ORTHANC = "orthanc"
_ARCHIVE_KEYS = "orthanc."
# Switches that somebody takes responsibility for.
_CONSENTS = frozenset({"publish", "allow_plain"})
# Where links lead: at another place they could not be ended. (Who we are there may change: a key is replaced, say.)
_LINKS_NEED = frozenset({"kind", "endpoint", "bucket"})
# Fields of a mirror that change nothing of what goes there.
_NOT_THE_QUEUES = frozenset({"paused", "clear_catalogue", "public_url"})


@dataclass(frozen=True, slots=True)
class SettingValue:
    """One setting with its value; a secret's value is ``None`` and ``is_set`` says whether there is one."""

    key: str
    value: Any
    default: Any
    scope: str
    choices: tuple[str, ...] = ()
    is_set: bool = True


@dataclass(frozen=True, slots=True)
class DestinationChange:
    """Settings of a mirror or an archive, and secrets to store with them, by the last part of their keys."""

    topic: str
    name: str
    values: Mapping[str, Any]
    secrets: Mapping[str, str]

    def entries(self) -> list[tuple[SettingKey, Any]]:
        """Return the settings with their values. Raises ``settings.unknown_key``."""
        return [(setting_key(f"{self.topic}.{self.name}.{last}"), value) for last, value in self.values.items()]

    def require_sound(self) -> None:
        """Raise ``settings.bad_name``, ``.unknown_key`` or ``.invalid_value`` unless it can be stored."""
        if not is_name(self.name):
            raise UserError("settings.bad_name", name=self.name)
        for entry, value in self.entries():
            entry.require_valid(value)
        for last in self.secrets:
            setting_key(f"{self.topic}.{self.name}.{last}")


@dataclass(frozen=True, slots=True)
class SettingChanges:
    """Changes that belong together. Destinations are ``forgotten`` (topic, name) before others are set."""

    values: Mapping[str, Any] = field(default_factory=dict)
    destinations: tuple[DestinationChange, ...] = ()
    forgotten: tuple[tuple[str, str], ...] = ()


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
            ``settings.unknown_key``, ``settings.invalid_value``, ``settings.name_taken``, ``monitor.bad_rule``;
            ``share.links_open``, ``publish.still_public``.
        EnvironmentFault
            ``disk.full`` and its kin when the workstation's file cannot be written; ``secrets.no_store`` when
            there is nowhere to keep a secret safely: none is stored then.
        """
        entry = setting_key(key)
        return self.set_value(actor, key, entry.parse(text))

    def set_value(self, actor: Actor, key: str, value: Any) -> Any:
        """Change one setting to a typed value. Raises as :meth:`set`."""
        self.save(actor, SettingChanges(values={key: value}))
        return None if setting_key(key).is_secret else value

    def set_destination(
        self, actor: Actor, topic: str, name: str, values: Mapping[str, Any], secrets: Mapping[str, str]
    ) -> None:
        """Change several settings of a mirror or an archive at once; ``values`` and ``secrets`` by last part of key.

        Raises
        ------
        UserError
            ``settings.bad_name``, ``settings.name_taken``; as :meth:`set_value`.
        EnvironmentFault
            ``secrets.no_store``: nothing is changed then.
        """
        self.save(actor, SettingChanges(destinations=(DestinationChange(topic, name, values, secrets),)))

    def forget(self, actor: Actor, topic: str, name: str) -> None:
        """Forget a mirror or an archive with its secrets. What lies there stays there; what waits is cancelled.

        What waited is put away by :meth:`sweep`; until then it is nobody's.

        Raises
        ------
        UserError
            ``settings.no_connection`` when there is none of that name; ``share.links_open`` while links lead there.
        """
        self.save(actor, SettingChanges(forgotten=((topic, name),)))

    def sweep(self) -> None:
        """Put away what waited for destinations that were forgotten, a part at a time: nobody waits for long."""
        while self._door.store.destinations.sweep():
            continue

    def save(self, actor: Actor, changes: SettingChanges) -> None:
        """Make several changes, all of them or none.

        Raises
        ------
        UserError, EnvironmentFault
            As :meth:`set`, :meth:`set_destination` and :meth:`forget`; nothing is changed then.
        """
        entries = [(setting_key(key), value) for key, value in changes.values.items()]
        for entry, value in entries:
            _require_sound(entry, value)
        for one in changes.destinations:
            one.require_sound()
        if "share.destination" in changes.values:
            self._require_bucket(changes.values["share.destination"])
        self._door.require(actor, Action.SETTINGS_CHANGE)
        secrets = {entry.key: value for entry, value in entries if entry.is_secret}
        for one in changes.destinations:
            secrets |= {f"{one.topic}.{one.name}.{last}": text for last, text in one.secrets.items() if text}
        sealed = {key: self._sealer.seal(key, text) if text else None for key, text in secrets.items()}
        here = {entry.attribute: value for entry, value in entries if entry.scope == WORKSTATION}
        with self._workstation_as(here), self._door.writing(actor, Action.SETTINGS_CHANGE) as unit:
            for topic, name in changes.forgotten:
                _forget(unit, topic, name)
            _require_told_apart(unit, changes)
            for entry, value in entries:
                if entry.scope not in {WORKSTATION, SECRET}:
                    self._note_place(unit, entry.key, value)
                    unit.store.settings.set(entry.key, value)
            written = [
                *(entry.key for entry, _value in entries),
                *_put_destinations(unit, changes.destinations, self._note_place),
            ]
            for key, seal in sealed.items():
                if seal is None:
                    _require_no_links(unit, key.rpartition(".")[0])
                    unit.store.secrets.remove(key)
                else:
                    unit.store.secrets.set(key, seal)
            for key in dict.fromkeys((*written, *sealed)):
                unit.audit(Entity.SETTING, key, **_agreed(unit, key))
                unit.changed(Entity.SETTING, ChangeKind.CHANGED, key)
            self._tell_outbox_of(unit, changes)

    @contextlib.contextmanager
    def _workstation_as(self, changed: Mapping[str, Any]) -> Iterator[None]:
        """Have the workstation's file changed while the rest is written; where that fails it is as it was.

        Before the transaction, not in it: nobody waits for the disk, and whoever hears of the change finds it there.
        """
        if not changed:
            yield
            return
        path = self._paths.workstation_toml
        with self._writing:
            was_there, before = path.exists(), self.workstation()
            try:
                write_workstation(path, replace(before, **changed))
            except OSError as error:
                raise translate_os_error(error) from error
            try:
                yield
            except BaseException:
                if was_there:
                    write_workstation(path, before)
                else:
                    path.unlink(missing_ok=True)
                raise

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
            _require_nothing_public(unit, *destination.partition(".")[::2], change={last: value})
            unit.store.destinations.moved(destination)
        elif last == "layout" and before != value:
            unit.store.destinations.stale(destination)

    def _tell_outbox_of(self, unit: Unit, changes: SettingChanges) -> None:
        """Once for each destination, when all of its settings are there."""
        told = {}
        for key in (*changes.values, *(f"{one.topic}.{one.name}.enabled" for one in changes.destinations)):
            named = named_key(key)
            if named is not None and named.field not in _NOT_THE_QUEUES:
                told[f"{named.topic}.{named.name}"] = key
            elif key.startswith(_ARCHIVE_KEYS):
                told[ORTHANC] = key
        for key in told.values():
            self._tell_outbox(unit, key)

    def _tell_outbox(self, unit: Unit, key: str) -> None:
        """Let the queue know where images go from now on; what blocked it may be mended by the change."""
        values, named = unit.store.settings.all(), named_key(key)
        if key.startswith(_ARCHIVE_KEYS):
            clinic = clinic_settings(values)
            enabled = clinic.orthanc_enabled and bool(clinic.orthanc_url)
            unit.store.destinations.set(ORTHANC, ORTHANC, enabled=enabled)
        elif named is not None:
            every = mirrors(values) if named.topic == MIRROR else dimse_archives(values)
            for one in every:
                if one.name == named.name:
                    is_ready = one.enabled and (named.topic == MIRROR or bool(one.host))
                    unit.store.destinations.set(one.destination, named.topic, enabled=is_ready)
                    if isinstance(one, MirrorSettings):
                        _tell_public(unit, one, is_new=named.field == "publish")

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

    def _value(self, entry: SettingKey) -> Any:
        if entry.is_secret:
            return None
        named = named_key(entry.key)
        if named is not None:
            every = self.mirrors() if named.topic == MIRROR else self.dimse_archives()
            return next((getattr(one, entry.attribute) for one in every if one.name == named.name), entry.default)
        settings: Any = self.workstation() if entry.scope == WORKSTATION else self.clinic()
        return getattr(settings, entry.attribute)


def _tell_public(unit: Unit, mirror: MirrorSettings, *, is_new: bool) -> None:
    """Let the queue of a public folder know: what blocked it may be mended, also where it only takes back by now.

    What waited when publishing was switched off does not go when somebody switches it on again.
    """
    publications, destination = unit.store.publications, public_destination(mirror.name)
    if mirror.publish or is_new or publications.open_at(destination):
        # Never switched on for images at large: only what a person chose goes into public.
        unit.store.destinations.set(destination, KIND, enabled=False)
    # Whatever kept them: what is to be taken back is asked for now.
    unit.store.recalls.hurry(destination)
    for copy in [] if mirror.publish else publications.not_shown_yet(destination):
        publications.withdraw(copy, utc_now())
        unit.audit_as(
            Action.IMAGE_WITHDRAW, Entity.IMAGE, copy.image_id, publication=copy.id, destination=destination, off=True
        )
        unit.changed(Entity.IMAGE, ChangeKind.CHANGED, copy.image_id, copy.patient_id)
        unit.changed(Entity.OUTBOX, ChangeKind.CHANGED, copy.image_id, copy.patient_id)


def _agreed(unit: Unit, key: str) -> dict[str, Any]:
    """Return what the audit log says beside the key: of a consent, whether it was given or taken back."""
    return {"on": unit.store.settings.get(key)} if key.rpartition(".")[2] in _CONSENTS else {}


def _require_sound(entry: SettingKey, value: Any) -> None:
    entry.require_valid(value)
    if entry.key == "share.expires":
        seconds_of(value)
    if entry.key == "share.profiles":
        profiles(value)
    if entry.key == "monitor.folders":
        for folder in value:
            parse_rule(folder)


def _require_told_apart(unit: Unit, changes: SettingChanges) -> None:
    """Raise ``settings.name_taken`` for a new destination whose name is another's in other letters.

    Nobody tells NAS from nas, and neither do the file systems of Windows and macOS, where each has its lock.
    """
    wanted = {(one.topic, one.name) for one in changes.destinations}
    wanted |= {(named.topic, named.name) for key in changes.values if (named := named_key(key))}
    stored = {**unit.store.settings.all(), **dict.fromkeys(unit.store.secrets.names())}
    known = {(topic, name) for topic in (MIRROR, DIMSE) for name in names_of(topic, stored)}
    for topic, name in sorted(wanted - known):
        for other_topic, other in sorted(known | wanted):
            if topic == other_topic and name != other and name.casefold() == other.casefold():
                raise UserError("settings.name_taken", name=other)


def _require_nothing_public(unit: Unit, topic: str, name: str, change: Mapping[str, Any] | None = None) -> None:
    """Raise ``publish.still_public`` where images of ours are public: out of sight nobody could take them back.

    Settings that lead elsewhere already, as an older backup brings them, may be changed: back to that place.
    """
    destination = public_destination(name)
    places = unit.store.publications.open_places().get(destination, frozenset()) if topic == MIRROR else frozenset()
    if not places:
        return
    stored = unit.store.settings.all()
    before = next((one for one in mirrors(stored) if one.name == name), MirrorSettings(name))
    # Stored values are by key; a field and the last part of its key are not called the same everywhere.
    changed = mirrors({**stored, **{f"{topic}.{name}.{last}": value for last, value in (change or {}).items()}})
    after = next((one for one in changed if one.name == name), before)
    is_lost = change is None or (place_of(before) in places and place_of(after) != place_of(before))
    if is_lost:
        count = unit.store.publications.open_at(destination)
        raise UserError("publish.still_public", name=name, count=count)


def _forget(unit: Unit, topic: str, name: str) -> None:
    keys = [*keys_of(topic, name)] if is_name(name) else []
    stored = {*unit.store.settings.all(), *unit.store.secrets.names()}
    known = [key for key in keys if key in stored]
    if not known:
        raise UserError("settings.no_connection", name=name)
    _require_nothing_public(unit, topic, name)
    _require_no_links(unit, f"{topic}.{name}")
    for key in known:
        unit.store.settings.remove(key)
        unit.store.secrets.remove(key)
        unit.changed(Entity.SETTING, ChangeKind.REMOVED, key)
    unit.store.destinations.forget(f"{topic}.{name}")
    if topic == MIRROR:
        unit.store.destinations.forget(public_destination(name))
    unit.audit(Entity.SETTING, f"{topic}.{name}", forgotten=True)


def _put_destinations(
    unit: Unit, destinations: Iterable[DestinationChange], note_place: Callable[[Unit, str, Any], None]
) -> list[str]:
    """Store what differs, which alone stands in the audit log; return its keys."""
    stored, written = unit.store.settings.all(), []
    for one in destinations:
        for entry, value in one.entries():
            if stored.get(entry.key, entry.default) != value:
                note_place(unit, entry.key, value)
                unit.store.settings.set(entry.key, value)
                written.append(entry.key)
    return written


def _require_no_links(unit: Unit, destination: str) -> None:
    """Refuse to lose the way to a place where links lead that work still: nobody could end them then."""
    count = unit.store.shares.working_at(destination, utc_now())
    if count:
        raise UserError("share.links_open", destination=destination.removeprefix(f"{MIRROR}."), count=count)
