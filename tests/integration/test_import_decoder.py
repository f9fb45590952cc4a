"""Decoders that fail: whose fault it is, and that a file which one failed at can come in later."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import Filing, ImageRecord, Placement
from app.domain.patient import PatientDraft
from app.imaging.child import launch
from app.imaging.child.client import Decoder
from app.imaging.examined import Examined
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from tests.integration.import_material import photograph, radiograph

QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


def bring_in(library: Library, path: Path, filing: Filing | None = None) -> tuple[ImportReport, list[ImportItem]]:
    items: list[ImportItem] = []
    report = library.imports.run(library.owner(), ImportArgs((path,), filing or Filing()), QUIET, items.append)
    return report, items


def kept(library: Library) -> list[ImageRecord]:
    return list(library.store.images.list(placement=None))


def copies(library: Library) -> list[Path]:
    return [path for folder in (library.paths.images, library.paths.inbox, library.paths.quarantine)
            for path in folder.rglob("*") if path.is_file()]  # fmt: skip


def test_a_decoder_that_cannot_start_stops_the_run_and_condemns_no_file(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(12):
        photograph(tmp_path / "in" / f"{seed:02}.jpg", seed)
    monkeypatch.setattr(launch, "command", lambda _arguments: [sys.executable, "-c", "raise SystemExit(3)"])
    report, items = bring_in(library, tmp_path / "in")
    assert report.stopped == "decoder.unavailable"
    assert [(item.status, item.code) for item in items] == [(ItemStatus.FAILED, "decoder.unavailable")]
    assert kept(library) == copies(library) == []
    monkeypatch.undo()
    report, _ = bring_in(library, tmp_path / "in")
    assert report.count(ItemStatus.INBOX) == 12


def test_a_decoder_that_dies_at_one_file_only_keeps_that_file_aside(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        photograph(tmp_path / "in" / f"{seed}.jpg", seed)
    _fail_at(monkeypatch, "0.jpg")
    report, items = bring_in(library, tmp_path / "in")
    assert report.stopped is None
    assert [item.status for item in items] == [ItemStatus.QUARANTINED, ItemStatus.INBOX, ItemStatus.INBOX]


def test_what_a_decoder_failed_at_comes_in_when_it_succeeds(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = radiograph(tmp_path / "a.dcm", 1)
    _fail_at(monkeypatch, "a.dcm")
    _, (first,) = bring_in(library, path)
    _, (again,) = bring_in(library, path)
    for item in (first, again):
        assert (item.status, item.code, item.image_id) == (ItemStatus.QUARANTINED, "decoder.died", first.image_id)
    assert len(copies(library)) == len(kept(library)) == 1
    monkeypatch.undo()
    report, (item,) = bring_in(library, path)
    assert (item.status, item.image_id, item.code, report.patients_made) == (
        ItemStatus.IMPORTED,
        first.image_id,
        None,
        1,
    )
    (record,) = kept(library)
    assert record.placement is Placement.FILED
    assert (record.rows, record.patient_id, record.reason) == (96, item.patient_id, None)
    assert copies(library) == [library.images.path_of(library.owner(), record.id)]
    assert library.images.thumbnail(library.owner(), record.id)
    assert library.check.run(library.owner(), True, QUIET).is_sound
    _, (item,) = bring_in(library, path)
    assert item.status is ItemStatus.DUPLICATE


def test_what_a_decoder_failed_at_is_filed_where_a_person_says(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = photograph(tmp_path / "a.jpg", 1)
    _fail_at(monkeypatch, "a.jpg")
    bring_in(library, path)
    monkeypatch.undo()
    roe = library.patients.add(library.owner(), PatientDraft("Roe", "Rick", "18"))
    _, (item,) = bring_in(library, path, Filing(patient_id=roe.id, tooth="8"))
    assert (item.status, item.patient_id) == (ItemStatus.IMPORTED, roe.id)
    (record,) = library.images.list(library.owner(), patient_id=roe.id, tooth="8")
    assert copies(library) == [library.images.path_of(library.owner(), record.id)]


def _fail_at(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Let the decoder die at files of one name, as it does for want of memory."""
    real = Decoder.examine

    def examine(self: Decoder, path: Path, **more: object) -> Examined:
        if path.name == name:
            raise EnvironmentFault("decoder.died")
        return real(self, path, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Decoder, "examine", examine)
