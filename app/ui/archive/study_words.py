"""A study of the archive in words: whose it is, when it was made, what an import would do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain.identity import Verdict
from app.domain.patient import Sex
from app.ui.formats import born, day, isolated, joined, ltr, sex_word
from app.words import t, tn

if TYPE_CHECKING:
    from app.services.archiving.matching import ArchiveStudy
    from app.transfer.found import StudyFound

_HOUR = 4


def name_of(study: StudyFound) -> str:
    """Return the patient's name as it is read, or that there is none."""
    return study.identity.name or t("No name")


def facts_of(study: StudyFound) -> str:
    """Return birth date with age, number and sex of the patient, as far as the archive says them."""
    number = t("No. {number}", number=study.patient_id) if study.patient_id else ""
    sex = sex_word(Sex(study.sex)) if study.sex else ""
    return joined(born(study.birth_date), number, sex)


def line_of(study: StudyFound) -> str:
    """Return what tells namesakes apart in a list: birth date and number."""
    return joined(day(study.birth_date) if study.birth_date else "", study.patient_id)


def taken(study: StudyFound) -> str:
    """Return when the study was made: day and, where it is known, hour and minute."""
    if study.study_date is None:
        return t("no date")
    clock = study.study_time[:_HOUR]
    hour = f"{clock[:2]}:{clock[2:]}" if len(clock) == _HOUR and clock.isdecimal() else ""
    return " ".join(part for part in (day(study.study_date), ltr(hour)) if part)


def kinds_of(study: StudyFound) -> str:
    """Return the modalities."""
    return ltr(", ".join(study.modalities))


def held_words(study: ArchiveStudy) -> str:
    """Return how much of a study is in the library."""
    if not study.held:
        return ""
    if study.held >= study.found.instances:
        return t("all")
    return str(study.held)


def verdict_words(study: ArchiveStudy) -> tuple[str, str]:
    """Return what fetching would do with the study, as a sentence, and the role of the label that says it."""
    verdict, patient = study.decision.verdict, study.patient
    if verdict is Verdict.FILE and patient is not None:
        who = isolated(joined(patient.name, patient.chart_number))
        return t("This is a patient of yours: {patient}.", patient=who), "good"
    if verdict is Verdict.MAKE_PATIENT:
        return t("Not a patient here yet: fetching adds them."), "muted"
    if patient is not None:
        who = isolated(joined(patient.name, patient.chart_number))
        return t("Perhaps {patient}, but not surely: what is fetched waits in the inbox.", patient=who), "warn"
    if study.decision.code == "identity.ambiguous":
        return t("Several patients could be meant: what is fetched waits in the inbox."), "warn"
    return t("The archive does not say surely whose this is: what is fetched waits in the inbox."), "warn"


def count_words(images: int) -> str:
    """Return ``1 image`` or ``12 images``."""
    return tn("{n} image", "{n} images", images)
