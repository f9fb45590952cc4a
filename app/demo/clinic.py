"""The plan of the made-up clinic: who came when, and which pictures were taken.

Pure and light (no numpy): the same seed and counts give the same plan on any day and any
computer. Drawing and writing are the engine's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice

from app.demo.people import REFERENCE_DATE, PlannedPatient, people
from app.demo.seeds import plain_random
from app.demo.story import Course, Story, story_of
from app.domain.image import ImageType, ImageView
from app.domain.tooth import GENERAL

DEFAULT_PATIENTS = 12
DEFAULT_IMAGES = 120
DEFAULT_SEED = 2026


@dataclass(frozen=True)
class PlannedImage:
    """One picture to be drawn. `subject` says what the drawing shows within its view."""

    patient: PlannedPatient
    number: int
    view: ImageView
    image_type: ImageType
    tooth: str
    subject: str
    captured_at: datetime
    caption: str

    @property
    def key(self) -> str:
        """Return the stable key of this exposure."""
        return f"{self.patient.key}/{self.number}/{self.view}/{self.subject}/{self.captured_at:%Y%m%d}"


@dataclass(frozen=True)
class ClinicPlan:
    """The whole clinic: people, their stories and every picture in the order it is drawn."""

    seed: int
    patients: tuple[PlannedPatient, ...]
    stories: tuple[Story, ...]
    images: tuple[PlannedImage, ...]

    def story(self, patient: PlannedPatient) -> Story:
        """Return a patient's history."""
        return self.stories[self.patients.index(patient)]


@dataclass(frozen=True)
class _Wish:
    """A picture someone would take, before it gets its number and time of day."""

    view: ImageView
    image_type: ImageType
    tooth: str
    subject: str
    day: date
    caption: str


def plan(seed: int = DEFAULT_SEED, patients: int = DEFAULT_PATIENTS, images: int = DEFAULT_IMAGES) -> ClinicPlan:
    """Return the plan of a clinic with that many patients and images."""
    everyone = people(seed, max(patients, 1 if images else 0))
    stories = tuple(story_of(patient, _last_visit(seed, index)) for index, patient in enumerate(everyone))
    planned: list[PlannedImage] = []
    for index, share in enumerate(_shares(len(everyone), images)):
        wishes = list(islice(_wishes(stories[index], index), share))
        planned.extend(_numbered(everyone[index], wishes))
    return ClinicPlan(seed, everyone, stories, tuple(planned))


def _last_visit(seed: int, index: int) -> date:
    if index == 0:
        return REFERENCE_DATE
    return REFERENCE_DATE - timedelta(days=plain_random(seed, "last", index).randint(3, 240))


def _shares(count: int, images: int) -> list[int]:
    """Split the images over the patients; the first one has the fullest record."""
    if count == 0:
        return []
    weights = [1.8 if index == 0 else (1.2 if index % 4 == 1 else 0.9) for index in range(count)]
    total = sum(weights)
    shares = [int(images * weight / total) for weight in weights]
    for index in range(images - sum(shares)):
        shares[index % count] += 1
    return shares


def _numbered(patient: PlannedPatient, wishes: list[_Wish]) -> list[PlannedImage]:
    """Order a patient's pictures by day and give each its time at the chair."""
    ordered = sorted(enumerate(wishes), key=lambda pair: (pair[1].day, pair[0]))
    result: list[PlannedImage] = []
    for number, (_, wish) in enumerate(ordered, start=1):
        rng = plain_random(patient.key, "time", wish.day)
        start = datetime(
            wish.day.year, wish.day.month, wish.day.day, rng.randint(8, 16), rng.randint(0, 59), tzinfo=UTC
        )
        taken = start + timedelta(minutes=2 * number, seconds=(number * 17) % 60)
        result.append(
            PlannedImage(patient, number, wish.view, wish.image_type, wish.tooth, wish.subject, taken, wish.caption)
        )
    return result


def _wishes(story: Story, index: int) -> Iterator[_Wish]:
    """Yield a patient's pictures, the most telling first, without end."""
    last, first = story.last_visit, story.first_visit
    main = story.courses[0]
    age = story.patient.age_on(last)
    film, photo = ImageView.PERIAPICAL, ImageView.INTRAORAL_PHOTO
    xray, clinical = ImageType.XRAY, ImageType.CLINICAL
    yield _Wish(film, xray, main.tooth, "tooth", main.steps[-1][0] + timedelta(days=9), _caption(main, -1))
    yield _Wish(ImageView.PANORAMIC, xray, GENERAL, "both jaws", first, "First examination")
    yield _Wish(film, xray, main.tooth, "tooth", main.steps[0][0] + timedelta(days=4), _caption(main, 0))
    yield _Wish(ImageView.BITEWING, xray, GENERAL, "right", last, "Check-up")
    yield _Wish(photo, clinical, GENERAL, "front", last, "Front view, lips held back")
    if index % 12 == 0 and age > 18:
        yield _Wish(ImageView.CBCT, xray, GENERAL, "lower jaw", _before_implant(story), "Planning the implant")
    yield _Wish(ImageView.BITEWING, xray, GENERAL, "left", last, "Check-up")
    if index % 3 == 0 or 9 < age < 20:
        yield _Wish(ImageView.CEPHALOMETRIC, xray, GENERAL, "lateral", first + timedelta(days=30), "Side view")
    yield _Wish(ImageView.EXTRAORAL_PHOTO, clinical, GENERAL, "face", first, "Portrait")
    for step in range(len(main.steps) - 2, 0, -1):
        yield _Wish(film, xray, main.tooth, "tooth", main.steps[step][0] + timedelta(days=6), _caption(main, step))
    work = main.steps[-1][0]
    yield _Wish(photo, ImageType.BEFORE, main.tooth, "close", work - timedelta(days=1), "Before treatment")
    yield _Wish(photo, ImageType.AFTER, main.tooth, "close", work + timedelta(days=9), "After treatment")
    for course in story.courses[1:]:
        for step in (len(course.steps) - 1, 0):
            day = course.steps[step][0] + timedelta(days=5)
            yield _Wish(film, xray, course.tooth, "tooth", day, _caption(course, step))
    yield _Wish(photo, clinical, GENERAL, "upper", last, "Upper arch in the mirror")
    yield _Wish(ImageView.PANORAMIC, xray, GENERAL, "both jaws", last, "Follow-up")
    yield from _checkups(story)


def _before_implant(story: Story) -> date:
    """Return the day of the scan: when the gap has healed and before the implant goes in."""
    for course in story.courses:
        for since, state in course.steps:
            if state.implant:
                return since - timedelta(days=40)
    return story.last_visit - timedelta(days=60)


def _checkups(story: Story) -> Iterator[_Wish]:
    """Yield recall films for as long as anyone wants more pictures."""
    teeth = ["3", "14", "19", "30", "8", "25", "5", "12", "21", "28"]
    span = max((story.last_visit - story.first_visit).days, 1)
    rng = plain_random(story.patient.key, "checkups")
    if story.patient.age_on(story.first_visit) < 12:
        teeth = ["3", "14", "19", "30"]
    while True:
        day = story.first_visit + timedelta(days=rng.randint(0, span))
        yield _Wish(ImageView.BITEWING, ImageType.XRAY, GENERAL, rng.choice(("right", "left")), day, "Check-up")
        for tooth in rng.sample(teeth, 3):
            yield _Wish(ImageView.PERIAPICAL, ImageType.XRAY, tooth, "tooth", day, "Check-up")


def _caption(course: Course, step: int) -> str:
    """Return a short clinical caption for a step of a course."""
    state = course.steps[step][1]
    if state.implant:
        return "Implant in place"
    if not state.present:
        return "After extraction"
    if state.root_filled:
        return "Crown on root-filled tooth" if state.crown else "Root canal filled"
    if state.apical_mm:
        return "Apical shadow, endodontic check"
    if state.filling:
        return f"New {state.filling} filling"
    return "Deep caries" if state.caries > 0.6 else "Caries"
