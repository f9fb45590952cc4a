"""``bitewing log list|export``: what ran, what was found, what failed and what was done about it."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.services.logbook import LogFilter, LogTopic, since_days
from app.storage.events import Level
from app.words import log as log_words
from app.words import t, tn

_SERIOUS = {"info": tuple(Level), "warning": (Level.WARNING, Level.ERROR), "error": (Level.ERROR,)}


@group("log", t("What ran, what was found and what failed; no patient data."))
def command() -> None:
    """Hold the commands about the log."""


def _filters(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--days", type=click.IntRange(1), help=t("Only the last so many days.")),
        click.option("--level", type=click.Choice(list(_SERIOUS)), default="info", help=t("This serious or more.")),
        click.option("--topic", type=click.Choice([topic.value for topic in LogTopic]), help=t("Only about this.")),
    ):
        function = option(function)
    return function


def _wanted(topic: str | None, level: str, days: int | None) -> LogFilter:
    levels = None if level == "info" else _SERIOUS[level]
    return LogFilter(LogTopic(topic) if topic else None, levels, since_days(days) if days else None)


@command.command("list", help=t("Print the log, newest first."))
@_filters
@click.option("--limit", type=click.IntRange(1), default=200, help=t("At most so many."))
@common
@click.pass_obj
def list_entries(session: Session, topic: str | None, level: str, days: int | None, limit: int) -> int:
    """List."""
    with opened(session) as library:
        entries = library.logbook.page(library.owner(), _wanted(topic, level, days), limit)
    if session.json:
        rows = []
        for entry in entries:
            title, text = log_words.describe(entry)
            rows.append(
                {
                    "at": entry.at,
                    "ended_at": entry.ended_at,
                    "level": entry.level,
                    "kind": entry.kind or None,
                    "state": entry.state or None,
                    "code": entry.code,
                    "facts": entry.facts,
                    "counts": entry.counts,
                    "title": title,
                    "text": text,
                    "actor": entry.actor_id,
                    "workstation": entry.workstation,
                    "job_id": entry.job_id,
                }
            )
        output.emit(rows)
        return 0
    for entry in entries:
        title, text = log_words.describe(entry)
        when = entry.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        output.say(f"{when}  {entry.level.value:7}  {title}  {text}".rstrip())
    return 0


@command.command("export", help=t("Write the log to a CSV or JSON file."))
@click.argument("file", type=click.Path(path_type=Path))
@_filters
@common
@click.pass_obj
def export(session: Session, file: Path, topic: str | None, level: str, days: int | None) -> int:
    """Export."""
    with opened(session) as library, job(t("Exporting the log")) as ctx:
        count = library.logbook.export(library.owner(), file, log_words.describe, ctx, _wanted(topic, level, days))
    if session.json:
        output.emit({"path": str(file), "entries": count})
    else:
        output.say(tn("{n} entry written.", "{n} entries written.", count))
    return 0
