"""The README's commands exist as they are written there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from app.cli.main import bitewing as root

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text("utf-8")


def _written() -> list[list[str]]:
    blocks = re.findall(r"```\n(bitewing .*?)```", README, re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.strip().splitlines()]


def test_commands_and_options_are_real() -> None:
    lines = _written()
    assert len(lines) > 10
    for words in lines:
        command: click.Command = root
        rest = list(words)
        # A group may also do something by itself.
        while isinstance(command, click.Group) and not rest[0].startswith("-"):
            found = command.get_command(click.Context(command), rest.pop(0))
            assert found is not None, words
            command = found
        options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert {word for word in rest if word.startswith("-")} <= options, words


def test_files_that_the_readme_names_are_there() -> None:
    for name in re.findall(r"`((?:installer|tests|app|domain|imaging|ui|sync|storage|jobs|words)/[\w/]+\.py)`", README):
        candidates = [ROOT / name, ROOT / "app" / name]
        assert any(path.is_file() for path in candidates), name
