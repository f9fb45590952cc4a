"""``bitewing drive connect|disconnect|backup|list|restore|prune``: backups on Google Drive."""

from __future__ import annotations

import contextlib
import webbrowser
from typing import Any

import click

from app.bootstrap.library import workstation_name
from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.restored import say_restored
from app.cli.running import job
from app.cli.session import Session, common
from app.cli.settings import read_secret
from app.domain.roles import owner
from app.services.drive.fetched import remove_fetched
from app.services.drive.listing import DriveBackup
from app.services.restoring import RestoreArgs, restore_library
from app.storage.drive import DriveRecord
from app.words import numbers, sign_in, t, tn

with_password = click.option(
    "--password-stdin", is_flag=True, help=t("Read the backup's password from standard input.")
)


@group("drive", t("Keep backups on Google Drive, and bring them back."))
def command() -> None:
    """Hold the commands about Google Drive."""


@command.command("connect", help=t("Sign in to Google in the browser; the library then may keep backups there."))
@click.option("--no-browser", is_flag=True, help=t("Only say the address, to be opened on this computer."))
@common
@click.pass_obj
def connect(session: Session, no_browser: bool) -> int:
    """Connect."""

    def show(address: str) -> None:
        if no_browser or not webbrowser.open(address):
            output.complain(t("Open this address in a browser on this computer:"))
            # Not a secret: whoever opens it is asked to sign in.
            click.echo(address, err=True)
        else:
            output.complain(t("Sign in to Google in the browser that opened."))

    with opened(session, make=True) as library, job(t("Connecting to Google Drive")) as ctx:
        account = library.drive.connect(library.owner(), show, sign_in.pages(), ctx)
    if session.json:
        output.emit({"connected": True, "account": account.email, "limit": account.limit, "used": account.used})
    else:
        output.say(t("Connected to the Google Drive of {account}.", account=account.email))
    return 0


@command.command("disconnect", help=t("Forget the account; backups that lie there stay there."))
@common
@click.pass_obj
def disconnect(session: Session) -> int:
    """Disconnect."""
    with opened(session) as library:
        heard = library.drive.disconnect(library.owner())
    if session.json:
        output.emit({"connected": False, "told_google": heard})
    elif not heard:
        output.complain(t("Google was not reached. End the access of Bitewing in your Google account too."))
    return 0


@command.command("backup", help=t("Make a sealed backup and bring it to Google Drive, or go on with one."))
@click.option("--database-only", is_flag=True, default=None, help=t("The catalogue without the images."))
@with_password
@common
@click.pass_obj
def backup(session: Session, database_only: bool | None, password_stdin: bool) -> int:
    """Back up."""
    password = read_secret("password") if password_stdin else None
    with opened(session) as library, job(t("Backing up to Google Drive")) as ctx:
        report = library.drive.backup(
            library.owner(), ctx, database_only=database_only, password=password, trigger="command"
        )
    record = report.record
    if session.json:
        output.emit({**_sent(record), "verified": True, "resumed": report.resumed})
    else:
        images = tn("{n} image", "{n} images", record.images)
        size = numbers.size(record.bytes)
        output.say(t("{path}: {images}, {size}, arrived whole.", path=record.file_name, images=images, size=size))
    return 0


@command.command("list", help=t("List the backups that lie on Google Drive."))
@click.option("--history", is_flag=True, help=t("What was sent or meant to be, without asking Google."))
@common
@click.pass_obj
def list_backups(session: Session, history: bool) -> int:
    """List."""
    with opened(session) as library:
        actor = library.owner()
        if history:
            rows = [_sent(record) for record in library.drive.history(actor)]
        else:
            with job(t("Looking on Google Drive")) as ctx:
                rows = [_there(one, library.store.library_id) for one in library.drive.list(actor, ctx)]
    if session.json:
        output.emit(rows)
        return 0
    for row in rows:
        made = row["made_at"].astimezone().strftime("%Y-%m-%d %H:%M")
        stands = row["state"] if history else (t("this library") if row["own"] else t("another library"))
        output.say(f"{made}  {stands:16}  {numbers.size(row['bytes']):>9}  {row['id']}")
    return 0


@command.command("restore", help=t("Bring the library back from Google Drive; the present one is kept beside it."))
@click.argument("backup", metavar="ID|newest")
@click.option("--foreign", is_flag=True, help=t("Accept the backup of another library."))
@with_password
@common
@click.pass_obj
def restore(session: Session, backup: str, foreign: bool, password_stdin: bool) -> int:
    """Restore."""
    password = read_secret("password") if password_stdin else None
    with opened(session, make=True) as library, job(t("Fetching from Google Drive")) as ctx:
        path = library.drive.fetch(library.owner(), backup, ctx)
        # The library's own password, while there is a library to ask.
        archive = library.backups.open(path, password)
    with contextlib.closing(archive), job(t("Restoring")) as ctx:
        report = restore_library(owner(workstation_name()), RestoreArgs(session.root(), archive, foreign), ctx)
    remove_fetched(session.root(), path)
    return say_restored(session, backup, report)


@command.command("prune", help=t("Delete backups there that are older than the settings say; three always stay."))
@common
@click.pass_obj
def prune(session: Session) -> int:
    """Prune."""
    with opened(session) as library, job(t("Deleting old backups")) as ctx:
        report = library.drive.prune(library.owner(), ctx)
    if session.json:
        output.emit({"deleted": list(report.deleted), "kept": report.kept})
    else:
        output.say(tn("{n} backup deleted.", "{n} backups deleted.", len(report.deleted)))
    return 0


def _sent(record: DriveRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "remote_id": record.remote_id,
        "file": record.file_name or None,
        "made_at": record.started_at,
        "finished_at": record.finished_at,
        "bytes": record.bytes,
        "images": record.images,
        "contents": record.contents,
        "encrypted": record.encrypted,
        "sha256": record.sha256 or None,
        "state": record.state.value,
        "code": record.code,
        "restorable": record.state.value == "completed",
        "trigger": record.started_by,
    }


def _there(one: DriveBackup, library_id: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "remote_id": one.remote_id,
        "file": one.file_name,
        "made_at": one.made_at,
        "uploaded_at": one.uploaded_at,
        "bytes": one.bytes,
        "images": one.images,
        "contents": one.contents,
        "encrypted": one.encrypted,
        "sha256": one.sha256,
        "verified": one.verified,
        "library_id": one.library_id,
        "own": one.is_of(library_id),
    }
