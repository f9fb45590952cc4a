"""``bitewing receive``: the DICOM listener without a window."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.services.receive_report import ReceiveReport
from app.words import t, tn


@click.command("receive", help=t("Take what sensors and modalities send by DICOM, until stopped."))
@click.option("--port", type=click.IntRange(1, 65535), help=t("The port to listen on; else that of the settings."))
@click.option("--aet", default="", help=t("The name to answer to (AE title); else that of the settings."))
@common
@click.pass_obj
def command(session: Session, port: int | None, aet: str) -> int:
    """Receive."""
    report = ReceiveReport()
    try:
        with opened(session, make=True) as library, job(t("Receiving")) as ctx:
            library.receiving.run(library.owner(), ctx, report, port, aet)
    finally:
        counts = report.counts
        if session.json:
            output.emit(dict(counts))
        else:
            brought = counts["imported"] + counts["inbox"]
            output.say(tn("{n} image taken in.", "{n} images taken in.", brought))
    return 0
