"""What an archive says of its studies, series and images, read out of DICOM JSON (PS3.18 Annex F) with suspicion.

Entries without a valid UID are left out: no address may be built from them. Texts are single plain lines.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeGuard

from app.core.errors import EnvironmentFault
from app.domain.identity import FileIdentity
from app.domain.patient import parse_birth_date, parse_person_name

_UID = re.compile(r"[0-9.]{1,64}")
_LONGEST_TEXT = 200
_LONGEST_NUMBER = 9
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class StudyQuery:
    """What is searched for; empty and ``None`` mean "any". Texts may hold ``*`` and ``?``."""

    name: str = ""
    patient_id: str = ""
    since: date | None = None
    until: date | None = None
    modality: str = ""
    description: str = ""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields that are filled, without what stands in them."""
        names = ("name", "patient_id", "since", "until", "modality", "description")
        return tuple(name for name in names if getattr(self, name))


@dataclass(frozen=True, slots=True)
class StudyFound:
    """A study in the archive and whose it is, as the archive says.

    ``is_as_written`` is false where its texts may have lost letters on the way.
    """

    study_uid: str
    patient_id: str = ""
    patient_name: str = ""
    birth_date: date | None = None
    sex: str = ""
    study_date: date | None = None
    study_time: str = ""
    description: str = ""
    modalities: tuple[str, ...] = ()
    series: int = 0
    instances: int = 0
    is_as_written: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other one: two patients may stand under one Study Instance UID by mistake."""
        return self.study_uid, self.patient_id

    @property
    def identity(self) -> FileIdentity:
        """Whose it is, in the form that the rules for the right patient compare."""
        family, given = parse_person_name(self.patient_name)
        return FileIdentity(self.patient_id, family, given, self.birth_date, self.sex)


@dataclass(frozen=True, slots=True)
class SeriesFound:
    """A series of a study."""

    series_uid: str
    number: int = 0
    modality: str = ""
    description: str = ""
    instances: int = 0


@dataclass(frozen=True, slots=True)
class InstanceFound:
    """An image, or another object, of a series."""

    sop_uid: str
    series_uid: str = ""
    number: int = 0
    rows: int = 0
    columns: int = 0
    frames: int = 1


def studies_of(answer: Any) -> list[StudyFound]:
    """Return the studies of a QIDO-RS answer. Raises ``pacs.not_an_archive``."""
    return [
        StudyFound(
            study_uid=uid,
            patient_id=_text(entry, "00100020"),
            patient_name=_name(entry, "00100010"),
            birth_date=_day(_text(entry, "00100030")),
            sex=sex_of(_text(entry, "00100040")),
            study_date=_day(_text(entry, "00080020")),
            study_time=_text(entry, "00080030"),
            description=_text(entry, "00081030"),
            modalities=tuple(dict.fromkeys(filter(None, map(plain_line, _values(entry, "00080061"))))),
            series=_number(entry, "00201206"),
            instances=_number(entry, "00201208"),
        )
        for uid, entry in _entries(answer, "0020000D")
    ]


def series_of(answer: Any) -> list[SeriesFound]:
    """Return the series of a QIDO-RS answer in the order of their numbers. Raises ``pacs.not_an_archive``."""
    found = [
        SeriesFound(
            series_uid=uid,
            number=_number(entry, "00200011"),
            modality=_text(entry, "00080060"),
            description=_text(entry, "0008103E"),
            instances=_number(entry, "00201209"),
        )
        for uid, entry in _entries(answer, "0020000E")
    ]
    return sorted(found, key=lambda series: (series.number, series.series_uid))


def instances_of(answer: Any, series_uid: str) -> list[InstanceFound]:
    """Return the images of a QIDO-RS answer in the order of their numbers. Raises ``pacs.not_an_archive``."""
    found = [
        InstanceFound(
            sop_uid=uid,
            series_uid=series_uid,
            number=_number(entry, "00200013"),
            rows=_number(entry, "00280010"),
            columns=_number(entry, "00280011"),
            frames=max(_number(entry, "00280008"), 1),
        )
        for uid, entry in _entries(answer, "00080018")
    ]
    return sorted(found, key=lambda instance: (instance.number, len(instance.sop_uid), instance.sop_uid))


def is_uid(text: Any) -> TypeGuard[str]:
    """Whether a value is a UID that an address may be built from."""
    return isinstance(text, str) and _UID.fullmatch(text) is not None


def plain_line(value: Any) -> str:
    """Return a value as one line without anything that could turn it around or hide in it."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return ""
    text = str(value)[:_LONGEST_TEXT]
    return "".join(letter for letter in text if unicodedata.category(letter) not in _UNSEEN).strip()


def sex_of(text: str) -> str:
    """Return a sex that is one of the standard's, else nothing."""
    return text.upper() if text.upper() in {"M", "F", "O"} else ""


def day_of(value: Any) -> date | None:
    """Return a date of birth or of a study where a value is one."""
    return _day(plain_line(value))


def _entries(answer: Any, tag: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if not isinstance(answer, list):
        raise EnvironmentFault("pacs.not_an_archive")
    seen: set[tuple[str, str]] = set()
    for entry in answer:
        if not isinstance(entry, dict):
            raise EnvironmentFault("pacs.not_an_archive")
        uid = next(iter(_values(entry, tag)), None)
        if is_uid(uid) and (key := (uid, _text(entry, "00100020"))) not in seen:
            seen.add(key)
            yield uid, entry


def _values(entry: dict[str, Any], tag: str) -> list[Any]:
    element = entry.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return values if isinstance(values, list) else []


def _text(entry: dict[str, Any], tag: str) -> str:
    return plain_line(next(iter(_values(entry, tag)), ""))


def _name(entry: dict[str, Any], tag: str) -> str:
    """Return the first group of a person's name that says something (PS3.18 F.2.2)."""
    value = next(iter(_values(entry, tag)), "")
    if isinstance(value, dict):
        groups = (plain_line(value.get(group)) for group in ("Alphabetic", "Ideographic", "Phonetic"))
        return next(filter(None, groups), "")
    return plain_line(value)


def _number(entry: dict[str, Any], tag: str) -> int:
    text = _text(entry, tag)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _LONGEST_NUMBER else 0


def _day(text: str) -> date | None:
    return parse_birth_date(text)
