"""``bitewing archive search|series|fetch``: what lies in the archive, and bringing some of it into the library."""

from __future__ import annotations

from datetime import date
from typing import Any

import click

from app.bootstrap.library import Library
from app.cli import choices, output
from app.cli.group import group
from app.cli.library import opened
from app.cli.running import job
from app.cli.session import Session, common
from app.domain.identity import Verdict
from app.services.archiving.browsing import PAGE
from app.services.archiving.fetching import FetchReport, Wanted
from app.services.archiving.matching import ArchiveStudy
from app.sync.report import ImportItem, ItemStatus
from app.transfer.found import StudyQuery, is_uid
from app.words import t, terms, tn

_DAY = choices.BirthDateType()
_FAILURES = frozenset({ItemStatus.QUARANTINED, ItemStatus.FAILED})


class UidType(click.ParamType):  # type: ignore[type-arg]  # generic in newer click only
    """The UID of a study, a series or an image."""

    name = "uid"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the UID."""
        if not is_uid(value):
            self.fail(t("{text} is no UID: digits with dots between them.", text=value), param, ctx)
        return value


@group("archive", t("Search the archive, and fetch studies from it."))
def command() -> None:
    """Hold the commands about what lies in the archive."""


@command.command(
    "search", help=t("Search the archive, newest study first; words match anywhere, * and ? are understood.")
)
@click.option("--name", default="", metavar="TEXT", help=t("Words of the patient's name, in any order."))
@click.option("--id", "patient_id", default="", metavar="TEXT", help=t("Patient ID, or a part of it."))
@click.option("--from", "since", type=_DAY, default=None, metavar="YYYY-MM-DD", help=t("Studies of this day or later."))
@click.option("--to", "until", type=_DAY, default=None, metavar="YYYY-MM-DD", help=t("Studies of this day or earlier."))
@click.option("--modality", default="", metavar="XX", help=t("Kind of image, as in IO, PX, CT, XC."))
@click.option("--description", default="", metavar="TEXT", help=t("Words of the study's description."))
@click.option("--limit", type=click.IntRange(1), default=PAGE, show_default=True, help=t("At most so many studies."))
@click.option(
    "--archive", metavar="NAME", default=None, help=t("Search this archive, one that speaks only DICOM's own protocol.")
)
@common
@click.pass_obj
def search(
    session: Session,
    name: str,
    patient_id: str,
    since: date | None,
    until: date | None,
    modality: str,
    description: str,
    limit: int,
    archive: str | None,
) -> int:
    """Search."""
    query = StudyQuery(name, patient_id, since or None, until or None, modality, description)
    with opened(session) as library:
        rows, is_all = _search(library, query, limit) if archive is None else _ask(library, archive, query, limit)
    if session.json:
        output.emit({"studies": [_study(row) for row in rows], "more": not is_all})
        return 0
    if rows:
        head = (t("Date"), t("Patient"), t("Patient ID"), t("Kind"), t("Images"), t("Here"), t("Study"))
        output.table(head, [_line(row) for row in rows])
    else:
        output.say(t("The archive has nothing like that."))
    if not is_all:
        output.say(t("There are more."))
    return 0


@command.command("series", help=t("List the series of a study in the archive."))
@click.argument("study_uid", metavar="STUDY_UID", type=UidType())
@common
@click.pass_obj
def series(session: Session, study_uid: str) -> int:
    """List series."""
    with opened(session) as library:
        found = library.browsing.series(library.owner(), study_uid)
    if session.json:
        output.emit(found)
    else:
        head = (t("Number"), t("Kind"), t("Images"), t("Description"), t("Series"))
        output.table(head, [(s.number, s.modality, s.instances, s.description, s.series_uid) for s in found])
    return 0


@command.command("fetch", help=t("Bring a study, a series of it or an image into the library."))
@click.argument("study_uid", metavar="STUDY_UID", type=UidType(), required=False)
@click.option("--missing", is_flag=True, help=t("Every study that is not here."))
@click.option("--series", "series_uids", type=UidType(), metavar="UID", multiple=True, help=t("Only this series."))
@click.option("--image", "sop_uid", type=UidType(), metavar="UID", default=None, help=t("Only this image."))
@click.option(
    "--patient",
    metavar="ID",
    default=None,
    help=t("File it for this patient; what contradicts them waits in the inbox."),
)
@common
@click.pass_obj
def fetch(
    session: Session,
    study_uid: str | None,
    missing: bool,
    series_uids: tuple[str, ...],
    sop_uid: str | None,
    patient: str | None,
) -> int:
    """Fetch."""
    if missing:
        return _fetch_missing(session)
    if study_uid is None:
        raise click.UsageError(t("Name a study, or ask for every one that is missing."))
    items: list[ImportItem] = []
    with opened(session, make=True) as library, job(t("Fetching from the archive")) as ctx:
        actor = library.owner()
        patient_id = library.patients.resolve(actor, patient).id if patient is not None else None
        wanted = Wanted(study_uid, series_uids, sop_uid, patient_id, "command")
        report = library.browsing.fetch(actor, ctx, wanted, items.append)
    for item in items:
        if item.status in _FAILURES:
            output.fail(study_uid, item.code or "import.failed", item.facts)
    if report.imported.stopped:
        output.fail("fetch", report.imported.stopped, report.imported.stop_facts)
    _print(session, report, items)
    return 1 if report.imported.has_failures else 0


def _fetch_missing(session: Session) -> int:
    with opened(session, make=True) as library, job(t("Fetching from the archive")) as ctx:
        report = library.keeping.bring_all(library.owner(), ctx)
    for uid, code in report.failed.items():
        output.fail(uid, code)
    if session.json:
        output.emit(report)
    else:
        output.say(tn("{n} study was fetched.", "{n} studies were fetched.", report.fetched))
    return 1 if report.failed else 0


def _search(library: Library, query: StudyQuery, limit: int) -> tuple[list[ArchiveStudy], bool]:
    rows: dict[tuple[str, str], ArchiveStudy] = {}
    place, is_first = None, True
    while is_first or (place is not None and len(rows) < limit):
        found = library.browsing.search(library.owner(), query, place)
        rows.update((row.found.key, row) for row in found.studies)
        place, is_first = found.following, False
    return list(rows.values())[:limit], place is None and len(rows) <= limit


def _ask(library: Library, archive: str, query: StudyQuery, limit: int) -> tuple[list[ArchiveStudy], bool]:
    with job(t("Asking the archive…")) as ctx:
        found, is_complete = library.dimse_asking.search(library.owner(), archive, query, ctx)
    return list(found[:limit]), is_complete and len(found) <= limit


def _study(row: ArchiveStudy) -> dict[str, Any]:
    found = row.found
    return {
        "study_uid": found.study_uid,
        "patient_id": found.patient_id,
        "patient_name": found.patient_name,
        "birth_date": found.birth_date,
        "sex": output.known(found.sex),
        "study_date": found.study_date,
        "study_time": output.known(found.study_time),
        "description": found.description,
        "modalities": found.modalities,
        "series": found.series,
        "images": found.instances,
        "here": row.held,
        "would_be": row.decision.verdict,
        "library_patient": row.patient.id if row.patient and row.decision.verdict is Verdict.FILE else None,
    }


def _line(row: ArchiveStudy) -> tuple[Any, ...]:
    found = row.found
    name = found.identity.name
    return (
        found.study_date, name, found.patient_id, "/".join(found.modalities), found.instances, row.held, found.study_uid
    )  # fmt: skip


def _print(session: Session, report: FetchReport, items: list[ImportItem]) -> None:
    counts = {status.value: report.imported.count(status) for status in ItemStatus}
    if session.json:
        output.emit(
            {
                "fetched": report.fetched,
                "bytes": report.bytes,
                "ours": report.ours,
                **counts,
                "items": [
                    {"status": row.status, "image_id": row.image_id, "patient_id": row.patient_id, "code": row.code}
                    for row in items
                ],
                "stopped": output.refusal(report.imported.stopped) if report.imported.stopped else None,
            }
        )
        return
    output.say(tn("{n} image came from the archive.", "{n} images came from the archive.", report.fetched))
    if report.ours:
        output.say(tn("{n} was sent there from here.", "{n} were sent there from here.", report.ours))
    for status, count in counts.items():
        if count:
            output.say(t("{status}: {count}", status=terms.import_status(status), count=count))
