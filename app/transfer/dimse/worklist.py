"""The modality worklist (PS3.4 annex K): who is expected, for what, and under which numbers their images are to go."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.context import JobContext
from app.transfer.dimse.association import linked
from app.transfer.dimse.finding import LIMIT, UTF8, Answer, ask, date_range, name_pattern, text
from app.transfer.dimse.peer import Peer

WORKLIST_FIND = "1.2.840.10008.5.1.4.31"


@dataclass(frozen=True, slots=True)
class Expected:
    """What to look for; empty means any. ``station_aet`` is the name of the workstation or sensor."""

    scheduled_from: date | None = None
    scheduled_to: date | None = None
    modality: str = ""
    station_aet: str = ""
    patient_name: str = ""
    patient_id: str = ""
    accession_number: str = ""


@dataclass(frozen=True, slots=True)
class WorklistItem:
    """One scheduled procedure step; texts as the worklist gives them, dates as ``YYYYMMDD``, times as ``HHMMSS``."""

    patient_id: str
    patient_name: str
    birth_date: str
    sex: str
    accession_number: str
    requested_procedure_id: str
    requested_procedure: str
    study_instance_uid: str
    referring_physician: str
    modality: str
    station_aet: str
    scheduled_date: str
    scheduled_time: str
    step_id: str
    step: str


def find_worklist(
    peer: Peer, expected: Expected, limit: int = LIMIT, ctx: JobContext | None = None
) -> Answer[WorklistItem]:
    """Ask for the worklist.

    Raises
    ------
    BitewingError
        As :meth:`Link.open` and :meth:`Link.no_answer`; ``dimse.not_answered`` (fact ``status``), ``dimse.busy``.
    Cancelled
    """
    from pynetdicom import build_context

    with linked(peer, [build_context(WORKLIST_FIND)], ctx=ctx) as link:
        return ask(link, WORKLIST_FIND, _identifier(expected), _item, limit, ctx or JobContext.silent())


def _identifier(expected: Expected) -> Any:
    """Return the keys of PS3.4 table K.6-1 that are used here."""
    from pydicom.dataset import Dataset

    step = Dataset()
    step.Modality = expected.modality or None
    step.ScheduledStationAETitle = expected.station_aet or None
    step.ScheduledProcedureStepStartDate = date_range(expected.scheduled_from, expected.scheduled_to) or None
    step.ScheduledProcedureStepStartTime = None
    step.ScheduledProcedureStepID = None
    step.ScheduledProcedureStepDescription = None
    wanted = Dataset()
    if not (expected.patient_name + expected.patient_id + expected.accession_number).isascii():
        wanted.SpecificCharacterSet = UTF8
    wanted.ScheduledProcedureStepSequence = [step]
    wanted.PatientName = name_pattern(expected.patient_name) or None
    wanted.PatientID = expected.patient_id or None
    wanted.AccessionNumber = expected.accession_number or None
    for keyword in (
        "PatientBirthDate",
        "PatientSex",
        "RequestedProcedureID",
        "RequestedProcedureDescription",
        "StudyInstanceUID",
        "ReferringPhysicianName",
    ):
        setattr(wanted, keyword, None)
    return wanted


def _item(found: Any) -> WorklistItem | None:
    """Return one answer; ``None`` for one without a step or a patient."""
    steps = found.get("ScheduledProcedureStepSequence") or ()
    patient_id, name = text(found, "PatientID"), text(found, "PatientName")
    if not steps or not (patient_id or name):
        return None
    step = steps[0]
    return WorklistItem(
        patient_id=patient_id,
        patient_name=name,
        birth_date=text(found, "PatientBirthDate"),
        sex=text(found, "PatientSex"),
        accession_number=text(found, "AccessionNumber"),
        requested_procedure_id=text(found, "RequestedProcedureID"),
        requested_procedure=text(found, "RequestedProcedureDescription"),
        study_instance_uid=text(found, "StudyInstanceUID"),
        referring_physician=text(found, "ReferringPhysicianName"),
        modality=text(step, "Modality"),
        station_aet=text(step, "ScheduledStationAETitle"),
        scheduled_date=text(step, "ScheduledProcedureStepStartDate"),
        scheduled_time=text(step, "ScheduledProcedureStepStartTime"),
        step_id=text(step, "ScheduledProcedureStepID"),
        step=text(step, "ScheduledProcedureStepDescription"),
    )
