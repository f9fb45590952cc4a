"""The worklist of the day: who is expected for what, by every archive that has one, and who of them is known here.

Taking an entry opens its patient, known or new by the same rules as an import, and remembers what is expected of
their next image of today.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from app.core.clock import today
from app.core.context import JobContext
from app.core.destinations import DimseSettings
from app.core.errors import BitewingError, Cancelled, UserError
from app.domain.changes import ChangeKind, Entity
from app.domain.expectation import Expectation
from app.domain.identity import Decision, FileIdentity, Verdict, decide
from app.domain.patient import Patient, PatientDraft, Sex, clean_text, parse_birth_date, parse_person_name
from app.domain.roles import Action, Actor
from app.services.archiving.dimse_connector import DimseConnector
from app.services.door import Door, Unit
from app.services.patients import add_patient
from app.services.settings import SettingsService
from app.storage.catalogue import Catalogue
from app.transfer.dimse.worklist import Expected, WorklistItem, find_worklist
from app.transfer.found import is_uid

_LONGEST = 300
_LONGEST_NUMBER = 16


@dataclass(frozen=True, slots=True)
class Scheduled:
    """An entry beside what the library knows: what an import would make of its identity, and whom that means."""

    item: WorklistItem
    source: str
    decision: Decision
    patient: Patient | None = None

    @property
    def identity(self) -> FileIdentity:
        """What the worklist says of the patient."""
        return identity_of(self.item)

    @property
    def contradicts(self) -> bool:
        """Whether somebody is known under this number, but described differently."""
        return self.patient is not None and bool(self.decision.contradictions)


@dataclass(frozen=True, slots=True)
class Worklist:
    """What is expected on a day. ``faults`` has why an archive could not be asked, ``cut`` those with more to say."""

    day: date
    rows: tuple[Scheduled, ...] = ()
    asked: tuple[str, ...] = ()
    faults: dict[str, BitewingError] = field(default_factory=dict)
    cut: tuple[str, ...] = ()


class WorklistService:
    """The worklists of one library. Any thread."""

    def __init__(self, door: Door, settings: SettingsService, dimse: DimseConnector) -> None:
        self._door = door
        self._settings = settings
        self._dimse = dimse

    def today(self, actor: Actor, ctx: JobContext) -> Worklist:
        """Ask every archive that has a worklist; one that does not answer is among the faults.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``worklist.none`` where no archive is set up to have one.
        Cancelled
        """
        self._door.require(actor, Action.WORKLIST_USE)
        archives = [one for one in self._settings.dimse_archives() if one.worklist and one.host]
        if not archives:
            raise UserError("worklist.none")
        day, rows = today(), []
        faults: dict[str, BitewingError] = {}
        cut = []
        for archive in archives:
            try:
                items, is_complete = self._ask(archive, day, ctx)
            except Cancelled:
                raise
            except BitewingError as fault:
                # The others are asked all the same; that this one could not be is said.
                faults[archive.name] = fault
                continue
            rows += [self._matched(item, archive.name) for item in items]
            if not is_complete:
                cut.append(archive.name)
        rows.sort(key=lambda row: (row.item.scheduled_time, row.item.patient_name))
        return Worklist(day, tuple(rows), tuple(one.name for one in archives), faults, tuple(cut))

    def take(self, actor: Actor, row: Scheduled, *, is_same_person: bool = False) -> Patient:
        """Return the patient of an entry, new where nobody is known, and expect their next image of today.

        Parameters
        ----------
        is_same_person
            A person has looked at what contradicts and said so.

        Raises
        ------
        RefusedError
            ``role.refused``.
        UserError
            ``worklist.contradicts`` unless a person said so; ``worklist.unclear`` when the entry names nobody surely.
        """
        with self._door.writing(actor, Action.WORKLIST_USE) as unit:
            # Decided anew: the patient may have come, gone or changed since the worklist was shown.
            decision, known = _decided(unit.store, row.identity)
            if known is not None and decision.contradictions and not is_same_person:
                raise UserError("worklist.contradicts")
            patient = known or _new(unit, row.identity, decision)
            item = row.item
            expectation = Expectation(
                patient.id,
                today().isoformat(),
                item.modality.upper(),
                clean_text(item.requested_procedure or item.step)[:_LONGEST],
                item.study_instance_uid if is_uid(item.study_instance_uid) else "",
                _accession(item.accession_number),
            )
            unit.store.expected.expect(expectation)
            unit.audit(Entity.PATIENT, patient.id, source=row.source, contradictions=list(decision.contradictions))
            unit.changed(Entity.PATIENT, ChangeKind.CHANGED, patient.id, patient.id)
            return patient

    def _ask(self, archive: DimseSettings, day: date, ctx: JobContext) -> tuple[tuple[WorklistItem, ...], bool]:
        answer = find_worklist(self._dimse.peer(archive), Expected(scheduled_from=day, scheduled_to=day), ctx=ctx)
        return answer.rows, answer.is_complete

    def _matched(self, item: WorklistItem, source: str) -> Scheduled:
        with self._door.store.read():
            decision, patient = _decided(self._door.store, identity_of(item))
        return Scheduled(item, source, decision, patient)


def identity_of(item: WorklistItem) -> FileIdentity:
    """Return what an entry says of its patient."""
    family, given = parse_person_name(item.patient_name)
    return FileIdentity(clean_text(item.patient_id), family, given, parse_birth_date(item.birth_date), item.sex)


def _accession(text: str) -> str:
    """Return an accession number that may be written into an object (PS3.5 table 6.2-1, SH); else nothing."""
    cleaned = clean_text(text)
    return cleaned if len(cleaned) <= _LONGEST_NUMBER and "\\" not in cleaned else ""


def _decided(store: Catalogue, identity: FileIdentity) -> tuple[Decision, Patient | None]:
    if identity.patient_id:
        candidates = store.patients.by_chart_number(identity.patient_id)
    else:
        candidates = store.patients.by_name(identity.family_name, identity.given_name)
    decision = decide(identity, None, candidates)
    return decision, store.patients.get(decision.patient_id) if decision.patient_id else None


def _new(unit: Unit, identity: FileIdentity, decision: Decision) -> Patient:
    if decision.verdict is not Verdict.MAKE_PATIENT:
        raise UserError("worklist.unclear")
    sex = Sex(identity.sex) if identity.sex in {"M", "F", "O"} else Sex.UNKNOWN
    draft = PatientDraft(identity.family_name, identity.given_name, identity.patient_id, identity.birth_date, sex)
    return add_patient(unit, draft)
