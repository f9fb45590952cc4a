"""The made-up people: names in Latin and Arabic script, birth dates, phones, chart numbers.

None of them exists. The first twelve are written out so that screenshots and lessons can
rely on them; further ones are combined from lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from app.demo.seeds import plain_random

# "Today" of the demonstration clinic. Never the computer's clock: same seed, same clinic.
REFERENCE_DATE = date(2026, 11, 12)


@dataclass(frozen=True)
class PlannedPatient:
    """One person of the made-up clinic. `key` fixes anatomy and history."""

    key: str
    family_name: str
    given_name: str
    sex: str
    birth_date: date
    chart_number: str
    phone: str
    skin: int = 0

    def age_on(self, day: date) -> float:
        """Return the age in years on a day."""
        return (day - self.birth_date).days / 365.25


_FIRST: tuple[tuple[str, str, str, str], ...] = (
    ("Hassan", "Ahmed", "M", "1985-03-14"),
    ("Haddad", "Mariam", "F", "1991-09-02"),
    ("Hassan", "Ahmed", "M", "1967-11-30"),
    ("حسن", "منى", "F", "1979-05-19"),
    ("Hastings", "Peter", "M", "2018-01-08"),
    ("Hatem", "Laila", "F", "2001-07-21"),
    ("Lindqvist", "Elin", "F", "1958-02-03"),
    ("العمري", "خالد", "M", "1973-12-25"),
    ("Okafor", "Daniel", "M", "1996-06-11"),
    ("بن علي", "فاطمة الزهراء", "F", "2020-08-30"),
    ("Moreau", "Chloé", "F", "2009-04-17"),
    ("Novák", "Jan", "M", "1949-10-09"),
)
# fmt: off
_FAMILY = (
    "Abbas", "Bauer", "Costa", "Darwish", "Eriksen", "Farah", "García", "Horváth", "Ibrahim", "Jensen",
    "Khoury", "Laurent", "Mansour", "Nguyen", "O’Brien", "Petrov", "Qasim", "Rossi", "Saleh", "Tanaka",
    "الخطيب", "النجار", "عبد الرحمن", "الحسيني", "شاهين", "منصور",
)
_GIVEN = {
    "F": ("Amira", "Beatriz", "Clara", "Dina", "Emma", "Giulia", "Hana", "Ingrid", "Salma", "Yasmin"),
    "M": ("Adam", "Björn", "Carlos", "Dimitri", "Elias", "Farid", "George", "Hugo", "Karim", "Omar"),
}
_GIVEN_ARABIC = {
    "F": ("سارة", "ليلى", "نور", "هدى", "رنا", "أمل"),
    "M": ("محمود", "يوسف", "طارق", "سامي", "إبراهيم", "عمر"),
}
# fmt: on


def people(seed: int, count: int) -> tuple[PlannedPatient, ...]:
    """Return `count` people, the same for the same seed."""
    return tuple(_person(seed, index) for index in range(count))


def _person(seed: int, index: int) -> PlannedPatient:
    rng = plain_random(seed, "person", index)
    if index < len(_FIRST):
        family, given, sex, born_text = _FIRST[index]
        born = date.fromisoformat(born_text)
    else:
        sex = rng.choice("FM")
        family = rng.choice(_FAMILY)
        given = rng.choice((_GIVEN if family.isascii() or family[0].isascii() else _GIVEN_ARABIC)[sex])
        born = REFERENCE_DATE - timedelta(days=rng.randint(5 * 365, 82 * 365))
    phone = f"+20 1{rng.choice('0125')}{rng.randint(0, 9)} 555 {rng.randint(0, 9999):04d}"
    return PlannedPatient(f"{seed}/{index}", family, given, sex, born, f"BW-{1001 + index}", phone, rng.randint(0, 3))
