"""``bitewing scan``: what would there be to import?"""

from __future__ import annotations

from pathlib import Path

import click

from app.cli import choices, output
from app.cli.library import opened
from app.cli.paths import existing
from app.cli.running import job
from app.cli.session import Session, common
from app.core.context import JobContext
from app.core.paths import LibraryPaths
from app.domain.image import FileKind
from app.services.imports import scan_without_library
from app.sync.scan import ScanReport
from app.words import numbers, t


@click.command("scan", help=t("Count what there is to import, without importing."))
@click.argument("paths", metavar="PATH…", nargs=-1, required=True, type=click.Path(path_type=Path))
@choices.kind_option
@click.option("--no-recursive", is_flag=True, help=t("Leave folders inside folders alone."))
@common
@click.pass_obj
def command(session: Session, paths: tuple[Path, ...], kinds: tuple[str, ...], no_recursive: bool) -> int:
    """Count."""
    there, missing = existing(paths)
    with job(t("Looking")) as ctx:
        report = _scan(session, there, ctx, recursive=not no_recursive, kinds=choices.kinds_of(kinds))
    if session.json:
        output.emit(report)
    else:
        for name, value in (
            (t("files"), report.files),
            (t("DICOM files"), report.dicom),
            (t("photos"), report.photos),
            (t("documents"), report.documents),
            (t("other files"), report.other),
            (t("size"), numbers.size(report.bytes)),
            (t("patients"), report.patients),
            (t("studies"), report.studies),
            (t("series"), report.series),
            (t("could not be read"), report.unreadable),
        ):
            output.say(f"{name}: {value}")
    for path in missing:
        output.fail(str(path), "file.missing")
    return 1 if missing else 0


def _scan(
    session: Session, paths: tuple[Path, ...], ctx: JobContext, *, recursive: bool, kinds: frozenset[FileKind]
) -> ScanReport:
    """Count with the library's rights where there is a library; counting needs none."""
    if LibraryPaths(session.root()).exists():
        with opened(session) as library:
            return library.imports.scan(library.owner(), paths, ctx, recursive=recursive, kinds=kinds)
    return scan_without_library(paths, ctx, recursive=recursive, kinds=kinds)
