"""``bitewing inbox list`` and ``bitewing inbox file``: what waits for a person."""

from __future__ import annotations

from typing import Any

import click

from app.cli import choices, output
from app.cli.group import group
from app.cli.library import opened
from app.cli.rows import image_row
from app.cli.session import Session, common
from app.services.inbox import Waiting
from app.words import t, tn


@group("inbox", t("What waits for somebody to decide."))
def command() -> None:
    """Hold the commands about the inbox."""


@command.command("list", help=t("List what waits, and who might be meant."))
@common
@click.pass_obj
def list_waiting(session: Session) -> int:
    """List."""
    with opened(session) as library:
        waiting = library.inbox.waiting(library.owner())
    if session.json:
        output.emit([_row(entry) for entry in waiting])
        return 0
    for entry in waiting:
        reason = output.refusal(entry.code, entry.image.reason_facts)["reason"]
        output.say(f"{entry.image.id}  {entry.image.original_name}: {reason}")
    output.say(tn("{n} image waits.", "{n} images wait.", len(waiting)))
    return 0


@command.command("file", help=t("File a waiting image under a patient."))
@click.argument("image", metavar="IMAGE")
@choices.place_options
@common
@click.pass_obj
def file(session: Session, /, image: str, patient: str | None, **place: Any) -> int:
    """File."""
    if patient is None:
        raise click.UsageError(t("Say whose it is: --patient ID."))
    with opened(session) as library:
        owner = library.patients.resolve(library.owner(), patient)
        filing = choices.filing(owner.id, place)
        result = library.inbox.file(library.owner(), image, filing)
    if session.json:
        output.emit(image_row(result.moved[0]))
    else:
        output.say(tn("{n} image moved.", "{n} images moved.", len(result.moved)))
    return 0


def _row(entry: Waiting) -> dict[str, Any]:
    return {
        **image_row(entry.image),
        **output.refusal(entry.code, entry.image.reason_facts),
        "proposals": [
            {
                "patient_id": proposal.patient.id,
                "name": output.known(proposal.patient.name),
                "chart_number": output.known(proposal.patient.chart_number),
                "contradictions": proposal.contradictions,
                "reasons": proposal.reasons,
            }
            for proposal in entry.proposals
        ],
    }
