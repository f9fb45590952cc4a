"""A group of commands in one module: its name alone shows the help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from app.cli.session import common


def group(name: str, text: str) -> Callable[[Callable[[], Any]], click.Group]:
    """Return a decorator that makes a group with the options all commands have."""

    def decorate(function: Callable[[], Any]) -> click.Group:
        return common(click.group(name, help=text)(function))

    return decorate
