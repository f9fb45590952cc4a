"""``bitewing worklist``: who is expected today, and who of them is known here."""

from __future__ import annotations

from typing import Any

import click

from app.cli import output
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.domain.patient import display_name
from app.services.worklist import Scheduled
from app.words import t, terms, tn

_CLOCK = 4


@click.command("worklist", help=t("Show who is expected today, and who of them is known here."))
@common
@click.pass_obj
def command(session: Session) -> int:
    """Show."""
    with opened(session) as library, job(t("Asking for the worklist")) as ctx:
        found = library.worklist.today(library.owner(), ctx)
    for name, fault in found.faults.items():
        output.fail(name, fault.code, fault.facts)
    for name in found.cut:
        output.complain(t("{name} has more than could be read.", name=name))
    if session.json:
        output.emit(
            {
                "day": found.day.isoformat(),
                "asked": found.asked,
                "failed": {name: output.refusal(fault.code, fault.facts) for name, fault in found.faults.items()},
                "cut": found.cut,
                "entries": [_entry(row) for row in found.rows],
            }
        )
    else:
        head = (t("Time"), t("Patient"), t("Patient ID"), t("Kind"), t("What"), t("Here"))
        if found.rows:
            output.table(head, [_line(row) for row in found.rows])
        output.say(tn("{n} entry for today.", "{n} entries for today.", len(found.rows)))
    return 1 if found.faults else 0


def _line(row: Scheduled) -> tuple[str, ...]:
    item, identity = row.item, row.identity
    name = display_name(identity.family_name, identity.given_name)
    clock = item.scheduled_time[:_CLOCK]
    time = f"{clock[:2]}:{clock[2:]}" if len(clock) == _CLOCK else clock
    return (
        time,
        name,
        item.patient_id,
        terms.modality(item.modality) or item.modality,
        item.requested_procedure or item.step,
        terms.standing(row.decision),
    )


def _entry(row: Scheduled) -> dict[str, Any]:
    known: dict[str, Any] = output.plain(row.item)
    return {
        **known,
        "source": row.source,
        "verdict": row.decision.verdict.value,
        "library_patient": row.patient.id if row.patient is not None else None,
        "contradictions": [part.value for part in row.decision.contradictions],
    }
