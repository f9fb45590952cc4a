"""The plan of the made-up clinic: counts, determinism, sense of the stories, light imports."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from app.demo.clinic import plan
from app.demo.people import REFERENCE_DATE
from app.demo.seeds import stable_uid
from app.demo.story import mouth_on
from app.domain.image import ImageType, ImageView
from app.domain.tooth import GENERAL, TEETH, is_primary

ROOT = Path(__file__).resolve().parents[3]


def test_same_seed_same_plan() -> None:
    assert plan(7, 5, 40) == plan(7, 5, 40)


def test_another_seed_is_another_clinic() -> None:
    assert plan(7, 5, 40).images != plan(8, 5, 40).images


@pytest.mark.parametrize(("patients", "images"), [(12, 120), (1, 1), (3, 2), (40, 500), (2, 90), (0, 0), (5, 0)])
def test_counts_are_what_was_asked_for(patients: int, images: int) -> None:
    clinic = plan(2026, patients, images)
    assert len(clinic.patients) == patients
    assert len(clinic.images) == images


def test_images_without_patients_get_one_patient() -> None:
    assert len(plan(1, 0, 3).patients) == 1


def test_the_default_clinic_shows_every_kind_of_picture() -> None:
    views = Counter(image.view for image in plan().images)
    kinds = {
        ImageView.PERIAPICAL,
        ImageView.BITEWING,
        ImageView.PANORAMIC,
        ImageView.CEPHALOMETRIC,
        ImageView.CBCT,
        ImageView.INTRAORAL_PHOTO,
        ImageView.EXTRAORAL_PHOTO,
    }
    assert kinds <= set(views)
    types = {image.image_type for image in plan().images}
    assert {ImageType.BEFORE, ImageType.AFTER, ImageType.XRAY, ImageType.CLINICAL} <= types


def test_people_have_latin_and_arabic_names_and_two_are_children_with_primary_teeth() -> None:
    clinic = plan()
    assert any("\u0600" <= patient.family_name[0] <= "\u06ff" for patient in clinic.patients)
    assert any(patient.family_name.isascii() for patient in clinic.patients)
    children = [
        story for story in clinic.stories if any(is_primary(tooth) for tooth in mouth_on(story, story.last_visit).upper)
    ]
    assert len(children) == 2
    charts = [patient.chart_number for patient in clinic.patients]
    assert len(set(charts)) == len(charts)


def test_dates_never_come_from_the_clock() -> None:
    for image in plan().images:
        assert image.patient.birth_date < image.captured_at.date() <= REFERENCE_DATE


def test_pictures_are_filed_under_real_teeth_in_order_of_time() -> None:
    clinic = plan(3, 20, 260)
    by_patient: dict[str, list[date]] = {}
    for image in clinic.images:
        assert image.tooth == GENERAL or image.tooth in TEETH
        by_patient.setdefault(image.patient.key, []).append(image.captured_at.date())
    assert all(days == sorted(days) for days in by_patient.values())
    assert len({image.key for image in clinic.images}) == len(clinic.images)


def test_a_tooth_that_is_filmed_stands_in_the_mouth_that_day() -> None:
    clinic = plan(11, 30, 600)
    for image in clinic.images:
        if image.view == ImageView.PERIAPICAL:
            mouth = mouth_on(clinic.story(image.patient), image.captured_at.date())
            assert image.tooth in (*mouth.upper, *mouth.lower), image


def test_a_course_goes_from_caries_to_crown() -> None:
    story = plan().stories[0]
    course = story.courses[0]
    first = mouth_on(story, course.steps[0][0]).state(course.tooth)
    last = mouth_on(story, story.last_visit).state(course.tooth)
    assert first.caries > 0
    assert not first.filling
    assert last.root_filled
    assert last.crown


def test_bone_is_lost_with_the_years_and_never_gained() -> None:
    story = max(plan().stories, key=lambda each: each.bone_loss_mm)
    early, late = mouth_on(story, story.first_visit), mouth_on(story, story.last_visit)
    assert story.bone_loss_mm > 0.5
    assert all(late.state(tooth).bone_loss_mm >= early.state(tooth).bone_loss_mm for tooth in late.upper)


def test_uids_are_valid_and_stable() -> None:
    uid = stable_uid("seed", 1)
    assert uid == stable_uid("seed", 1)
    assert uid != stable_uid("seed", 2)
    assert len(uid) <= 64
    number = int(uid.removeprefix("2.25."))
    assert (number >> 76) & 0xF == 4
    assert (number >> 62) & 0x3 == 2


def test_planning_does_not_load_heavy_libraries() -> None:
    script = (
        "import sys, app.demo, app.demo.clinic, app.demo.engine; app.demo.clinic.plan();"
        "print([name for name in ('numpy', 'cv2', 'pydicom', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
