"""The way of one image, end to end: real files, the real decoding child, the real catalogue."""

from __future__ import annotations

import errno
import hashlib
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, RefusedError, UserError
from app.core.progress import Progress
from app.domain.image import Filing, ImageType, ImageView, Placement
from app.domain.patient import PatientDraft
from app.domain.roles import Actor, Role
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from tests.integration.import_material import photograph, radiograph

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


def bring(library: Library, *paths: Path, **options: object) -> tuple[ImportReport, dict[str, ImportItem]]:
    items: dict[str, ImportItem] = {}
    args = ImportArgs(paths, **options)  # type: ignore[arg-type]
    report = library.imports.run(library.owner(), args, QUIET, lambda item: items.__setitem__(item.path, item))
    return report, {Path(path).name: item for path, item in items.items()}


def sound(library: Library) -> None:
    report = library.check.run(library.owner(), True, QUIET)
    assert report.is_sound, report


def test_a_folder_of_radiographs_and_photographs(library: Library, tmp_path: Path) -> None:
    source = tmp_path / "in"
    one = radiograph(source / "a.dcm", 1)
    radiograph(source / "noext", 2)
    radiograph(source / "deep" / "other.dcm", 3, PatientID="18", PatientName="Roe^Rick")
    photograph(source / "photo.jpg", 4)
    (source / "note.txt").write_text("not an image")
    (source / "empty.dcm").touch()
    (source / "Thumbs.db").write_bytes(b"x")
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    seen: list[Progress] = []
    report = library.imports.run(library.owner(), ImportArgs((source,)), JobContext(on_progress=seen.append), None)
    assert {status: count for status, count in report.counts.items() if count} == {
        ItemStatus.IMPORTED: 3,
        ItemStatus.INBOX: 1,
        ItemStatus.SKIPPED: 1,
        ItemStatus.QUARANTINED: 1,
    }
    assert (seen[-1].done, seen[-1].total) == (6, 6)
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    owner = library.owner()
    doe = library.patients.resolve(owner, "17")
    assert (doe.family_name, doe.given_name, str(doe.birth_date)) == ("Doe", "Jane", "1980-02-01")
    images = library.images.list(owner, patient_id=doe.id)
    assert len(images) == 2
    image = next(image for image in images if image.original_name == "a.dcm")
    assert (image.tooth, image.image_type, image.kind.value) == ("general", ImageType.XRAY, "dicom")
    assert image.directory == f"dental_images/{doe.id}/general/xray/"
    assert image.filename.startswith("image-")
    assert image.filename.endswith(".dcm")
    path = library.images.path_of(owner, image.id)
    assert path.read_bytes() == one.read_bytes()
    assert image.sha256 == hashlib.sha256(one.read_bytes()).hexdigest()
    thumbnail = library.images.thumbnail(owner, image.id)
    assert thumbnail is not None
    assert thumbnail.startswith(b"\xff\xd8")
    (waiting,) = library.inbox.list(owner)
    assert (waiting.original_name, waiting.reason) == ("photo.jpg", "identity.none")
    quarantined = library.store.images.list(placement=Placement.QUARANTINED)
    assert [(record.original_name, record.reason) for record in quarantined] == [("empty.dcm", "file.empty")]
    sound(library)


def test_importing_twice_adds_nothing(library: Library, tmp_path: Path) -> None:
    source = tmp_path / "in"
    radiograph(source / "a.dcm", 1)
    photograph(source / "b.jpg", 2)
    (source / "empty.dcm").touch()
    bring(library, source)
    before = sorted(path for path in (tmp_path / "library").rglob("image-*"))
    report, items = bring(library, source)
    assert (report.count(ItemStatus.DUPLICATE), report.count(ItemStatus.QUARANTINED)) == (2, 1)
    assert {name: item.code for name, item in items.items()} == {
        "a.dcm": "image.duplicate",
        "b.jpg": "image.in_inbox",
        "empty.dcm": "file.empty",
    }
    assert sorted(path for path in (tmp_path / "library").rglob("image-*")) == before


def test_a_file_that_contradicts_the_open_patient_waits(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    other = library.patients.add(owner, PatientDraft("Roe", "Rick", "18"))
    source = radiograph(tmp_path / "a.dcm", 1)
    _, items = bring(library, source, filing=Filing(patient_id=other.id))
    item = items["a.dcm"]
    assert (item.status, item.code, item.facts["contradictions"]) == (
        ItemStatus.INBOX,
        "identity.contradicts",
        ["patient_id", "name"],
    )
    doe = library.patients.add(owner, PatientDraft("Doe", "Jane", "17"))
    assert (item.patient_id, item.facts["proposed"]) == (None, other.id)
    assert library.images.list(owner, patient_id=other.id) == []
    proposals = library.inbox.proposals(owner, item.image_id or "")
    assert [(proposal.patient.id, proposal.agrees) for proposal in proposals] == [(doe.id, True), (other.id, False)]
    library.inbox.file(owner, item.image_id or "", Filing(patient_id=other.id, tooth="8"))
    (image,) = library.images.list(owner, patient_id=other.id)
    assert (image.tooth, image.placement, image.reason) == ("8", Placement.FILED, None)
    audit = library.store.audit.list(action="image.file", entity_id=image.id)
    assert audit[0].details["contradictions"] == ["patient_id", "name"]
    library.inbox.unfile(owner, image.id)
    (waiting,) = library.inbox.list(owner)
    assert (waiting.id, waiting.patient_id) == (image.id, None)
    assert other.id in {proposal.patient.id for proposal in library.inbox.proposals(owner, image.id)}
    sound(library)


def test_the_same_bytes_for_another_patient_wait(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    one = library.patients.add(owner, PatientDraft("Doe", "Jane", "17"))
    two = library.patients.add(owner, PatientDraft("Roe", "Rick", "18"))
    photo = photograph(tmp_path / "a.jpg", 1)
    _, first = bring(library, photo, filing=Filing(patient_id=one.id, tooth="8", image_type=ImageType.BEFORE))
    assert first["a.jpg"].status is ItemStatus.IMPORTED
    _, again = bring(library, photo, filing=Filing(patient_id=one.id))
    assert again["a.jpg"].status is ItemStatus.DUPLICATE
    _, other = bring(library, photo, filing=Filing(patient_id=two.id))
    assert (other["a.jpg"].status, other["a.jpg"].code) == (ItemStatus.INBOX, "image.other_patient")
    _, again = bring(library, photo, filing=Filing(patient_id=two.id))
    assert again["a.jpg"].status is ItemStatus.DUPLICATE
    sound(library)


def test_choices_of_a_person_win(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    doe = library.patients.add(owner, PatientDraft("Doe", "Jane", "17"))
    filing = Filing(doe.id, "8", ("8", "9"), ImageType.AFTER, ImageView.INTRAORAL_PHOTO)
    bring(library, photograph(tmp_path / "a.jpg", 1), filing=filing)
    (image,) = library.images.list(owner, patient_id=doe.id)
    assert (image.tooth, image.teeth, image.image_type, image.view) == (
        "8",
        ("8", "9"),
        *(filing.image_type, filing.view),
    )
    assert image.directory.endswith("/8/after/")
    assert library.images.shown_teeth(owner, doe.id) == {"8": 1, "9": 1}
    with pytest.raises(UserError, match=r"tooth\.unknown"):
        bring(library, tmp_path / "a.jpg", filing=Filing(patient_id=doe.id, tooth="../8"))
    with pytest.raises(UserError, match=r"patient\.none"):
        bring(library, tmp_path / "a.jpg", filing=Filing(patient_id="00000000-0000-4000-8000-000000000000"))


def test_lookalikes_are_reported_and_kept(library: Library, tmp_path: Path) -> None:
    owner = library.owner()
    doe = library.patients.add(owner, PatientDraft("Doe", "Jane", "17"))
    filing = Filing(patient_id=doe.id)
    _, first = bring(library, photograph(tmp_path / "a.jpg", 1), filing=filing)
    _, saved_again = bring(library, photograph(tmp_path / "b.jpg", 1, quality=60), filing=filing)
    item = saved_again["b.jpg"]
    assert (item.status, item.code, item.similar_to) == (ItemStatus.IMPORTED, "image.similar", first["a.jpg"].image_id)
    _, different = bring(library, photograph(tmp_path / "c.jpg", 2), filing=filing)
    assert different["c.jpg"].code is None


def test_one_uid_with_two_contents_keeps_both(library: Library, tmp_path: Path) -> None:
    radiograph(tmp_path / "in" / "a.dcm", 1, SOPInstanceUID="1.2.3.4.5")
    radiograph(tmp_path / "in" / "b.dcm", 2, SOPInstanceUID="1.2.3.4.5")
    report, items = bring(library, tmp_path / "in")
    assert report.count(ItemStatus.IMPORTED) == 2
    assert [items[name].code for name in ("a.dcm", "b.dcm")] == [None, "image.same_uid"]


def test_archives(library: Library, tmp_path: Path) -> None:
    inside = radiograph(tmp_path / "x.dcm", 1)
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as writer:
        writer.write(inside, "../../b.dcm")
        writer.writestr("note.txt", "hello")
    items: list[ImportItem] = []
    library.imports.run(library.owner(), ImportArgs((archive,)), QUIET, items.append)
    assert [(item.path, item.status) for item in items] == [
        (f"{archive}!/../../b.dcm", ItemStatus.IMPORTED),
        (f"{archive}!/note.txt", ItemStatus.SKIPPED),
    ]
    left = [path.name for path in (tmp_path / "library" / ".incoming").iterdir()]
    assert [name for name in left if not name.endswith((".owner", ".lock"))] == []
    sound(library)


def test_dry_run_changes_nothing(library: Library, tmp_path: Path) -> None:
    radiograph(tmp_path / "in" / "a.dcm", 1)
    radiograph(tmp_path / "in" / "deep" / "b.dcm", 2)
    report, items = bring(library, tmp_path / "in", dry_run=True, recursive=False)
    assert (report.count(ItemStatus.IMPORTED), list(items)) == (1, ["a.dcm"])
    owner = library.owner()
    assert library.patients.page(owner, None, 10) == []
    assert list((tmp_path / "library").rglob("image-*")) == []
    assert library.activity.jobs(owner) == []


def test_cancelling_stops_cleanly_and_a_second_run_goes_on(library: Library, tmp_path: Path) -> None:
    for number in range(12):
        radiograph(tmp_path / "in" / f"{number:02}.dcm", number)
    token = CancelToken()
    seen: list[ImportItem] = []

    def stop_after_four(item: ImportItem) -> None:
        seen.append(item)
        if len(seen) == 4:
            token.cancel()

    args = ImportArgs((tmp_path / "in",))
    report = library.imports.run(library.owner(), args, JobContext(token), stop_after_four)
    assert (report.stopped, report.count(ItemStatus.IMPORTED)) == ("cancelled", 4)
    sound(library)
    assert report.job_id is not None
    again = library.imports.resume(library.owner(), report.job_id, QUIET)
    assert (again.count(ItemStatus.DUPLICATE), again.count(ItemStatus.IMPORTED)) == (4, 8)
    with pytest.raises(UserError, match=r"job\.none"):
        library.imports.resume(library.owner(), "nothing", QUIET)
    jobs = library.activity.jobs(library.owner())
    states = [job.state.value for job in jobs if job.kind == "import"]
    assert states == ["succeeded", "cancelled"]
    with pytest.raises(UserError, match=r"job\.none"):
        library.imports.resume(library.owner(), again.job_id or "", QUIET)
    assert len(library.images.list(library.owner())) == 12


def test_what_an_interrupted_run_finished_is_not_read_again(library: Library, tmp_path: Path) -> None:
    first, second = radiograph(tmp_path / "in" / "a.dcm", 1), radiograph(tmp_path / "in" / "b.dcm", 2)
    token = CancelToken()
    library.imports.run(
        library.owner(), ImportArgs((tmp_path / "in",)), JobContext(token), lambda _item: token.cancel()
    )
    stamp = first.stat()
    # Same size and time: only a run that trusts the ledger does not see the difference.
    first.write_bytes(b"\0" * stamp.st_size)
    os.utime(first, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    _, items = bring(library, tmp_path / "in")
    assert (items["a.dcm"].status, items["b.dcm"].status) == (ItemStatus.DUPLICATE, ItemStatus.IMPORTED)
    assert second.exists()


def test_too_little_room_is_said_before_anything_is_copied(library: Library, tmp_path: Path) -> None:
    library.settings.set(library.owner(), "storage.reserve_bytes", str(10**15))
    with pytest.raises(EnvironmentFault) as raised:
        bring(library, radiograph(tmp_path / "a.dcm", 1))
    assert raised.value.code == "disk.reserve"
    assert raised.value.facts["reserve"] == 10**15


def test_a_full_disk_stops_the_run_with_one_message(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        radiograph(tmp_path / "in" / f"{number}.dcm", number)
    real = Path.open

    def full(self: Path, mode: str = "r", *rest: object, **options: object) -> object:
        if "x" in mode and self.parent.name == ".incoming" and len(list((tmp_path / "library").rglob("image-*"))) >= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, mode, *rest, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", full)
    report, items = bring(library, tmp_path / "in")
    monkeypatch.undo()
    assert report.stopped == "disk.full"
    assert Counter(item.status for item in items.values()) == {ItemStatus.IMPORTED: 2, ItemStatus.FAILED: 1}
    sound(library)
    again, _ = bring(library, tmp_path / "in")
    assert again.count(ItemStatus.IMPORTED) == 3
    sound(library)


def test_roles(library: Library, tmp_path: Path) -> None:
    viewer = Actor("v", "viewer", Role.VIEWER, "here")
    with pytest.raises(RefusedError):
        library.imports.run(viewer, ImportArgs((tmp_path / "a.jpg",)), QUIET)
    assert library.store.audit.list(action="image.import")[0].outcome == "refused"
    dentist = Actor("d", "dentist", Role.DENTIST, "here")
    photo = photograph(tmp_path / "in" / "a.jpg", 1)
    with pytest.raises(RefusedError):
        library.imports.run(dentist, ImportArgs((photo.parent,)), QUIET)
    assert library.store.audit.list(action="library.import")[0].outcome == "refused"
    assert library.imports.run(dentist, ImportArgs((photo,)), QUIET).count(ItemStatus.INBOX) == 1


def test_changes_are_published_and_logged(tmp_path: Path) -> None:
    heard = []
    with open_library(tmp_path / "library", create=True, publish=heard.append) as library:
        library.settings.set(library.owner(), "storage.reserve_bytes", "0")
        begin = library.changes_since(None).seq
        bring(library, radiograph(tmp_path / "a.dcm", 1))
        assert {change.entity.value for changes in heard for change in changes.changes} == {
            "setting",
            "job",
            "patient",
            "image",
        }
        with open_library(tmp_path / "library", create=False) as other:
            assert {change.entity.value for change in other.changes_since(begin).changes} >= {"patient", "image"}
        assert library.changes_since(begin).changes == ()
