"""A group whose commands are loaded by name: the help names them all without importing any."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import click

from app.words import t


class Entry(NamedTuple):
    """Where a command lives and what its line in the help says (asked for when it is shown)."""

    module: str
    help: Callable[[], str]


class LazyGroup(click.Group):
    """A group of commands that are imported when they are used."""

    entries: Mapping[str, Entry] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of the table."""
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of that name."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        command: Any = importlib.import_module(entry.module).command
        assert isinstance(command, click.Command)
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        if threading.current_thread() is threading.main_thread() and not ignored:
            # Until here Ctrl+C ended the process at once (app.__main__); from here on there is work to put away.
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section(t("Commands")):
            formatter.write_dl([(name, entry.help()) for name, entry in self.entries.items()])
