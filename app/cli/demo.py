"""``bitewing demo``: a made-up clinic to try things with."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn


@click.command("demo", help=t("Fill a library with a made-up clinic."))
@click.option("--patients", type=click.IntRange(1), default=12, show_default=True, help=t("At least this many."))
@click.option("--images", type=click.IntRange(1), default=120, show_default=True, help=t("At least this many."))
@click.option("--seed", type=int, default=2026, show_default=True, help=t("The same number makes the same clinic."))
@common
@click.pass_obj
def command(session: Session, patients: int, images: int, seed: int) -> int:
    """Make the clinic."""
    with opened(session, make=True) as library, job(t("Drawing a clinic")) as ctx:
        report = library.demo.fill(library.owner(), patients, images, seed, ctx)
    if session.json:
        output.emit(
            {
                "patients": report.patients,
                "images": report.images,
                "duplicates": report.duplicates,
                "seed": seed,
                "library": session.root(),
            }
        )
    else:
        people = tn("{n} patient", "{n} patients", report.patients)
        output.say(t("{people}, {images} added.", people=people, images=tn("{n} image", "{n} images", report.images)))
    if report.stopped:
        output.fail("demo", report.stopped)
        return 1
    return 0
