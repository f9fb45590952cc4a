"""What the window writes about patients, and whole numbers.

Dates, sizes and durations come from :mod:`app.words.numbers`, so that window and command line agree.
"""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

from app.domain.patient import Patient, Sex
from app.words import is_right_to_left, numbers, t

day = numbers.day
moment = numbers.moment
clock = numbers.clock
remaining = numbers.remaining


_FROM_THE_RIGHT = frozenset({"R", "AL"})


def number(value: int) -> str:
    """Return a whole number with its thousands apart; digits as on instruments, in every language."""
    return f"{value:,}"


def size(number_of_bytes: int) -> str:
    """Return ``4.3 MB``: number before unit in every language."""
    return ltr(numbers.size(number_of_bytes))


def age(birth_date: date) -> str:
    """Return completed years in words."""
    return numbers.age(birth_date, datetime.now().astimezone().date())


def born(birth_date: date | None) -> str:
    """Return ``14 Mar 1985 (41 years)``, or nothing."""
    if birth_date is None:
        return ""
    years = age(birth_date)
    return t("{date} ({age})", date=day(birth_date), age=years) if years else day(birth_date)


def patient_detail(patient: Patient) -> str:
    """Return what tells namesakes apart in a list: birth date and chart number."""
    parts = [day(patient.birth_date) if patient.birth_date else "", patient.chart_number if patient.name else ""]
    return joined(*parts)


def who(patient: Patient | None) -> str:
    """Return a patient in one line of a list, told apart from namesakes; nothing for nobody."""
    return "" if patient is None else joined(patient.name or patient.chart_number, patient_detail(patient))


def isolated(text: str) -> str:
    """Return text whose direction cannot disturb its surroundings.

    An Arabic name in an English line would draw the day of birth after it to its other side. Text that runs the way
    the window does is left as it is.
    """
    turns = is_right_to_left() or any(unicodedata.bidirectional(letter) in _FROM_THE_RIGHT for letter in text)
    return f"\u2068{text}\u2069" if text and turns else text


def ltr(text: str) -> str:
    """Return data that is written from left to right in every language, such as a path or a UID."""
    return f"\u2066{text}\u2069" if text and is_right_to_left() else text


def leading(text: str) -> str:
    """Return text for a label that begins at the window's near side whatever its own direction is."""
    return f"\u200f{isolated(text)}" if text and is_right_to_left() else text


def joined(*parts: str, between: str = " · ") -> str:
    """Join what is not empty, each part keeping its own direction."""
    return between.join(isolated(part) for part in parts if part)


def sex_word(sex: Sex) -> str:
    """Return the sex in words, empty when unknown."""
    return {Sex.FEMALE: t("female"), Sex.MALE: t("male"), Sex.OTHER: t("other sex")}.get(sex, "")
