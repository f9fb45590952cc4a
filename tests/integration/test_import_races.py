"""Patients who are merged while images come in or move; parts of work that fail; what is left then."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, ItemError, UserError
from app.domain.image import Filing, ImageRecord, Placement
from app.domain.patient import Patient, PatientDraft, Sex
from app.services.moving import Mover
from app.storage.filing import Filing as StoredFiling
from app.storage.image_store import ImageStore
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from tests.integration.import_material import photograph, radiograph

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


@pytest.fixture
def doe(library: Library) -> Patient:
    return library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "17", date(1980, 2, 1), Sex.FEMALE))


@pytest.fixture
def roe(library: Library) -> Patient:
    return library.patients.add(library.owner(), PatientDraft("Roe", "Rick", "18"))


def bring(library: Library, *paths: Path, **options: object) -> tuple[ImportReport, dict[str, ImportItem]]:
    items: dict[str, ImportItem] = {}
    args = ImportArgs(paths, **options)  # type: ignore[arg-type]
    report = library.imports.run(library.owner(), args, QUIET, lambda item: items.__setitem__(item.path, item))
    return report, {Path(path).name: item for path, item in items.items()}


def sound(library: Library) -> None:
    report = library.check.run(library.owner(), True, QUIET)
    assert report.is_sound, report


def test_a_patient_merged_during_an_import_gets_nothing_more(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path
) -> None:
    owner = library.owner()
    for number in range(6):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    seen: list[ImportItem] = []

    def merge_after_two(item: ImportItem) -> None:
        seen.append(item)
        if len(seen) == 2:
            library.patients.merge(owner, roe.id, doe.id)

    args = ImportArgs((tmp_path / "in",), Filing(patient_id=doe.id))
    report = library.imports.run(owner, args, QUIET, merge_after_two)
    assert report.count(ItemStatus.IMPORTED) == 6
    assert len(library.images.list(owner, patient_id=roe.id)) == 6
    assert library.images.list(owner, patient_id=doe.id) == []
    assert not (library.paths.images / doe.id).exists()
    sound(library)


def test_a_patient_merged_while_a_file_is_copied_does_not_get_it(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real = library.owner(), ImageStore.stage

    def late(*args: object, **options: object) -> object:
        monkeypatch.undo()
        library.patients.merge(owner, roe.id, doe.id)
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageStore, "stage", late)
    _, items = bring(library, photograph(tmp_path / "a.jpg", 1), filing=Filing(patient_id=doe.id))
    assert (items["a.jpg"].status, items["a.jpg"].patient_id) == (ItemStatus.IMPORTED, roe.id)
    (image,) = library.images.list(owner, patient_id=roe.id)
    assert image.directory.startswith(f"dental_images/{roe.id}/")
    sound(library)


def test_nothing_moves_to_a_patient_who_was_merged_meanwhile(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = library.owner()
    smith = library.patients.add(owner, PatientDraft("Smith", "Ann", "19"))
    bring(library, photograph(tmp_path / "a.jpg", 1), filing=Filing(patient_id=smith.id))
    (image,) = library.images.list(owner, patient_id=smith.id)
    real = Mover._one

    def late(self: Mover, *args: object) -> object:
        monkeypatch.undo()
        library.patients.merge(owner, roe.id, doe.id)
        return real(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Mover, "_one", late)
    with pytest.raises(UserError, match=r"patient\.none"):
        library.images.move(owner, [image.id], Filing(patient_id=doe.id))
    assert library.images.get(owner, image.id).path == image.path
    sound(library)


def test_merging_takes_along_what_arrives_meanwhile(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real = library.owner(), Mover.move_along
    bring(library, photograph(tmp_path / "a.jpg", 1), filing=Filing(patient_id=doe.id))

    def late(self: Mover, *args: object, **options: object) -> ImageRecord:
        result = real(self, *args, **options)  # type: ignore[arg-type]
        monkeypatch.undo()
        bring(library, photograph(tmp_path / "b.jpg", 2), filing=Filing(patient_id=doe.id))
        return result

    monkeypatch.setattr(Mover, "move_along", late)
    report = library.patients.merge(owner, roe.id, doe.id)
    assert len(report.moved) == len(library.images.list(owner, patient_id=roe.id)) == 2
    sound(library)


def test_a_merge_takes_along_what_is_moved_at_the_same_moment(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real = library.owner(), ImageStore.link
    smith = library.patients.add(owner, PatientDraft("Smith", "Ann", "19"))
    for number in range(4):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    bring(library, tmp_path / "in", filing=Filing(patient_id=doe.id))
    seen: list[str] = []

    def late(self: ImageStore, record: ImageRecord, *more: object) -> str:
        """Let somebody else move the second image to a tooth and the third to another patient just now."""
        if record.id not in seen:
            seen.append(record.id)
            if len(seen) in {2, 3}:
                elsewhere = Filing(tooth="8") if len(seen) == 2 else Filing(patient_id=smith.id)
                with monkeypatch.context() as quiet:
                    quiet.setattr(ImageStore, "link", real)
                    library.images.move(owner, [record.id], elsewhere)
        return real(self, record, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageStore, "link", late)
    report = library.patients.merge(owner, roe.id, doe.id)
    monkeypatch.undo()
    assert len(report.moved) == len(library.images.list(owner, patient_id=roe.id)) == 3
    assert len(library.images.list(owner, patient_id=roe.id, tooth="8")) == 1
    assert len(library.images.list(owner, patient_id=smith.id)) == 1
    sound(library)


def test_a_merge_that_cannot_move_a_file_retires_nobody(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path
) -> None:
    owner = library.owner()
    for number in (1, 2):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    bring(library, tmp_path / "in", filing=Filing(patient_id=doe.id))
    lost = library.images.list(owner, patient_id=doe.id)[0]
    away = (library.paths.root / lost.path).rename(tmp_path / "away")
    with pytest.raises(ItemError) as raised:
        library.patients.merge(owner, roe.id, doe.id)
    assert (raised.value.code, raised.value.facts["moved"], raised.value.facts["total"]) == ("move.stopped", 1, 2)
    assert library.patients.resolve(owner, "17").id == doe.id
    (library.paths.root / lost.path).parent.mkdir(parents=True, exist_ok=True)
    away.rename(library.paths.root / lost.path)
    assert library.patients.merge(owner, roe.id, doe.id).moved == (lost.id,)
    sound(library)


def test_a_move_that_fails_in_part_says_what_moved(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path
) -> None:
    owner = library.owner()
    for number in (1, 2, 3):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    bring(library, tmp_path / "in", filing=Filing(patient_id=doe.id))
    images = library.images.list(owner, patient_id=doe.id)
    (library.paths.root / images[1].path).unlink()
    ids = [image.id for image in images]
    result = library.images.move(owner, ids, Filing(patient_id=roe.id))
    assert [image.id for image in result.moved] == [ids[0], ids[2]]
    assert [(failure.image_id, failure.code) for failure in result.failed] == [(ids[1], "file.missing")]
    assert set(result.previous) == {ids[0], ids[2]}
    for image_id, filing in result.previous.items():
        library.images.move(owner, [image_id], filing)
    assert {image.id for image in library.images.list(owner, patient_id=doe.id)} == set(ids)
    with pytest.raises(EnvironmentFault, match=r"file\.missing"):
        library.images.move(owner, [ids[1]], Filing(patient_id=roe.id))


def test_a_file_that_could_not_be_copied_leaves_no_patient(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = radiograph(tmp_path / "a.dcm", 1)

    def changed(*_args: object, **_options: object) -> object:
        raise EnvironmentFault("file.changed")

    monkeypatch.setattr(ImageStore, "stage", changed)
    report, _ = bring(library, source)
    monkeypatch.undo()
    assert (report.count(ItemStatus.FAILED), report.patients_made) == (1, 0)
    assert library.patients.page(library.owner(), None, 10) == []
    assert bring(library, source)[0].patients_made == 1
    sound(library)


def test_a_patient_made_elsewhere_meanwhile_is_used(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, real = library.owner(), ImageStore.stage
    made: list[Patient] = []

    def late(*args: object, **options: object) -> object:
        monkeypatch.undo()
        draft = PatientDraft("Doe", "Jane", "17", date(1980, 2, 1), Sex.FEMALE)
        made.append(library.patients.add(owner, draft))
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageStore, "stage", late)
    _, items = bring(library, radiograph(tmp_path / "a.dcm", 1))
    assert items["a.dcm"].patient_id == made[0].id
    assert len(library.patients.page(owner, None, 10)) == 1
    sound(library)


def test_what_was_kept_aside_is_reported_so_again(library: Library, tmp_path: Path) -> None:
    broken = tmp_path / "in" / "broken.dcm"
    broken.parent.mkdir()
    broken.write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 64)
    first_report, first = bring(library, broken.parent)
    assert first["broken.dcm"].status is ItemStatus.QUARANTINED
    for _ in range(2):
        report, again = bring(library, broken.parent)
        item = again["broken.dcm"]
        assert (item.status, item.code, item.facts) == (
            ItemStatus.QUARANTINED,
            first["broken.dcm"].code,
            first["broken.dcm"].facts,
        )
        assert item.image_id == first["broken.dcm"].image_id
        assert report.has_failures
        assert report.job_id is not None
        assert [line.status for line in library.activity.items(library.owner(), report.job_id)] == ["quarantined"]
    assert first_report.has_failures
    assert len(library.store.images.list(placement=Placement.QUARANTINED)) == 1
    sound(library)


def test_a_resumed_run_keeps_the_status_of_what_was_kept_aside(library: Library, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dcm").touch()
    radiograph(tmp_path / "in" / "b.dcm", 1)
    token = CancelToken()
    args = ImportArgs((tmp_path / "in",))
    first = library.imports.run(library.owner(), args, JobContext(token), lambda _item: token.cancel())
    assert first.stopped == "cancelled"
    report, items = bring(library, tmp_path / "in")
    assert (items["a.dcm"].status, items["a.dcm"].code) == (ItemStatus.QUARANTINED, "file.empty")
    assert report.count(ItemStatus.IMPORTED) == 1
    assert report.job_id is not None
    assert len(library.activity.items(library.owner(), report.job_id)) == 2


def test_slices_wait_in_the_order_of_their_position(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    for number, position in enumerate((2.0, 0.0, 1.0)):
        radiograph(
            tmp_path / "in" / f"{number}.dcm",
            number,
            PatientID=None,
            PatientName=None,
            PatientBirthDate=None,
            PatientSex=None,
            SeriesInstanceUID="1.2.3.9",
            ImagePositionPatient=[0, 0, position],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        )
    photograph(tmp_path / "late.jpg", 9)
    bring(library, tmp_path / "in")
    bring(library, tmp_path / "late.jpg")
    waiting = library.inbox.list(owner)
    assert {image.original_name for image in waiting} == {"0.dcm", "1.dcm", "2.dcm", "late.jpg"}
    slices = [image.slice_position for image in waiting if image.slice_position is not None]
    assert slices == [0.0, 1.0, 2.0]


def test_deleted_images_are_listed(library: Library, doe: Patient, tmp_path: Path) -> None:
    owner = library.owner()
    bring(library, photograph(tmp_path / "a.jpg", 1), filing=Filing(patient_id=doe.id))
    bring(library, photograph(tmp_path / "b.jpg", 2))
    (filed,), (waiting,) = library.images.list(owner, patient_id=doe.id), library.inbox.list(owner)
    assert library.images.deleted(owner) == []
    library.images.delete(owner, [filed.id])
    library.inbox.discard(owner, waiting.id)
    assert {image.id for image in library.images.deleted(owner)} == {filed.id, waiting.id}
    assert [image.id for image in library.images.deleted(owner, doe.id)] == [filed.id]
    assert len(library.images.deleted(owner, limit=1)) == 1
    library.images.restore(owner, [filed.id, waiting.id])
    assert library.images.deleted(owner) == []
    assert len(library.inbox.list(owner)) == 1


def test_what_was_chosen_for_a_single_file_follows_the_same_rules(
    library: Library, doe: Patient, roe: Patient, tmp_path: Path
) -> None:
    owner = library.owner()
    photo = photograph(tmp_path / "a.jpg", 1)
    bring(library, photo, filings={str(photo): Filing(patient_id=doe.id)})
    _, other = bring(library, photo, filings={str(photo): Filing(patient_id=roe.id)})
    assert (other["a.jpg"].status, other["a.jpg"].code) == (ItemStatus.INBOX, "image.other_patient")
    smith = library.patients.add(owner, PatientDraft("Smith", "Ann", "19"))
    library.patients.merge(owner, roe.id, smith.id)
    late = photograph(tmp_path / "b.jpg", 2)
    for filing in (Filing(patient_id=smith.id), Filing(patient_id="00000000-0000-4000-8000-000000000000")):
        with pytest.raises(UserError, match=r"patient\.none"):
            bring(library, late, filings={str(late): filing})


def test_a_source_that_closed_meanwhile_is_one_failed_file(
    library: Library, doe: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    real_stage, real_open = ImageStore.stage, Path.open

    def refused(self: Path, *rest: object, **options: object) -> object:
        if self.name == "1.jpg":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real_open(self, *rest, **options)  # type: ignore[call-overload]

    def late(*args: object, **options: object) -> object:
        monkeypatch.setattr(Path, "open", refused)
        return real_stage(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageStore, "stage", late)
    report, items = bring(library, tmp_path / "in", filing=Filing(patient_id=doe.id))
    assert (items["1.jpg"].status, items["1.jpg"].code) == (ItemStatus.FAILED, "file.permission")
    assert (report.stopped, report.count(ItemStatus.IMPORTED)) == (None, 1)


def test_passing_over_what_is_done_can_be_cancelled_and_is_told(library: Library, tmp_path: Path) -> None:
    for number in range(6):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    token, args = CancelToken(), ImportArgs((tmp_path / "in",))
    seen: list[ImportItem] = []

    def stop_after_five(item: ImportItem) -> None:
        seen.append(item)
        if len(seen) == 5:
            token.cancel()

    first = library.imports.run(library.owner(), args, JobContext(token), stop_after_five)
    assert first.stopped == "cancelled"
    told: list[int] = []
    token = CancelToken()

    def stop_after_two(_item: ImportItem) -> None:
        told.append(len(told))
        if len(told) == 2:
            token.cancel()

    progress: list[int] = []
    ctx = JobContext(token, on_progress=lambda at: progress.append(at.done))
    again = library.imports.run(library.owner(), args, ctx, stop_after_two)
    assert (again.stopped, again.count(ItemStatus.DUPLICATE), len(told)) == ("cancelled", 2, 2)
    assert again.job_id is not None
    assert len(library.activity.items(library.owner(), again.job_id)) == 2


def test_a_crash_before_the_new_patient_was_written_leaves_the_image_to_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = radiograph(tmp_path / "a.dcm", 1)
    with open_library(tmp_path / "library", create=True) as dying:
        dying.settings.set(dying.owner(), "storage.reserve_bytes", "0")

        def died(*_args: object) -> None:
            raise EnvironmentFault("database.failed")

        # What a process does not do any more once it is dead: writing rows and tidying up.
        monkeypatch.setattr("app.services.books.add_patient", died)
        monkeypatch.setattr(StoredFiling, "_undo", lambda *_args: None)
        assert bring(dying, source)[0].stopped == "database.failed"
        monkeypatch.undo()
    with open_library(tmp_path / "library", create=False) as library:
        owner = library.owner()
        (waiting,) = library.inbox.list(owner)
        assert (waiting.reason, waiting.patient_id, waiting.identity.patient_id) == (
            "identity.interrupted",
            None,
            "17",
        )
        assert library.patients.page(owner, None, 10) == []
        doe = library.patients.add(owner, PatientDraft("Doe", "Jane", "17", date(1980, 2, 1), Sex.FEMALE))
        assert [proposal.patient.id for proposal in library.inbox.proposals(owner, waiting.id)] == [doe.id]
        library.inbox.file(owner, waiting.id, Filing(patient_id=doe.id))
        assert len(library.images.list(owner, patient_id=doe.id)) == 1
        sound(library)
