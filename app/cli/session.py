"""What every command shares: ``--json`` and ``--library``, before or after the command's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from app.cli.places import PathType
from app.core.paths import default_library
from app.words import t

Command = TypeVar("Command", bound=Callable[..., Any] | click.Command)


@dataclass(slots=True)
class Session:
    """What the command line said for all commands."""

    json: bool = False
    library: Path | None = None

    def root(self) -> Path:
        """Return the library's folder: named, from the environment, or the platform's."""
        return (self.library or default_library()).expanduser().absolute()


def common(command: Command) -> Command:
    """Give a command or group the two options that all have."""
    for option in (_json_option(), _library_option()):
        command = option(command)
    return command


def _json_option() -> Callable[[Any], Any]:
    return click.option(
        "--json",
        is_flag=True,
        expose_value=False,
        callback=_remember_json,
        help=t("Print one JSON document and nothing else."),
    )


def _library_option() -> Callable[[Any], Any]:
    return click.option(
        "--library",
        metavar="DIR",
        type=PathType(file_okay=False),
        expose_value=False,
        callback=_remember_library,
        help=t("The library folder."),
    )


def _remember_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.ensure_object(Session).json = True


def _remember_library(ctx: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        ctx.ensure_object(Session).library = value
