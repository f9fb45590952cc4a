"""Patients and the rules of their names."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.core.errors import UserError

NAME_LIMIT = 200
CHART_NUMBER_LIMIT = 64
PHONE_LIMIT = 64


class Sex(StrEnum):
    """Patient's Sex (0010,0040); empty when unknown."""

    MALE = "M"
    FEMALE = "F"
    OTHER = "O"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class PatientDraft:
    """What a person types, or a file says, about a patient."""

    family_name: str = ""
    given_name: str = ""
    chart_number: str = ""
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    phone: str = ""
    notes: str = ""

    def cleaned(self) -> PatientDraft:
        """Return the draft with control characters and stray white space removed, or refuse it.

        Raises
        ------
        UserError
            ``patient.nameless`` or ``patient.too_long``.
        """
        draft = PatientDraft(
            clean_text(self.family_name),
            clean_text(self.given_name),
            clean_text(self.chart_number),
            self.birth_date,
            self.sex,
            clean_text(self.phone),
            clean_text(self.notes, keep_lines=True),
        )
        if not (draft.family_name or draft.given_name or draft.chart_number):
            raise UserError("patient.nameless")
        if (
            max(len(draft.family_name), len(draft.given_name)) > NAME_LIMIT
            or len(draft.chart_number) > CHART_NUMBER_LIMIT
            or len(draft.phone) > PHONE_LIMIT
        ):
            raise UserError("patient.too_long", limit=NAME_LIMIT)
        return draft


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient of the clinic."""

    id: str
    family_name: str
    given_name: str
    chart_number: str
    birth_date: date | None
    sex: Sex
    phone: str
    created_at: datetime
    updated_at: datetime
    notes: str = ""
    version: int = 1
    deleted_at: datetime | None = None
    merged_into: str | None = None

    @property
    def name(self) -> str:
        """The name as shown: ``Hassan, Ahmed``."""
        return display_name(self.family_name, self.given_name)

    def draft(self) -> PatientDraft:
        """Return what can be edited."""
        return PatientDraft(
            self.family_name,
            self.given_name,
            self.chart_number,
            self.birth_date,
            self.sex,
            self.phone,
            self.notes,
        )


@dataclass(frozen=True, slots=True)
class PatientSummary:
    """A row of a patient list."""

    patient: Patient
    images: int


def display_name(family: str, given: str) -> str:
    """Return ``Family, Given`` leaving out what is missing."""
    return ", ".join(part for part in (family, given) if part)


def clean_text(text: str, *, keep_lines: bool = False) -> str:
    """Drop control characters (NUL included) and surrounding white space, in NFC.

    Directional formatting characters go too: they can make a name look like another one.
    """
    kept = []
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        if character == "\n" and keep_lines:
            kept.append(character)
        elif character in "\t\r\n":
            kept.append(" ")
        elif category not in {"Cc", "Cs"} and character not in _DIRECTIONAL:
            kept.append(character)
    return "".join(kept).strip()


_DIRECTIONAL = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def parse_person_name(text: str) -> tuple[str, str]:
    """Split a DICOM person name (PS3.5 section 6.2.1) into family name and given names.

    The alphabetic group is used unless it is empty. Prefix and suffix are left out.
    """
    groups = [group for group in text.split("=") if group.strip(" ^")]
    if not groups:
        return "", ""
    parts = [clean_text(part) for part in groups[0].split("^")]
    family = parts[0] if parts else ""
    given = " ".join(part for part in parts[1:3] if part)
    return family, given


def parse_birth_date(text: str) -> date | None:
    """Return the date of ``YYYYMMDD`` or ``YYYY-MM-DD``; anything else, impossible dates too, is ``None``."""
    digits = text.strip().replace("-", "").replace(".", "")
    if len(digits) != 8 or not digits.isdigit() or not digits.isascii():
        return None
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def age_in_years(birth_date: date, today: date) -> int:
    """Return completed years of age on ``today``."""
    before_birthday = (today.month, today.day) < (birth_date.month, birth_date.day)
    return today.year - birth_date.year - before_birthday
