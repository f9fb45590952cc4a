"""What was done in the demonstration clinic: each turn of a tooth's course as a treatment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from app.demo.seeds import plain_random
from app.demo.story import Story
from app.demo.tooth_state import ToothState

_DENTISTS = ("Dr. Salem", "Dr. Lindqvist", "Dr. Okafor")
_CROWNS = {"ceramic": "Ceramic crown", "metal": "Metal crown"}
_FILLINGS = {"amalgam": "Amalgam filling", "composite": "Composite filling"}


@dataclass(frozen=True)
class PlannedTreatment:
    """One treatment of the plan; ``key`` is the same for the same plan."""

    key: str
    tooth: str
    procedure: str
    performed_on: date
    dentist: str
    is_done: bool = True


def treatments_of(story: Story) -> Iterator[PlannedTreatment]:
    """Yield a person's treatments, tooth by tooth, oldest first."""
    dentist = plain_random(story.patient.key, "dentist").choice(_DENTISTS)
    for course in story.courses:
        before = ToothState()
        for number, (day, state) in enumerate(course.steps):
            procedure = _procedure(before, state)
            if procedure and number:
                key = f"{story.patient.key}/{course.tooth}/{number}"
                yield PlannedTreatment(key, course.tooth, procedure, day, dentist)
            before = state
        if before.caries > 0 and not before.filling:
            key = f"{story.patient.key}/{course.tooth}/next"
            yield PlannedTreatment(key, course.tooth, "Composite filling", story.last_visit, dentist, is_done=False)


def _procedure(before: ToothState, after: ToothState) -> str:
    """Return what turned one state into the other; empty where nature did."""
    if before.present and not after.present:
        return "Extraction"
    if after.implant and not before.implant:
        return "Implant"
    if after.crown and after.crown != before.crown:
        return _CROWNS.get(after.crown, "Crown")
    if after.root_filled and not before.root_filled:
        return "Root canal treatment"
    if after.filling and after.filling != before.filling:
        return _FILLINGS.get(after.filling, "Filling")
    return ""
