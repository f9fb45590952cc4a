"""What a peer asks for, and how far something fits: wild cards, ranges of dates, lists (PS3.4 section C.2.2.2).

Pure, and never more work than the length of a pattern times that of a value: whoever asks is a stranger.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date

from app.domain.folding import fold, fold_tokens
from app.domain.patient import parse_birth_date

PATIENT, STUDY, SERIES, IMAGE = LEVELS = ("PATIENT", "STUDY", "SERIES", "IMAGE")
_WILD = re.compile(r"[*?]")
_SHORTEST_INSIDE = 3


@dataclass(frozen=True, slots=True)
class DateRange:
    """Days from the first to the last; ``None`` is open."""

    first: date | None = None
    last: date | None = None

    def has(self, day: date | None) -> bool:
        """Whether a day is within."""
        return day is not None and (self.first or date.min) <= day <= (self.last or date.max)


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked for; empty means any."""

    patient_id: str = ""
    patient_name: str = ""
    birth_date: DateRange | None = None
    study_uids: tuple[str, ...] = ()
    study_date: DateRange | None = None
    accession_number: str = ""
    modalities: tuple[str, ...] = ()
    series_uids: tuple[str, ...] = ()
    instance_uids: tuple[str, ...] = ()

    def asked(self) -> list[str]:
        """Return the names of the fields that something is asked of, without what is asked."""
        return [field.name for field in fields(self) if getattr(self, field.name)]

    def takes_patient(self, number: str, family: str, given: str, birth_date: date | None) -> bool:
        """Whether a patient fits."""
        return (
            (not self.patient_id or fits(self.patient_id, number))
            and (not self.patient_name or fits_name(self.patient_name, family, given))
            and (self.birth_date is None or self.birth_date.has(birth_date))
        )

    def takes_modality(self, present: Iterable[str]) -> bool:
        """Whether one of the kinds that are present is asked for."""
        return not self.modalities or any(fits(wanted, one) for wanted in self.modalities for one in present)


def is_wild(pattern: str) -> bool:
    """Whether a value has wild cards."""
    return _WILD.search(pattern) is not None


def fits(pattern: str, text: str) -> bool:
    """Whether a text fits a pattern with ``*`` and ``?``."""
    at = place = 0
    star, mark = -1, 0
    while at < len(text):
        if place < len(pattern) and pattern[place] == "*":
            star, mark = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in ("?", text[at]):
            at += 1
            place += 1
        elif star >= 0:
            mark += 1
            at, place = mark, star + 1
        else:
            return False
    return not pattern[place:].strip("*")


def fits_name(pattern: str, family: str, given: str) -> bool:
    """Whether a name fits a pattern; case, accents and the variants of Arabic letters aside."""
    folded = "".join(part if part in {"*", "?", "^"} else fold(part) for part in re.split(r"([*?^])", pattern))
    name = f"{fold(family)}^{fold(given)}"
    return fits(folded.rstrip("^"), name.rstrip("^")) or fits(folded, name)


def search_words(pattern: str) -> str:
    """Return words that everything has which fits a pattern, as the search for patients takes them."""
    words: list[str] = []
    for part in re.finditer(r"([*?]?)([^*?^=]+)", pattern):
        tokens = fold_tokens(part[2])
        if part[1] and not part[2][0].isspace() and tokens and len(tokens[0]) < _SHORTEST_INSIDE:
            # A few letters inside a word: only beginnings are found by so few.
            tokens = tokens[1:]
        words += tokens
    return " ".join(words)


def date_range_of(text: str) -> DateRange | None:
    """Read ``YYYYMMDD``, ``A-B``, ``A-`` or ``-B``; empty is ``None``. Raises ValueError."""
    if not text:
        return None
    first, dash, last = (part.strip() for part in text.partition("-"))
    if not dash:
        last = first
    days = [parse_birth_date(part) if part else None for part in (first, last)]
    if any(part and day is None for part, day in zip((first, last), days, strict=True)) or days == [None, None]:
        raise ValueError(text)
    return DateRange(*days)
