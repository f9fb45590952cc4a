"""What is printed: one line each, no commands for terminals, plain JSON values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from app.cli import output
from app.domain.image import ImageType
from app.words import set_language


@pytest.fixture(autouse=True)
def _english() -> None:
    set_language("en")


def test_a_file_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.fail("a\x1b[31m\nb\u202egpj.dcm", "file.empty")
    line = capsys.readouterr().err
    assert line == "a\\x1b[31m\\nb\\u202egpj.dcm: The file is empty: it has no bytes at all.\n"
    output.table(("name",), [("x\x07y",)])
    assert "\x07" not in capsys.readouterr().out


def test_letters_of_any_script_stay() -> None:
    assert output.safe("Müller، أحمد\u200e 李") == "Müller، أحمد\u200e 李"


def test_values_become_json() -> None:
    @dataclass
    class Thing:
        when: datetime
        day: date
        kind: ImageType
        where: Path
        teeth: tuple[str, ...]

    thing = Thing(datetime(2024, 5, 1, 10, tzinfo=UTC), date(2024, 5, 1), ImageType.XRAY, Path("a") / "b", ("8",))
    assert json.loads(json.dumps(output.plain({"thing": thing, "none": None}))) == {
        "thing": {
            "when": "2024-05-01T10:00:00+00:00",
            "day": "2024-05-01",
            "kind": "xray",
            "where": str(Path("a") / "b"),
            "teeth": ["8"],
        },
        "none": None,
    }


def test_columns_stand_under_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("id", "name"), [("1", "Ann"), ("22", None), ("3", ["a", "b"])])
    assert capsys.readouterr().out == "id  name\n1   Ann\n22  –\n3   a,b\n"
