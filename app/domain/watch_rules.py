"""The rules of a watched folder: whose the images are, and what becomes of the files afterwards. Pure.

A rule is spelt as scripts set it: ``dicom`` (the file says it), ``open`` (the patient open in the window),
``folder:PATTERN`` or ``file:PATTERN`` (a name says it). In a pattern ``{chart}``, ``{family}``, ``{given}``,
``{tooth}``, ``{type}`` and ``{any}`` stand for parts of the name, everything else for itself. A pattern for
folders may name folders inside folders: ``{family}_{given}/{tooth}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import PurePath
from typing import Any

from app.core.errors import UserError
from app.domain.image import ImageType
from app.domain.tooth import parse_tooth

PARTS = ("chart", "family", "given", "tooth", "type", "any")
_PLACE = re.compile(r"\{([a-z]*)\}")
_MOST = 200
_MOST_READINGS = 100
# Parts between which nothing stands could be divided in many ways.
_TOUCHING = re.compile(r"\}\{")


class After(StrEnum):
    """What becomes of a file once its image is in the library."""

    LEAVE = "leave"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class NamedParts:
    """What a name says."""

    chart: str = ""
    family: str = ""
    given: str = ""
    tooth: str | None = None
    image_type: ImageType | None = None


@dataclass(frozen=True, slots=True)
class WatchRule:
    """One watched folder. ``pattern`` is there for ``kind`` ``folder`` and ``file``."""

    path: str
    kind: str = "dicom"
    pattern: str = ""
    after: After = After.LEAVE
    tooth: str | None = None
    image_type: ImageType | None = None

    def parts_of(self, relative: str) -> NamedParts | None:
        """Return what the name of a file below the folder says; ``None`` where it does not fit the pattern."""
        return next(iter(self.readings_of(relative)), None)

    def readings_of(self, relative: str) -> list[NamedParts]:
        """Return every way in which a name fits the pattern: ``H-1_7_x`` has two charts before its last part.

        Whoever asks whose a file is must ask it of all of them; beyond a hundred ways none is believed.
        """
        if self.kind not in {"folder", "file"}:
            return [NamedParts()]
        path = PurePath(relative)
        names = [path.stem] if self.kind == "file" else list(path.parts[:-1])
        levels = [_PLACE.split(level) for level in self.pattern.split("/")]
        readings = list(islice(_readings(levels, names), _MOST_READINGS + 1))
        return [] if len(readings) > _MOST_READINGS else [_named(reading) for reading in readings]

    def to_setting(self) -> dict[str, Any]:
        """Return the rule as the setting ``monitor.folders`` holds it."""
        rule = f"{self.kind}:{self.pattern}" if self.pattern else self.kind
        fields: dict[str, Any] = {"path": self.path, "rule": rule, "after": self.after.value}
        if self.tooth is not None:
            fields["tooth"] = self.tooth
        if self.image_type is not None:
            fields["type"] = self.image_type.value
        return fields


def parse_rule(setting: Mapping[str, Any]) -> WatchRule:
    """Read one entry of ``monitor.folders``.

    Raises
    ------
    UserError
        ``monitor.bad_rule`` (facts ``rule``, ``path``) for what is no rule, ``tooth.unknown``.
    """
    path, rule = setting.get("path"), setting.get("rule", "dicom")
    after, chosen = setting.get("after", After.LEAVE.value), setting.get("type")
    known = {item.value for item in After}
    if not (isinstance(path, str) and path.strip() and isinstance(rule, str) and after in known):
        raise UserError("monitor.bad_rule", rule=str(rule), path=str(path or ""))
    kind, _colon, pattern = rule.partition(":")
    named = kind in {"folder", "file"}
    if (named != bool(pattern)) or not (named or kind in {"dicom", "open"}):
        raise UserError("monitor.bad_rule", rule=rule, path=path)
    if chosen is not None and chosen not in {item.value for item in ImageType}:
        raise UserError("monitor.bad_rule", rule=str(chosen), path=path)
    if named:
        _require_pattern(pattern, path, in_folders=kind == "folder")
    tooth = setting.get("tooth")
    return WatchRule(
        path.strip(),
        kind,
        pattern,
        After(after),
        None if tooth is None else parse_tooth(str(tooth)),
        None if chosen is None else ImageType(chosen),
    )


def _require_pattern(pattern: str, path: str, *, in_folders: bool) -> None:
    names = _PLACE.findall(pattern)
    plain = _PLACE.sub("", pattern)
    real = [name for name in names if name != "any"]
    sound = (
        len(pattern) <= _MOST
        and not set(names) - set(PARTS)
        and len(real) == len(set(real))
        and bool({"chart", "family", "given"} & set(names))
        and not _TOUCHING.search(pattern)
        and not set("{}\\") & set(plain)
        and (all(pattern.split("/")) if in_folders else "/" not in plain)
    )
    if not sound:
        raise UserError("monitor.bad_rule", rule=pattern, path=path)


def _readings(levels: Sequence[Sequence[str]], names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Yield every reading of names one inside the other; names below the last level say nothing."""
    if not levels:
        yield {}
    elif names:
        for outer in _divisions(levels[0], names[0]):
            for inner in _readings(levels[1:], names[1:]):
                yield {**outer, **inner}


def _divisions(pieces: Sequence[str], name: str) -> Iterator[dict[str, str]]:
    """Yield every division of a name: ``pieces`` are texts and, between them, names of parts."""
    literal = pieces[0]
    if name[: len(literal)].casefold() != literal.casefold():
        return
    rest = name[len(literal) :]
    if len(pieces) == 1:
        if not rest:
            yield {}
        return
    part, after = pieces[1], pieces[2:]
    least = 0 if part == "any" else 1
    for length in range(least, len(rest) + 1):
        for others in _divisions(after, rest[length:]):
            yield others if part == "any" else {part: rest[:length].strip(), **others}


def _named(found: Mapping[str, str]) -> NamedParts:
    image_type = found.get("type", "").lower()
    return NamedParts(
        found.get("chart", ""),
        found.get("family", ""),
        found.get("given", ""),
        _tooth_or_none(found.get("tooth", "")),
        ImageType(image_type) if image_type in {item.value for item in ImageType} else None,
    )


def _tooth_or_none(text: str) -> str | None:
    try:
        return parse_tooth(text) if text else None
    except UserError:
        return None
