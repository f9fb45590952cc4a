"""Files that are not where they should be, and a check while the library is at work."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import FileKind, Filing, ImageRecord, Placement
from app.domain.patient import Patient, PatientDraft
from app.storage.image_store import ImageStore

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        yield opened


@pytest.fixture
def doe(library: Library) -> Patient:
    return library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "17"))


def fill(library: Library, patient: Patient, count: int) -> list[ImageRecord]:
    """Put small files and their rows in place, past the importer."""
    folder = library.paths.images / patient.id / "general" / "other"
    folder.mkdir(parents=True)
    records = []
    with library.store.write():
        for number in range(count):
            data = f"{number:08}".encode()
            (folder / f"image-{number}.png").write_bytes(data)
            record = ImageRecord(
                f"00000000-0000-4000-8000-{number:012}",
                patient.id,
                Placement.FILED,
                f"dental_images/{patient.id}/general/other/",
                f"image-{number}.png",
                f"{number}.png",
                hashlib.sha256(data).hexdigest(),
                len(data),
                "image/png",
                FileKind.PHOTO,
                utc_now(),
            )
            records.append(library.store.images.insert(record))
    return records


def test_what_moves_during_a_check_is_not_missing(
    library: Library, doe: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = fill(library, doe, 2100)
    real = library.store.images.stream

    def moving(**options: bool) -> Iterator[ImageRecord]:
        for number, record in enumerate(real(**options)):
            if number == 5:
                ids = [records[at].id for at in (500, 1500)]
                library.images.move(library.owner(), ids, Filing(tooth="8"))
            yield record

    monkeypatch.setattr(library.store.images, "stream", moving)
    report = library.check.run(library.owner(), False, QUIET)
    assert (report.images, report.missing, report.orphans) == (2100, 0, 0)


def test_missing_files_cost_one_walk_together(library: Library, doe: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, records = library.owner(), fill(library, doe, 20)
    for record in records[:10]:
        (library.paths.root / record.path).unlink()
    real, walks = ImageStore.files_on_disk, []

    def counted(self: ImageStore) -> Iterator[str]:
        walks.append(1)
        return real(self)

    monkeypatch.setattr(ImageStore, "files_on_disk", counted)
    for _ in range(2):
        for record in records[:10]:
            with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
                library.images.path_of(owner, record.id)
    assert len(walks) == 1
    back = library.paths.root / records[0].path
    back.write_bytes(b"00000000")
    assert library.images.path_of(owner, records[0].id) == back


def test_a_row_that_points_outside_the_library_leads_nowhere(library: Library, doe: Patient, tmp_path: Path) -> None:
    owner, (record,) = library.owner(), fill(library, doe, 1)
    (library.paths.root / record.path).rename(tmp_path / "image-0.png")
    library.store.images.update(replace(record, directory="../", version=record.version + 1))
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.images.path_of(owner, record.id)
    assert library.check.run(owner, True, QUIET).missing == 1


def test_a_file_in_a_closed_folder_is_missing_in_our_words(
    library: Library, doe: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, (record,) = library.owner(), fill(library, doe, 1)
    real = Path.stat

    def refused(self: Path, **options: bool) -> object:
        if self.name == record.filename:
            raise PermissionError(13, "Permission denied")
        return real(self, **options)

    monkeypatch.setattr(Path, "stat", refused)
    with pytest.raises(EnvironmentFault, match=r"image\.file_missing"):
        library.images.path_of(owner, record.id)
