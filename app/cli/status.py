"""``bitewing status``: the figures of the library."""

from __future__ import annotations

import click

from app.cli import output
from app.cli.library import opened
from app.cli.session import Session, common
from app.words import numbers, t


@click.command("status", help=t("Show how the library stands."))
@common
@click.pass_obj
def command(session: Session) -> int:
    """Show."""
    with opened(session) as library:
        snapshot = library.status.snapshot(library.actor)
    if session.json:
        output.emit(snapshot)
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
    ):
        output.say(f"{name}: {value}")
    return 0
