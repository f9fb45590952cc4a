"""``bitewing status``: the figures of the library."""

from __future__ import annotations

from typing import Any

import click

from app.cli import output
from app.cli.library import opened
from app.cli.session import Session, common
from app.storage.jobs import JobRecord
from app.words import numbers, t, tn


@click.command("status", help=t("Show how the library stands."))
@common
@click.pass_obj
def command(session: Session) -> int:
    """Show."""
    with opened(session) as library:
        snapshot = library.status.snapshot(library.owner())
        queues = library.outbox.queues(library.owner())
    if session.json:
        runs = {"last_import": _run(snapshot.last_import), "last_check": _run(snapshot.last_check)}
        output.emit(
            {
                **output.plain(snapshot),
                **runs,
                "running": [_run(entry) for entry in snapshot.running],
                "queues": [output.plain(queue) for queue in queues],
            }
        )
        return 0
    for name, value in (
        (t("library"), snapshot.library),
        (t("patients"), snapshot.patients),
        (t("images"), snapshot.images),
        (t("size"), numbers.size(snapshot.image_bytes)),
        (t("in the inbox"), snapshot.inbox),
        (t("in quarantine"), snapshot.quarantined),
        (t("imported today"), snapshot.imported_today),
        (t("free space"), numbers.size(snapshot.free_bytes)),
        (t("background work"), f"{worker.kind} ({worker.pid})" if (worker := snapshot.background) else "–"),
    ):
        output.say(f"{name}: {value}")
    if snapshot.links_live or snapshot.links_ending:
        output.say(tn("{n} link works", "{n} links work", snapshot.links_live))
    if snapshot.links_ending:
        output.say(tn("{n} link is still to be ended", "{n} links are still to be ended", snapshot.links_ending))
    for queue in queues:
        if queue.enabled or queue.waiting or queue.parked:
            output.say(f"{queue.name}: {tn('{n} waits', '{n} wait', queue.waiting + queue.parked)}")
    return 0


def _run(record: JobRecord | None) -> dict[str, Any] | None:
    """Return what a run came to, without the names of the files it was given."""
    if record is None:
        return None
    return {
        "id": record.id,
        "kind": record.kind,
        "state": record.state,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "counts": record.counts,
        "code": record.error_code,
    }
