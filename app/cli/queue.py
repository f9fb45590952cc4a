"""``bitewing queue list|retry|settle``: what waits to be sent, and what waits for a decision."""

from __future__ import annotations

from typing import Any

import click

from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.session import Session, common
from app.services.outbox import Queued
from app.storage.outbox import EntryState, Wish
from app.words import t, tn

_MOST = 10_000


@group("queue", t("What waits to be sent, and what waits for a decision."))
def command() -> None:
    """Hold the commands about queues."""


@command.command("list", help=t("List what is parked and what waits, with the numbers of the entries."))
@click.argument("destination", required=False)
@click.option("--parked", is_flag=True, help=t("Only what waits for a decision."))
@common
@click.pass_obj
def list_entries(session: Session, destination: str | None, parked: bool) -> int:
    """List."""
    with opened(session) as library:
        owner = library.owner()
        names = [destination] if destination else [queue.name for queue in library.outbox.queues(owner)]
        found = [entry for name in names for entry in library.outbox.queued(owner, name, _MOST)]
    rows = [row for row in found if not parked or row.entry.state is EntryState.PARKED]
    if session.json:
        output.emit([_row(row) for row in rows])
        return 0
    for row in rows:
        entry = row.entry
        what = t("call back") if entry.wish is Wish.REMOVE else t("send")
        why = output.refusal(entry.code, dict(entry.facts))["reason"] if entry.code else t("waits")
        output.say(f"{entry.number}  {entry.destination}  {what}  {entry.image_id}: {why}")
    asks = sum(row.entry.state is EntryState.PARKED for row in rows)
    output.say(tn("{n} entry waits for a decision.", "{n} entries wait for a decision.", asks))
    return 0


@command.command("retry", help=t("Send entries again that wait for a decision."))
@click.argument("numbers", type=int, nargs=-1, required=True)
@common
@click.pass_obj
def retry(session: Session, numbers: tuple[int, ...]) -> int:
    """Retry."""
    with opened(session) as library:
        for number in numbers:
            library.outbox.retry(library.owner(), number)
    if session.json:
        output.emit({"retried": list(numbers)})
    else:
        output.say(tn("{n} entry goes with the next push.", "{n} entries go with the next push.", len(numbers)))
    return 0


@command.command(
    "settle", help=t("Leave entries as things stand: a recall counts as done by hand, a conflict stays what it is.")
)
@click.argument("numbers", type=int, nargs=-1, required=True)
@common
@click.pass_obj
def settle(session: Session, numbers: tuple[int, ...]) -> int:
    """Settle."""
    with opened(session) as library:
        for number in numbers:
            library.outbox.settle(library.owner(), number)
    if session.json:
        output.emit({"settled": list(numbers)})
    else:
        output.say(tn("{n} entry is settled.", "{n} entries are settled.", len(numbers)))
    return 0


def _row(row: Queued) -> dict[str, Any]:
    entry = row.entry
    known: dict[str, Any] = output.plain(entry)
    if entry.code:
        known["reason"] = output.refusal(entry.code, dict(entry.facts))["reason"]
    return known
