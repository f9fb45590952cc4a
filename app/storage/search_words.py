"""What a patient can be found by, and what a typed search means. Pure: no SQL.

Words are folded. Dates are indexed as ``YYYYMMDD DDMMYYYY``, so that a date typed in any form, whole or
in part, is a run of digits inside one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.domain.folding import fold, fold_tokens
from app.domain.patient import Patient

TRIGRAM = 3
MOST_TOKENS = 12
_DATE_LIKE = re.compile(r"(?<!\S)\d{1,4}(?:[./-]\d{1,4}){1,2}\.?(?!\S)")
_YEARS = range(1850, 2101)


@dataclass(frozen=True, slots=True)
class Query:
    """What must match: every group through one of its alternatives, and every prefix at a word's start."""

    groups: tuple[tuple[str, ...], ...] = ()
    prefixes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was asked."""
        return not (self.groups or self.prefixes)


def words_of(patient: Patient) -> list[str]:
    """Return every folded word a patient is found by."""
    words = fold_tokens(f"{patient.family_name} {patient.given_name}")
    for text in (patient.chart_number, patient.phone):
        tokens = fold_tokens(text)
        words += tokens
        if len(tokens) > 1:
            words.append("".join(tokens))
    if patient.birth_date:
        words += [f"{patient.birth_date:%Y%m%d}", f"{patient.birth_date:%d%m%Y}"]
    return list(dict.fromkeys(words))


def prefixes_of(words: list[str]) -> set[str]:
    """Return the first letter and the first two letters of every word."""
    return {word[:length] for word in words for length in range(1, TRIGRAM)}


def parse(text: str) -> Query:
    """Understand what was typed."""
    folded = fold(text)
    groups: list[tuple[str, ...]] = []
    prefixes: list[str] = []

    def take_date(match: re.Match[str]) -> str:
        alternatives = _date_runs(match[0])
        if not alternatives:
            return match[0]
        groups.append((*alternatives, re.sub(r"\D", "", match[0])))
        return " "

    rest = _DATE_LIKE.sub(take_date, folded)
    for token in fold_tokens(rest)[:MOST_TOKENS]:
        if len(token) >= TRIGRAM:
            groups.append((token,))
        else:
            prefixes.append(token)
    return Query(tuple(dict.fromkeys(groups)), tuple(dict.fromkeys(prefixes)))


def _date_runs(text: str) -> tuple[str, ...]:
    """Return the runs of digits that a date-like text stands for; empty when it is no date."""
    parts = [int(part) for part in re.split(r"[./-]", text.rstrip("."))]
    runs: list[str] = []
    if len(parts) == 3:
        first, second, third = parts
        if first in _YEARS and _is_day(second, third):
            runs.append(f"{first:04}{second:02}{third:02}")
        if third in _YEARS and _is_day(second, first):
            runs.append(f"{first:02}{second:02}{third:04}")
        if third in _YEARS and _is_day(first, second):
            runs.append(f"{second:02}{first:02}{third:04}")
    elif parts[0] in _YEARS and 1 <= parts[1] <= 12:
        runs.append(f"{parts[0]:04}{parts[1]:02}")
    elif parts[1] in _YEARS and 1 <= parts[0] <= 12:
        runs.append(f"{parts[0]:02}{parts[1]:04}")
    elif _is_day(parts[1], parts[0]) and "." in text:
        runs.append(f"{parts[0]:02}{parts[1]:02}")
    return tuple(dict.fromkeys(runs))


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31
