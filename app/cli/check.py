"""``bitewing check``: does every image have its file, and every file its image?"""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.words import t, tn


@click.command("check", help=t("Check that every image has its file and every file its image."))
@click.option("--deep", is_flag=True, help=t("Read every file and compare it with what was imported."))
@common
@click.pass_obj
def command(session: Session, deep: bool) -> int:
    """Check."""
    with opened(session) as library, job(t("Checking")) as ctx:
        report = library.check.run(library.owner(), deep, ctx)
    for item in report.items:
        output.fail(item.path, item.code, item.facts)
    if report.database != "ok":
        output.fail("bitewing.db", "database.corrupt")
    if session.json:
        output.emit(
            {
                "images": report.images,
                "missing": report.missing,
                "orphans": report.orphans,
                "corrupt": report.corrupt,
                "database": report.database,
                "bytes": report.bytes,
                "deep": report.deep,
                "items": [
                    {
                        "path": item.path,
                        "status": item.status,
                        "image_id": item.image_id,
                        "patient_id": item.patient_id,
                        **output.refusal(item.code, item.facts),
                    }
                    for item in report.items
                ],
            }
        )
    elif report.is_sound:
        images = tn("{n} image", "{n} images", report.images)
        output.say(t("{images}: everything is as it should be.", images=images))
    return 0 if report.is_sound else 1
