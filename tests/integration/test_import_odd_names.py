"""Files whose names are no Unicode come in, are listed, told apart and found again."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.sync.report import ImportArgs, ImportItem, ImportReport, ItemStatus
from tests.integration.import_material import photograph

QUIET = JobContext.silent()
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems know Unicode names only")


def bring(library: Library, folder: Path) -> tuple[ImportReport, list[ImportItem]]:
    items: list[ImportItem] = []
    return library.imports.run(library.owner(), ImportArgs((folder,)), QUIET, items.append), items


def test_names_of_other_encodings(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    odd = [folder / os.fsdecode(name) for name in (b"caf\xe9.jpg", b"\xff\xfe.dcm")]
    photograph(folder / "plain.jpg", 1)
    shutil.move(photograph(tmp_path / "b.jpg", 2), odd[0])
    odd[1].write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 64)
    with open_library(tmp_path / "library", create=True) as library:
        owner = library.owner()
        library.settings.set(owner, "storage.reserve_bytes", "0")
        report, _items = bring(library, folder)
        assert (report.stopped, report.count(ItemStatus.INBOX), report.count(ItemStatus.QUARANTINED)) == (None, 2, 1)
        assert {image.original_name for image in library.inbox.list(owner)} == {"plain.jpg", "caf\\udce9.jpg"}
        assert report.job_id is not None
        listed = {Path(line.path).name for line in library.activity.items(owner, report.job_id)}
        assert listed == {"plain.jpg", "caf\\udce9.jpg", "\\udcff\\udcfe.dcm"}
        again, items = bring(library, folder)
        assert (again.count(ItemStatus.DUPLICATE), again.count(ItemStatus.QUARANTINED)) == (2, 1)
        assert library.check.run(owner, True, QUIET).is_sound
    assert {Path(item.path).name for item in items} == {"plain.jpg", *(path.name for path in odd)}
