"""What happens to each person's teeth through the years, and which teeth stand in the mouth.

Dental histories made of courses (decay, filling, root canal, crown, implant), gum disease and
growing up. Plain values only (no numpy).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

from app.demo.mouth import Mouth
from app.demo.people import PlannedPatient
from app.demo.seeds import plain_random
from app.demo.tooth_state import ToothState, arch, tooth_place

_S = ToothState
# Each course: (share of the observed years, condition from then on).
_COURSES: dict[str, tuple[tuple[float, ToothState], ...]] = {
    "endo": (
        (0.0, _S(caries=0.35)),
        (0.22, _S(caries=0.75)),
        (0.30, _S(filling="amalgam")),
        (0.60, _S(filling="amalgam", apical_mm=2.1)),
        (0.66, _S(filling="composite", root_filled=True, apical_mm=1.9)),
        (0.84, _S(root_filled=True, crown="ceramic", apical_mm=0.7)),
    ),
    "decay": (
        (0.0, _S(caries=0.15)),
        (0.30, _S(caries=0.45)),
        (0.62, _S(filling="composite")),
    ),
    "implant": (
        (0.0, _S(caries=0.95, apical_mm=2.4)),
        (0.28, _S(present=False)),
        (0.55, _S(implant=True)),
    ),
    "front": (
        (0.0, _S(filling="composite", site="mesial", apical_mm=1.6)),
        (0.35, _S(filling="composite", site="mesial", root_filled=True, apical_mm=1.4)),
        (0.75, _S(root_filled=True, crown="ceramic", apical_mm=0.4)),
    ),
    "cap": ((0.0, _S(filling="amalgam", site="mesial")), (0.5, _S(root_filled=True, crown="metal"))),
}
_YEARS = 6.0


@dataclass(frozen=True)
class Course:
    """One tooth's course of treatment: which tooth, what kind, and its turning points."""

    tooth: str
    kind: str
    site: str
    steps: tuple[tuple[date, ToothState], ...]


@dataclass(frozen=True)
class Story:
    """One person's dental history over the observed years."""

    patient: PlannedPatient
    first_visit: date
    last_visit: date
    courses: tuple[Course, ...]
    old_work: dict[str, ToothState]
    bone_loss_mm: float
    bone_loss_per_year: float
    missing: frozenset[str]


def story_of(patient: PlannedPatient, last_visit: date) -> Story:
    """Return a person's history, the same for the same person."""
    rng = plain_random(patient.key, "story")
    age = patient.age_on(last_visit)
    years = min(_YEARS, max(age - 4.0, 1.0))
    first = last_visit - timedelta(days=round(years * 365.25))
    kinds = _kinds(patient, age)
    courses = tuple(_course(tooth, kind, first, last_visit, rng.choice(("mesial", "distal"))) for tooth, kind in kinds)
    taken = {course.tooth for course in courses}
    old: dict[str, ToothState] = {}
    if age > 22:
        for tooth in ("2", "3", "4", "13", "14", "15", "18", "19", "30", "31", "20", "29"):
            if tooth not in taken and rng.random() < min(0.16 + age / 190, 0.55):
                material = "amalgam" if age > 33 and rng.random() < 0.6 else "composite"
                old[tooth] = ToothState(filling=material, site=rng.choice(("mesial", "distal", "occlusal")))
    missing = frozenset(tooth for tooth in ("1", "16", "17", "32") if rng.random() < 0.55)
    loss = max(0.0, (age - 32) / 19) * rng.uniform(0.3, 1.2)
    return Story(patient, first, last_visit, courses, old, loss, loss * 0.06, missing)


def _kinds(patient: PlannedPatient, age: float) -> tuple[tuple[str, str], ...]:
    """Return the teeth with a course, the most telling one first."""
    rng = plain_random(patient.key, "kinds")
    if age < 12:
        return ((rng.choice(("S", "L", "K", "T")), "decay"),)
    if age < 20:
        return ((rng.choice(("30", "19", "3")), "decay"),)
    index = int(patient.key.rpartition("/")[2])
    main = ("14", "30", "19", "3")[index % 4]
    second = ("30", "14", "29", "20")[index % 4]
    front = rng.choice(("8", "9", "7"))
    kinds = [(main, "endo"), (second, "implant" if index % 3 == 0 else "cap"), (front, "front")]
    kinds.append((rng.choice(("4", "13", "28", "21")), "decay"))
    return tuple(dict(kinds).items())


def _course(tooth: str, kind: str, first: date, last: date, site: str) -> Course:
    span = (last - first).days
    steps = tuple(
        (first + timedelta(days=round(span * share)), state if state.site != "distal" else replace(state, site=site))
        for share, state in _COURSES[kind]
    )
    return Course(tooth, kind, site, steps)


def mouth_on(story: Story, day: date) -> Mouth:
    """Return the person's mouth as it was on a day."""
    patient = story.patient
    age = patient.age_on(day)
    upper, lower, germs, growth = _dentition(age)
    states: dict[str, ToothState] = {}
    years = max((day - story.first_visit).days / 365.25, 0.0)
    loss = story.bone_loss_mm + story.bone_loss_per_year * years
    courses = {course.tooth: course for course in story.courses}
    for tooth in (*upper, *lower, *(germ for germ, _ in germs)):
        state = growth.get(tooth, story.old_work.get(tooth, ToothState()))
        if tooth in courses:
            for since, condition in courses[tooth].steps:
                if day >= since:
                    state = condition
        if tooth in story.missing and age > 18:
            state = replace(state, present=False)
        if loss > 0.05 and tooth not in growth:
            state = replace(state, bone_loss_mm=loss * plain_random(patient.key, tooth, "loss").uniform(0.6, 1.5))
        states[tooth] = state
    return Mouth(patient.key, age, upper, lower, germs, states)


_Germs = tuple[tuple[str, str], ...]


def _dentition(age: float) -> tuple[tuple[str, ...], tuple[str, ...], _Germs, dict[str, ToothState]]:
    """Return the standing teeth of both jaws, the germs under them, and growing teeth's states."""
    if age >= 13.5:
        growth = (
            {}
            if age >= 19
            else {
                tooth: ToothState(formed=max(0.15, (age - 10) / 11), sunk_mm=7.5 - 0.5 * (age - 13))
                for tooth in ("1", "16", "17", "32")
            }
        )
        return arch(upper=True), arch(upper=False), (), growth
    upper_permanent, lower_permanent = arch(upper=True), arch(upper=False)
    upper_primary, lower_primary = arch(upper=True, primary=True), arch(upper=False, primary=True)
    front = age >= 7.4
    rows, germs, growth = [], [], {}
    for permanent, primary in ((upper_permanent, upper_primary), (lower_permanent, lower_primary)):
        row: list[str] = [permanent[2]]
        for index, small in enumerate(primary):
            successor = permanent[3 + index]
            position = tooth_place(successor).position
            if front and position <= 2:
                row.append(successor)
                growth[successor] = ToothState(formed=min(1.0, 0.55 + (age - 7) / 6))
                continue
            row.append(small)
            formed = min(max((age - 4.0 - position * 0.25) / 9, 0.02), 0.7)
            germs.append((successor, small))
            growth[successor] = ToothState(formed=formed, sunk_mm=4.4 - 0.2 * age + (2.5 if position == 3 else 0.0))
        row.append(permanent[13])
        for molar in (permanent[2], permanent[13]):
            sunk = max(0.0, (6.3 - age) * 3.5)
            growth[molar] = ToothState(formed=min(1.0, 0.35 + (age - 4) / 7), sunk_mm=sunk)
        rows.append(tuple(row))
    return rows[0], rows[1], tuple(germs), growth
