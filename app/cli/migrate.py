"""``bitewing migrate``: bring in what an earlier program left."""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import output
from app.cli.library import opened
from app.cli.places import refuse_own
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t


@click.command("migrate", help=t("Bring in the images, patients and treatments of an earlier program."))
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help=t("Say what would happen and change nothing."))
@click.option(
    "--remove-source", is_flag=True, help=t("Afterwards delete what was compared byte for byte with the library.")
)
@common
@click.pass_obj
def command(session: Session, source: Path, dry_run: bool, remove_source: bool) -> int:
    """Migrate."""
    refuse_own(session.root(), (source,))
    with opened(session, make=True) as library, job(t("Bringing in")) as ctx:
        actor = library.owner()
        report = library.migration.look(actor, source, ctx) if dry_run else library.migration.run(actor, source, ctx)
        removed = 0
        if remove_source and not dry_run and report.is_complete:
            removed = library.migration.remove_source(actor, source, ctx)
    for problem in report.exceptions:
        output.fail(problem.where, problem.code, problem.facts)
    if report.stopped:
        output.fail("migrate", report.stopped, {})
    if session.json:
        rows = [{"path": problem.where, **output.refusal(problem.code, problem.facts)} for problem in report.exceptions]
        output.emit(
            {
                "source": report.source,
                "planned": report.planned,
                "arrived": report.arrived,
                "patients": report.patients,
                "patients_made": report.patients_made,
                "treatments": report.treatments,
                "links": report.links,
                "inbox": report.inbox,
                "exceptions": rows,
                "backup": report.backup,
                "removed": removed,
                "stopped": report.stopped,
                "dry_run": dry_run,
            }
        )
    else:
        for name, count in (
            (t("files"), report.source),
            (t("images"), report.planned),
            (t("arrived"), report.arrived),
            (t("patients"), report.patients),
            (t("treatments"), report.treatments),
            (t("in the inbox"), report.inbox),
            (t("exceptions"), len(report.exceptions)),
        ):
            output.say(f"{name}: {count}")
    return 0 if dry_run or report.is_complete else 1
