"""``bitewing share IMAGE…|list|revoke|upload|collect``: links that expire, for what goes out and what comes in."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

import click

from app.cli import output
from app.cli.group import acting_group
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.core.errors import BitewingError
from app.domain.sharing import Share, ShareState, new_code, seconds_of
from app.services.outgoing.model import Form, OutgoingArgs, args_for
from app.services.sharing.model import Prepared, Shared, ShareWish
from app.words import errors as error_words
from app.words import sharing as words
from app.words import t, tn

# A link is to end and has not yet: whoever revoked it must not take it for dead.
_NOT_YET = 4


@acting_group("share", t("Share images by a link that expires: share IMAGE…, or one of the commands below."))
def command() -> None:
    """Hold the commands about sharing."""


@command.command(
    "now", hidden=True, help=t("Share images: one as itself, several as a zip; without anything that tells whose.")
)
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@click.option("--expires", metavar="1h", help=t("How long the link lasts: 30m, 1h, 7d."))
@click.option("--original", is_flag=True, help=t("Everything that the pictures have, not a smaller copy."))
@click.option("--identified", is_flag=True, help=t("With the patient’s name, date and teeth as the library has them."))
@click.option("--case", "case_reference", default="", help=t("A case or appointment that this belongs to."))
@click.option("--lock", is_flag=True, help=t("As a zip that opens with a code; tell it another way than the link."))
@click.option("--looked", is_flag=True, help=t("Say that you looked for names and faces in the pictures."))
@click.option("--for", "receiver", metavar="NAME", help=t("As a receiver asks for: specialist, insurer, patient, …"))
@common
@click.pass_obj
def share(
    session: Session,
    images: tuple[str, ...],
    expires: str | None,
    original: bool,
    identified: bool,
    case_reference: str,
    lock: bool,
    looked: bool,
    receiver: str | None,
) -> int:
    """Share."""
    if receiver is not None and (original or identified):
        raise click.UsageError(t("--for says what goes out; it takes neither --original nor --identified."))
    code = new_code() if lock else ""
    wish = ShareWish(None if expires is None else seconds_of(expires), case_reference, code=code)
    with opened(session) as library, job(t("Sharing")) as ctx:
        owner, limit = library.owner(), library.settings.clinic().share_limit_bytes
        args = OutgoingArgs(Form.ORIGINAL if original else Form.OPTIMISED, identified, limit_bytes=limit)
        if receiver is not None:
            args = args_for(library.sharing.profile(receiver), limit)
        with library.sharing.prepare(owner, images, args, ctx) as prepared:
            for warning in prepared.to_look_at:
                output.complain(words.warning(warning))
            for number, misfit in prepared.misfits:
                output.complain(f"{prepared.copies[number - 1].image_id}: {words.misfit(misfit.code, misfit.facts)}")
            if looked:
                wish = replace(wish, seen=prepared.to_look_at)
            shared = library.sharing.send(owner, prepared, wish, ctx)
            if session.json:
                said = {**_row(shared), "open_with": output.known(code)}
                output.emit({**said, "warnings": prepared.to_look_at, "removed": _removed(prepared)})
                return 0
    _say(shared)
    if code:
        output.say(t("It opens with {code}: tell that another way than the link. It is kept nowhere.", code=code))
    return 0


@command.command("list", help=t("List links, newest first."))
@click.option("--case", "case_reference", help=t("Only those of this case."))
@common
@click.pass_obj
def list_shares(session: Session, case_reference: str | None) -> int:
    """List."""
    with opened(session) as library:
        found = library.sharing.list(library.owner(), case_reference)
    if session.json:
        output.emit([_row(one) for one in found])
        return 0
    output.table(
        ("ID", t("Kind"), t("State"), t("Expires"), t("Case"), t("Images")),
        [
            (
                one.share.id,
                words.kind(one.share.kind.value),
                words.state(one.share),
                one.share.expires_at.astimezone().strftime("%Y-%m-%d %H:%M"),
                one.share.case_reference or None,
                len(one.share.image_ids),
            )
            for one in found
        ],
    )
    return 0


@command.command("revoke", help=t("End links now: what they lead to is deleted, and proven to be gone."))
@click.argument("ids", metavar="ID…", nargs=-1, required=True)
@common
@click.pass_obj
def revoke(session: Session, ids: tuple[str, ...]) -> int:
    """Revoke."""
    rows: list[dict[str, Any]] = []
    code = 0
    with opened(session) as library, job(t("Revoking")) as ctx:
        for share_id in ids:
            try:
                ended = library.sharing.revoke(library.owner(), share_id, ctx)
            except BitewingError as error:
                if error.code != "share.none":
                    raise
                code = 1
                rows.append({"id": share_id, "state": None, **output.refusal(error.code, error.facts)})
                output.fail(share_id, error.code, error.facts)
                continue
            rows.append(_ended(ended))
            if ended.state is not ShareState.ENDED:
                code = code or _NOT_YET
                output.complain(f"{share_id}: {error_words.reason(ended.code or 'share.until_gone')}")
    if session.json:
        output.emit(rows[0] if len(rows) == 1 else rows)
    else:
        for row in rows:
            if row["state"] is not None:
                output.say(f"{row['id']}: {words.STATES[row['state']]()}")
    return code


@command.command("upload", help=t("Make a link by which somebody sends a file, or a zip of several, to the inbox."))
@click.option("--expires", metavar="1h", help=t("How long the link lasts: 30m, 1h, 7d."))
@click.option("--case", "case_reference", default="", help=t("A case or appointment that this belongs to."))
@common
@click.pass_obj
def upload(session: Session, expires: str | None, case_reference: str) -> int:
    """Invite."""
    wish = ShareWish(None if expires is None else seconds_of(expires), case_reference)
    with opened(session) as library, job(t("Sharing")) as ctx:
        shared = library.sharing.invite(library.owner(), wish, ctx)
    if session.json:
        output.emit(_row(shared))
        return 0
    output.say(t("For people: {link}", link=shared.page or ""))
    output.say(t("For programs: {link}", link=_curl(shared)))
    _until(shared)
    return 0


@command.command("collect", help=t("Fetch what was sent by links, and end what expired; the window does so by itself."))
@common
@click.pass_obj
def collect(session: Session) -> int:
    """Collect."""
    with opened(session) as library, job(t("Looking after links")) as ctx:
        report = library.share_keeping.round(library.owner(), ctx)
    if session.json:
        said = output.refusal(report.away) if report.away else output.nothing_refused()
        output.emit(
            {
                "received": report.received,
                "refused": report.refused,
                "ended": report.ended,
                "waiting": report.waiting,
                **said,
            }
        )
        return 0
    output.say(tn("{n} image came by links.", "{n} images came by links.", report.received))
    if report.away:
        output.complain(error_words.reason(report.away))
    return 0


def _row(shared: Shared) -> dict[str, Any]:
    share = shared.share
    return {
        "id": share.id,
        "url": shared.url,
        "page": shared.page,
        "fields": shared.fields,
        "expires_at": share.expires_at,
        "created_at": share.created_at,
        "kind": share.kind,
        "state": share.state,
        "ending": share.ending,
        "images": share.image_ids,
        "file_name": output.known(share.file_name),
        "mime_type": output.known(share.mime_type),
        "bytes": share.size_bytes,
        "form": output.known(share.form),
        "identified": share.identified,
        "locked": share.locked,
        "case": output.known(share.case_reference),
        "destination": share.destination,
        **(output.refusal(share.code) if share.code else output.nothing_refused()),
    }


def _curl(shared: Shared) -> str:
    """Return a line for a shell, which makes a name of its own for each file."""
    fields = {**(shared.fields or {})}
    start, _slash, _any_name = fields.pop("key", "").rpartition("/")
    others = " ".join(f"-F {shlex.quote(f'{name}={value}')}" for name, value in fields.items())
    return f'curl -F key={shlex.quote(start)}/"$(uuidgen)" {others} -F file=@FILE {shlex.quote(shared.url or "")}'


def _ended(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "state": words.state_key(share),
        **(output.refusal(share.code) if share.code else output.nothing_refused()),
    }


def _removed(prepared: Prepared) -> dict[str, int]:
    counts: dict[str, int] = {}
    for copy in prepared.copies:
        for item in copy.removed:
            counts[item.kind] = counts.get(item.kind, 0) + item.count
    return counts


def _say(shared: Shared) -> None:
    output.say(shared.url or "")
    _until(shared)


def _until(shared: Shared) -> None:
    until = shared.share.expires_at.astimezone().strftime("%Y-%m-%d %H:%M")
    output.say(t("Works until {when}. To end it before: bitewing share revoke {id}", when=until, id=shared.share.id))
