"""``bitewing images move|case|delete|restore IMAGE…``: one by one, so that one failure stops no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from app.cli import choices, output
from app.cli.group import group
from app.cli.library import opened
from app.cli.rows import image_row
from app.cli.session import Session, common
from app.core.errors import BitewingError, RefusedError
from app.words import t, tn


@group("images", t("Move images, attach them to cases, delete and restore them."))
def command() -> None:
    """Hold the commands about images."""


@command.command("move", help=t("File images elsewhere: patient, tooth, teeth, type or view."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@choices.place_options
@common
@click.pass_obj
def move(session: Session, /, images: tuple[str, ...], patient: str | None, **place: Any) -> int:
    """Move."""
    if all(value is None for value in (patient, *place.values())):
        raise click.UsageError(t("Say where to: --patient, --tooth, --teeth, --type or --view."))
    with opened(session) as library:
        patient_id = library.patients.resolve(library.owner(), patient).id if patient is not None else None
        filing = choices.filing(patient_id, place)
        done = _each(session, images, lambda image: library.images.move(library.owner(), (image,), filing))
    if not session.json:
        output.say(tn("{n} image moved.", "{n} images moved.", done))
    return 0 if done == len(images) else 1


@command.command("case", help=t("Let images of one patient belong to a case or an appointment."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@click.option("--reference", required=True, metavar="TEXT", help=t("Its reference; empty takes them out of theirs."))
@common
@click.pass_obj
def case(session: Session, images: tuple[str, ...], reference: str) -> int:
    """Attach to a case."""
    with opened(session) as library:
        done = library.cases.attach(library.owner(), images, reference)
    if session.json:
        output.emit([image_row(record) for record in done])
    else:
        output.say(tn("{n} image changed.", "{n} images changed.", len(done)))
    return 0


@command.command("delete", help=t("Delete images; they can be restored."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@common
@click.pass_obj
def delete(session: Session, images: tuple[str, ...]) -> int:
    """Delete."""
    with opened(session) as library:
        done = _each(session, images, lambda image: library.images.delete(library.owner(), (image,)))
    if not session.json:
        output.say(tn("{n} image deleted.", "{n} images deleted.", done))
    return 0 if done == len(images) else 1


@command.command("restore", help=t("Bring deleted images back."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@common
@click.pass_obj
def restore(session: Session, images: tuple[str, ...]) -> int:
    """Restore."""
    with opened(session) as library:
        done = _each(session, images, lambda image: library.images.restore(library.owner(), (image,)))
    if not session.json:
        output.say(tn("{n} image restored.", "{n} images restored.", done))
    return 0 if done == len(images) else 1


def _each(session: Session, images: tuple[str, ...], act: Callable[[str], object]) -> int:
    """Do it to every image, print what failed, and return how many were done."""
    rows: list[dict[str, str | None]] = []
    for image in images:
        try:
            act(image)
        except RefusedError:
            raise
        except BitewingError as error:
            facts = {"text": image, **error.facts}
            output.fail(image, error.code, facts)
            rows.append({"image_id": image, "status": "failed", **output.refusal(error.code, facts)})
        else:
            rows.append({"image_id": image, "status": "done", **output.nothing_refused()})
    done = len([row for row in rows if row["status"] == "done"])
    if session.json:
        output.emit({"done": done, "failed": len(rows) - done, "items": rows})
    return done
