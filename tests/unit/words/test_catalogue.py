"""Texts in the language in use, their plurals, and the catalogues of the repository."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.words import available_languages, is_right_to_left, language, set_language, t, tn

ROOT = Path(__file__).resolve().parents[3]
sys.path.append(str(ROOT / "installer"))
translations = __import__("translations")


@pytest.fixture(autouse=True)
def _english_again() -> Iterator[None]:
    yield
    set_language("en")


def test_english_is_the_source() -> None:
    set_language("en")
    assert t("There is no tooth {text}.", text="99") == "There is no tooth 99."
    assert tn("{n} image", "{n} images", 1) == "1 image"
    assert tn("{n} image", "{n} images", 3) == "3 images"
    assert not is_right_to_left()


def test_arabic_runs_from_right_to_left_and_has_six_plurals() -> None:
    set_language("ar")
    assert is_right_to_left()
    forms = [tn("{n} image", "{n} images", n) for n in (0, 1, 2, 5, 25, 100)]
    assert len(set(forms)) >= 5
    assert all(any("\u0600" <= letter <= "\u06ff" for letter in form) for form in forms)
    assert "25" in forms[4]


def test_user_text_is_never_read_as_a_template() -> None:
    set_language("en")
    assert t("There is no tooth {text}.", text="{danger}") == "There is no tooth {danger}."


def test_environment_names_the_language(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("BITEWING_LANGUAGE", "")
    monkeypatch.setenv("LANG", "ar_EG.UTF-8")
    set_language("")
    assert language() == "ar"
    monkeypatch.setenv("BITEWING_LANGUAGE", "en")
    set_language("")
    assert language() == "en"
    monkeypatch.setenv("BITEWING_LANGUAGE", "xx")
    set_language("nonsense")
    assert language() == "en", "the first variable that is set decides"
    monkeypatch.delenv("BITEWING_LANGUAGE")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    set_language("")
    assert language() == "en", "LC_ALL=C means English whatever LANG says"


def test_every_text_is_translated_and_compiled() -> None:
    found = translations.collect(ROOT / "app")
    assert list(found.problems) == []
    assert len(found.keys) > 400
    assert translations.check(ROOT / "resources" / "i18n", found.keys) == []
    assert {"en", "ar"} <= set(available_languages())


def test_collecting_finds_literals_and_refuses_others(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('t("One")\nwords.t("Two {x}", x=1)\ntn("{n} a", "{n} b", 3)\nt(name)\n')
    found = translations.collect(tmp_path)
    assert found.keys == {"One", "Two {x}", ("{n} a", "{n} b")}
    assert found.problems == ("a.py:4: not a literal text",)


def _catalogue(folder: Path, *entries: str) -> Path:
    path = folder / "ar" / "LC_MESSAGES" / "bitewing.po"
    path.parent.mkdir(parents=True)
    head = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
    )
    path.write_text(head + "\n\n".join(entries) + "\n", "utf-8")
    return path


def test_check_finds_what_is_missing_unequal_and_stale(tmp_path: Path) -> None:
    _catalogue(tmp_path, 'msgid "Go {where}"\nmsgstr "اذهب {elsewhere}"', 'msgid "Old"\nmsgstr "قديم"')
    wrong = translations.check(tmp_path, frozenset({"Go {where}", "New"}))
    assert any("not translated: 'New'" in line for line in wrong)
    assert any("places differ: 'Go {where}'" in line for line in wrong)
    assert any("no longer used: 'Old'" in line for line in wrong)
    assert any("not compiled" in line for line in wrong)


def test_update_keeps_translations_drops_stale_ones_and_is_stable(tmp_path: Path) -> None:
    path = _catalogue(tmp_path, 'msgid "Go"\nmsgstr "اذهب"', 'msgid "Old"\nmsgstr "قديم"')
    translations.update(tmp_path, frozenset({"Go"}))
    assert translations.check(tmp_path, frozenset({"Go"})) == []
    first = path.read_bytes()
    assert "قديم".encode() not in first
    translations.update(tmp_path, frozenset({"Go"}))
    assert path.read_bytes() == first
