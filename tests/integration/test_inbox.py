"""What waits: who is proposed and why, and a whole study filed at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.identity import Contradiction
from app.domain.image import Filing
from app.domain.patient import Patient, PatientDraft
from app.domain.proposals import Reason
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph, radiograph

OWNER, QUIET = owner("test"), JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


def bring(library: Library, *paths: Path, filing: Filing | None = None) -> None:
    library.imports.run(OWNER, ImportArgs(paths, filing or Filing()), QUIET)


def add(library: Library, family: str, chart: str) -> Patient:
    return library.patients.add(OWNER, PatientDraft(family, "Jane", chart))


def test_each_proposal_says_what_speaks_for_it_and_the_likeliest_comes_first(library: Library, tmp_path: Path) -> None:
    namesake, numbered = add(library, "Doe", "99"), add(library, "Roe", "17")
    bring(library, radiograph(tmp_path / "a.dcm", 1))
    [waiting] = library.inbox.waiting(OWNER)
    found = {proposal.patient.id: proposal for proposal in waiting.proposals}
    assert found[namesake.id].reasons == (Reason.NAME,)
    assert found[namesake.id].contradictions == (Contradiction.PATIENT_ID,)
    assert found[numbered.id].reasons == (Reason.PATIENT_ID,)
    # The rest of the study is with one of them: that speaks for them, and is said first.
    library.inbox.file(OWNER, waiting.image.id, Filing(patient_id=namesake.id))
    bring(library, radiograph(tmp_path / "b.dcm", 2))
    [waiting] = library.inbox.waiting(OWNER)
    assert [proposal.patient.id for proposal in waiting.proposals] == [namesake.id, numbered.id]
    assert waiting.proposals[0].reasons == (Reason.STUDY, Reason.NAME)


def test_whom_a_person_chose_is_proposed_with_the_reason(library: Library, tmp_path: Path) -> None:
    chosen = add(library, "Okafor", "3")
    bring(library, radiograph(tmp_path / "a.dcm", 1), filing=Filing(patient_id=chosen.id))
    [waiting] = library.inbox.waiting(OWNER)
    [proposal] = waiting.proposals
    assert (proposal.patient.id, proposal.reasons) == (chosen.id, (Reason.CHOSEN,))


def test_a_study_is_filed_at_once_and_comes_back_at_once(library: Library, tmp_path: Path) -> None:
    patient = add(library, "Doe", "99")
    same = [radiograph(tmp_path / "in" / f"{number}.dcm", number) for number in range(4)]
    another = radiograph(tmp_path / "in" / "another.dcm", 7, PatientName="Roe^Rick")
    elsewhere = radiograph(tmp_path / "in" / "elsewhere.dcm", 8, StudyInstanceUID="9.9.9", PatientName="Doe^Jane")
    photo = photograph(tmp_path / "in" / "photo.jpg", 9)
    other = add(library, "Roe", "17")
    bring(library, *same, another, elsewhere, photo)
    waiting = library.inbox.list(OWNER)
    assert len(waiting) == 7
    by_name = {image.original_name: image for image in waiting}
    first = by_name["0.dcm"]
    along = library.inbox.companions(OWNER, first.id)
    assert set(along) == {by_name[f"{number}.dcm"].id for number in (1, 2, 3)}
    assert library.inbox.companions(OWNER, by_name["photo.jpg"].id) == ()
    assert library.inbox.companions(OWNER, by_name["another.dcm"].id) == ()
    result = library.inbox.file(OWNER, first.id, Filing(patient_id=patient.id, tooth="8"), along)
    assert len(result.moved) == 4
    # What was said about the one that was looked at is not said about the others.
    assert sorted(image.tooth for image in library.images.list(OWNER, patient_id=patient.id)) == [
        "8",
        "general",
        "general",
        "general",
    ]
    assert library.images.list(OWNER, patient_id=other.id) == []
    for image in result.moved:
        library.inbox.unfile(OWNER, image.id)
    assert len(library.inbox.list(OWNER)) == 7
    assert library.check.run(OWNER, True, QUIET).is_sound


def test_those_filed_meanwhile_do_not_keep_the_chosen_one(library: Library, tmp_path: Path) -> None:
    patient = add(library, "Doe", "99")
    add(library, "Roe", "17")
    bring(library, *(radiograph(tmp_path / "in" / f"{number}.dcm", number) for number in range(3)))
    first, second, third = library.inbox.list(OWNER)
    library.inbox.discard(OWNER, second.id)
    result = library.inbox.file(OWNER, first.id, Filing(patient_id=patient.id), (second.id, third.id))
    assert [image.id for image in result.moved] == [first.id, third.id]
    assert [(failure.image_id, failure.code) for failure in result.failed] == [(second.id, "inbox.not_waiting")]
    assert library.inbox.list(OWNER) == []


def test_what_a_colleague_filed_meanwhile_stays_with_whom_they_filed_it(library: Library, tmp_path: Path) -> None:
    ours, theirs = add(library, "Doe", "99"), add(library, "Roe", "17")
    bring(library, *(radiograph(tmp_path / "in" / f"{number}.dcm", number) for number in range(3)))
    first, second, third = library.inbox.list(OWNER)
    along = library.inbox.companions(OWNER, first.id)
    library.inbox.file(OWNER, second.id, Filing(patient_id=theirs.id))
    result = library.inbox.file(OWNER, first.id, Filing(patient_id=ours.id), along)
    assert {image.id for image in result.moved} == {first.id, third.id}
    assert library.images.get(OWNER, second.id).patient_id == theirs.id
    assert library.inbox.companions(OWNER, second.id) == ()


def test_taking_a_study_back_leaves_what_somebody_went_on_from(library: Library, tmp_path: Path) -> None:
    patient = add(library, "Doe", "99")
    add(library, "Roe", "17")
    bring(library, *(radiograph(tmp_path / "in" / f"{number}.dcm", number) for number in range(4)))
    first = library.inbox.list(OWNER)[0]
    result = library.inbox.file(
        OWNER, first.id, Filing(patient_id=patient.id), library.inbox.companions(OWNER, first.id)
    )
    _kept, deleted, moved_on, _last = result.moved
    library.images.delete(OWNER, [deleted.id])
    library.images.move(OWNER, [moved_on.id], Filing(tooth="30"))
    with pytest.raises(BitewingError) as caught:
        library.inbox.unfile_all(OWNER, result.moved)
    assert (caught.value.code, caught.value.facts) == ("inbox.not_all_back", {"stayed": 2, "total": 4})
    assert len(library.inbox.list(OWNER)) == 2
    assert library.images.get(OWNER, moved_on.id).tooth == "30"


def test_images_that_name_nobody_are_not_one_person(library: Library, tmp_path: Path) -> None:
    nobody = {"PatientName": None, "PatientID": None, "PatientBirthDate": None, "PatientSex": None}
    bring(library, *(radiograph(tmp_path / "in" / f"{number}.dcm", number, **nobody) for number in range(3)))
    assert [library.inbox.companions(OWNER, image.id) for image in library.inbox.list(OWNER)] == [(), (), ()]
