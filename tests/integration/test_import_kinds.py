"""Importing only some kinds of file (H3): told by content, in folders and archives, on every way in."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.domain.image import FileKind
from app.services.imports import scan_without_library
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from tests.integration.import_material import photograph, radiograph

ROOT = Path(__file__).resolve().parents[2]
QUIET = JobContext.silent()


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with open_library(tmp_path / "library", create=True) as opened:
        opened.settings.set(opened.owner(), "storage.reserve_bytes", "0")
        yield opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    radiograph(folder / "xray", 1)
    radiograph(folder / "deep" / "misnamed.jpg", 2)
    photograph(folder / "photo.dcm", 3)
    (folder / "letter.pdf").write_bytes(b"%PDF-1.4\n")
    (folder / "note.txt").write_text("not an image")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.write(radiograph(tmp_path / "z" / "in.dcm", 4), "in.dcm")
        archive.write(photograph(tmp_path / "z" / "in.jpg", 5), "in.jpg")
    return folder


def statuses(library: Library, source: Path, *kinds: FileKind) -> dict[str, tuple[ItemStatus, str | None]]:
    items: list[ImportItem] = []
    library.imports.run(library.owner(), ImportArgs((source,), kinds=frozenset(kinds)), QUIET, items.append)
    return {Path(item.path).name: (item.status, item.code) for item in items}


def test_dicom_only_whatever_the_names_say(library: Library, source: Path) -> None:
    passed_over = (ItemStatus.SKIPPED, "file.not_wanted")
    assert statuses(library, source, FileKind.DICOM) == {
        "xray": (ItemStatus.IMPORTED, None),
        "misnamed.jpg": (ItemStatus.IMPORTED, None),
        "in.dcm": (ItemStatus.IMPORTED, None),
        "photo.dcm": passed_over,
        "letter.pdf": passed_over,
        "in.jpg": passed_over,
        "note.txt": (ItemStatus.SKIPPED, "file.not_an_image"),
    }
    after = statuses(library, source, FileKind.PHOTO, FileKind.DOCUMENT)
    assert after["photo.dcm"][0] is after["in.jpg"][0] is ItemStatus.INBOX
    assert after["xray"] == after["in.dcm"] == passed_over


def test_a_stopped_run_goes_on_with_its_own_kinds(library: Library, source: Path) -> None:
    token = CancelToken()
    ctx = JobContext(token, lambda _progress: token.cancel())
    args = ImportArgs((source,), kinds=frozenset({FileKind.DICOM}))
    stopped = library.imports.run(library.owner(), args, ctx)
    assert stopped.stopped == "cancelled"
    library.imports.resume(library.owner(), stopped.job_id or "", QUIET)
    assert {image.kind for image in library.images.list(library.owner())} == {FileKind.DICOM}


def test_a_scan_counts_what_the_import_would_take(library: Library, source: Path) -> None:
    def counts(*kinds: FileKind) -> tuple[int, int, int, int, int]:
        report = library.imports.scan(library.owner(), (source,), QUIET, kinds=frozenset(kinds))
        assert report == scan_without_library((source,), QUIET, kinds=frozenset(kinds))
        return report.files, report.dicom, report.photos, report.documents, report.other

    assert counts(FileKind.DICOM) == (4, 3, 0, 0, 1)
    assert counts(FileKind.PHOTO, FileKind.DOCUMENT) == (4, 0, 2, 1, 1)


def test_a_scan_says_what_cannot_be_read(source: Path) -> None:
    report = scan_without_library((source, source / "gone"), QUIET)
    assert (report.other, report.unreadable) == (2, 1)


def test_on_the_command_line(tmp_path: Path, source: Path) -> None:
    def bitewing(*arguments: object) -> dict[str, object]:
        command = [sys.executable, "-P", "-m", "app", *map(str, arguments), "--json", "--library", tmp_path / "new"]
        done = subprocess.run(
            list(map(str, command)), cwd=ROOT, env={**os.environ}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        answer: dict[str, object] = json.loads(done.stdout)
        return answer

    assert bitewing("scan", source, "--only", "photos")["files"] == 3
    answer = bitewing("import", source, "--only", "dicom", "--only", "photos")
    assert (answer["imported"], answer["inbox"], answer["skipped"]) == (3, 2, 2)
