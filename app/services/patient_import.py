"""Bringing in a patient list: new people are added, known ones left alone, every row accounted for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from app.core.context import JobContext
from app.core.errors import UserError
from app.core.files import translate_os_error
from app.core.progress import Progress
from app.domain.folding import fold
from app.domain.identity import FileIdentity, compare
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit
from app.services.patients import add_patient
from app.storage.rows import name_words
from app.sync.patient_csv import FILE_LIMIT_BYTES, CsvRow, decode_list, rows_of

BATCH = 500


@dataclass(frozen=True, slots=True)
class CsvProblem:
    """A row that was not taken, or not with everything it says, and why."""

    line: int
    code: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CsvReport:
    """What became of a patient list. ``known`` people were there already and were not touched.

    ``encoding`` is how its bytes were read; where ``encoding_guessed`` a person should look at the names.
    """

    added: int
    known: int
    problems: tuple[CsvProblem, ...]
    dry_run: bool
    ids: tuple[str, ...] = ()
    encoding: str = ""
    encoding_guessed: bool = False


class PatientImport:
    """Reads a list and adds who is new, in batches."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def run(
        self, actor: Actor, path: Path, ctx: JobContext, *, dry_run: bool = False, encoding: str | None = None
    ) -> CsvReport:
        """Import ``path``, read as ``encoding`` says if given.

        Raises
        ------
        UserError
            ``csv.…`` when the file cannot be read as a patient list.
        Cancelled
            Between batches; batches already written stay.
        """
        self._door.require(actor, Action.PATIENT_IMPORT)
        text = decode_list(_read(path), encoding)
        rows = list(rows_of(text.text))
        tally = _Tally()
        for start in range(0, len(rows), BATCH):
            ctx.check()
            batch = rows[start : start + BATCH]
            if dry_run:
                with self._door.reading(actor, Action.PATIENT_IMPORT):
                    self._plan(batch, tally, None)
            else:
                with self._door.writing(actor, Action.PATIENT_IMPORT) as unit:
                    self._plan(batch, tally, unit)
            ctx.report(Progress(min(start + BATCH, len(rows)), len(rows), "rows", path.name))
        return CsvReport(
            tally.added, tally.known, tuple(tally.problems), dry_run, tuple(tally.ids), text.encoding, text.is_guessed
        )

    def _plan(self, batch: list[CsvRow], tally: _Tally, unit: Unit | None) -> None:
        for row in batch:
            if row.draft is None:
                tally.problems.append(CsvProblem(row.line, row.code or "csv.damaged", row.facts))
                continue
            try:
                self._one(row, row.draft, tally, unit)
                if row.code is not None:
                    tally.problems.append(CsvProblem(row.line, row.code, row.facts))
            except UserError as error:
                tally.problems.append(CsvProblem(row.line, error.code, error.facts))

    def _one(self, row: CsvRow, draft: PatientDraft, tally: _Tally, unit: Unit | None) -> None:
        """Decide about one row. A dry run decides by the same facts: what the catalogue has, what came before."""
        chart, name = fold(draft.chart_number), _name_key(draft)
        if (chart and chart in tally.charts) or (not chart and name is not None and name in tally.names):
            tally.problems.append(CsvProblem(row.line, "csv.repeated", {"chart_number": draft.chart_number}))
            return
        if chart:
            tally.charts.add(chart)
        existing = self._existing(draft)
        if existing is not None and compare(identity_of(draft), existing):
            raise UserError("csv.contradicts", chart_number=draft.chart_number, id=existing.id)
        if name is not None:
            tally.names.add(name)
        if existing is not None:
            tally.known += 1
            return
        if unit is not None:
            tally.ids.append(add_patient(unit, draft).id)
        tally.added += 1

    def _existing(self, draft: PatientDraft) -> Patient | None:
        """Return the living patient with this chart number or, without one, with this name and birth date."""
        patients = self._door.store.patients
        if draft.chart_number:
            found = patients.by_chart_number(draft.chart_number)
            return found[0] if found else None
        named = patients.by_name(draft.family_name, draft.given_name)
        same = [patient for patient in named if patient.birth_date == draft.birth_date]
        return same[0] if same else None


@dataclass(slots=True)
class _Tally:
    added: int = 0
    known: int = 0
    problems: list[CsvProblem] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    charts: set[str] = field(default_factory=set)
    names: set[tuple[str, date | None]] = field(default_factory=set)


def _name_key(draft: PatientDraft) -> tuple[str, date | None] | None:
    """Return what makes two people without chart number the same, as the catalogue compares names."""
    words = name_words(draft.family_name, draft.given_name)
    return (words, draft.birth_date) if words else None


def identity_of(draft: PatientDraft) -> FileIdentity:
    """Return a draft as the identity it stands for."""
    return FileIdentity(draft.chart_number, draft.family_name, draft.given_name, draft.birth_date, draft.sex.value)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(FILE_LIMIT_BYTES + 1)
    except OSError as error:
        raise translate_os_error(error) from error
