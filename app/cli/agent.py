"""``bitewing agent``: folder monitor, backups and proofs without a window."""

from __future__ import annotations

import click

from app.bootstrap.agent import run_agent
from app.bootstrap.library import open_library
from app.cli.session import Session, common
from app.words import t


@click.command("agent", help=t("Do all background work without a window, until stopped."))
@common
@click.pass_obj
def command(session: Session) -> int:
    """Work until stopped."""
    with open_library(session.root(), create=True, kind="agent") as library:
        return run_agent(library)
