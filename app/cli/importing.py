"""``bitewing import``: files, folders, archives and discs into the library."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from app.bootstrap.library import Library
from app.cli import choices, output
from app.cli.library import opened
from app.cli.paths import existing
from app.cli.places import refuse_own
from app.cli.running import job
from app.cli.session import Session, common
from app.core.paths import LibraryPaths
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from app.words import t, terms, tn

_FAILURES = frozenset({ItemStatus.QUARANTINED, ItemStatus.FAILED})
_COUNTS = {
    "imported": ItemStatus.IMPORTED,
    "inbox": ItemStatus.INBOX,
    "duplicates": ItemStatus.DUPLICATE,
    "skipped": ItemStatus.SKIPPED,
    "quarantined": ItemStatus.QUARANTINED,
    "failed": ItemStatus.FAILED,
}


@click.command("import", help=t("Import files, folders, archives and discs."))
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@choices.place_options
@choices.kind_option
@click.option("--no-recursive", is_flag=True, help=t("Leave folders inside folders alone."))
@click.option("--dry-run", is_flag=True, help=t("Say what would happen and change nothing."))
@common
@click.pass_obj
def command(
    session: Session,
    /,
    paths: tuple[Path, ...],
    patient: str | None,
    kinds: tuple[str, ...],
    no_recursive: bool,
    dry_run: bool,
    **place: Any,
) -> int:
    """Import."""
    refuse_own(session.root(), paths)
    there, missing = existing(paths)
    items = _Items(keep=session.json)
    for path in missing:
        items.add(ImportItem(str(path), ItemStatus.FAILED, code="file.missing"))
    with _library(session, dry_run=dry_run) as library, job(t("Importing")) as ctx:
        patient_id = library.patients.resolve(library.owner(), patient).id if patient is not None else None
        filing = choices.filing(patient_id, place)
        args = ImportArgs(
            there,
            filing=filing,
            recursive=not no_recursive,
            kinds=choices.kinds_of(kinds),
            dry_run=dry_run,
            trigger="command",
        )
        report = library.imports.run(library.owner(), args, ctx, items.add)
    _print(session, report, items, missing)
    return 1 if report.has_failures or missing else 0


class _Items:
    """Hears of every file: failures are said at once, rows are kept where they are printed."""

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.rows: list[dict[str, Any]] = []

    def add(self, item: ImportItem) -> None:
        """Take one finished file."""
        if item.status in _FAILURES:
            output.fail(item.path, item.code or "import.failed", item.facts)
        if self._keep:
            said = output.refusal(item.code, item.facts) if item.code else output.nothing_refused()
            self.rows.append(
                {
                    "path": item.path,
                    "status": item.status,
                    "image_id": item.image_id,
                    "patient_id": item.patient_id,
                    **said,
                    "similar_to": item.similar_to,
                    "seconds": round(item.seconds, 3),
                }
            )


@contextlib.contextmanager
def _library(session: Session, *, dry_run: bool) -> Iterator[Library]:
    """Open the library, making it; a dry run makes nothing and looks at an empty one instead."""
    if dry_run and not LibraryPaths(session.root()).exists():
        with (
            tempfile.TemporaryDirectory(prefix="bitewing-dry-run-") as folder,
            opened(Session(session.json, Path(folder) / "library"), make=True) as library,
        ):
            yield library
        return
    with opened(session, make=True) as library:
        yield library


def _print(session: Session, report: ImportReport, items: _Items, missing: tuple[Path, ...]) -> None:
    counts = {key: report.count(status) for key, status in _COUNTS.items()}
    counts["failed"] += len(missing)
    if report.stopped:
        output.fail("import", report.stopped, report.stop_facts)
    if session.json:
        stopped = output.refusal(report.stopped, report.stop_facts) if report.stopped else None
        output.emit({**counts, "items": items.rows, "similar": report.similar, "stopped": stopped})
        return
    for key, status in _COUNTS.items():
        if counts[key]:
            output.say(t("{status}: {count}", status=terms.import_status(status.value), count=counts[key]))
    if report.similar:
        output.say(tn("{n} likely duplicate", "{n} likely duplicates", report.similar))
    if not sum(counts.values()):
        output.say(t("There was nothing to import."))
