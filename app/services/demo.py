"""Filling a library with a made-up clinic, through the same import as everything else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from app.core.context import JobContext
from app.demo.clinic import DEFAULT_IMAGES, DEFAULT_PATIENTS, DEFAULT_SEED, ClinicPlan, plan
from app.demo.engine import DemoFile, write_clinic
from app.demo.people import PlannedPatient
from app.demo.treatments import treatments_of
from app.domain.changes import ChangeKind, Entity
from app.domain.image import Filing
from app.domain.patient import PatientDraft, Sex
from app.domain.roles import Action, Actor, allowed
from app.domain.treatment import TreatmentDraft, TreatmentStatus
from app.services.door import Door
from app.services.images import save
from app.services.imports import ImportsService
from app.services.patients import add_patient
from app.services.settings import SettingsService
from app.services.treatments import TreatmentsService
from app.services.workroom import private_folder
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus

KIND = "demo"
CLINIC_NAME = "Nile Dental (made up)"
# Images from so long before or after a treatment belong to it.
_AROUND = timedelta(days=200)
_NEW = frozenset({ItemStatus.IMPORTED, ItemStatus.INBOX})


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a demonstration clinic brought. A second run with the same seed brings nothing new."""

    patients: int
    images: int
    duplicates: int
    stopped: str | None = None


class DemoService:
    """Makes the clinic. Any thread."""

    def __init__(
        self, door: Door, imports: ImportsService, treatments: TreatmentsService, settings: SettingsService
    ) -> None:
        self._door = door
        self._imports = imports
        self._treatments = treatments
        self._settings = settings

    def fill(
        self,
        actor: Actor,
        patients: int = DEFAULT_PATIENTS,
        images: int = DEFAULT_IMAGES,
        seed: int = DEFAULT_SEED,
        ctx: JobContext | None = None,
    ) -> DemoReport:
        """Add the clinic of ``seed``: its people first, then their images.

        Raises
        ------
        Cancelled
            While drawing; nothing but people was added then.
        """
        self._door.require(actor, Action.LIBRARY_DEMO)
        ctx = ctx or JobContext.silent()
        clinic = plan(seed, patients, images)
        ids, added = self._people(actor, clinic.patients)
        self._name_it(actor, added)
        with private_folder(self._door.store) as folder:
            files = list(write_clinic(clinic, folder, ctx))
            report, items = self._bring_in(actor, files, ids, ctx)
            self._caption(actor, files, items)
            self._treat(actor, clinic, ids, files, items)
        brought = sum(item.image_id is not None and item.status in _NEW for item in items.values())
        return DemoReport(added, brought, report.count(ItemStatus.DUPLICATE), report.stopped)

    def _people(self, actor: Actor, people: Iterable[PlannedPatient]) -> tuple[dict[str, str], int]:
        ids: dict[str, str] = {}
        added = 0
        with self._door.writing(actor, Action.LIBRARY_DEMO) as unit:
            for person in people:
                known = unit.store.patients.by_chart_number(person.chart_number)
                if known:
                    ids[person.key] = known[0].id
                    continue
                draft = PatientDraft(
                    person.family_name,
                    person.given_name,
                    person.chart_number,
                    person.birth_date,
                    Sex(person.sex),
                    person.phone,
                )
                ids[person.key] = add_patient(unit, draft).id
                added += 1
        return ids, added

    def _name_it(self, actor: Actor, added: int) -> None:
        """Give a library that holds nothing but the made-up clinic its name; never rename anybody's own."""
        with self._door.store.read():
            is_ours_alone = added > 0 and self._door.store.patients.count() == added
        if is_ours_alone and not self._settings.clinic().clinic_name and allowed(actor.role, Action.SETTINGS_CHANGE):
            self._settings.set_value(actor, "clinic.name", CLINIC_NAME)

    def _bring_in(
        self, actor: Actor, files: list[DemoFile], ids: dict[str, str], ctx: JobContext
    ) -> tuple[ImportReport, dict[str, ImportItem]]:
        filings = {
            str(file.path): Filing(ids[file.patient.key], file.tooth, file.teeth, file.image_type, file.view)
            for file in files
        }
        items: dict[str, ImportItem] = {}
        args = ImportArgs(tuple(file.path for file in files), filings=filings, trigger="demo")
        report = self._imports.run_as(
            actor, Action.LIBRARY_DEMO, args, ctx, lambda item: items.__setitem__(item.path, item), KIND
        )
        return report, items

    def _treat(
        self,
        actor: Actor,
        clinic: ClinicPlan,
        ids: dict[str, str],
        files: list[DemoFile],
        items: dict[str, ImportItem],
    ) -> None:
        """Write down what was done, with the images of that tooth from around that day."""
        for person in clinic.patients:
            known = {item.legacy_id for item in self._treatments.list(actor, ids[person.key])}
            taken = [(file, items[str(file.path)]) for file in files if file.patient.key == person.key]
            for planned in treatments_of(clinic.story(person)):
                if planned.key in known:
                    continue
                images = [
                    item.image_id
                    for file, item in taken
                    if item.image_id is not None
                    and planned.tooth == file.tooth
                    and abs(file.captured_at.date() - planned.performed_on) <= _AROUND
                ]
                draft = TreatmentDraft(
                    planned.procedure,
                    teeth=(planned.tooth,),
                    performed_on=planned.performed_on,
                    dentist=planned.dentist,
                    status=TreatmentStatus.COMPLETED if planned.is_done else TreatmentStatus.PLANNED,
                )
                self._treatments.add(actor, ids[person.key], draft, images, legacy_id=planned.key)

    def _caption(self, actor: Actor, files: list[DemoFile], items: dict[str, ImportItem]) -> None:
        with self._door.writing(actor, Action.LIBRARY_DEMO) as unit:
            for file in files:
                item = items.get(str(file.path))
                record = unit.store.images.get(item.image_id) if item and item.image_id else None
                if record is None or item is None or item.status not in _NEW:
                    continue
                saved = save(unit, replace(record, caption=file.caption, captured_at=file.captured_at))
                unit.audit_as(Action.IMAGE_EDIT, Entity.IMAGE, saved.id, fields=["caption", "captured_at"])
                unit.changed(Entity.IMAGE, ChangeKind.CHANGED, saved.id, saved.patient_id)
