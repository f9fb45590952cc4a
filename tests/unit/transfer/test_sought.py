"""Matching for strangers: wild cards, names, dates, and never much work."""

from __future__ import annotations

import time
from datetime import date

import pytest

from app.transfer.dimse.sought import DateRange, Sought, date_range_of, fits, fits_name, search_words


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a*", "a", True),
        ("*b", "aab", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("*b*d*", "abcde", True),
        ("*", "", True),
        ("?", "", False),
        ("", "", True),
    ],
)
def test_wild_cards(pattern: str, text: str, expected: bool) -> None:
    assert fits(pattern, text) is expected


def test_a_pattern_cannot_keep_anybody_busy() -> None:
    started = time.monotonic()
    assert not fits("*a" * 300 + "b", "a" * 400)
    assert time.monotonic() - started < 1


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("Doe^Jane", True),
        ("doe^*", True),
        ("DOE*", True),
        ("doe", False),
        ("*jane*", True),
        ("D\u00f6e^J\u00e0ne", True),
        ("Doe^Jane^", True),
        ("Doe^Jan", False),
    ],
)
def test_names(pattern: str, expected: bool) -> None:
    assert fits_name(pattern, "Doe", "Jane") is expected


def test_a_name_without_given_names() -> None:
    assert fits_name("doe^*", "Doe", "")
    assert fits_name("doe", "Doe", "")


def test_arabic_names_are_found_in_their_variants() -> None:
    assert fits_name("\u062d\u0633\u0646^\u0627\u062d\u0645\u062f", "\u062d\u0633\u0646", "\u0623\u062d\u0645\u062f")


def test_words_to_look_for_are_in_everything_that_fits() -> None:
    assert search_words("Doe^J?ne") == "doe j"
    assert search_words("*oe^Jane*") == "jane"
    assert search_words("*smith*") == "smith"
    assert search_words("*") == ""


def test_dates() -> None:
    assert date_range_of("") is None
    assert date_range_of("20260102") == DateRange(date(2026, 1, 2), date(2026, 1, 2))
    assert date_range_of("20260102-") == DateRange(date(2026, 1, 2), None)
    assert date_range_of("-20260102") == DateRange(None, date(2026, 1, 2))
    for text in ("-", "x", "20261301", "20260102-x"):
        with pytest.raises(ValueError, match=r".*"):
            date_range_of(text)
    assert not DateRange().has(None)


def test_what_was_asked_is_named_without_its_values() -> None:
    assert Sought(patient_id="17", modalities=("IO",)).asked() == ["patient_id", "modalities"]
