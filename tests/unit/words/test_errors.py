"""Every code that is raised anywhere has words, and the words' places are filled by its facts."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import EnvironmentFault, UserError
from app.core.settings import SETTING_KEYS
from app.domain.roles import Action
from app.words import set_language
from app.words.error_table import TOPICS, templates_for
from app.words.errors import describe, reason, words_for

APP = Path(__file__).resolve().parents[3] / "app"
ERRORS = {
    "BitewingError",
    "UserError",
    "RefusedError",
    "EnvironmentFault",
    "TransientFault",
    "ItemError",
    "DecoderDied",
}
CODE = re.compile(r"[a-z]+\.[a-z][a-z_]+")
# Dotted words that look like codes and are names of files, jobs and the like.
NOT_CODES = (
    {
        "export.everything",
        "export.service",
        "drive.service",
        "drive.refresh_token",
        "drive.session",
        "drive.connection",
        "drive.account",
    }
    | {action.value for action in Action}
    | set(SETTING_KEYS)
)


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def _modules() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted(APP.rglob("*.py")):
        if "words" not in path.parts:
            yield path, ast.parse(path.read_text("utf-8"))


def _raised() -> Iterator[tuple[str, set[str | None], str]]:
    """Yield code, names of facts and place of every error made with a literal code."""
    for path, tree in _modules():
        for node in ast.walk(tree):
            name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name in ERRORS and node.args and isinstance(node.args[0], ast.Constant):
                code = node.args[0].value
                if isinstance(code, str):
                    yield code, {keyword.arg for keyword in node.keywords}, f"{path.name}:{node.lineno}"


def test_every_raised_code_has_words() -> None:
    wordless = {f"{code} ({place})" for code, _facts, place in _raised() if templates_for(code) is None}
    assert wordless == set()
    assert len({code for code, _facts, _place in _raised()}) > 40


def test_codes_in_tables_and_decisions_have_words() -> None:
    """Codes also travel as plain values: decisions, import items, results of a check."""
    wordless = {
        node.value
        for _path, tree in _modules()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
        if node.value.partition(".")[0] in TOPICS and node.value not in NOT_CODES
        if not node.value.endswith((".csv", ".json", ".log", ".png", ".db", ".toml", ".lock", ".py"))
        if templates_for(node.value) is None
    }
    assert wordless == set()


def test_places_are_filled_by_the_facts() -> None:
    empty = []
    for code, facts, place in _raised():
        templates = templates_for(code)
        if templates is None or None in facts:
            continue
        wanted = {
            name
            for template in (templates.title, templates.briefly or templates.explanation, templates.what_to_do)
            for _text, name, _form, _kind in string.Formatter().parse(template)
            if name
        }
        given = facts | ({"content"} if "what" in facts else set())
        if not wanted <= given:
            empty.append(f"{code} ({place}): {sorted(wanted - given)}")
    assert empty == []


def test_words_have_a_title_a_sentence_and_advice() -> None:
    words = describe("disk.reserve", {"needed": 3_000_000_000, "free": 450_000_000, "reserve": 500_000_000})
    assert words.title == "Not enough room"
    assert words.explanation == "3.0 GB are needed and 450 MB are free, of which 500 MB stay reserved."
    assert words.what_to_do


def test_missing_facts_use_the_short_form() -> None:
    assert reason("file.truncated", {"has": 10, "needed": 20}) == "The file is incomplete: it has 10 of 20 bytes."
    assert reason("file.truncated", {"has": 10}) == "The file is incomplete."


def test_facts_are_said_in_words() -> None:
    said = reason("identity.contradicts", {"contradictions": ["name", "birth_date"]})
    assert said == "The file and the patient disagree: name, birth date."
    assert "structured report" in reason("dicom.no_pixels", {"content": "structured_report"})
    assert "structured report" in reason("dicom.no_pixels", {"what": "structured_report"})
    assert "no room left" in reason("move.stopped", {"moved": 1, "total": 3, "cause": "disk.full"})


def test_a_file_name_cannot_be_a_template() -> None:
    assert "{0.__class__}" in reason("patient.none", {"text": "{0.__class__}"})


def test_unknown_codes_and_bugs_have_general_words() -> None:
    assert "never.heard" in describe("never.heard").explanation
    assert "ZeroDivisionError" in words_for(ZeroDivisionError()).explanation
    assert words_for(UserError("tooth.unknown", text="99")).explanation == "There is no tooth 99."
    assert words_for(EnvironmentFault("file.empty")).title == "Empty file"


def test_every_sentence_ends_like_one() -> None:
    for topic in TOPICS.values():
        for code, words in topic().items():
            assert words.title, code
            assert not words.title.endswith("."), code
            assert words.explanation.endswith((".", "}")), code
            assert not words.what_to_do or words.what_to_do.endswith("."), code


def test_paths_stand_right_in_both_directions() -> None:
    for language, shown in (("en", "/srv/old"), ("ar", "\u2066/srv/old\u2069")):
        set_language(language)
        try:
            assert shown in reason("migrate.no_source", {"path": "/srv/old"})
        finally:
            set_language("en")
