"""One patient comes back from a backup into a library in use: what is missing, and nothing over what is there."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import BitewingError
from app.domain.image import Filing
from app.domain.patient import Patient, PatientDraft
from app.domain.roles import Role, owner
from app.domain.treatment import TreatmentDraft
from app.services import patient_restore
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph

QUIET, OWNER = JobContext.silent(), owner("test")
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    """A library with two patients of five images each and a treatment with two; backed up as ``safe.zip``."""
    with open_library(tmp_path / "library", create=True) as opened:
        for chart in ("A-1", "B-2"):
            source = tmp_path / chart
            for number in range(5):
                seed = number + (10 if chart == "B-2" else 0)
                radiograph(source / f"{number}.dcm", seed, PatientID=chart, PatientName=f"Family {chart}^Given")
            patient = opened.patients.add(OWNER, PatientDraft(f"Family {chart}", "Given", chart))
            opened.imports.run(OWNER, ImportArgs((source,), Filing(patient_id=patient.id, tooth="8")), QUIET)
            images = [image.id for image in opened.images.list(OWNER, patient_id=patient.id)]
            opened.treatments.add(OWNER, patient.id, TreatmentDraft("Filling"), images[:2])
        opened.backups.create(OWNER, tmp_path / "safe.zip", QUIET)
        yield opened


def patient(library: Library, chart: str) -> Patient:
    return library.patients.resolve(OWNER, chart)


def bring(library: Library, chart: str = "A-1", name: str = "safe.zip", **options: bool):
    backup = library.paths.root.parent / name
    with library.backups.opened(backup) as archive:
        return library.patient_restore.run(OWNER, archive, chart, QUIET, **options)


def forget(library: Library, image_id: str) -> None:
    """Lose an image altogether, as an older or damaged catalogue would have."""
    record = library.images.get(OWNER, image_id)
    (library.paths.root / record.path).unlink()
    with library.store.write():
        for table, column in (("treatment_images", "image_id"), ("images", "id")):
            library.store.database.execute(f"DELETE FROM {table} WHERE {column} = ?", (image_id,))


def test_what_is_gone_deleted_or_damaged_comes_back(library: Library) -> None:
    theirs = library.images.list(OWNER, patient_id=patient(library, "A-1").id)
    others = library.images.list(OWNER, patient_id=patient(library, "B-2").id)
    gone, deleted, lost, damaged, untouched = theirs
    [treatment] = library.treatments.list(OWNER, gone.patient_id)
    library.treatments.delete(OWNER, treatment.id)
    forget(library, gone.id)
    library.images.delete(OWNER, [deleted.id])
    (library.paths.root / lost.path).unlink()
    (library.paths.root / damaged.path).write_bytes(b"not what it was")
    report = bring(library)
    assert (len(report.brought_ids), report.undeleted, report.mended, report.present) == (1, 1, 2, 1)
    assert (report.treatments, report.made, report.failed) == (1, False, {})
    after = {image.id: image for image in library.images.list(OWNER, patient_id=gone.patient_id)}
    assert set(after) == {image.id for image in theirs}
    assert (after[gone.id].tooth, after[gone.id].sha256) == ("8", gone.sha256)
    assert after[untouched.id] == untouched
    assert library.images.list(OWNER, patient_id=patient(library, "B-2").id) == others
    [again] = library.treatments.list(OWNER, gone.patient_id)
    assert (again.id, again.images) == (treatment.id, 2)
    check = library.check.run(OWNER, True, QUIET)
    assert (check.missing, check.corrupt, check.database) == (0, 0, "ok")
    assert library.store.audit.verify().holds
    # What stood in the place of the right bytes is kept.
    assert [path.read_bytes() for path in (library.paths.root / ".replaced").rglob("*.dcm")] == [b"not what it was"]
    assert bring(library).present == 5


def test_what_was_changed_since_stays(library: Library) -> None:
    whose, other = patient(library, "A-1"), patient(library, "B-2")
    first, second, *_rest = library.images.list(OWNER, patient_id=whose.id)
    library.images.move(OWNER, [first.id], Filing(patient_id=other.id))
    library.images.move(OWNER, [second.id], Filing(tooth="30"))
    library.patients.edit(OWNER, whose.id, replace(whose.draft(), family_name="Married"), whose.version)
    report = bring(library)
    assert (len(report.brought_ids), report.present, report.elsewhere) == (0, 4, 1)
    assert library.images.get(OWNER, first.id).patient_id == other.id
    assert library.images.get(OWNER, second.id).tooth == "30"
    assert patient(library, "A-1").family_name == "Married"


def test_a_merged_patient_comes_back_to_whom_they_are_now(library: Library) -> None:
    kept, away = patient(library, "B-2"), patient(library, "A-1")
    gone = library.images.list(OWNER, patient_id=away.id)[0]
    library.patients.merge(OWNER, kept.id, away.id)
    forget(library, gone.id)
    report = bring(library)
    assert (report.patient_id, len(report.brought_ids), report.present) == (kept.id, 1, 4)
    assert library.images.get(OWNER, gone.id).patient_id == kept.id
    assert [treatment.images for treatment in library.treatments.list(OWNER, kept.id)] == [2, 2]


def test_into_another_library_only_when_that_is_meant(library: Library, tmp_path: Path) -> None:
    with open_library(tmp_path / "second", create=True) as second:
        with pytest.raises(BitewingError, match=r"backup\.foreign"):
            bring(second)
        report = bring(second, foreign=True)
        assert (report.made, len(report.brought_ids), report.treatments) == (True, 5, 1)
        [only] = second.patients.page(OWNER, None, 10)
        assert (only.patient.family_name, only.images) == ("Family A-1", 5)
        [treatment] = second.treatments.list(OWNER, only.patient.id)
        assert treatment.images == 2
        assert second.check.run(OWNER, True, QUIET).is_sound


def test_what_cannot_be_is_refused_in_words(library: Library, tmp_path: Path) -> None:
    library.backups.create(OWNER, tmp_path / "small.zip", QUIET, database_only=True)
    for code, chart, name in (
        ("patient.none", "nobody", "safe.zip"),
        ("backup.without_images", "A-1", "small.zip"),
        ("backup.none", "A-1", "gone.zip"),
    ):
        with pytest.raises(BitewingError) as caught:
            bring(library, chart, name)
        assert caught.value.code == code
    with library.backups.opened(tmp_path / "safe.zip") as archive, pytest.raises(BitewingError, match=r"role\.refused"):
        library.patient_restore.run(replace(OWNER, role=Role.DENTIST), archive, "A-1", QUIET)


def test_an_image_that_the_backup_never_had_is_said(library: Library, tmp_path: Path) -> None:
    image = library.images.list(OWNER, patient_id=patient(library, "A-1").id)[0]
    path = library.paths.root / image.path
    path.unlink()
    library.backups.create(OWNER, tmp_path / "gaps.zip", QUIET)
    report = bring(library, name="gaps.zip")
    assert report.failed == {image.id: "restore.image_not_in_backup"}
    assert report.present == 4


def test_the_patients_of_a_backup_are_listed(library: Library, tmp_path: Path) -> None:
    library.patients.add(OWNER, PatientDraft("Later", "Than", "C-3"))
    with library.backups.opened(tmp_path / "safe.zip") as archive:
        found = library.patient_restore.patients(OWNER, archive, QUIET)
    assert [(row.patient.chart_number, row.images) for row in found] == [("A-1", 5), ("B-2", 5)]


def test_on_the_command_line_beside_an_open_library(library: Library, tmp_path: Path) -> None:
    image = library.images.list(OWNER, patient_id=patient(library, "A-1").id)[0]
    library.images.delete(OWNER, [image.id])
    command = [sys.executable, "-m", "app", "backup", "restore", str(tmp_path / "safe.zip"), "--patient", "A-1"]
    done = subprocess.run(
        [*command, "--json", "--library", str(library.paths.root)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["undeleted"], document["present"], document["failed"]) == (1, 4, {})
    assert len(library.images.list(OWNER, patient_id=image.patient_id)) == 5


def test_bytes_that_are_with_somebody_else_by_now_stay_there(library: Library, tmp_path: Path) -> None:
    whose, other = patient(library, "A-1"), patient(library, "B-2")
    deleted, gone, *_rest = library.images.list(OWNER, patient_id=whose.id)
    library.images.delete(OWNER, [deleted.id])
    copies = []
    for image in (deleted, gone):
        copies.append(tmp_path / "again" / f"{image.id}.dcm")
        copies[-1].parent.mkdir(exist_ok=True)
        copies[-1].write_bytes((library.paths.root / image.path).read_bytes())
    forget(library, gone.id)
    library.imports.run(OWNER, ImportArgs(tuple(copies), Filing(patient_id=other.id)), QUIET)
    for image in library.inbox.list(OWNER):
        library.inbox.file(OWNER, image.id, Filing(patient_id=other.id))
    report = bring(library)
    assert (report.back, report.present, report.elsewhere) == (0, 3, 2)
    assert len(library.images.list(OWNER, patient_id=other.id)) == 7


def test_two_at_once_bring_each_image_back_once(library: Library) -> None:
    theirs = library.images.list(OWNER, patient_id=patient(library, "A-1").id)
    for image in theirs:
        forget(library, image.id)
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda _number: bring(library), range(2)))
    assert sum(len(report.brought_ids) for report in reports) == 5
    assert all(report.failed == {} for report in reports)
    assert {image.id for image in library.images.list(OWNER, patient_id=theirs[0].patient_id)} == {
        image.id for image in theirs
    }
    assert library.check.run(OWNER, True, QUIET).orphans == 0


def test_an_image_moved_while_it_is_mended_is_mended_where_it_is(library: Library, monkeypatch) -> None:
    image = library.images.list(OWNER, patient_id=patient(library, "A-1").id)[0]
    (library.paths.root / image.path).write_bytes(b"not what it was")
    real, moved = patient_restore.put_right, []

    def late(paths, record, right) -> None:
        if not moved:
            moved.append(library.images.move(OWNER, [image.id], Filing(tooth="30")))
        real(paths, record, right)

    monkeypatch.setattr(patient_restore, "put_right", late)
    report = bring(library)
    assert (report.mended, report.failed) == (1, {})
    assert library.images.get(OWNER, image.id).tooth == "30"
    check = library.check.run(OWNER, True, QUIET)
    assert (check.corrupt, check.missing) == (0, 0)
