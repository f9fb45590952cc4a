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


class ActingGroup(click.Group):
    """A group that does something itself: what is no command of it belongs to the command named ``acts``.

    ``bitewing publish IMAGE…`` beside ``bitewing publish list``.
    """

    acts = "now"

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, else the one that acts."""
        return super().get_command(ctx, cmd_name) or super().get_command(ctx, self.acts)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Leave the whole line to the command that acts, where it names no other."""
        if args and super().get_command(ctx, args[0]) is None:
            return self.acts, super().get_command(ctx, self.acts), args
        return super().resolve_command(ctx, args)


def acting_group(name: str, text: str) -> Callable[[Callable[[], Any]], ActingGroup]:
    """Return a decorator that makes such a group; options before its first argument are the acting command's too."""

    def decorate(function: Callable[[], Any]) -> ActingGroup:
        made = click.group(name, cls=ActingGroup, help=text, context_settings={"ignore_unknown_options": True})
        return common(made(function))

    return decorate
