"""Tooth numbers in every notation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import UserError
from app.domain import tooth
from app.domain.tooth import Notation
from app.domain.tooth_codes import TOOTH_CODES, tooth_from_code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8", "8"),
        ("08", "8"),
        ("fdi:11", "8"),
        ("FDI:48", "32"),
        ("palmer:UR1", "8"),
        ("palmer:ll8", "17"),
        ("fdi:55", "A"),
        ("palmer:LRE", "T"),
        ("t", "T"),
        (" General ", "general"),
        ("universal:k", "K"),
    ],
)
def test_parse(text: str, expected: str) -> None:
    assert tooth.parse_tooth(text) == expected


@pytest.mark.parametrize("text", ["", "0", "33", "U", "fdi:19", "fdi:", "palmer:UR9", "x:1", "1.5", "-1"])
def test_parse_refuses(text: str) -> None:
    with pytest.raises(UserError) as caught:
        tooth.parse_tooth(text)
    assert caught.value.code == "tooth.unknown"


@pytest.mark.parametrize("notation", list(Notation))
def test_every_tooth_survives_every_notation(notation: Notation) -> None:
    for each in tooth.TEETH:
        shown = tooth.format_tooth(each, notation)
        assert tooth.parse_tooth(f"{notation.value}:{shown}") == each


def test_universal_order_runs_round_the_mouth() -> None:
    """1 = FDI 18 … 16 = 28, 17 = 38 … 32 = 48; A = 55 … J = 65, K = 75 … T = 85."""
    fdi = [tooth.format_tooth(each, Notation.FDI) for each in tooth.PERMANENT]
    upper = [*range(18, 10, -1), *range(21, 29)]
    lower = [*range(38, 30, -1), *range(41, 49)]
    assert fdi == [str(number) for number in (*upper, *lower)]
    primary = [tooth.format_tooth(each, Notation.FDI) for each in tooth.PRIMARY]
    assert primary == [str(n) for n in (*range(55, 50, -1), *range(61, 66), *range(75, 70, -1), *range(81, 86))]


def test_all_generations_of_codes_are_read() -> None:
    for code in TOOTH_CODES:
        for value in (code.sct, *code.older_sct):
            assert tooth_from_code(value, "SCT") == code.universal
        for value in code.srt:
            assert tooth_from_code(value, "SRT") == code.universal
    assert tooth_from_code("T-54500", "SRT") == "30"
    assert tooth_from_code("24028007", "SCT") is None


def test_codes_are_unambiguous() -> None:
    values = [value for code in TOOTH_CODES for value in (code.sct, *code.older_sct, *code.srt)]
    assert len(values) == len(set(values))


def test_sides_and_jaws() -> None:
    assert tooth.is_upper("1")
    assert tooth.is_right("1")
    assert not tooth.is_upper("30")
    assert not tooth.is_right("19")
    assert tooth.position("3") == 6
    assert tooth.is_primary("A")
    assert not tooth.is_primary("1")


@given(st.lists(st.sampled_from(tooth.TEETH)))
def test_ordered_is_a_set_in_chart_order(teeth: list[str]) -> None:
    once = tooth.ordered(teeth)
    assert set(once) == set(teeth)
    assert tooth.ordered(reversed(once)) == once
    assert tooth.parse_teeth(",".join(once)) == once
