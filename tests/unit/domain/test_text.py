"""Folding, names, dates and file names."""

from __future__ import annotations

from datetime import date
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import UserError
from app.domain import naming
from app.domain.folding import fold, fold_tokens
from app.domain.image import ImageType
from app.domain.patient import PatientDraft, age_in_years, clean_text, parse_birth_date, parse_person_name

PATIENT = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Hassán", "hassan"),
        ("أحمد", "احمد"),
        ("إبـراهيم", "ابراهيم"),
        ("منى", "مني"),
        ("فاطمة", "فاطمه"),
        ("مُحَمَّد", "محمد"),
        ("٠١٢٣", "0123"),
        ("Straße", "strasse"),
        ("  A   B ", "a b"),
        ("İstanbul", "istanbul"),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded


@given(st.text())
def test_fold_is_stable(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_tokens() -> None:
    assert fold_tokens("O'Brien-Smith, Mary (2)") == ["o", "brien", "smith", "mary", "2"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("DOE^JOHN", ("DOE", "JOHN")),
        ("Yamada^Tarou=山田^太郎=やまだ^たろう", ("Yamada", "Tarou")),
        ("=山田^太郎", ("山田", "太郎")),
        (" Lead^Space^Q^Dr", ("Lead", "Space Q")),
        ("", ("", "")),
        ("^^^", ("", "")),
        ("A\x00B^C\u202eD", ("AB", "CD")),
    ],
)
def test_person_name(text: str, parts: tuple[str, str]) -> None:
    assert parse_person_name(text) == parts


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("19850314", date(1985, 3, 14)),
        ("1985-03-14", date(1985, 3, 14)),
        ("20000229", date(2000, 2, 29)),
        ("19010229", None),
        ("00000000", None),
        ("1985", None),
        ("١٩٨٥٠٣١٤", None),
        ("garbage!", None),
    ],
)
def test_birth_date(text: str, value: date | None) -> None:
    assert parse_birth_date(text) == value


def test_age_on_the_day_before_and_on_the_birthday() -> None:
    assert age_in_years(date(2000, 2, 29), date(2026, 2, 28)) == 25
    assert age_in_years(date(2000, 2, 29), date(2026, 3, 1)) == 26


def test_draft_is_cleaned_and_refused() -> None:
    assert PatientDraft("  Ha\x00ssan ", "Ah\nmed").cleaned().given_name == "Ah med"
    with pytest.raises(UserError, match=r"patient\.nameless"):
        PatientDraft(" \u202e ").cleaned()
    with pytest.raises(UserError, match=r"patient\.too_long"):
        PatientDraft("x" * 300).cleaned()


def test_directory_of_an_image() -> None:
    assert naming.image_directory(PATIENT, "8", ImageType.XRAY) == f"dental_images/{PATIENT}/8/xray/"
    assert naming.file_name(1750601234567, "image/png") == "image-1750601234567.png"
    assert naming.file_name(1, "application/x-evil") == "image-1.bin"


@settings(max_examples=2000)
@given(st.text(max_size=400))
def test_hostile_text_never_reaches_a_path(text: str) -> None:
    """SEC-25: whatever the text, no path is built from it and exported names stay one plain name."""
    if not naming.is_uuid(text):
        with pytest.raises(ValueError, match="not an id"):
            naming.image_directory(text, "8", ImageType.XRAY)
    if text not in {"general"} and not text.strip().isalnum():
        with pytest.raises(ValueError, match="not a tooth"):
            naming.image_directory(PATIENT, text, ImageType.XRAY)
    name = naming.export_name(text)
    assert PurePosixPath(name).name == name
    assert name not in {".", ".."}
    assert "\\" not in name
    assert ":" not in name
    assert not name.endswith((" ", "."))


@pytest.mark.parametrize("text", ["CON", "nul.txt", "com1", "LPT9.dcm", "../../x", "a/b", "x" * 300, "", "...", "\x00"])
def test_names_that_windows_hates(text: str) -> None:
    name = naming.export_name(text)
    assert name.split(".")[0].lower() not in {"con", "nul", "com1", "lpt9", ""}
    assert len(name) <= 81


def test_clean_text_keeps_emoji_and_arabic() -> None:
    assert clean_text("منى 😀") == "منى 😀"


@given(st.text(st.characters(max_codepoint=126)))
def test_plain_text_takes_the_short_way_to_the_same(text: str) -> None:
    # A letter that is not plain makes it go the long way.
    assert fold(f"{text} é") == f"{fold(text)} e".strip()
