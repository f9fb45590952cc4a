"""The patient list: finding, adding, changing, merging."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.clock import utc_now
from app.core.errors import UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.naming import is_uuid
from app.domain.patient import Patient, PatientDraft, PatientSummary
from app.domain.roles import Action, Actor
from app.services.door import Door, Unit, survivor
from app.storage.patients import PageKey

if TYPE_CHECKING:
    from pathlib import Path

    from app.core.context import JobContext
    from app.services.merging import MergeReport, Merging
    from app.services.patient_import import CsvReport, PatientImport

SEARCH_LIMIT = 50


class PatientsService:
    """What can be done with patients. Any thread."""

    def __init__(self, door: Door, merging: Merging, csv_import: PatientImport) -> None:
        self._door = door
        self._merging = merging
        self._csv = csv_import

    def get(self, actor: Actor, patient_id: str) -> Patient:
        """Return a patient. Raises ``patient.none``."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            return required(store.patients.get(patient_id), patient_id)

    def resolve(self, actor: Actor, text: str) -> Patient:
        """Return the patient of a UUID or an exact chart number.

        Raises
        ------
        UserError
            ``patient.none``, or ``patient.ambiguous`` with the ids of those that match.
        """
        cleaned = text.strip()
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            if is_uuid(cleaned.lower()):
                found = survivor(store, cleaned.lower())
                if found is not None:
                    return found
            matches = store.patients.by_chart_number(cleaned)
        if not matches:
            raise UserError("patient.none", text=text)
        if len(matches) > 1:
            raise UserError("patient.ambiguous", text=text, ids=[patient.id for patient in matches])
        return matches[0]

    def add(self, actor: Actor, draft: PatientDraft) -> Patient:
        """Add a patient.

        Raises
        ------
        UserError
            ``patient.nameless``, ``patient.too_long``, or ``patient.chart_number_taken``.
        """
        with self._door.writing(actor, Action.PATIENT_ADD) as unit:
            return add_patient(unit, draft)

    def edit(self, actor: Actor, patient_id: str, draft: PatientDraft, version: int) -> Patient:
        """Change a patient that was read as ``version``.

        Raises
        ------
        UserError
            ``patient.none``; ``patient.changed_elsewhere`` when somebody else changed it since.
        """
        cleaned = draft.cleaned()
        with self._door.writing(actor, Action.PATIENT_EDIT) as unit:
            patients = unit.store.patients
            before = unit.living_patient(patient_id)
            _require_free_chart_number(unit, cleaned.chart_number, patient_id)
            after = replace(
                before,
                family_name=cleaned.family_name,
                given_name=cleaned.given_name,
                chart_number=cleaned.chart_number,
                birth_date=cleaned.birth_date,
                sex=cleaned.sex,
                phone=cleaned.phone,
                notes=cleaned.notes,
                updated_at=utc_now(),
            )
            after = patients.update(after, expected_version=version)
            unit.audit(Entity.PATIENT, patient_id, fields=_changed_fields(before.draft(), cleaned))
            unit.changed(Entity.PATIENT, ChangeKind.CHANGED, patient_id, patient_id)
            return after

    def merge(self, actor: Actor, keep_id: str, from_id: str) -> MergeReport:
        """Move every image of ``from_id`` to ``keep_id`` and retire ``from_id``."""
        return self._merging.merge(actor, keep_id, from_id)

    def page(self, actor: Actor, after: PageKey | Patient | None, limit: int) -> list[PatientSummary]:
        """Return patients in name order, beginning after a patient already shown."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            return list(store.patients.page(after, limit))

    def search(self, actor: Actor, text: str, limit: int = SEARCH_LIMIT) -> list[PatientSummary]:
        """Return patients whose name, chart number, phone or birth date matches."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            return list(store.patients.search(text, limit))

    def recent(self, actor: Actor, limit: int) -> list[PatientSummary]:
        """Return the patients opened last, newest first."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            return list(store.patients.recent(limit, actor.id))

    def summary(self, actor: Actor, patient_id: str) -> PatientSummary:
        """Return a patient with the number of images. Raises ``patient.none``."""
        with self._door.reading(actor, Action.PATIENT_VIEW) as store:
            found = store.patients.summary(patient_id)
        if found is None:
            raise UserError("patient.none", text=patient_id)
        return found

    def touch(self, actor: Actor, patient_id: str) -> None:
        """Remember that a patient was opened, and write the view down."""
        with self._door.writing(actor, Action.PATIENT_VIEW) as unit:
            unit.store.patients.touch(patient_id, utc_now(), actor.id)
            unit.audit(Entity.PATIENT, patient_id)

    def import_csv(
        self, actor: Actor, path: Path, ctx: JobContext, *, dry_run: bool = False, encoding: str | None = None
    ) -> CsvReport:
        """Bring in a patient list; see :class:`PatientImport`."""
        return self._csv.run(actor, path, ctx, dry_run=dry_run, encoding=encoding)


def required(patient: Patient | None, text: str) -> Patient:
    """Return the patient or raise ``patient.none``."""
    if patient is None:
        raise UserError("patient.none", text=text)
    return patient


def add_patient(unit: Unit, draft: PatientDraft, patient_id: str | None = None) -> Patient:
    """Add a patient inside an open transaction. Raises as :meth:`PatientsService.add`."""
    cleaned = draft.cleaned()
    _require_free_chart_number(unit, cleaned.chart_number, None)
    now = utc_now()
    patient = Patient(
        id=patient_id or str(uuid.uuid4()),
        family_name=cleaned.family_name,
        given_name=cleaned.given_name,
        chart_number=cleaned.chart_number,
        birth_date=cleaned.birth_date,
        sex=cleaned.sex,
        phone=cleaned.phone,
        created_at=now,
        updated_at=now,
        notes=cleaned.notes,
    )
    unit.store.patients.add(patient)
    unit.audit_as(Action.PATIENT_ADD, Entity.PATIENT, patient.id)
    unit.changed(Entity.PATIENT, ChangeKind.ADDED, patient.id, patient.id)
    return patient


def _require_free_chart_number(unit: Unit, chart_number: str, own_id: str | None) -> None:
    if not chart_number:
        return
    for other in unit.store.patients.by_chart_number(chart_number):
        if other.id != own_id:
            raise UserError("patient.chart_number_taken", chart_number=chart_number, id=other.id)


def _changed_fields(before: PatientDraft, after: PatientDraft) -> list[str]:
    return [name for name in PatientDraft.__slots__ if getattr(before, name) != getattr(after, name)]
