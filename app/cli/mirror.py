"""``bitewing mirror``: bring the mirrors up to date."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn


@click.command("mirror", help=t("Send what waits to the mirrors, each file proven to be there."))
@click.option("--destination", metavar="NAME", help=t("This mirror only."))
@click.option("--once", is_flag=True, help=t("Accepted for scripts: it is always one round."))
@common
@click.pass_obj
def command(session: Session, destination: str | None, once: bool) -> int:
    """Synchronise."""
    del once
    with opened(session) as library, job(t("Sending to the mirrors")) as ctx:
        report = library.mirrors.sync(library.owner(), ctx, destination, "command")
    drained = report.drained
    for image_id, code in drained.faults.items():
        output.fail(image_id, code)
    for name, one in report.by_destination.items():
        for code in filter(None, (one.away, one.blocked)):
            output.complain(f"{name}: {output.refusal(code, {})['reason']}")
    if session.json:
        output.emit(
            {
                "uploaded": drained.sent,
                "deleted": drained.removed,
                "unchanged": drained.already_there,
                "failed": drained.failed,
                "bytes": drained.bytes,
                "queued": report.queued,
                "away": drained.away,
                "blocked": drained.blocked,
            }
        )
    else:
        output.say(tn("{n} file sent.", "{n} files sent.", drained.sent))
        if drained.removed:
            output.say(tn("{n} file called back.", "{n} files called back.", drained.removed))
        if report.queued:
            output.say(tn("{n} waits to be sent.", "{n} wait to be sent.", report.queued))
    return 1 if drained.failed or drained.blocked else 0
