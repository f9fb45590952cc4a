"""``bitewing mirror --pull``: a library's files back from a mirror, and the library itself where it is lost.

Passwords are lines of standard input: first the server's (``--secret-stdin``), then the backup's
(``--password-stdin``).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import click

from app.bootstrap.library import Library, workstation_name
from app.cli import output
from app.cli.library import opened
from app.cli.places import PathType
from app.cli.running import job
from app.cli.session import Session
from app.cli.settings import read_secret
from app.core.context import JobContext
from app.core.destinations import MirrorSettings
from app.core.errors import BitewingError, UserError
from app.core.paths import LibraryPaths
from app.domain.roles import owner
from app.services.mirroring.address import is_same_place, mirror_at
from app.services.mirroring.opening import open_store
from app.services.mirroring.pulling import PullReport
from app.services.mirroring.rebuilding import RebuildArgs, rebuild_catalogue, sweep_leftovers
from app.transfer.stores.store import Store
from app.words import numbers, t, tn

_OPTIONS = (
    click.option("--from", "address", metavar="ADDRESS", help=t("The mirror: a folder, or sftp://USER@HOST/PATH, …")),
    click.option("--trust", metavar="TEXT", help=t("CA file, certificate or host-key fingerprint to trust.")),
    click.option("--key-file", metavar="FILE", type=PathType(dir_okay=False), help=t("SSH key to sign in with.")),
    click.option("--allow-plain", is_flag=True, help=t("Agree to a connection that is not encrypted.")),
    click.option("--endpoint", metavar="URL", help=t("Address of the S3 service.")),
    click.option("--region", metavar="TEXT", help=t("Region of the S3 service.")),
    click.option("--access-key", metavar="TEXT", help=t("Name of the S3 access key.")),
    click.option("--path-style", is_flag=True, help=t("Put the bucket into the path of S3 addresses.")),
    click.option("--connections", type=click.IntRange(1, 16), help=t("How many connections at once.")),
    click.option("--secret-stdin", is_flag=True, help=t("Read the server's password from standard input.")),
    click.option("--password-stdin", is_flag=True, help=t("Read the backup's password from standard input.")),
    click.option("--library-id", metavar="ID", help=t("Which library, where several have a catalogue there.")),
    click.option("--foreign", is_flag=True, help=t("Accept the catalogue of another library.")),
)


def with_address(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say where a mirror is when no library knows it."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def pull(session: Session, destination: str | None, *, deep: bool, **given: Any) -> int:
    """Bring back what is lacking; print the report and return the exit code."""
    address = given.pop("address")
    if address is None:
        return _from_own(session, destination, deep=deep)
    if destination is not None:
        raise click.UsageError(t("--from and --destination exclude each other."))
    mirror = mirror_at(address, _settings(given))
    # In this order, whichever are asked for.
    secret = read_secret(t("Password of the server")) if given["secret_stdin"] else ""
    password = read_secret(t("Password of the backup")) if given["password_stdin"] else None
    sweep_leftovers(session.root())
    source = _on_drive(session, mirror) if mirror.kind == "drive" else _at_server(session, mirror, secret)
    with contextlib.closing(source.store) as store:
        if source.is_lost:
            # One that was made to sign in is nobody's library yet.
            foreign = given["foreign"] or mirror.kind == "drive"
            args = RebuildArgs(session.root(), password, given["library_id"], foreign)
            with job(t("Bringing the catalogue back")) as ctx:
                rebuild_catalogue(owner(workstation_name()), args, store, ctx)
        with opened(session) as library, job(t("Bringing files back")) as ctx:
            if mirror.kind == "folder":
                library.mirror_places.require_apart(mirror)
            if source.is_lost:
                _keep(source, library)
            report = _pulled(library, ctx, [(mirror, store)], deep=deep)
    return _say(session, report)


@dataclass(frozen=True)
class _Source:
    """Where files come back from, and whether the library does; ``keep`` gives it what opens the store next time."""

    store: Store
    is_lost: bool
    keep: Callable[[Library], None]


def _at_server(session: Session, mirror: MirrorSettings, secret: str) -> _Source:
    paths = LibraryPaths(session.root())
    is_lost = not paths.exists() or paths.has_lost_its_catalogue()

    def keep(library: Library) -> None:
        last = "secret_key" if mirror.kind == "s3" else "password"
        for own in library.settings.mirrors():
            if secret and is_same_place(own, mirror):
                library.settings.set(library.owner(), f"{own.destination}.{last}", secret)

    return _Source(open_store(mirror, lambda _last: secret), is_lost, keep)


def _on_drive(session: Session, mirror: MirrorSettings) -> _Source:
    """Use the account that the library is connected to; ``drive connect`` makes a library where there is none.

    It is made anew from what lies there as long as it has no patient and no image.
    """
    if not LibraryPaths(session.root()).exists():
        raise UserError("drive.not_connected")
    with opened(session) as library:
        way = replace(library.drive.way(library.owner()), on_revoked=lambda: None)
        with library.store.read():
            is_empty = not library.store.patients.count() and not library.store.images.count(None)
    # What images there may lie is no matter where they are only read.
    store = open_store(replace(mirror, allow_unsealed=True), lambda _last: "", lambda: way)
    return _Source(store, is_empty, lambda again: again.drive.take_over(again.owner(), way))


def _keep(source: _Source, library: Library) -> None:
    """Give the library that came back the password of the mirror it came from: a catalogue is copied without any."""
    try:
        source.keep(library)
    except BitewingError as error:
        # There is nowhere to keep it: the files come back all the same.
        output.complain(output.refusal(error.code, error.facts)["reason"])


def _from_own(session: Session, destination: str | None, *, deep: bool) -> int:
    try:
        with opened(session) as library, job(t("Bringing files back")) as ctx, contextlib.ExitStack() as stack:
            places = []
            for mirror in library.mirror_places.chosen(destination):
                store = library.mirror_places.open(mirror)
                stack.callback(store.close)
                places.append((mirror, store))
            report = _pulled(library, ctx, places, deep=deep)
    except UserError as error:
        if error.code != "library.none":
            raise
        raise UserError("mirror.say_from", path=str(session.root())) from error
    return _say(session, report)


def _pulled(library: Library, ctx: JobContext, places: list[tuple[MirrorSettings, Store]], *, deep: bool) -> PullReport:
    return library.pulling.run(library.owner(), ctx, places, deep=deep, trigger="command")


def _settings(given: dict[str, Any]) -> MirrorSettings:
    named = {
        key: given[key]
        for key in ("trust", "allow_plain", "endpoint", "region", "access_key", "path_style", "connections")
        if given[key]
    }
    key_file = given["key_file"]
    return MirrorSettings(**named, key_file=str(key_file) if key_file else "")


def _say(session: Session, report: PullReport) -> int:
    for path, code in report.faults.items():
        output.fail(path, code)
    if session.json:
        fields = asdict(report)
        faults = fields.pop("faults")
        output.emit({**fields, "items": [{"path": path, **output.refusal(code)} for path, code in faults.items()]})
    else:
        size = numbers.size(report.bytes)
        files = tn("{n} file brought back", "{n} files brought back", report.downloaded)
        output.say(f"{files} ({size}).")
        output.say(tn("{n} was here already.", "{n} were here already.", report.unchanged))
    if report.extra:
        output.complain(
            tn(
                "{n} file at the mirror belongs to no image of this catalogue.",
                "{n} files at the mirror belong to no image of this catalogue.",
                report.extra,
            )
        )
    return 1 if report.failed else 0
