"""``bitewing backup create|verify|list|restore``. Passwords come from standard input, never from arguments."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from app.backup.archive import Archive
from app.bootstrap.library import open_library, workstation_name
from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.restored import say_restored
from app.cli.running import job
from app.cli.session import Session, common
from app.cli.settings import read_secret
from app.core.errors import BitewingError
from app.domain.roles import owner
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library
from app.storage.backups import BackupRecord
from app.words import numbers, t, tn

with_password = click.option(
    "--password-stdin", is_flag=True, help=t("Read the backup's password from standard input.")
)


@group("backup", t("Make, verify, list and restore backups."))
def command() -> None:
    """Hold the commands about backups."""


@command.command("create", help=t("Write a backup: a new zip file, or a folder that takes only what is new."))
@click.argument("out", metavar="OUT")
@click.option("--database-only", is_flag=True, help=t("The catalogue without the images."))
@with_password
@common
@click.pass_obj
def create(session: Session, out: str, database_only: bool, password_stdin: bool) -> int:
    """Create."""
    password = read_secret("password") if password_stdin else None
    with opened(session) as library, job(t("Backing up")) as ctx:
        report = library.backups.create(
            library.owner(), out, ctx, database_only=database_only, password=password, trigger="command"
        )
    gaps = (*report.manifest.absent, *report.manifest.damaged)
    for path in gaps:
        output.fail(path, "check.missing" if path in report.manifest.absent else "check.hash")
    if session.json:
        output.emit(
            {
                **_row(report.record),
                "verified": True,
                "new_bytes": report.record.bytes - report.reused_bytes,
                "same_volume": report.same_volume,
                "absent": list(report.manifest.absent),
                "damaged": list(report.manifest.damaged),
            }
        )
    else:
        images = tn("{n} image", "{n} images", report.record.images)
        size = numbers.size(report.record.bytes)
        output.say(
            t("{path}: {images}, {size}, read back and good.", path=report.record.path, images=images, size=size)
        )
    if report.same_volume:
        output.complain(t("It lies on the same drive as the library: keep another one elsewhere."))
    return 1 if gaps else 0


@command.command("verify", help=t("Read a backup back and compare every byte with what was written."))
@click.argument("file", type=click.Path(path_type=Path))
@with_password
@common
@click.pass_obj
def verify(session: Session, file: Path, password_stdin: bool) -> int:
    """Verify."""
    password = read_secret("password") if password_stdin else None
    with opened(session) as library, job(t("Verifying")) as ctx:
        report = library.backups.verify(library.owner(), file, ctx, password)
    for member in report.damaged:
        output.fail(member, "backup.damaged", {"member": member})
    if session.json:
        output.emit(
            {
                "path": str(file),
                "members": len(report.manifest.members),
                "verified": report.verified,
                "damaged": list(report.damaged),
                "missing": list(report.manifest.absent),
                "ok": report.is_sound,
            }
        )
    elif report.is_sound:
        output.say(tn("{n} file, all as written.", "{n} files, all as written.", report.verified))
    return 0 if report.is_sound else 1


@command.command("restore", help=t("Bring a library back; the present one is kept beside it."))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--patient", metavar="ID", help=t("Bring back this patient only, into the library as it is now."))
@click.option("--foreign", is_flag=True, help=t("Accept the backup of another library."))
@with_password
@common
@click.pass_obj
def restore(session: Session, file: Path, patient: str | None, foreign: bool, password_stdin: bool) -> int:
    """Restore."""
    password = read_secret("password") if password_stdin else None
    if patient is not None:
        return _restore_patient(session, file, patient, foreign, password)
    archive = _opened_archive(session.root(), file, password)
    with contextlib.closing(archive), job(t("Restoring")) as ctx:
        report = restore_library(owner(workstation_name()), RestoreArgs(session.root(), archive, foreign), ctx)
    return say_restored(session, str(file), report)


def _restore_patient(session: Session, file: Path, patient: str, foreign: bool, password: str | None) -> int:
    with (
        opened(session, make=True) as library,
        job(t("Bringing a patient back")) as ctx,
        library.backups.opened(file, password) as archive,
    ):
        report = library.patient_restore.run(library.owner(), archive, patient, ctx, foreign=foreign)
    for image_id, code in report.failed.items():
        output.fail(image_id, code)
    if session.json:
        counts = {key: value for key, value in asdict(report).items() if key != "brought_ids"}
        output.emit({"library": session.root(), **counts, "brought": len(report.brought_ids)})
    else:
        output.say(t("{images} restored.", images=tn("{n} image", "{n} images", report.back)))
        if report.treatments:
            output.say(tn("{n} treatment brought back.", "{n} treatments brought back.", report.treatments))
        if report.elsewhere:
            output.say(
                tn(
                    "{n} image is another patient's now and stays there.",
                    "{n} images are other patients' now and stay there.",
                    report.elsewhere,
                )
            )
    return 1 if report.failed else 0


def _opened_archive(root: Path, file: Path, password: str | None) -> Archive:
    """Open the backup, with the present library's own password where that is the one."""
    try:
        with open_library(root, create=False) as library:
            return library.backups.open(file, password)
    except BitewingError as error:
        # A library that is not there, lost or damaged is what a restore is for.
        if not error.code.startswith(("library.none", "library.catalogue_lost", "database.", "disk.")):
            raise
    return open_archive(file, password)


@command.command("drill", help=t("Try restoring the newest backup in a temporary place."))
@with_password
@common
@click.pass_obj
def drill(session: Session, password_stdin: bool) -> int:
    """Try restoring."""
    password = read_secret("password") if password_stdin else None
    with opened(session) as library, job(t("Trying to restore")) as ctx:
        report = library.drill.run(library.owner(), ctx, password, "command")
    record = report.record
    if not record.ok:
        output.fail(record.backup_path, record.code or "drill.failed", record.facts)
    if session.json:
        output.emit(
            {
                "backup": record.backup_path,
                "backup_created_at": record.backup_created_at,
                "at": record.at,
                "rows": record.rows,
                "files": record.files,
                "identical": record.files - record.different,
                "different": record.different,
                "rows_changed_since": report.changed_since,
                "certificate": report.certificate,
                "ok": record.ok,
            }
        )
    elif record.ok:
        files = tn("{n} file", "{n} files", record.files)
        output.say(t("Restored in a trial: {files}, all right.", files=files))
    return 0 if record.ok else 1


@command.command("list", help=t("List the backups that were made."))
@common
@click.pass_obj
def list_backups(session: Session) -> int:
    """List."""
    with opened(session) as library:
        records = library.backups.list(library.owner())
    if session.json:
        output.emit([_row(record) for record in records])
    else:
        for record in records:
            made = record.created_at.astimezone().strftime("%Y-%m-%d %H:%M")
            output.say(f"{made}  {record.state.value:8}  {numbers.size(record.bytes):>9}  {record.path}")
    return 0


def _row(record: BackupRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "path": record.path,
        "form": record.form,
        "contents": record.contents,
        "created_at": record.created_at,
        "verified_at": record.verified_at,
        "bytes": record.bytes,
        "images": record.images,
        "encrypted": record.encrypted,
        "state": record.state.value,
    }
