"""What an export leaves when it is stopped or the disk refuses, and what the audit log says of it."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pypdfium2 import PdfDocument

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.services.export.model import ExportArgs, ExportFormat, ExportItem
from app.services.export.service import ExportService
from app.sync.report import ImportArgs
from tests.integration.import_material import photograph

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


@pytest.fixture
def ids(library: Library, tmp_path: Path) -> list[str]:
    doe = library.patients.add(library.owner(), PatientDraft("Doe", "Jane", "17"))
    for number in range(3):
        photograph(tmp_path / "in" / f"{number}.jpg", number)
    library.imports.run(library.owner(), ImportArgs((tmp_path / "in",), Filing(patient_id=doe.id)), QUIET)
    return [image.id for image in library.images.list(library.owner())]


def audited(library: Library) -> set[str]:
    return {entry.entity_id for entry in library.store.audit.list(action="image.export")}


def cancelling_after(images: int, monkeypatch: pytest.MonkeyPatch) -> JobContext:
    """Return a context that is cancelled when so many images have been written."""
    token, real, written = CancelToken(), ExportService._one, 0

    def one(*args: object) -> ExportItem:
        nonlocal written
        item = real(*args)  # type: ignore[arg-type]
        written += 1
        if written == images:
            token.cancel()
        return item

    monkeypatch.setattr(ExportService, "_one", one)
    return JobContext(token)


def test_a_page_that_could_not_be_written_costs_that_page_only(
    library: Library, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, pages = Image.Image.save, 0

    def full(self: Image.Image, path: Path, *rest: object, **options: object) -> None:
        nonlocal pages
        pages += 1
        real(self, path, *rest, **options)  # type: ignore[arg-type]
        if pages == 2:
            with path.open("ab") as stream:
                stream.write(b"half a page")
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    report = library.export.images(library.owner(), ids, ExportArgs(tmp_path / "out", ExportFormat.PDF), QUIET)
    monkeypatch.undo()
    assert [item.code for item in report.items] == [None, "disk.full", None]
    with PdfDocument(tmp_path / "out" / "images.pdf") as document:
        assert len(document) == 2
    assert audited(library) == {ids[0], ids[2]}


@pytest.mark.parametrize("kind", [ExportFormat.PDF, ExportFormat.DICOMDIR])
def test_a_whole_that_was_cancelled_is_not_given_out(
    kind: ExportFormat, library: Library, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Cancelled):
        library.export.images(
            library.owner(), ids, ExportArgs(tmp_path / "out", kind), cancelling_after(2, monkeypatch)
        )
    assert list((tmp_path / "out").iterdir()) == []
    assert audited(library) == set()


def test_single_files_that_were_finished_stay_and_are_audited(
    library: Library, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Cancelled):
        library.export.images(library.owner(), ids, ExportArgs(tmp_path / "out"), cancelling_after(2, monkeypatch))
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
    assert audited(library) == set(ids[:2])


def test_what_could_not_be_completed_is_not_said_to_be_done(
    library: Library, ids: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if target.suffix == ".pdf":
            raise OSError(errno.EROFS, "Read-only file system")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(EnvironmentFault, match=r"disk\.read_only"):
        library.export.images(library.owner(), ids, ExportArgs(tmp_path / "out", ExportFormat.PDF), QUIET)
    monkeypatch.undo()
    assert list((tmp_path / "out").iterdir()) == []
    assert audited(library) == set()
