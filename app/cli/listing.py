"""``bitewing list patients|images|studies|cases``."""

from __future__ import annotations

from typing import Any

import click

from app.bootstrap.library import Library
from app.cli import output
from app.cli.library import opened
from app.cli.rows import case_row, image_row, patient_row, study_row
from app.cli.session import Session, common
from app.domain.patient import PatientSummary
from app.words import t

_PAGE = 500
_COLUMNS = {
    "patients": ("id", "chart_number", "name", "birth_date", "sex", "images"),
    "images": ("id", "patient_id", "tooth", "type", "view", "rows", "columns", "captured_at"),
    "studies": ("study_uid", "patient_id", "date", "description", "modalities", "images"),
    "cases": ("case", "patient_id", "name", "images", "newest_at"),
}


@click.command("list", help=t("List patients, images, studies or cases."))
@click.argument("what", type=click.Choice(list(_COLUMNS)))
@click.option("--patient", metavar="ID", help=t("Our id or an exact chart number."))
@click.option("--search", metavar="TEXT", help=t("Any part of name, number, phone or birth date."))
@click.option("--limit", type=click.IntRange(0), metavar="N", help=t("No more than this many."))
@click.option("--case", "case_reference", metavar="TEXT", help=t("Only images of this case or appointment."))
@common
@click.pass_obj
def command(
    session: Session,
    what: str,
    patient: str | None,
    search: str | None,
    limit: int | None,
    case_reference: str | None,
) -> int:
    """List."""
    if case_reference is not None and what != "images":
        raise click.UsageError(t("--case goes with images."))
    with opened(session) as library:
        patient_id = library.patients.resolve(library.owner(), patient).id if patient is not None else None
        if case_reference is not None:
            rows = _images(library, patient_id, search, limit, case_reference)
        else:
            rows = _READERS[what](library, patient_id, search, limit)
    if session.json:
        output.emit(rows)
    else:
        columns = _COLUMNS[what]
        output.table(columns, [[output.plain(row[column]) for column in columns] for row in rows])
    return 0


def _patients(library: Library, patient_id: str | None, search: str | None, limit: int | None) -> list[dict[str, Any]]:
    found: list[PatientSummary]
    if patient_id is not None:
        found = [library.patients.summary(library.owner(), patient_id)][:limit]
    elif search:
        found = library.patients.search(library.owner(), search, _EVERYTHING if limit is None else limit)
    else:
        found = _pages(library, limit)
    return [patient_row(summary.patient, summary.images) for summary in found]


_EVERYTHING = 1_000_000


def _pages(library: Library, limit: int | None) -> list[PatientSummary]:
    found: list[PatientSummary] = []
    while limit is None or len(found) < limit:
        wanted = _PAGE if limit is None else min(_PAGE, limit - len(found))
        page = library.patients.page(library.owner(), found[-1].patient if found else None, wanted)
        found += page
        if len(page) < wanted:
            break
    return found


def _images(
    library: Library,
    patient_id: str | None,
    search: str | None,
    limit: int | None,
    case_reference: str | None = None,
) -> list[dict[str, Any]]:
    records = library.images.list(
        library.owner(), patient_id=patient_id, search=search, limit=limit, case_reference=case_reference
    )
    return [image_row(record) for record in records]


def _studies(library: Library, patient_id: str | None, search: str | None, limit: int | None) -> list[dict[str, Any]]:
    return [study_row(study) for study in library.images.studies(library.owner(), patient_id, search, limit)]


def _cases(library: Library, patient_id: str | None, search: str | None, limit: int | None) -> list[dict[str, Any]]:
    return [case_row(case) for case in library.cases.list(library.owner(), patient_id, search or "", limit)]


_READERS = {"patients": _patients, "images": _images, "studies": _studies, "cases": _cases}
