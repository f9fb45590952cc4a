"""``bitewing watch``: the folder monitor without a window."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn

STATUSES = {
    "imported": "imported",
    "inbox": "inbox",
    "duplicate": "duplicates",
    "skipped": "skipped",
    "quarantined": "quarantined",
}


@click.command("watch", help=t("Watch the folders of the settings and import what arrives."))
@click.option("--once", is_flag=True, help=t("Stop when everything that is there was handled."))
@common
@click.pass_obj
def command(session: Session, once: bool) -> int:
    """Watch."""
    with opened(session, make=True) as library, job(t("Watching")) as ctx:
        report = library.monitor.run(library.owner(), ctx, once=once)
        folders = [rule.path for rule in library.monitor.rules()]
    for folder in report.away:
        output.fail(folder, "monitor.folder_missing", {"path": folder})
    for path, code in report.failed.items():
        output.fail(path, code)
    if session.json:
        counts = {name: report.counts[status] for status, name in STATUSES.items()}
        output.emit(
            {
                "folders": folders,
                **counts,
                "failed": len(report.failed),
                "waiting": report.waiting,
                "away": list(report.away),
            }
        )
    else:
        brought = report.counts["imported"] + report.counts["inbox"]
        output.say(tn("{n} image taken in.", "{n} images taken in.", brought))
    return 1 if report.away or report.failed or report.counts["quarantined"] else 0
