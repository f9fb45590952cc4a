"""Patients: versions, pages, counts, deletion, recents."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from app.core.clock import utc_now
from app.core.errors import UserError
from app.storage.catalogue import Catalogue
from app.storage.patients import page_key
from tests.unit.storage.conftest import make_record


def test_what_is_stored_is_what_comes_back(catalogue: Catalogue, new_patient) -> None:
    patient = new_patient("O'Neil; DROP TABLE", "«أحمد»", "A\t1", notes="two\nlines", phone="1")
    assert catalogue.patients.get(patient.id) == patient
    assert catalogue.patients.get("nobody") is None


def test_an_edit_needs_the_version_that_was_read(catalogue: Catalogue, new_patient) -> None:
    patient = new_patient()
    first = catalogue.patients.update(replace(patient, family_name="New"), patient.version)
    assert (first.version, catalogue.patients.get(patient.id)) == (2, first)
    with pytest.raises(UserError) as caught:
        catalogue.patients.update(replace(patient, family_name="Other"), patient.version)
    assert caught.value.code == "patient.changed_elsewhere"
    assert catalogue.patients.get(patient.id) == first
    with pytest.raises(UserError) as caught:
        catalogue.patients.update(replace(patient, id="nobody"), 1)
    assert caught.value.code == "patient.none"
    with pytest.raises(UserError) as caught:
        catalogue.patients.retire("nobody", 1, patient.id)
    assert caught.value.code == "patient.none"


def test_chart_numbers_ignore_case_and_prefer_the_exact_one(catalogue: Catalogue, new_patient) -> None:
    lower = new_patient(chart="ab-1")
    upper = new_patient(chart="AB-1")
    new_patient(chart="")
    assert catalogue.patients.by_chart_number("AB-1") == [upper, lower]
    assert catalogue.patients.by_chart_number("") == []
    catalogue.patients.retire(upper.id, upper.version, lower.id)
    assert catalogue.patients.by_chart_number("AB-1") == [lower]


def test_names_agree_in_any_order(catalogue: Catalogue, new_patient) -> None:
    patient = new_patient("Hassán", "Ahmed Ali")
    assert catalogue.patients.by_name("Ali Ahmed", "Hassan") == [patient]
    assert catalogue.patients.by_name("Ahmed", "Hassan") == []
    assert catalogue.patients.by_name("", "") == []


def test_pages_show_everybody_once_in_order(catalogue: Catalogue, new_patient) -> None:
    for family in ("Berg", "Adler", "Same", "Same", "Same", "Zahn", "أحمد"):
        new_patient(family, "Anna")
    seen, after = [], None
    while page := catalogue.patients.page(after, 2):
        seen += page
        after = page_key(page[-1].patient)
    names = [summary.patient.family_name for summary in seen]
    assert names == ["Adler", "Berg", "Same", "Same", "Same", "Zahn", "أحمد"]
    assert len({summary.patient.id for summary in seen}) == 7 == catalogue.patients.count()
    assert catalogue.patients.page(seen[1].patient, 1) == [seen[2]]


def test_counts_follow_every_change_of_an_image(catalogue: Catalogue, new_patient) -> None:
    one, other = new_patient("One"), new_patient("Other")

    def counts() -> tuple[int, int]:
        summaries = [catalogue.patients.summary(patient.id) for patient in (one, other)]
        return summaries[0].images, summaries[1].images

    record = catalogue.images.insert(make_record(one.id))
    waiting = make_record(one.id, placement="inbox", directory="inbox/x/")
    catalogue.images.insert(replace(waiting, placement=type(record.placement)("inbox")))
    assert counts() == (1, 0)
    record = catalogue.images.update(replace(record, patient_id=other.id, version=record.version + 1))
    assert counts() == (0, 1)
    record = catalogue.images.update(replace(record, deleted_at=utc_now(), version=record.version + 1))
    assert counts() == (0, 0)
    catalogue.images.update(replace(record, deleted_at=None, version=record.version + 1))
    assert counts() == (0, 1)


def test_merged_patients_are_gone_but_known(catalogue: Catalogue, new_patient) -> None:
    keep, gone = new_patient("Keep"), new_patient("Gone")
    retired = catalogue.patients.retire(gone.id, gone.version, keep.id)
    assert retired.merged_into == keep.id
    assert catalogue.patients.get(gone.id) == retired
    assert [summary.patient.id for summary in catalogue.patients.page()] == [keep.id]


def test_recents_newest_first_per_person(catalogue: Catalogue, new_patient) -> None:
    first, second, third = (new_patient(name) for name in ("A", "B", "C"))
    now = utc_now()
    for age, patient in ((3, first), (2, second), (1, third)):
        catalogue.patients.touch(patient.id, now - timedelta(minutes=age))
    catalogue.patients.touch(first.id, now)
    catalogue.patients.retire(second.id, second.version, first.id)
    assert [summary.patient.id for summary in catalogue.patients.recent(5)] == [first.id, third.id]
    assert [summary.patient.id for summary in catalogue.patients.recent(1)] == [first.id]
    assert catalogue.patients.recent(5, actor_id="somebody else") == []
