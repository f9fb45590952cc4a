"""``bitewing agent``: all background work without a window; and its life as a service of the system."""

from __future__ import annotations

import subprocess
from typing import Any

import click

from app.bootstrap.agent import run_agent
from app.bootstrap.library import open_library
from app.cli import output
from app.cli.library import opened
from app.cli.session import Session, common
from app.services.unattended.plan import Plan
from app.services.unattended.service import MANAGERS, AgentStatus
from app.words import errors as error_words
from app.words import t


@common
@click.group("agent", invoke_without_command=True, help=t("Do all background work without a window, until stopped."))
@click.option("--existing", is_flag=True, help=t("Never make a library: its drive may not be there yet."))
@click.pass_context
def command(ctx: click.Context, existing: bool) -> int | None:
    """Work until stopped, unless a command about the service follows."""
    if ctx.invoked_subcommand is not None:
        return None
    session: Session = ctx.obj
    with open_library(session.root(), create=not existing, kind="agent") as library:
        return run_agent(library)


@command.command("install", help=t("Let the system start the agent, now and with the machine, and restart it."))
@click.option(
    "--system/--account",
    "for_machine",
    default=None,
    help=t("A service of the machine, or of this account alone. Otherwise: of the machine for an administrator."),
)
@click.option("--print", "prints", is_flag=True, help=t("Only show what would be written and run."))
@click.option(
    "--manager",
    type=click.Choice([manager.name for manager in MANAGERS]),
    help=t("With --print: show it for this service manager."),
)
@common
@click.pass_obj
def install(session: Session, for_machine: bool | None, prints: bool, manager: str | None) -> int:
    """Install."""
    if manager is not None and not prints:
        raise click.UsageError(t("--manager goes with --print only."))
    with opened(session, make=not prints) as library:
        if prints:
            plan = library.agent.planned(library.owner(), manager=manager, for_machine=for_machine)
            _show_plan(session, plan)
            return 0
        status, notes = library.agent.install(library.owner(), for_machine=for_machine)
    for note in notes:
        output.complain(" ".join(filter(None, (error_words.reason(note), error_words.describe(note, {}).what_to_do))))
    return _show(session, status, notes)


@command.command("status", help=t("Show whether the agent is installed and running."))
@common
@click.pass_obj
def status(session: Session) -> int:
    """Show how it stands."""
    with opened(session) as library:
        return _show(session, library.agent.status(library.owner()))


@command.command("start", help=t("Start the installed agent."))
@common
@click.pass_obj
def start(session: Session) -> int:
    """Start."""
    with opened(session) as library:
        return _show(session, library.agent.start(library.owner()))


@command.command("stop", help=t("Stop the installed agent, cleanly where the service manager knows how."))
@common
@click.pass_obj
def stop(session: Session) -> int:
    """Stop."""
    with opened(session) as library:
        return _show(session, library.agent.stop(library.owner()))


@command.command("remove", help=t("Stop the agent and let the system forget it."))
@common
@click.pass_obj
def remove(session: Session) -> int:
    """Remove."""
    with opened(session) as library:
        return _show(session, library.agent.remove(library.owner()))


def _show_plan(session: Session, plan: Plan) -> None:
    if session.json:
        files = [{"path": str(file.path), "text": file.text} for file in plan.write]
        output.emit({"files": files, "commands": [list(step.command) for step in plan.run]})
        return
    for file in plan.write:
        output.say(f"# {file.path}")
        for line in file.text.splitlines():
            output.say(line.expandtabs(2))
        output.say("")
    for step in plan.run:
        output.say(f"$ {subprocess.list2cmdline(step.command)}")


def _show(session: Session, found: AgentStatus, notes: tuple[str, ...] = ()) -> int:
    if session.json:
        output.emit({**output.plain(found), "notes": [output.refusal(note) for note in notes]})
        return 0
    lines: list[tuple[str, Any]] = [
        (t("Installed"), _yes_or_no(found.installed)),
        (t("Service manager"), found.manager),
        (t("Name"), found.name),
        (t("File"), found.file),
        (t("Starts with the machine"), _yes_or_no(found.enabled)),
        (t("Running"), _yes_or_no(found.running)),
        (t("Does the work now"), f"{found.working.kind} ({found.working.pid})" if found.working else None),
        (t("Log folder"), found.log),
    ]
    for name, value in lines:
        output.say(f"{name}: {value or '–'}")
    return 0


def _yes_or_no(value: bool | None) -> str | None:
    return None if value is None else t("yes") if value else t("no")
