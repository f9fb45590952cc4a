"""Typed settings: what the clinic chose (kept in the catalogue) and what this workstation chose (a file).

Keys as scripts use them (``clinic.name``) map onto fields of frozen dataclasses, so call sites never use
strings. Invalid values fall back to the default; unknown keys are kept, a damaged file is put aside.
"""

from __future__ import annotations

import json
import logging
import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from app.core.destinations import AE_TITLE, DIMSE, MIRROR, DimseSettings, MirrorSettings, keys_of, named_key, names_of
from app.core.errors import UserError
from app.core.files import write_atomically

log = logging.getLogger(__name__)

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_WEB_ADDRESS = r"(https?://[^\s/]+\S*)?"
# ``90s``, ``30m``, ``1h`` or ``7d``.
DURATION = r"[1-9]\d{0,5}[smhd]"
_TIME_OF_DAY = r"([01]\d|2[0-3]):[0-5]\d"


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """Settings shared by every workstation of the clinic."""

    clinic_name: str = field(default="", metadata={"key": "clinic.name"})
    tooth_numbers: str = field(
        default="fdi",
        metadata={"key": "display.tooth_numbers", "choices": ("fdi", "universal", "palmer")},
    )
    reserve_bytes: int = field(default=500 * 1000 * 1000, metadata={"key": "storage.reserve_bytes", "minimum": 0})
    backup_folder: str = field(default="", metadata={"key": "backup.folder"})
    backup_form: str = field(default="zip", metadata={"key": "backup.form", "choices": ("zip", "folder")})
    backup_contents: str = field(
        default="images", metadata={"key": "backup.contents", "choices": ("images", "database")}
    )
    backup_schedule: str = field(
        default="off", metadata={"key": "backup.schedule", "choices": ("off", "daily", "weekly", "monthly")}
    )
    backup_time: str = field(default="02:00", metadata={"key": "backup.time", "pattern": _TIME_OF_DAY})
    backup_retention_days: int = field(default=30, metadata={"key": "backup.retention_days", "minimum": 1})
    proof_nightly: bool = field(default=True, metadata={"key": "proof.nightly"})
    orthanc_enabled: bool = field(default=False, metadata={"key": "orthanc.enabled"})
    orthanc_url: str = field(default="", metadata={"key": "orthanc.url", "pattern": _WEB_ADDRESS})
    orthanc_username: str = field(default="", metadata={"key": "orthanc.username"})
    orthanc_allow_plain: bool = field(default=False, metadata={"key": "orthanc.allow_plain"})
    orthanc_method: str = field(default="rest", metadata={"key": "orthanc.method", "choices": ("rest", "stow")})
    orthanc_fetch_new: bool = field(default=False, metadata={"key": "orthanc.fetch_new"})
    orthanc_ca: str = field(default="", metadata={"key": "orthanc.ca"})
    drive_client_id: str = field(default="", metadata={"key": "drive.client_id", "pattern": r"\S{0,200}"})
    drive_folder: str = field(default="Bitewing", metadata={"key": "drive.folder", "pattern": r"(?=.*\S).{1,100}"})
    drive_contents: str = field(default="images", metadata={"key": "drive.contents", "choices": ("images", "database")})
    drive_schedule: str = field(
        default="off", metadata={"key": "drive.schedule", "choices": ("off", "daily", "weekly", "monthly")}
    )
    drive_time: str = field(default="02:00", metadata={"key": "drive.time", "pattern": _TIME_OF_DAY})
    drive_retention_days: int = field(default=30, metadata={"key": "drive.retention_days", "minimum": 1})
    drive_allow_plain: bool = field(default=False, metadata={"key": "drive.allow_plain"})
    share_destination: str = field(
        default="", metadata={"key": "share.destination", "pattern": r"(mirror\.)?[A-Za-z0-9_-]{0,32}"}
    )
    share_expires: str = field(default="1h", metadata={"key": "share.expires", "pattern": DURATION})
    share_limit_bytes: int = field(
        default=10_000_000,
        metadata={"key": "share.limit_bytes", "minimum": 1_000_000, "maximum": 500_000_000},
    )
    share_profiles: list[dict[str, Any]] = field(default_factory=list, metadata={"key": "share.profiles"})
    drill_days: int = field(default=30, metadata={"key": "proof.drill_days", "minimum": 1})


@dataclass(frozen=True, slots=True)
class WorkstationSettings:
    """Settings of this workstation alone. ``unknown`` has keys as TOML spells them."""

    language: str = field(default="", metadata={"key": "display.language", "choices": ("", "en", "ar")})
    theme: str = field(default="dark", metadata={"key": "display.theme", "choices": ("dark", "light", "system")})
    touch_targets: bool = field(default=False, metadata={"key": "display.touch_targets"})
    wheel: str = field(default="images", metadata={"key": "viewer.wheel", "choices": ("images", "zoom")})
    monitor_enabled: bool = field(default=True, metadata={"key": "monitor.enabled"})
    monitor_folders: list[dict[str, Any]] = field(default_factory=list, metadata={"key": "monitor.folders"})
    monitor_interval_s: int = field(default=30, metadata={"key": "monitor.interval", "minimum": 1})
    background_sync: bool = field(default=True, metadata={"key": "background.sync"})
    background_backup: bool = field(default=True, metadata={"key": "background.backup"})
    receive_enabled: bool = field(default=False, metadata={"key": "receive.enabled"})
    receive_port: int = field(default=11112, metadata={"key": "receive.port", "minimum": 1})
    receive_aet: str = field(default="BITEWING", metadata={"key": "receive.aet", "pattern": AE_TITLE})
    receive_answer: bool = field(default=False, metadata={"key": "receive.answer"})
    unknown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One setting as scripts and the settings dialog see it. ``scope``: ``clinic``, ``workstation`` or ``secret``."""

    key: str
    attribute: str
    scope: str
    type: type
    default: Any
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    pattern: str | None = None

    @property
    def is_secret(self) -> bool:
        """Whether the value is sealed and never shown."""
        return self.scope == SECRET

    def parse(self, text: str) -> Any:
        """Return the typed value of ``text``. Raises ``settings.invalid_value``."""
        try:
            value = _PARSERS[self.type](text)
        except ValueError as error:
            raise UserError("settings.invalid_value", key=self.key, value=text) from error
        self.require_valid(value)
        return value

    def require_valid(self, value: Any) -> None:
        """Raise ``settings.invalid_value`` unless ``value`` fits this setting."""
        fits = isinstance(value, self.type) and not (self.type is int and isinstance(value, bool))
        if fits and self.choices:
            fits = value in self.choices
        if fits and self.minimum is not None:
            fits = value >= self.minimum
        if fits and self.maximum is not None:
            fits = value <= self.maximum
        if fits and self.pattern is not None:
            fits = re.fullmatch(self.pattern, value) is not None
        if not fits:
            raise UserError("settings.invalid_value", key=self.key, value="" if self.is_secret else str(value))


def _parse_bool(text: str) -> bool:
    words = {"true": True, "false": False}
    try:
        return words[text.strip().lower()]
    except KeyError as error:
        raise ValueError(text) from error


_PARSERS: dict[type, Callable[[str], Any]] = {str: str, int: int, bool: _parse_bool, list: json.loads}


def _keys_of(scope: str, settings: Any) -> list[SettingKey]:
    return [
        _entry(item.metadata["key"], item.name, scope, getattr(settings, item.name), item.metadata)
        for item in fields(settings)
        if "key" in item.metadata
    ]


def _entry(key: str, attribute: str, scope: str, default: Any, metadata: Mapping[str, Any]) -> SettingKey:
    limits = {name: metadata.get(name) for name in ("minimum", "maximum", "pattern")}
    return SettingKey(key, attribute, scope, type(default), default, metadata.get("choices", ()), **limits)


SECRET = "secret"  # noqa: S105 - the name of a scope
# Sealed with the library's key in the catalogue; read back only by the service that needs them.
SECRET_KEYS = ("backup.password", "orthanc.password", "drive.client_secret")

SETTING_KEYS: dict[str, SettingKey] = {
    entry.key: entry
    for entry in (
        *_keys_of("clinic", ClinicSettings()),
        *_keys_of("workstation", WorkstationSettings()),
        *(SettingKey(key, "", SECRET, str, "") for key in SECRET_KEYS),
    )
}


def setting_key(key: str) -> SettingKey:
    """Return the setting of that name. Raises ``settings.unknown_key``."""
    if key in SETTING_KEYS:
        return SETTING_KEYS[key]
    named = named_key(key)
    if named is None:
        raise UserError("settings.unknown_key", key=key)
    return _entry(key, named.field, "clinic" if named.field else SECRET, named.default, named.metadata)


def mirrors(values: Mapping[str, Any]) -> list[MirrorSettings]:
    """Return every mirror among stored values, by name; what does not fit falls back to its default."""
    return [replace(MirrorSettings(name), **_named(MIRROR, name, values)) for name in names_of(MIRROR, values)]


def dimse_archives(values: Mapping[str, Any]) -> list[DimseSettings]:
    """Return every archive that speaks DICOM alone, by name; what does not fit falls back to its default."""
    return [replace(DimseSettings(name), **_named(DIMSE, name, values)) for name in names_of(DIMSE, values)]


def _named(topic: str, name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    entries = (setting_key(key) for key in keys_of(topic, name) if key in values)
    return {entry.attribute: values[entry.key] for entry in entries if not entry.is_secret and _fits(entry, values)}


def _fits(entry: SettingKey, values: Mapping[str, Any]) -> bool:
    try:
        entry.require_valid(values[entry.key])
    except UserError:
        return False
    return True


def clinic_settings(values: Mapping[str, Any]) -> ClinicSettings:
    """Build clinic settings from stored values by key; what does not fit falls back to its default."""
    built: ClinicSettings = _build(ClinicSettings(), "clinic", values)
    return built


def workstation_settings(values: Mapping[str, Any]) -> WorkstationSettings:
    """Build workstation settings from stored values by key, keeping unknown keys."""
    built: WorkstationSettings = _build(WorkstationSettings(), "workstation", values)
    return replace(built, unknown={key: value for key, value in values.items() if key not in SETTING_KEYS})


def _build(defaults: Any, scope: str, values: Mapping[str, Any]) -> Any:
    chosen = {}
    for entry in SETTING_KEYS.values():
        if entry.scope == scope and entry.key in values and _fits(entry, values):
            chosen[entry.attribute] = values[entry.key]
    return replace(defaults, **chosen)


def read_workstation(path: Path) -> WorkstationSettings:
    """Read ``workstation.toml``; a missing or damaged file gives the defaults."""
    try:
        return _read(path)
    except FileNotFoundError:
        return WorkstationSettings()
    except (OSError, ValueError) as error:
        log.warning("%s cannot be read, the defaults hold: %s", path.name, type(error).__name__)
        return WorkstationSettings()


def write_workstation(path: Path, settings: WorkstationSettings) -> None:
    """Write ``workstation.toml`` as a whole, unknown keys included; one that cannot be read is put aside first."""
    lines = ["# Bitewing: settings of this workstation"]
    for entry in SETTING_KEYS.values():
        if entry.scope == "workstation":
            lines.append(f"{entry.key} = {_toml_value(getattr(settings, entry.attribute))}")
    lines += [f"{key} = {_toml_value(value)}" for key, value in settings.unknown.items()]
    _keep_damaged(path)
    write_atomically(path, ("\n".join(lines) + "\n").encode("utf-8"))


def _read(path: Path) -> WorkstationSettings:
    return workstation_settings(_flatten(tomllib.loads(path.read_text("utf-8"))))


def _keep_damaged(path: Path) -> None:
    """Put a file aside that somebody may want to mend: what it said is nowhere else."""
    try:
        _read(path)
    except FileNotFoundError:
        return
    except (OSError, ValueError):
        kept, number = path.with_name(f"{path.name}.damaged"), 1
        while kept.exists():
            number += 1
            kept = path.with_name(f"{path.name}.damaged-{number}")
        path.rename(kept)
        log.warning("%s could not be read; it is kept as %s", path.name, kept.name)


def _toml_value(value: Any) -> str:
    """Return a value as TOML spells it; ``value`` is one that TOML can hold."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_toml_key(key)} = {_toml_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml_value, value)) + "]"
    if isinstance(value, str):
        # JSON's strings are TOML's, but for DEL.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    # Dates and times are the rest that JSON does not know.
    return str(value.isoformat()) if hasattr(value, "isoformat") else json.dumps(value)


def _toml_key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _toml_value(name)


def _flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return values by dotted key, spelt so that the key can be written as it is."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        key = f"{prefix}{_toml_key(name)}"
        if isinstance(value, dict):
            flat.update(_flatten(value, f"{key}."))
        else:
            flat[key] = value
    return flat
