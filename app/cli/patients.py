"""``bitewing patients add|edit|merge|import``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from app.cli import choices, output
from app.cli.group import group
from app.cli.library import opened
from app.cli.rows import patient_row
from app.cli.running import job
from app.cli.session import Session, common
from app.core.errors import EnvironmentFault, UserError
from app.domain.patient import Patient, PatientDraft, Sex
from app.words import t, tn


@group("patients", t("Add, edit, merge and import patients."))
def command() -> None:
    """Hold the commands about patients."""


def _contact_options(function: click.decorators.FC) -> click.decorators.FC:
    for option in (
        click.option("--notes", metavar="TEXT", help=t("Notes.")),
        click.option("--phone", metavar="NUMBER", help=t("Phone.")),
        click.option("--chart", "chart_number", metavar="NUMBER", help=t("Chart number.")),
    ):
        function = option(function)
    return function


@command.command("add", help=t("Add a patient."))
@choices.person_options
@_contact_options
@common
@click.pass_obj
def add(session: Session, /, **typed: Any) -> int:
    """Add."""
    draft = _changed(PatientDraft(), typed)
    with opened(session) as library:
        patient = library.patients.add(library.owner(), draft)
    _print(session, patient, 0)
    return 0


@command.command("edit", help=t("Change what is known of a patient."))
@click.argument("patient", metavar="ID")
@choices.person_options
@_contact_options
@common
@click.pass_obj
def edit(session: Session, /, patient: str, **typed: Any) -> int:
    """Edit; what is not named stays."""
    with opened(session) as library:
        before = library.patients.resolve(library.owner(), patient)
        draft = _changed(before.draft(), typed)
        after = library.patients.edit(library.owner(), before.id, draft, before.version)
        images = library.patients.summary(library.owner(), after.id).images
    _print(session, after, images)
    return 0


@command.command("merge", help=t("Move everything of one patient to another."))
@click.argument("keep", metavar="KEEP")
@click.argument("other", metavar="FROM")
@common
@click.pass_obj
def merge(session: Session, keep: str, other: str) -> int:
    """Merge."""
    with opened(session) as library:
        kept = library.patients.resolve(library.owner(), keep)
        gone = library.patients.resolve(library.owner(), other)
        report = library.patients.merge(library.owner(), kept.id, gone.id)
    if session.json:
        output.emit({"patient_id": kept.id, "merged_id": report.merged_id, "moved": report.moved})
    else:
        output.say(tn("{n} image moved.", "{n} images moved.", len(report.moved)))
    return 0


@command.command("import", help=t("Add patients from a CSV list; known ones are left alone."))
@click.argument("file", metavar="CSV", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--dry-run", is_flag=True, help=t("Say what would happen and change nothing."))
@common
@click.pass_obj
def import_list(session: Session, file: Path, dry_run: bool) -> int:
    """Import a list."""
    with opened(session) as library, job(t("Reading the list")) as ctx:
        try:
            report = library.patients.import_csv(library.owner(), file, ctx, dry_run=dry_run)
        except (UserError, EnvironmentFault) as error:
            if error.code.startswith(("csv.", "file.")):
                error.facts.setdefault("path", str(file))
            raise
    for problem in report.problems:
        output.fail(f"{file.name}:{problem.line}", problem.code, problem.facts)
    if session.json:
        output.emit(
            {
                "added": report.added,
                "known": report.known,
                "failed": len(report.problems),
                "dry_run": report.dry_run,
                "items": [
                    {"line": problem.line, **output.refusal(problem.code, problem.facts)} for problem in report.problems
                ],
            }
        )
    else:
        output.say(tn("{n} patient added.", "{n} patients added.", report.added))
    return 1 if report.problems else 0


def _changed(draft: PatientDraft, typed: dict[str, Any]) -> PatientDraft:
    """Return the draft with what was typed in place; the options bear the names of its fields."""
    named = {name: value for name, value in typed.items() if value is not None}
    if "sex" in named:
        named["sex"] = Sex(named["sex"].upper())
    if named.get("birth_date") == "":
        named["birth_date"] = None
    return replace(draft, **named)


def _print(session: Session, patient: Patient, images: int) -> None:
    if session.json:
        output.emit(patient_row(patient, images))
    else:
        output.say(f"{patient.id}  {patient.name or patient.chart_number}")
