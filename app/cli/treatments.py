"""``bitewing treatments list|add|edit|delete|link|unlink``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from app.cli import choices, output
from app.cli.group import group
from app.cli.library import opened
from app.cli.output import known
from app.cli.session import Session, common
from app.domain.treatment import Treatment, TreatmentDraft, TreatmentStatus
from app.words import t, tn

_STATUSES = click.Choice([status.value for status in TreatmentStatus])


@group("treatments", t("What was done to which teeth, with its images."))
def command() -> None:
    """Hold the commands about treatments."""


def _fields(function: Any) -> Any:
    for option in (
        click.option("--procedure", help=t("What is done, in words.")),
        click.option("--code", help=t("Its code in the clinic's list.")),
        click.option("--teeth", type=choices.TeethType(), help=t("The teeth, with commas between them.")),
        click.option("--date", "performed_on", type=choices.BirthDateType(), help=t("The day, as YYYY-MM-DD.")),
        click.option("--dentist", help=t("Who did it.")),
        click.option("--status", type=_STATUSES, help=t("How far it is.")),
        click.option("--notes", help=t("Anything else.")),
    ):
        function = option(function)
    return function


@command.command("list", help=t("List a patient's treatments."))
@click.option("--patient", required=True, help=t("Our id, or the chart number."))
@common
@click.pass_obj
def list_treatments(session: Session, patient: str) -> int:
    """List."""
    with opened(session) as library:
        actor = library.owner()
        found = library.treatments.list(actor, library.patients.resolve(actor, patient).id)
        rows = [_row(item, library.store.treatments.image_ids(item.id)) for item in found]
    if session.json:
        output.emit(rows)
    else:
        for item in found:
            day = item.draft.performed_on.isoformat() if item.draft.performed_on else "          "
            output.say(f"{item.id}  {day}  {','.join(item.draft.teeth):8}  {item.draft.procedure or item.draft.code}")
    return 0


@command.command("add", help=t("Add a treatment, with images that belong to it."))
@click.argument("images", metavar="[IMAGE…]", nargs=-1)
@click.option("--patient", required=True, help=t("Our id, or the chart number."))
@_fields
@common
@click.pass_obj
def add(session: Session, /, images: tuple[str, ...], patient: str, **given: Any) -> int:
    """Add."""
    with opened(session) as library:
        actor = library.owner()
        patient_id = library.patients.resolve(actor, patient).id
        made = library.treatments.add(actor, patient_id, _changed(TreatmentDraft(), given), images)
    _say(session, made, images)
    return 0


@command.command("edit", help=t("Change a treatment."))
@click.argument("treatment")
@_fields
@common
@click.pass_obj
def edit(session: Session, /, treatment: str, **given: Any) -> int:
    """Edit."""
    with opened(session) as library:
        actor = library.owner()
        before = library.treatments.get(actor, treatment)
        made = library.treatments.edit(actor, treatment, _changed(before.draft, given), before.version)
        images = library.store.treatments.image_ids(treatment)
    _say(session, made, images)
    return 0


@command.command("delete", help=t("Delete a treatment; its images stay."))
@click.argument("treatment")
@common
@click.pass_obj
def delete(session: Session, treatment: str) -> int:
    """Delete."""
    with opened(session) as library:
        library.treatments.delete(library.owner(), treatment)
    if session.json:
        output.emit({"id": treatment})
    return 0


@command.command("link", help=t("Add images to a treatment."))
@click.argument("treatment")
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@common
@click.pass_obj
def link(session: Session, treatment: str, images: tuple[str, ...]) -> int:
    """Link."""
    return _linking(session, treatment, images, add=True)


@command.command("unlink", help=t("Take images out of a treatment; they stay in the library."))
@click.argument("treatment")
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@common
@click.pass_obj
def unlink(session: Session, treatment: str, images: tuple[str, ...]) -> int:
    """Unlink."""
    return _linking(session, treatment, images, add=False)


def _linking(session: Session, treatment: str, images: tuple[str, ...], *, add: bool) -> int:
    with opened(session) as library:
        actor = library.owner()
        change = library.treatments.link if add else library.treatments.unlink
        change(actor, treatment, images)
        found = library.treatments.get(actor, treatment)
        held = library.store.treatments.image_ids(treatment)
    _say(session, found, held)
    return 0


def _changed(draft: TreatmentDraft, given: dict[str, Any]) -> TreatmentDraft:
    """Return a draft with what was given; an empty date takes the date away."""
    values = {name: value for name, value in given.items() if value is not None}
    if "performed_on" in values:
        values["performed_on"] = values["performed_on"] or None
    if "status" in values:
        values["status"] = TreatmentStatus(values["status"])
    return replace(draft, **values)


def _say(session: Session, treatment: Treatment, images: Any) -> None:
    if session.json:
        output.emit(_row(treatment, images))
    else:
        count = tn("{n} image", "{n} images", len(images))
        name = treatment.draft.procedure or treatment.draft.code
        output.say(t("{treatment}: {images}.", treatment=name, images=count))


def _row(treatment: Treatment, images: Any) -> dict[str, Any]:
    draft = treatment.draft
    return {
        "id": treatment.id,
        "patient_id": treatment.patient_id,
        "procedure": known(draft.procedure),
        "code": known(draft.code),
        "teeth": list(draft.teeth),
        "date": draft.performed_on,
        "dentist": known(draft.dentist),
        "status": draft.status.value,
        "notes": known(draft.notes),
        "images": list(images),
    }
