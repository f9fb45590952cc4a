"""Texts of both directions in one window: each keeps its own."""

from __future__ import annotations

from datetime import date

import pytest

from app.core.clock import utc_now
from app.domain.patient import Patient, Sex
from app.ui.formats import isolated, joined, leading, ltr, who
from app.ui.states import plain_label
from app.words import set_language


@pytest.fixture
def arabic(qapp):
    set_language("ar")
    yield
    set_language("en")


def test_a_path_is_written_from_left_to_right_in_arabic(arabic):
    assert ltr("/tmp/أشعة/x.dcm") == "\u2066/tmp/أشعة/x.dcm\u2069"
    assert isolated("x") == "\u2068x\u2069"
    assert leading("x") == "\u200f\u2068x\u2069"
    assert joined("a", "", "b") == "\u2068a\u2069 · \u2068b\u2069"


def test_an_arabic_name_stands_at_the_near_side_of_an_english_window(qapp):
    assert plain_label("حسن, منى").text() == "\u200eحسن, منى"
    assert plain_label("– 12 Hassan").text() == "– 12 Hassan"


def test_nothing_is_added_in_english(qapp):
    assert [make("/tmp/x") for make in (ltr, isolated, leading, joined)] == ["/tmp/x"] * 4
    assert ltr("") == ""


def test_a_sentence_begins_at_the_right_in_arabic(arabic):
    label = plain_label("Bitewing يحفظ الصور.")
    assert label.text() == "\u200fBitewing يحفظ الصور."
    label.setText("DICOM")
    assert label.text() == "\u200fDICOM"
    assert plain_label("Ctrl+,", "key").text() == "Ctrl+,"


def test_a_name_from_the_right_leaves_the_numbers_after_it_where_they_are():
    set_language("en")
    assert joined("العمري, خالد", "25 Dec 1973") == "\u2068العمري, خالد\u2069 · 25 Dec 1973"
    assert joined("Hassan, Ahmed", "14 Mar 1985") == "Hassan, Ahmed · 14 Mar 1985"


def test_namesakes_are_told_apart(qapp):
    def patient(chart: str, birth: date | None, family: str = "Hassan", given: str = "Ahmed") -> Patient:
        return Patient(chart, family, given, chart, birth, Sex.MALE, "", utc_now(), utc_now())

    assert who(patient("BW-1", date(1985, 3, 14))) == "Hassan, Ahmed · 14 Mar 1985 · BW-1"
    assert who(patient("BW-2", date(1967, 11, 30))) == "Hassan, Ahmed · 30 Nov 1967 · BW-2"
    assert who(patient("BW-3", None, "", "")) == "BW-3"
    assert who(None) == ""
