"""Sizes, durations, dates, ages, and the names of the field's things."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from app.domain.image import ImageType, ImageView, Laterality
from app.domain.patient import Sex
from app.domain.tooth import GENERAL, TEETH
from app.words import numbers, set_language, terms


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (450_000_000, "450 MB"), (1_250_000_000, "1.2 GB")],
)
def test_sizes(value: int, text: str) -> None:
    assert numbers.size(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (34, "0:34"), (94.4, "1:34"), (3725, "1:02:05")])
def test_durations(seconds: float, text: str) -> None:
    assert numbers.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 second left"), (40, "40 seconds left"), (125, "about 2 minutes left"), (7300, "about 2 hours left")],
)
def test_remaining_time_is_no_more_exact_than_it_can_be(seconds: float, text: str) -> None:
    assert numbers.remaining(seconds) == text


def test_dates_and_ages() -> None:
    assert numbers.day(date(1985, 3, 14)) == "14 Mar 1985"
    assert numbers.day(None) == ""
    assert numbers.moment(datetime(2024, 5, 1, 10, 42, tzinfo=UTC)).startswith("1 May 2024 ")
    assert numbers.age(date(2000, 2, 29), date(2025, 2, 28)) == "24 years"
    assert numbers.age(date(2000, 2, 29), date(2025, 3, 1)) == "25 years"
    assert numbers.age(date(2030, 1, 1), date(2025, 3, 1)) == ""


def test_teeth_have_anatomical_names() -> None:
    assert terms.tooth_name("8") == "upper right central incisor"
    assert terms.tooth_name("32") == "lower right third molar"
    assert terms.tooth_name("J") == "upper left primary second molar"
    assert terms.tooth_name(GENERAL) == "whole mouth"
    assert len({terms.tooth_name(tooth) for tooth in TEETH}) == 52


def test_every_value_of_every_enum_has_a_name() -> None:
    for language in ("en", "ar"):
        set_language(language)
        for name, kind in (
            (terms.image_type, ImageType),
            (terms.image_view, ImageView),
            (terms.laterality, Laterality),
            (terms.sex, Sex),
        ):
            names = [name(value) for value in kind]
            assert all(names)
            assert len(set(names)) == len(names)
    set_language("en")
