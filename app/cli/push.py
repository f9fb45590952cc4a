"""``bitewing push``: send what is queued to the archive."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn


@click.command("push", help=t("Send what is queued to the archive, each image proven to be there."))
@click.option("--once", is_flag=True, help=t("Accepted for scripts: a push is always one round."))
@common
@click.pass_obj
def command(session: Session, once: bool) -> int:
    """Push."""
    del once
    with opened(session) as library, job(t("Sending to the archive")) as ctx:
        report = library.archive.push(library.owner(), ctx, "command")
    drained = report.drained
    for image_id, code in drained.faults.items():
        output.fail(image_id, code)
    if drained.away is not None:
        output.complain(output.refusal(drained.away, {})["reason"])
    if session.json:
        output.emit(
            {
                "sent": drained.sent,
                "already_there": drained.already_there,
                "removed": drained.removed,
                "conflicts": drained.conflicts,
                "failed": drained.failed,
                "queued": report.queued,
                "away": drained.away,
                "blocked": drained.blocked,
            }
        )
    else:
        there = drained.sent + drained.already_there
        output.say(tn("{n} image is in the archive.", "{n} images are in the archive.", there))
        if report.queued:
            output.say(tn("{n} image waits to be sent.", "{n} images wait to be sent.", report.queued))
    return 1 if drained.failed or drained.blocked else 0
