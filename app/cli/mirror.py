"""``bitewing mirror``: bring the mirrors up to date, compare them, rebuild a lost library from one."""

from __future__ import annotations

from typing import Any

import click

from app.cli import output
from app.cli.library import opened
from app.cli.mirror_pull import pull, with_address
from app.cli.running import job
from app.cli.session import Session, common
from app.words import numbers, t, tn


@click.command("mirror", help=t("Send what waits to the mirrors, compare them, or rebuild a lost library from one."))
@click.option("--destination", metavar="NAME", help=t("This mirror only."))
@click.option("--once", is_flag=True, help=t("Accepted for scripts: it is always one round."))
@click.option("--dry-run", is_flag=True, help=t("Say what would be done, and do nothing."))
@click.option("--verify", is_flag=True, help=t("Compare the mirrors with the library; what is wrong is queued again."))
@click.option("--pull", "pulls", is_flag=True, help=t("Bring back what the library lacks, or a library that is lost."))
@click.option("--deep", is_flag=True, help=t("Read every file again, not names and sizes alone."))
@click.option("--agree-removals", is_flag=True, help=t("Agree to the removals that are held because they are many."))
@click.option(
    "--start-afresh", is_flag=True, help=t("Take the folder that is there now for the mirror: its drive was replaced.")
)
@with_address
@common
@click.pass_obj
def command(
    session: Session,
    /,
    destination: str | None,
    once: bool,
    dry_run: bool,
    verify: bool,
    pulls: bool,
    deep: bool,
    agree_removals: bool,
    start_afresh: bool,
    **address: Any,
) -> int:
    """Synchronise, or what the options say."""
    del once
    if sum((dry_run, verify, pulls)) > 1:
        raise click.UsageError(t("--dry-run, --verify and --pull exclude each other."))
    if any(address.values()) and not pulls:
        raise click.UsageError(t("An address and what belongs to it go with --pull."))
    if deep and not (verify or pulls):
        raise click.UsageError(t("--deep goes with --verify or --pull."))
    if agree_removals and (dry_run or verify or pulls):
        raise click.UsageError(t("--agree-removals goes with synchronising."))
    if start_afresh and (destination is None or dry_run or verify or pulls):
        raise click.UsageError(t("--start-afresh goes with synchronising one mirror, named by --destination."))
    if pulls:
        return pull(session, destination, deep=deep, **address)
    if verify:
        return _verify(session, destination, deep=deep)
    if dry_run:
        return _plan(session, destination)
    return _sync(session, destination, agrees=agree_removals, afresh=start_afresh)


def _sync(session: Session, destination: str | None, *, agrees: bool, afresh: bool) -> int:
    with opened(session) as library, job(t("Sending to the mirrors")) as ctx:
        if afresh and destination is not None:
            library.mirrors.start_afresh(library.owner(), destination)
        if agrees:
            for mirror in library.mirror_places.chosen(destination, paused=False):
                library.removals.agree(library.owner(), mirror.destination)
        report = library.mirrors.sync(library.owner(), ctx, destination, "command")
        held = sum(
            library.removals.would_hold(mirror.destination)
            for mirror in library.mirror_places.chosen(destination, paused=False)
        )
    drained = report.drained
    for image_id, code in drained.faults.items():
        output.fail(image_id, code)
    for name, one in report.by_destination.items():
        for code in filter(None, (one.away, one.blocked)):
            output.complain(f"{name}: {output.refusal(code, {})['reason']}")
    if held:
        output.complain(
            tn(
                "{n} image would vanish from a mirror: agree with --agree-removals.",
                "{n} images would vanish from a mirror: agree with --agree-removals.",
                held,
            )
        )
    if session.json:
        output.emit(
            {
                "uploaded": drained.sent,
                "deleted": drained.removed,
                "unchanged": drained.already_there,
                "failed": drained.failed,
                "bytes": drained.bytes,
                "queued": report.queued,
                "held": held,
                "away": drained.away,
                "blocked": drained.blocked,
            }
        )
    else:
        output.say(tn("{n} file sent.", "{n} files sent.", drained.sent))
        if drained.removed:
            output.say(tn("{n} file called back.", "{n} files called back.", drained.removed))
        if report.queued:
            output.say(tn("{n} waits to be sent.", "{n} wait to be sent.", report.queued))
    return 1 if drained.failed or drained.blocked else 0


def _plan(session: Session, destination: str | None) -> int:
    with opened(session) as library, job(t("Looking at the mirrors")) as ctx:
        owner = library.owner()
        mirrors = library.mirror_places.chosen(destination)
        plans = {mirror.name: library.mirror_preview.run(owner, ctx, mirror.name) for mirror in mirrors}
    if session.json:
        output.emit([{"destination": name, **output.plain(plan)} for name, plan in plans.items()])
        return 0
    for name, plan in plans.items():
        sends = tn("{n} file would be sent", "{n} files would be sent", plan.uploads)
        recalls = tn("{n} would be called back", "{n} would be called back", max(0, plan.recalls - plan.held))
        held = tn("{n} is held until somebody agrees", "{n} are held until somebody agrees", plan.held)
        words = [f"{sends} ({numbers.size(plan.bytes)})", recalls, *([held] if plan.held else [])]
        output.say(f"{name}: {', '.join(words)}")
        for sign, names in (("+", plan.first_uploads), ("-", plan.first_recalls)):
            for one in names:
                output.say(f"  {sign} {one}")
    return 0


def _verify(session: Session, destination: str | None, *, deep: bool) -> int:
    with opened(session) as library, job(t("Comparing the mirrors")) as ctx:
        report = library.verification.run(library.owner(), ctx, destination, deep=deep, trigger="command")
    for item in report.items:
        output.fail(f"{item.destination}: {item.name}", item.reason)
    if session.json:
        output.emit(
            {
                "missing": report.missing,
                "different": report.different,
                "extra": report.extra,
                "verified": report.verified,
                "waiting": report.waiting,
                "queued": report.queued_again,
                "deep": deep,
                "items": [
                    {
                        "destination": item.destination,
                        "status": item.status,
                        "name": item.name,
                        "image_id": item.image_id,
                        **output.refusal(item.reason),
                    }
                    for item in report.items
                ],
            }
        )
    else:
        output.say(tn("{n} file is as it should be.", "{n} files are as they should be.", report.verified))
        if report.queued_again:
            output.say(tn("{n} is sent again.", "{n} are sent again.", report.queued_again))
    return 0 if report.is_sound else 1
