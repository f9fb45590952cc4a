"""``bitewing gui`` and ``bitewing`` alone: what reaches the window, and what happens without a display."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from app.bootstrap.window import WindowArgs
from app.cli import gui
from tests.unit.cli.conftest import Run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[WindowArgs]:
    """Stand in for the window, which would wait for a person."""
    windows: list[WindowArgs] = []

    def remember(args: WindowArgs) -> int:
        windows.append(args)
        return 0

    monkeypatch.setattr(gui, "run_window", remember)
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    return windows


def test_a_practice_program_opens_a_patient(bitewing: Run, opened: list[WindowArgs], library: Path) -> None:
    said = bitewing(
        *("gui", "--patient", "H-7", "--last", "Hassan", "--first", "Ahmed", "--dob", "1985-03-14", "--sex", "m"),
        *("--tooth", "fdi:11", "--image", "some-id", "one.dcm", "two.jpg"),
    )
    assert said.code == 0, said.errors
    assert opened == [
        WindowArgs(
            library=library,
            patient="H-7",
            last="Hassan",
            first="Ahmed",
            dob="1985-03-14",
            sex="M",
            tooth="8",
            image="some-id",
            files=(Path("one.dcm"), Path("two.jpg")),
        )
    ]


def test_bitewing_alone_opens_the_window(bitewing: Run, opened: list[WindowArgs], tmp_path: Path) -> None:
    assert bitewing("--library", tmp_path / "mine").code == 0
    assert [window.library for window in opened] == [tmp_path / "mine"]


def test_wrong_demographics_are_wrong_usage(bitewing: Run, opened: list[WindowArgs]) -> None:
    for arguments in (["--dob", "14.3.85"], ["--sex", "x"], ["--tooth", "99"], ["--size", "huge"]):
        assert bitewing("gui", *arguments).code == 2
    assert opened == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a display")
def test_without_a_display_words_and_not_an_abort(
    bitewing: Run, opened: list[WindowArgs], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    said = bitewing("gui")
    assert said.code == 1
    assert "no display" in said.errors
    assert "--screenshot" in said.errors
    assert opened == []
    assert bitewing("gui", "--screenshot", "a.png").code == 0
    assert [window.screenshot for window in opened] == [Path("a.png")]
