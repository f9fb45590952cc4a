"""Treatments and their images: linked, followed through moves, merges, deletions, backup and restore (T6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.image import Filing
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import owner
from app.domain.treatment import TreatmentDraft, TreatmentStatus
from app.services.backups import open_archive
from app.services.restoring import RestoreArgs, restore_library
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph

QUIET = JobContext.silent()
CROWN = TreatmentDraft("Crown", "D2740", ("14", "3"), date(2026, 3, 4), "Dr. Nabil", TreatmentStatus.COMPLETED, "a\nb")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


@pytest.fixture
def jane(library: Library, tmp_path: Path) -> Patient:
    actor = library.owner()
    made = library.patients.add(actor, PatientDraft("Doe", "Jane", "17"))
    for number in range(3):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    library.imports.run(actor, ImportArgs((tmp_path / "in",), Filing(made.id)), QUIET)
    return made


def ids(library: Library, patient: Patient) -> list[str]:
    return [image.id for image in library.images.list(library.owner(), patient_id=patient.id)]


def test_a_treatment_keeps_what_was_typed_and_its_images(library: Library, jane: Patient) -> None:
    actor, images = library.owner(), ids(library, jane)
    made = library.treatments.add(actor, jane.id, CROWN, images[:2])
    assert made.draft == TreatmentDraft(
        "Crown", "D2740", ("3", "14"), date(2026, 3, 4), "Dr. Nabil", TreatmentStatus.COMPLETED, "a\nb"
    )
    assert (made.images, {image.id for image in library.treatments.images(actor, made.id)}) == (2, set(images[:2]))
    assert [item.id for item in library.treatments.of_image(actor, images[0])] == [made.id]
    assert library.treatments.of_image(actor, images[2]) == []
    library.treatments.unlink(actor, made.id, images[:1])
    library.treatments.link(actor, made.id, images[2:])
    assert {image.id for image in library.treatments.images(actor, made.id)} == set(images[1:])


@pytest.mark.parametrize(
    ("draft", "code"),
    [
        (TreatmentDraft("  "), "treatment.nameless"),
        (TreatmentDraft("x" * 201), "treatment.too_long"),
        (TreatmentDraft("Crown", teeth=("99",)), "tooth.unknown"),
    ],
)
def test_what_is_no_treatment_is_refused(library: Library, jane: Patient, draft: TreatmentDraft, code: str) -> None:
    with pytest.raises(BitewingError) as caught:
        library.treatments.add(library.owner(), jane.id, draft)
    assert caught.value.code == code
    assert library.treatments.list(library.owner(), jane.id) == []


def test_lists_are_newest_first_with_what_is_planned_on_top(library: Library, jane: Patient) -> None:
    actor = library.owner()
    for day in (date(2025, 1, 1), date(2026, 1, 1), None):
        library.treatments.add(actor, jane.id, TreatmentDraft("Filling", performed_on=day))
    found = [item.draft.performed_on for item in library.treatments.list(actor, jane.id)]
    assert found == [None, date(2026, 1, 1), date(2025, 1, 1)]


def test_two_people_do_not_overwrite_each_other(library: Library, jane: Patient) -> None:
    actor = library.owner()
    made = library.treatments.add(actor, jane.id, CROWN)
    library.treatments.edit(actor, made.id, TreatmentDraft("Bridge"), made.version)
    with pytest.raises(BitewingError) as caught:
        library.treatments.edit(actor, made.id, TreatmentDraft("Implant"), made.version)
    assert caught.value.code == "treatment.changed_elsewhere"
    assert library.treatments.get(actor, made.id).draft.procedure == "Bridge"


def test_images_of_others_cannot_belong_to_it(library: Library, jane: Patient) -> None:
    actor = library.owner()
    other = library.patients.add(actor, PatientDraft("Other"))
    made = library.treatments.add(actor, other.id, CROWN)
    with pytest.raises(BitewingError) as caught:
        library.treatments.link(actor, made.id, ids(library, jane)[:1])
    assert caught.value.code == "treatment.other_patient"
    assert library.treatments.images(actor, made.id) == []


def test_an_image_that_moves_away_leaves_and_comes_back_with_its_link(library: Library, jane: Patient) -> None:
    actor, (first, *_rest) = library.owner(), ids(library, jane)
    other = library.patients.add(actor, PatientDraft("Other"))
    made = library.treatments.add(actor, jane.id, CROWN, [first])
    library.images.move(actor, [first], Filing(patient_id=other.id))
    assert library.treatments.images(actor, made.id) == []
    assert library.treatments.of_image(actor, first) == []
    library.images.move(actor, [first], Filing(patient_id=jane.id))
    assert [image.id for image in library.treatments.images(actor, made.id)] == [first]


def test_deleted_images_and_treatments_come_back_linked(library: Library, jane: Patient) -> None:
    actor, (first, *_rest) = library.owner(), ids(library, jane)
    made = library.treatments.add(actor, jane.id, CROWN, [first])
    library.images.delete(actor, [first])
    assert library.treatments.get(actor, made.id).images == 0
    library.images.restore(actor, [first])
    library.treatments.delete(actor, made.id)
    assert library.treatments.list(actor, jane.id) == []
    assert library.treatments.of_image(actor, first) == []
    library.treatments.restore(actor, made.id)
    assert library.treatments.list(actor, jane.id)[0].images == 1


def test_merging_takes_treatments_and_links_along(library: Library, jane: Patient) -> None:
    actor, images = library.owner(), ids(library, jane)
    made = library.treatments.add(actor, jane.id, CROWN, images)
    kept = library.patients.add(actor, PatientDraft("Doe", "Jane", "18"))
    library.patients.merge(actor, kept.id, jane.id)
    (found,) = library.treatments.list(actor, kept.id)
    assert (found.id, found.images) == (made.id, 3)


def test_links_survive_backup_and_restore(library: Library, jane: Patient, tmp_path: Path) -> None:
    actor, images = library.owner(), ids(library, jane)
    made = library.treatments.add(actor, jane.id, CROWN, images)
    made = library.treatments.get(actor, made.id)
    library.backups.create(actor, tmp_path / "a.zip", QUIET)
    with closing(open_archive(tmp_path / "a.zip")) as archive:
        assert archive.manifest.counts["treatments"] == 1
        restore_library(owner("test"), RestoreArgs(tmp_path / "other", archive), QUIET)
    with open_library(tmp_path / "other", create=False) as restored:
        assert restored.treatments.list(actor, jane.id) == [made]
        assert [image.id for image in restored.treatments.images(actor, made.id)] == [
            image.id for image in library.treatments.images(actor, made.id)
        ]
