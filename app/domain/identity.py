"""Whose image is it? The rules that keep an image from ever landing with the wrong patient.

A file's identity is compared with a patient part by part; any contradiction sends the image to the
inbox. Names agree when the same words appear, whatever their order, accents or spelling case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from app.domain.folding import fold, fold_tokens

if TYPE_CHECKING:
    from app.domain.patient import Patient


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What a file says about its patient; empty strings and ``None`` where it says nothing."""

    patient_id: str = ""
    family_name: str = ""
    given_name: str = ""
    birth_date: date | None = None
    sex: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether the file says nothing that could name a patient."""
        return not (self.patient_id or self.family_name or self.given_name)

    @property
    def is_complete(self) -> bool:
        """Whether the file names a patient surely enough to make one: id and name."""
        return bool(self.patient_id and (self.family_name or self.given_name))

    @property
    def name(self) -> str:
        """The name as shown."""
        return ", ".join(part for part in (self.family_name, self.given_name) if part)


class Contradiction(StrEnum):
    """A part in which a file and a patient disagree."""

    PATIENT_ID = "patient_id"
    NAME = "name"
    BIRTH_DATE = "birth_date"
    SEX = "sex"


class Verdict(StrEnum):
    """What is to become of an image."""

    FILE = "file"
    MAKE_PATIENT = "make_patient"
    INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict with its reason (a stable code) and what disagrees."""

    verdict: Verdict
    patient_id: str | None = None
    code: str | None = None
    contradictions: tuple[Contradiction, ...] = ()


def same_name(identity: FileIdentity, patient: Patient) -> bool:
    """Whether the names agree: the same words in any order, accents and case aside."""
    file_words = fold_tokens(f"{identity.family_name} {identity.given_name}")
    patient_words = fold_tokens(f"{patient.family_name} {patient.given_name}")
    return sorted(file_words) == sorted(patient_words)


def compare(identity: FileIdentity, patient: Patient) -> tuple[Contradiction, ...]:
    """Return every part in which both sides say something and disagree."""
    found = []
    if identity.patient_id and patient.chart_number and fold(identity.patient_id) != fold(patient.chart_number):
        found.append(Contradiction.PATIENT_ID)
    has_names = (identity.family_name or identity.given_name) and patient.name
    if has_names and not same_name(identity, patient):
        found.append(Contradiction.NAME)
    if identity.birth_date and patient.birth_date and identity.birth_date != patient.birth_date:
        found.append(Contradiction.BIRTH_DATE)
    if {identity.sex, patient.sex.value} == {"M", "F"}:
        found.append(Contradiction.SEX)
    return tuple(found)


def decide(
    identity: FileIdentity, chosen: Patient | None, candidates: Sequence[Patient], *, may_make: bool = True
) -> Decision:
    """Decide where a file belongs.

    Parameters
    ----------
    identity
        What the file says.
    chosen
        The patient a person named (open patient, ``--patient``), if any.
    candidates
        Patients whose chart number equals the file's Patient ID, or, where the file has no id, whose
        name agrees; looked up even when a patient was chosen, since the file may name somebody else.
    may_make
        Whether an unknown, complete identity may make a new patient.
    """
    if chosen is not None:
        found = compare(identity, chosen)
        if not found and _names_another(identity, chosen, candidates):
            found = (Contradiction.PATIENT_ID,)
        if found:
            return Decision(Verdict.INBOX, chosen.id, "identity.contradicts", found)
        return Decision(Verdict.FILE, chosen.id)
    if identity.is_empty:
        return Decision(Verdict.INBOX, None, "identity.none")
    if len(candidates) > 1:
        agreeing = [patient for patient in candidates if not compare(identity, patient)]
        if len(agreeing) != 1:
            return Decision(Verdict.INBOX, None, "identity.ambiguous")
        candidates = agreeing
    if candidates:
        return _decide_known(identity, candidates[0])
    if identity.is_complete and may_make:
        return Decision(Verdict.MAKE_PATIENT)
    return Decision(Verdict.INBOX, None, "identity.incomplete")


def _names_another(identity: FileIdentity, chosen: Patient, candidates: Sequence[Patient]) -> bool:
    """Whether the file's Patient ID is the chart number of somebody else than the chosen patient."""
    number = fold(identity.patient_id)
    return (
        bool(number)
        and any(patient.id != chosen.id and fold(patient.chart_number) == number for patient in candidates)
        and fold(chosen.chart_number) != number
    )


def _decide_known(identity: FileIdentity, patient: Patient) -> Decision:
    found = compare(identity, patient)
    if found:
        return Decision(Verdict.INBOX, patient.id, "identity.contradicts", found)
    if not identity.patient_id or not (identity.family_name or identity.given_name):
        # A name alone, or an id alone, proposes a patient but does not prove one.
        return Decision(Verdict.INBOX, patient.id, "identity.incomplete")
    return Decision(Verdict.FILE, patient.id)
