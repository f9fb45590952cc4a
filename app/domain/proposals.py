"""Why somebody may be the patient of a waiting image: what speaks for them, beside what speaks against."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.folding import fold
from app.domain.identity import FileIdentity, same_name

if TYPE_CHECKING:
    from app.domain.patient import Patient


class Reason(StrEnum):
    """What speaks for a patient; the first three tell where the image came from, the others what its file says."""

    CHOSEN = "chosen"
    STUDY = "same_study"
    PICTURE = "same_picture"
    PATIENT_ID = "same_patient_id"
    NAME = "same_name"
    BIRTH_DATE = "same_birth_date"


def agreements(identity: FileIdentity, patient: Patient) -> tuple[Reason, ...]:
    """Return every part in which both sides say something and agree."""
    found = []
    if identity.patient_id and fold(identity.patient_id) == fold(patient.chart_number):
        found.append(Reason.PATIENT_ID)
    if identity.name and patient.name and same_name(identity, patient):
        found.append(Reason.NAME)
    if identity.birth_date and identity.birth_date == patient.birth_date:
        found.append(Reason.BIRTH_DATE)
    return tuple(found)
