"""What the library knows of a study in the archive: how much of it is here, and whose it would be filed for.

Asks the same rules for the right patient as an import does, so that what is promised is what happens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.identity import Decision, Verdict, decide
from app.domain.patient import Patient
from app.storage.catalogue import Catalogue
from app.transfer.found import StudyFound

_UNDECIDED = Decision(Verdict.INBOX)


@dataclass(frozen=True, slots=True)
class ArchiveStudy:
    """A study in the archive beside what is known of it here.

    ``held`` counts its images in the library. ``decision`` says what an import would make of its identity, ``patient``
    whom it means.
    """

    found: StudyFound
    held: int = 0
    decision: Decision = _UNDECIDED
    patient: Patient | None = None


def matched(store: Catalogue, studies: Sequence[StudyFound]) -> tuple[ArchiveStudy, ...]:
    """Return studies with what is known of them."""
    with store.read():
        held = store.studies.held(study.study_uid for study in studies)
        return tuple(_matched(store, study, held.get(study.study_uid, 0)) for study in studies)


def _matched(store: Catalogue, study: StudyFound, held: int) -> ArchiveStudy:
    identity = study.identity
    if identity.patient_id:
        candidates = store.patients.by_chart_number(identity.patient_id)
    elif identity.is_empty:
        candidates = []
    else:
        candidates = store.patients.by_name(identity.family_name, identity.given_name)
    decision = decide(identity, None, candidates)
    patient = store.patients.get(decision.patient_id) if decision.patient_id else None
    return ArchiveStudy(study, held, decision, patient)
