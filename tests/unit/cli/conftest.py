"""Running commands in this process: fast, and with the streams apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.cli.main import run
from app.words import set_language


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    errors: str

    def json(self) -> Any:
        """Return the one JSON document on standard output."""
        return json.loads(self.out)


Run = Callable[..., Said]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder where a library could be."""
    return tmp_path / "library"


@pytest.fixture
def bitewing(capsys: pytest.CaptureFixture[str], library: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a command in the test's own library."""
    monkeypatch.setenv("BITEWING_LIBRARY", str(library))
    monkeypatch.setenv("BITEWING_LANGUAGE", "en")
    set_language("en")

    def call(*arguments: object) -> Said:
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Said(code, captured.out, captured.err)

    return call
