"""``bitewing export``: images in a chosen form, or everything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from app.bootstrap.library import Library
from app.cli import output
from app.cli.library import opened
from app.cli.places import PathType, refuse_writing
from app.cli.running import job
from app.cli.session import Session, common
from app.core.context import JobContext
from app.core.errors import UserError
from app.services.export.model import ExportArgs, ExportFormat
from app.words import t, tn


@click.command("export", help=t("Write images, or everything, to a folder."))
@click.argument("images", metavar="IMAGE…", nargs=-1)
@click.option("-o", "--out", required=True, type=PathType(file_okay=False), help=t("The folder."))
@click.option("--as", "form", type=click.Choice([form.value for form in ExportFormat]), help=t("What comes out."))
@click.option("--deidentify", is_flag=True, help=t("Without anything that tells who it is."))
@click.option("--burn-in", is_flag=True, help=t("With patient, date and tooth below the picture."))
@click.option("--everything", is_flag=True, help=t("The whole library as plain files."))
@common
@click.pass_obj
def command(
    session: Session,
    images: tuple[str, ...],
    out: Path,
    form: str | None,
    deidentify: bool,
    burn_in: bool,
    everything: bool,
) -> int:
    """Export."""
    if everything == bool(images):
        raise click.UsageError(t("Name images, or use --everything."))
    if everything and (form or deidentify or burn_in):
        raise click.UsageError(t("--everything writes originals; it takes no other options."))
    refuse_writing(out)
    with opened(session) as library, job(t("Exporting")) as ctx:
        if everything:
            return _everything(session, library, out, ctx)
        args = ExportArgs(out, ExportFormat(form or ExportFormat.PNG), deidentify, burn_in)
        return _images(session, library, images, args, ctx)


def _everything(session: Session, library: Library, out: Path, ctx: JobContext) -> int:
    report = library.export.everything(library.owner(), out, ctx)
    for entry in report.missing:
        output.fail(str(entry.get("path") or entry.get("id")), str(entry.get("code") or "image.file_missing"))
    if session.json:
        output.emit(
            {
                "out": out,
                "patients": report.patients,
                "images": report.images,
                "bytes": report.bytes,
                "missing": report.missing,
            }
        )
    else:
        output.say(tn("{n} image exported.", "{n} images exported.", report.images))
    return 0 if report.is_complete else 1


def _images(session: Session, library: Library, images: tuple[str, ...], args: ExportArgs, ctx: JobContext) -> int:
    rows: list[dict[str, Any]] = []
    known = []
    for image_id in images:
        try:
            known.append(library.images.get(library.owner(), image_id).id)
        except UserError as error:
            if error.code != "image.none":
                raise
            rows.append({"image_id": image_id, "paths": [], **output.refusal(error.code, {"text": image_id})})
            output.fail(image_id, error.code, {"text": image_id})
    exported = 0
    if known:
        report = library.export.images(library.owner(), known, args, ctx)
        exported = report.exported
        for item in report.items:
            said = output.refusal(item.code, item.facts) if item.code else output.nothing_refused()
            rows.append({"image_id": item.image_id, "paths": item.paths, **said})
            if item.code:
                output.fail(item.image_id, item.code, item.facts)
    failed = len(rows) - exported
    if session.json:
        output.emit({"exported": exported, "failed": failed, "out": args.out, "items": rows})
    else:
        output.say(tn("{n} image exported.", "{n} images exported.", exported))
    return 1 if failed else 0
