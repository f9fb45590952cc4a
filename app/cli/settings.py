"""``bitewing settings list|get|set|test``. Secrets come from standard input, never from arguments."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from app.cli import output
from app.cli.group import group
from app.cli.library import opened
from app.cli.session import Session, common
from app.core.context import JobContext
from app.core.destinations import DIMSE, MIRROR, named_key
from app.core.errors import UserError
from app.core.settings import SECRET
from app.services.settings import ORTHANC
from app.words import errors as error_words
from app.words import numbers, t, tn
from app.words import publishing as public_words
from app.words.connections import dimse_lines

DRIVE = "drive"


@group("settings", t("Show and change settings."))
def command() -> None:
    """Hold the commands about settings."""


@command.command("list", help=t("List every setting."))
@common
@click.pass_obj
def list_settings(session: Session) -> int:
    """List."""
    with opened(session) as library:
        entries = library.settings.list(library.owner())
    if session.json:
        rows = [
            {
                "key": entry.key,
                "value": entry.value,
                "default": entry.default,
                "scope": entry.scope,
                "is_set": entry.is_set,
            }
            for entry in entries
        ]
        output.emit(rows)
    else:
        for entry in entries:
            shown = (t("(secret)") if entry.is_set else "") if entry.scope == SECRET else _text(entry.value)
            output.say(f"{entry.key} = {shown}")
    return 0


@command.command("get", help=t("Show one setting."))
@click.argument("key")
@common
@click.pass_obj
def get(session: Session, key: str) -> int:
    """Get."""
    with opened(session) as library:
        value = library.settings.get(library.owner(), key)
    if session.json:
        output.emit({"key": key, "value": value})
    else:
        output.say(_text(value))
    return 0


@command.command("set", help=t("Change one setting."), context_settings={"ignore_unknown_options": True})
@click.argument("key")
@click.argument("value", required=False)
@common
@click.pass_obj
def set_value(session: Session, key: str, value: str | None) -> int:
    """Set."""
    text = read_secret(key) if value is None else value
    with opened(session, make=True) as library:
        stored = library.settings.set(library.owner(), key, text)
    known = named_key(key)
    if known is not None and known.field == "publish" and stored is True:
        # What the window has read and agreed to before (F7); that it was switched on stands in the audit log.
        for risk in public_words.risks():
            output.complain(risk)
    if session.json:
        output.emit({"key": key, "value": stored})
    return 0


@command.command("test", help=t("Try a connection."))
@click.argument("name")
@common
@click.pass_obj
def test(session: Session, name: str) -> int:
    """Test a connection."""
    topic, _dot, rest = name.partition(".")
    if topic == MIRROR and rest:
        return _test_mirror(session, name, rest)
    if topic == DIMSE and rest:
        return _test_dimse(session, name, rest)
    if name == DRIVE:
        return _test_drive(session)
    with opened(session) as library:
        if name != ORTHANC:
            raise UserError("settings.no_connection", name=name)
        system = library.archive.test(library.owner())
    if session.json:
        output.emit({"name": name, "ok": True, **asdict(system)})
    else:
        there = tn("{n} image there", "{n} images there", system.instances)
        output.say(f"{t('Orthanc {version}', version=system.version)} · {system.name} · {there}")
        for warning in system.warnings:
            output.complain(error_words.reason(warning))
    return 0


def _test_mirror(session: Session, name: str, mirror: str) -> int:
    with opened(session) as library:
        system = library.mirrors.test(library.owner(), mirror, JobContext.silent())
    if session.json:
        output.emit({"name": name, "ok": True, **asdict(system)})
        return 0
    free = "" if system.free_bytes is None else t("{size} free", size=numbers.size(system.free_bytes))
    output.say(" · ".join(part for part in (t("A file was written, read and deleted."), system.software, free) if part))
    for warning in system.warnings:
        output.complain(error_words.reason(warning))
    return 0


def _test_dimse(session: Session, name: str, archive: str) -> int:
    with opened(session) as library:
        system = library.archive.test_dimse(library.owner(), archive)
    if session.json:
        output.emit({"name": name, "ok": True, **asdict(system)})
        return 0
    for line in dimse_lines(**asdict(system)):
        output.say(line)
    for warning in system.warnings:
        output.complain(error_words.reason(warning))
    return 0


def _test_drive(session: Session) -> int:
    with opened(session) as library:
        account = library.drive.try_out(library.owner(), JobContext.silent())
    if session.json:
        told = {"account": account.email, "limit": account.limit, "used": account.used, "free": account.free}
        output.emit({"name": DRIVE, "ok": True, **told})
        return 0
    free = t("no limit") if account.free is None else t("{size} free", size=numbers.size(account.free))
    output.say(f"{t('Google Drive of {account}', account=account.email)} · {free}")
    return 0


@command.command("forget", help=t("Forget a mirror or an archive, as in mirror.NAME, with its password."))
@click.argument("name")
@common
@click.pass_obj
def forget(session: Session, name: str) -> int:
    """Forget."""
    topic, _dot, rest = name.partition(".")
    if topic not in {MIRROR, DIMSE}:
        raise UserError("settings.no_connection", name=name)
    with opened(session) as library:
        library.settings.forget(library.owner(), topic, rest)
        library.settings.sweep()
    if session.json:
        output.emit({"name": name, "forgotten": True})
    return 0


def read_secret(key: str) -> str:
    """Read a value that must not stand in the list of processes or the shell's history."""
    if sys.stdin.isatty():
        answer: str = click.prompt(key, hide_input=True, err=True)
        return answer
    return sys.stdin.readline().rstrip("\r\n")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
