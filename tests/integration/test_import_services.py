"""Services over a real library: patients, moving, merging, deleting, checking, exporting, thumbnails."""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pydicom
import pytest
from PIL import Image
from pypdfium2 import PdfDocument

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, TransientFault, UserError
from app.domain.image import Filing, ImageRecord, ImageType, Laterality, Placement
from app.domain.patient import Patient, PatientDraft, Sex
from app.domain.roles import Actor, Role
from app.services.door import Unit
from app.services.export.model import ExportArgs, ExportFormat
from app.services.images import Details
from app.services.imports import scan_without_library
from app.sync.report import ImportArgs, ItemStatus
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


@pytest.fixture
def images(library: Library, doe: Patient, tmp_path: Path) -> list[ImageRecord]:
    radiograph(tmp_path / "in" / "a.dcm", 1)
    photograph(tmp_path / "in" / "b.jpg", 2)
    args = ImportArgs((tmp_path / "in",), Filing(patient_id=doe.id, tooth="8"))
    assert library.imports.run(library.owner(), args, QUIET).count(ItemStatus.IMPORTED) == 2
    return sorted(library.images.list(library.owner(), patient_id=doe.id), key=lambda image: image.original_name)


def sound(library: Library) -> None:
    report = library.check.run(library.owner(), True, QUIET)
    assert report.is_sound, report


def test_patients_are_found_and_changed(library: Library, doe: Patient) -> None:
    owner = library.owner()
    assert library.patients.resolve(owner, "17").id == library.patients.resolve(owner, doe.id).id == doe.id
    assert [found.patient.id for found in library.patients.search(owner, "jan")] == [doe.id]
    changed = library.patients.edit(owner, doe.id, PatientDraft("Doe", "Janet", "17"), doe.version)
    assert (changed.given_name, changed.version) == ("Janet", 2)
    with pytest.raises(UserError, match=r"patient\.changed_elsewhere"):
        library.patients.edit(owner, doe.id, PatientDraft("X"), doe.version)
    with pytest.raises(UserError, match=r"patient\.chart_number_taken"):
        library.patients.add(owner, PatientDraft("Other", "", "17"))
    with pytest.raises(UserError, match=r"patient\.none"):
        library.patients.resolve(owner, "nobody")
    library.patients.touch(owner, doe.id)
    assert [found.patient.id for found in library.patients.recent(owner, 5)] == [doe.id]


def test_moving_and_undoing(library: Library, doe: Patient, roe: Patient, images: list[ImageRecord]) -> None:
    owner, ids = library.owner(), [image.id for image in images]
    before = {image.id: image.path for image in images}
    result = library.images.move(owner, ids, Filing(roe.id, "9", image_type=ImageType.BEFORE))
    assert {image.patient_id for image in result.moved} == {roe.id}
    assert all(image.directory == f"dental_images/{roe.id}/9/before/" for image in result.moved)
    for image in images:
        path = library.images.path_of(owner, image.id)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == image.sha256
        assert not (library.paths.root / before[image.id]).exists()
    assert library.images.tooth_counts(owner, doe.id) == {}
    sound(library)
    for image_id, filing in result.previous.items():
        library.images.move(owner, [image_id], filing)
    again = {image.id: image for image in library.images.list(owner, patient_id=doe.id)}
    for image in images:
        assert (again[image.id].tooth, again[image.id].teeth, again[image.id].image_type) == (
            image.tooth,
            image.teeth,
            image.image_type,
        )
    sound(library)
    with pytest.raises(UserError, match=r"tooth\.unknown"):
        library.images.move(owner, ids, Filing(tooth="99"))


def test_deleting_is_soft(library: Library, doe: Patient, images: list[ImageRecord]) -> None:
    owner = library.owner()
    assert library.images.delete(owner, [images[0].id]) == 1
    assert [image.id for image in library.images.list(owner, patient_id=doe.id)] == [images[1].id]
    assert library.images.path_of(owner, images[0].id).exists()
    assert library.images.restore(owner, [images[0].id]) == 1
    assert len(library.images.list(owner, patient_id=doe.id)) == 2
    sound(library)


def test_details(library: Library, images: list[ImageRecord]) -> None:
    details = Details(caption="After\x00 the crown", teeth=("9", "8"), laterality=Laterality.LEFT)
    edited = library.images.edit_details(library.owner(), images[0].id, details, images[0].version)
    assert (edited.caption, edited.teeth, edited.laterality) == ("After the crown", ("8", "9"), Laterality.LEFT)
    with pytest.raises(UserError, match=r"image\.changed_elsewhere"):
        library.images.edit_details(library.owner(), images[0].id, details, images[0].version)


def test_merging(library: Library, doe: Patient, roe: Patient, images: list[ImageRecord]) -> None:
    owner = library.owner()
    library.images.delete(owner, [images[1].id])
    report = library.patients.merge(owner, roe.id, doe.id)
    assert set(report.moved) == {image.id for image in images}
    assert library.patients.resolve(owner, doe.id).id == roe.id
    assert [image.id for image in library.images.list(owner, patient_id=roe.id)] == [images[0].id]
    library.images.restore(owner, [images[1].id])
    assert len(library.images.list(owner, patient_id=roe.id)) == 2
    assert [found.patient.id for found in library.patients.page(owner, None, 10)] == [roe.id]
    with pytest.raises(UserError, match=r"patient\.merge_self"):
        library.patients.merge(owner, roe.id, roe.id)
    sound(library)


def test_check_names_what_is_wrong_and_deletes_nothing(library: Library, images: list[ImageRecord]) -> None:
    owner, root = library.owner(), library.paths.root
    first, second = (root / image.path for image in images)
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(bytes(data))
    second.rename(second.with_name("moved-away.bin"))
    shallow = library.check.run(owner, False, QUIET)
    assert (shallow.missing, shallow.orphans, shallow.corrupt) == (1, 1, 0)
    deep = library.check.run(owner, True, QUIET)
    assert (deep.missing, deep.orphans, deep.corrupt, deep.database) == (1, 1, 1, "ok")
    assert {item.status for item in deep.items} == {"missing", "orphan", "corrupt"}
    assert second.with_name("moved-away.bin").exists()


def test_a_file_that_wandered_is_found_by_its_hash_and_the_record_repaired(
    library: Library, images: list[ImageRecord]
) -> None:
    owner, root = library.owner(), library.paths.root
    old = root / images[0].path
    new = root / "dental_images" / "legacy.dcm"
    old.rename(new)
    assert library.images.path_of(owner, images[0].id) == new
    assert library.images.get(owner, images[0].id).path == "dental_images/legacy.dcm"
    sound(library)
    new.unlink()
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.images.path_of(owner, images[0].id)


def test_thumbnails_are_made_again(library: Library, images: list[ImageRecord]) -> None:
    owner = library.owner()
    for image in images:
        path = library.paths.thumbnails / image.id[:2] / f"{image.id}.jpg"
        first = path.read_bytes()
        path.unlink()
        assert library.images.thumbnail(owner, image.id) == first
        assert path.exists()
        path.write_bytes(first[: len(first) // 2])
        assert library.images.thumbnail(owner, image.id) == first
        with Image.open(path) as thumbnail:
            assert max(thumbnail.size) <= 400


def test_views_are_audited_in_batches(library: Library, images: list[ImageRecord]) -> None:
    for _ in range(3):
        library.images.record_view(library.owner(), images[0].id)
    library.views.flush()
    assert len(library.store.audit.list(action="image.view", entity_id=images[0].id)) == 1
    assert library.store.audit.verify().holds


def test_the_heads_of_audit_chains_are_kept_once_a_day(library: Library, images: list[ImageRecord]) -> None:
    library.check.run(library.owner(), False, QUIET)
    (entry,) = library.store.audit.list(action="audit.heads")
    assert entry.writer in entry.details["heads"]
    assert library.store.audit.verify().holds


def test_views_that_were_written_are_not_written_again(
    library: Library, images: list[ImageRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = library.owner(), Actor("d", "dentist", Role.DENTIST, "here")
    library.images.record_view(one, images[0].id)
    library.images.record_view(two, images[0].id)
    real = Unit.audit

    def locked(self: Unit, *args: object, **details: object) -> None:
        if self.actor == two:
            raise TransientFault("database.locked")
        real(self, *args, **details)  # type: ignore[arg-type]

    monkeypatch.setattr(Unit, "audit", locked)
    library.views.flush()
    monkeypatch.undo()
    library.views.flush()
    entries = library.store.audit.list(action="image.view", entity_id=images[0].id)
    assert sorted(entry.actor_id for entry in entries) == ["d", "owner"]


@pytest.mark.parametrize("kind", ["png", "jpeg", "tiff"])
def test_pictures(kind: str, library: Library, images: list[ImageRecord], tmp_path: Path) -> None:
    args = ExportArgs(tmp_path / "out", ExportFormat(kind), burn_in=True)
    report = library.export.images(library.owner(), [image.id for image in images], args, QUIET)
    assert report.exported == 2
    for item in report.items:
        record = library.images.get(library.owner(), item.image_id)
        with Image.open(item.paths[0]) as picture:
            assert picture.width == record.columns
            assert picture.height > (record.rows or 0)
            # A TIFF's own tags count as EXIF; none of them says anything about the patient.
            assert kind == "tiff" or not picture.getexif()
    assert len(list((tmp_path / "out").iterdir())) == 2


def test_dicom_dicomdir_pdf_and_originals(library: Library, images: list[ImageRecord], tmp_path: Path) -> None:
    owner, ids = library.owner(), [image.id for image in images]

    def export(kind: ExportFormat, **options: bool) -> Path:
        out = tmp_path / f"{kind.value}{len(options)}"
        report = library.export.images(owner, ids, ExportArgs(out, kind, **options), QUIET)
        assert report.exported == 2, report.items
        return out

    for path in export(ExportFormat.DICOM).iterdir():
        dataset = pydicom.dcmread(path)
        assert (str(dataset.PatientName), dataset.PatientID) == ("Doe^Jane", "17")
        assert dataset.pixel_array.size
    hidden = list(export(ExportFormat.DICOM, deidentify=True).iterdir())
    assert len(hidden) == 2
    for path in hidden:
        assert b"Doe^Jane" not in path.read_bytes()
        assert pydicom.dcmread(path).PatientIdentityRemoved == "YES"
    folder = export(ExportFormat.DICOMDIR)
    assert pydicom.dcmread(folder / "DICOMDIR").DirectoryRecordSequence
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
    originals = {hashlib.sha256(path.read_bytes()).hexdigest() for path in export(ExportFormat.ORIGINAL).iterdir()}
    assert originals == {image.sha256 for image in images}
    with PdfDocument(export(ExportFormat.PDF) / "images.pdf") as document:
        assert len(document) == 2
    with pytest.raises(UserError, match=r"export\.original_unchanged"):
        export(ExportFormat.ORIGINAL, deidentify=True)


def test_everything(library: Library, doe: Patient, images: list[ImageRecord], tmp_path: Path) -> None:
    report = library.export.everything(library.owner(), tmp_path / "all", QUIET)
    assert report.is_complete
    manifest = json.loads((tmp_path / "all" / "manifest.json").read_text("utf-8"))
    assert {entry["sha256"] for entry in manifest["images"]} == {image.sha256 for image in images}
    with (tmp_path / "all" / "patients.csv").open(encoding="utf-8-sig", newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream)] == [doe.id]


def test_a_patient_list(library: Library, doe: Patient, tmp_path: Path) -> None:
    owner, path = library.owner(), tmp_path / "list.csv"
    path.write_text(
        "chart,last,first,dob\n17,Doe,Jane,1980-02-01\n18,Roe,Rick,1970-01-01\n18,Roe,Rick,1970-01-01\n"
        "17,Smith,Ann,\n,Nobody,,\n,,,\n",
        "utf-8",
    )
    trial = library.patients.import_csv(owner, path, QUIET, dry_run=True)
    assert (trial.added, trial.known) == (2, 1)
    assert len(library.patients.page(owner, None, 10)) == 1
    done = library.patients.import_csv(owner, path, QUIET)
    assert (done.added, done.known, [problem.code for problem in done.problems]) == (2, 1, ["csv.repeated"] * 2)
    assert done.problems == trial.problems
    again = library.patients.import_csv(owner, path, QUIET)
    assert (again.added, again.known) == (0, 3)
    assert len(library.patients.page(owner, None, 10)) == 3


def test_a_trial_of_a_patient_list_says_what_the_real_run_does(library: Library, tmp_path: Path) -> None:
    owner, path = library.owner(), tmp_path / "list.csv"
    path.write_text(
        "chart,last,first,dob\n,Nobody,Ann,1980-02-01\n,nobody,ann,1980-02-01\n20,Roe,Rick,1970-01-01\n"
        ",Roe,Rick,1970-01-01\n,Roe,Rick,\n21,Roe,Rick,1970-01-01\n,?,,\n,!,,\n,,,1980-02-01\n",
        "utf-8",
    )
    trial = library.patients.import_csv(owner, path, QUIET, dry_run=True)
    done = library.patients.import_csv(owner, path, QUIET)
    assert (trial.added, trial.known, trial.problems) == (done.added, done.known, done.problems)
    assert done.added == len(library.patients.page(owner, None, 20)) == len(done.ids) == 6
    assert [problem.code for problem in done.problems].count("csv.repeated") == 2


def test_a_patient_list_says_what_it_could_not_be_sure_of(library: Library, tmp_path: Path) -> None:
    owner, path = library.owner(), tmp_path / "list.csv"
    path.write_bytes("chart,last,dob\n1,Łuk,02/01/1980\n".encode("cp1250"))
    for dry_run in (True, False):
        report = library.patients.import_csv(owner, path, QUIET, dry_run=dry_run)
        assert (report.added, report.encoding, report.encoding_guessed) == (1, "latin-1", True)
        assert [(problem.line, problem.code) for problem in report.problems] == [(2, "csv.ambiguous_date")]
    assert library.patients.resolve(owner, "1").birth_date is None
    right = library.patients.import_csv(owner, path, QUIET, dry_run=True, encoding="cp1250")
    assert (right.encoding, right.encoding_guessed) == ("cp1250", False)


def test_a_full_disk_is_no_problem_of_a_row(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "list.csv"
    path.write_text("chart,last\n1,Doe\n2,Roe\n", "utf-8")

    def full(*_args: object) -> None:
        raise EnvironmentFault("disk.full")

    monkeypatch.setattr(type(library.store.patients), "add", full)
    with pytest.raises(EnvironmentFault, match=r"disk\.full"):
        library.patients.import_csv(library.owner(), path, QUIET)


def test_a_setting_of_the_workstation_is_there_when_it_is_heard_of(tmp_path: Path) -> None:
    found: list[object] = []
    opened: list[Library] = []

    def hear(_changes: object) -> None:
        if opened:
            found.append((opened[0].settings.workstation().theme, opened[0].store.database.in_write))

    with open_library(tmp_path / "library", create=True, publish=hear) as library:
        opened.append(library)
        library.settings.set(library.owner(), "display.theme", "light")
        assert found == [("light", False)]
        assert len(library.store.audit.list(action="settings.change")) == 1


def test_a_workstation_file_that_cannot_be_written_is_said(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object) -> None:
        assert not library.store.database.in_write
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("app.services.settings.write_workstation", refused)
    with pytest.raises(EnvironmentFault, match=r"disk\.read_only"):
        library.settings.set(library.owner(), "display.theme", "light")


def test_settings_and_status(library: Library, images: list[ImageRecord]) -> None:
    owner = library.owner()
    assert library.settings.set(owner, "clinic.name", "Smile") == "Smile"
    assert library.settings.clinic().clinic_name == "Smile"
    library.settings.set(owner, "display.theme", "light")
    assert library.settings.get(owner, "display.theme") == "light"
    assert "display.theme" in library.paths.workstation_toml.read_text()
    with pytest.raises(UserError, match=r"settings\.invalid_value"):
        library.settings.set(owner, "display.tooth_numbers", "roman")
    snapshot = library.status.snapshot(owner)
    assert (snapshot.patients, snapshot.images, snapshot.inbox, snapshot.imported_today) == (1, 2, 0, 2)
    assert snapshot.last_import is not None
    assert snapshot.free_bytes > 0


def test_frames_for_the_viewer(library: Library, images: list[ImageRecord]) -> None:
    frame = library.viewing.frame(library.owner(), images[0].id, 0)
    assert frame.values.shape == (images[0].rows, images[0].columns)


def test_a_demonstration_clinic_is_the_same_twice(tmp_path: Path) -> None:
    contents = []
    for number in range(2):
        with open_library(tmp_path / f"library-{number}", create=True) as library:
            owner = library.owner()
            library.settings.set(owner, "storage.reserve_bytes", "0")
            report = library.demo.fill(owner, 2, 5, 7, QUIET)
            assert (report.patients, report.images) == (2, 5)
            again = library.demo.fill(owner, 2, 5, 7, QUIET)
            assert (again.patients, again.images, again.duplicates) == (0, 0, 5)
            contents.append(
                sorted(
                    (image.sha256, image.tooth, image.teeth, image.view.value, image.caption, str(image.captured_at))
                    for image in library.images.list(owner)
                )
            )
            assert library.inbox.list(owner) == []
            assert {job.kind for job in library.activity.jobs(owner)} == {"demo"}
            edits = library.store.audit.list(action="image.edit")
            assert {entry.entity_id for entry in edits} == {image.id for image in library.images.list(owner)}
            assert not list(library.paths.incoming.glob("*.work"))
            sound(library)
    assert contents[0] == contents[1]
    assert len(contents[0]) == 5


def test_only_a_library_of_nothing_but_the_demonstration_gets_its_name(library: Library) -> None:
    actor = library.owner()
    library.demo.fill(actor, 2, 2, 7, QUIET)
    assert library.settings.clinic().clinic_name == "Nile Dental (made up)"
    library.settings.set(actor, "clinic.name", "")
    library.demo.fill(actor, 3, 3, 8, QUIET)
    assert library.settings.clinic().clinic_name == ""


def test_discarding_from_the_inbox(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    library.imports.run(owner, ImportArgs((photograph(tmp_path / "a.jpg", 1),)), QUIET)
    (waiting,) = library.inbox.waiting(owner)
    assert (waiting.code, waiting.proposals) == ("identity.none", ())
    library.inbox.discard(owner, waiting.image.id)
    assert library.inbox.list(owner) == []
    assert library.images.get(owner, waiting.image.id).placement is Placement.INBOX
    _report = library.imports.run(owner, ImportArgs((tmp_path / "a.jpg",)), QUIET)
    assert _report.count(ItemStatus.DUPLICATE) == 1


def test_services_from_several_threads(library: Library, doe: Patient, images: list[ImageRecord]) -> None:
    owner, failures = library.owner(), []

    def work() -> None:
        try:
            for _ in range(10):
                library.images.list(owner, patient_id=doe.id)
                library.patients.touch(owner, doe.id)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            library.store.close_thread()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert library.store.audit.verify().holds


def test_a_disc_that_was_exported_comes_in_by_its_dicomdir(
    library: Library, images: list[ImageRecord], tmp_path: Path
) -> None:
    out = tmp_path / "disc"
    library.export.images(
        library.owner(), [image.id for image in images], ExportArgs(out, ExportFormat.DICOMDIR), QUIET
    )
    (out / "extra.dcm").write_bytes(radiograph(tmp_path / "x.dcm", 9).read_bytes())
    with open_library(tmp_path / "other", create=True) as other:
        other.settings.set(other.owner(), "storage.reserve_bytes", "0")
        report = other.imports.run(other.owner(), ImportArgs((out / "DICOMDIR",)), QUIET)
        assert report.count(ItemStatus.IMPORTED) == 2, report
        whole = other.imports.run(other.owner(), ImportArgs((out,)), QUIET)
        assert (whole.count(ItemStatus.IMPORTED), whole.count(ItemStatus.DUPLICATE)) == (1, 2)
        assert whole.count(ItemStatus.SKIPPED) == 1
        assert other.patients.resolve(other.owner(), "17").family_name == "Doe"


def test_scanning_counts_and_changes_nothing(library: Library, tmp_path: Path) -> None:
    source = tmp_path / "in"
    radiograph(source / "a.dcm", 1)
    radiograph(source / "deep" / "b.dcm", 2, PatientID="18", StudyInstanceUID="1.2.3.5")
    photograph(source / "c.jpg", 3)
    (source / "d.pdf").write_bytes(b"%PDF-1.4\n")
    (source / "e.txt").write_text("x")
    with zipfile.ZipFile(tmp_path / "in" / "f.zip", "w") as archive:
        archive.write(source / "a.dcm", "again.dcm")
    report = library.imports.scan(library.owner(), (source,), QUIET)
    assert (report.files, report.dicom, report.photos, report.documents, report.other) == (6, 3, 1, 1, 1)
    assert (report.patients, report.studies, report.series) == (2, 2, 2)
    assert scan_without_library((source,), QUIET) == report
    assert library.imports.scan(library.owner(), (source,), QUIET, recursive=False).dicom == 2
    assert library.images.list(library.owner()) == []
