"""``bitewing publish IMAGE…|list|withdraw``: images that anybody may see who has the address, and their taking back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from app.cli import output
from app.cli.group import acting_group
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.domain.publication import PublicForm, PublicState
from app.words import publishing as public_words
from app.words import sharing as share_words
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.publishing.service import Prepared, PublicItem, PublicRow
    from app.storage.publications import PublicEntry


@acting_group("publish", t("Show images to anybody who has their address, and take them back."))
def command() -> None:
    """Hold the commands about what is public."""


@command.command("now", hidden=True, help=t("Publish images, each as a copy that says nothing of the patient."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@click.option("--to", "place", metavar="NAME", help=t("The mirror to publish at, where there are several."))
@click.option("--as", "form", type=click.Choice([form.value for form in PublicForm]), help=t("What is published."))
@click.option(
    "--looked",
    is_flag=True,
    help=t("Somebody looked at the pictures: no name is in them, and whoever can be recognised has agreed."),
)
@common
@click.pass_obj
def publish(session: Session, images: tuple[str, ...], place: str | None, form: str | None, looked: bool) -> int:
    """Publish."""
    with opened(session) as library, job(t("Publishing")) as ctx:
        owner = library.owner()
        library.publishing.require_place(owner, place)
        prepared = library.publishing.prepare(owner, images, ctx, PublicForm(form or PublicForm.JPEG))
        items = library.publishing.publish(owner, prepared, place, looked=looked)
        library.publishing.send(owner, ctx, "command")
        rows = [
            {**_published(item, library.publishing.of_image(owner, item.image_id)), "warnings": _warnings(one)}
            for item, one in zip(items, prepared, strict=True)
        ]
    return _end(session, rows, "published", PublicState.PUBLIC)


@command.command("withdraw", help=t("Move images to private: their public copies are deleted, and proven to be gone."))
@click.argument("images", metavar="IMAGE…", nargs=-1, required=True)
@common
@click.pass_obj
def withdraw(session: Session, images: tuple[str, ...]) -> int:
    """Withdraw."""
    with opened(session) as library, job(t("Moving to private")) as ctx:
        owner = library.owner()
        items = library.publishing.withdraw(owner, images, ctx)
        library.publishing.send(owner, ctx, "command", recalls_only=True)
        rows = [_withdrawn(item, library.publishing.of_image(owner, item.image_id)) for item in items]
    return _end(session, rows, "withdrawn", PublicState.PRIVATE)


@command.command("list", help=t("List what is public, is to be, or is not proven to be private again."))
@common
@click.pass_obj
def list_public(session: Session) -> int:
    """List."""
    with opened(session) as library:
        found = library.publishing.public(library.owner(), 100_000)
    if session.json:
        output.emit([_row(row) for row in found])
        return 0
    for row in found:
        copy = row.entry.publication
        why = output.refusal(row.entry.code, row.entry.facts)["reason"] if row.entry.code else ""
        _say_line(copy.image_id, public_words.state(copy.state), copy.url or copy.remote_id, why)
    output.say(tn("{n} copy is or may be public.", "{n} copies are or may be public.", len(found)))
    return 0


@command.command("check", help=t("Compare public folders with the records: what nobody knows of, what is gone."))
@click.option("--remove", is_flag=True, help=t("Take away what lies there and nobody knows of."))
@click.option("--many", is_flag=True, help=t("Take it away also when that is much of what lies there."))
@common
@click.pass_obj
def check(session: Session, remove: bool, many: bool) -> int:
    """Compare."""
    with opened(session) as library, job(t("Looking at what is public")) as ctx:
        report = library.publishing.compare(library.owner(), ctx, remove=remove, agreed=many)
    if session.json:
        counts = {status: report.count(status) for status in ("missing", "unknown", "foreign", "not_looked")}
        output.emit({"public": report.public, **counts, "items": [output.plain(item) for item in report.items]})
    else:
        said = {
            "missing": t("not there any more"),
            "unknown": t("nobody knows of it"),
            "foreign": t("another library's"),
            "not_looked": t("not looked at"),
        }
        for item in report.items:
            why = output.refusal(item.code)["reason"] if item.code else ""
            _say_line(item.destination, item.name, t("removed") if item.removed else said[item.status], why)
        output.say(tn("{n} copy is public as it should be.", "{n} copies are public as they should be.", report.public))
    return 1 if report.count("missing") or report.count("unknown") else 0


def _row(row: PublicRow) -> dict[str, Any]:
    copy = row.entry.publication
    return {
        "id": copy.id,
        "image_id": copy.image_id,
        "patient_id": copy.patient_id,
        "destination": copy.destination.partition(".")[2],
        "url": copy.url,
        "type": copy.image_type,
        "caption": output.known(copy.caption),
        "format": copy.form,
        "state": copy.state,
        "asked_at": copy.asked_at,
        "public_at": copy.public_at,
        **_why_of(row.entry),
    }


def _published(item: PublicItem, copies: Sequence[PublicEntry]) -> dict[str, Any]:
    """Return how an image stands now that what could be sent was sent."""
    if item.state is None:
        return _failed(item)
    newest = copies[0]
    state = newest.publication.state
    status = "already_public" if item.was_so and state is PublicState.PUBLIC else state.value
    return {
        "image_id": item.image_id,
        "status": status,
        "url": newest.publication.url,
        **_why_of(newest),
    }


def _withdrawn(item: PublicItem, copies: Sequence[PublicEntry]) -> dict[str, Any]:
    """Return whether every copy is gone; one that is not proven to be is said with its reason."""
    if item.state is None:
        return _failed(item)
    left = [entry for entry in copies if entry.publication.state is not PublicState.PRIVATE]
    if not left:
        return {"image_id": item.image_id, "status": PublicState.PRIVATE.value, "url": None, **output.nothing_refused()}
    return {
        "image_id": item.image_id,
        "status": PublicState.WITHDRAWING.value,
        "url": left[0].publication.url,
        **_why_of(left[0]),
    }


def _failed(item: PublicItem) -> dict[str, Any]:
    facts = {"text": item.image_id, **item.facts}
    return {"image_id": item.image_id, "status": "failed", "url": None, **output.refusal(item.code or "", facts)}


def _warnings(prepared: Prepared) -> list[str]:
    return [warning.value for warning in prepared.copy.warnings] if prepared.copy is not None else []


def _why_of(entry: PublicEntry) -> dict[str, Any]:
    return output.refusal(entry.code, entry.facts) if entry.code else output.nothing_refused()


def _end(session: Session, rows: list[dict[str, Any]], name: str, aim: PublicState) -> int:
    failed = [row for row in rows if row["status"] == "failed"]
    done = [row for row in rows if row["status"] in {aim.value, "already_public"}]
    waiting = len(rows) - len(failed) - len(done)
    for row in failed:
        output.complain(f"{row['image_id']}: {row['reason']}")
        for warning in row.get("warnings", ()):
            output.complain(f"  {share_words.warning(warning)}")
    if session.json:
        output.emit({name: len(done), "waiting": waiting, "failed": len(failed), "items": rows})
        return 1 if failed else 0
    for row in rows:
        if row not in failed:
            _say_line(
                row["image_id"], public_words.state(row["status"].removeprefix("already_")), row["url"], row["reason"]
            )
    if waiting:
        output.say(tn("{n} image waits for its turn.", "{n} images wait for their turn.", waiting))
    return 1 if failed else 0


def _say_line(*parts: str | None) -> None:
    output.say("  ".join(part for part in parts if part))
