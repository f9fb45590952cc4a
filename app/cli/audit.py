"""``bitewing audit verify|export``: the audit log."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn


@group("audit", t("Who did what: prove that nothing of it was changed, or write it out."))
def command() -> None:
    """Hold the commands about the audit log."""


@command.command("verify", help=t("Walk every chain of the audit log."))
@common
@click.pass_obj
def verify(session: Session) -> int:
    """Verify."""
    with opened(session) as library, job(t("Verifying the audit log")):
        report = library.audit_log.verify(library.owner())
    for found in report.breaks:
        output.fail(f"{found.writer} {found.sequence}", "check.audit_broken", {"kind": found.kind})
    if session.json:
        breaks = [{"writer": found.writer, "sequence": found.sequence, "kind": found.kind} for found in report.breaks]
        output.emit({"entries": report.entries, "ok": report.holds, "breaks": breaks})
    elif report.holds:
        output.say(tn("{n} entry, the chain holds.", "{n} entries, every chain holds.", report.entries))
    return 0 if report.holds else 1


@command.command("export", help=t("Write the audit log as lines of JSON."))
@click.argument("file", type=click.Path(path_type=Path))
@common
@click.pass_obj
def export(session: Session, file: Path) -> int:
    """Export."""
    with opened(session) as library, job(t("Exporting the audit log")) as ctx:
        count = library.audit_log.export(library.owner(), file, ctx)
    if session.json:
        output.emit({"path": str(file), "entries": count})
    else:
        output.say(tn("{n} entry written.", "{n} entries written.", count))
    return 0
