"""What a stranger who read the code found wrong with mirrors: each was a failing test first."""

from __future__ import annotations

import time
from pathlib import Path

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.roles import owner
from app.sync.report import ImportArgs
from tests.integration.import_material import radiograph

OWNER, QUIET = owner("test"), JobContext.silent()


def test_archive_switched_on_without_an_address(library: Library, tmp_path: Path) -> None:
    from app.ui.destinations.states import destination_state

    radiograph(tmp_path / "in" / "0.dcm", 0)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    library.settings.set(OWNER, "orthanc.enabled", "true")
    [one] = library.watchdog.destinations(OWNER)
    assert destination_state(one)[0].value != "green", destination_state(one)


def test_one_patient_holds_the_others_up(library: Library, place: Path, tmp_path: Path, monkeypatch) -> None:
    """Fifty images of one patient before one of another."""
    for number in range(60):
        radiograph(tmp_path / "in" / f"{number:03}.dcm", number)
    library.imports.run(OWNER, ImportArgs((tmp_path / "in",)), QUIET)
    radiograph(tmp_path / "in2" / "z.dcm", 99, PatientID="18", PatientName="Roe^Rick")
    library.imports.run(OWNER, ImportArgs((tmp_path / "in2",)), QUIET)
    from app.transfer.stores.folder import FolderStore

    put, order = FolderStore.put, []

    def slow(self, source, name, ctx, on_block=None):
        order.append(name.split("/")[1])
        time.sleep(0.02)
        return put(self, source, name, ctx, on_block)

    monkeypatch.setattr(FolderStore, "put", slow)
    library.mirrors.sync(OWNER, QUIET)
    other = library.patients.resolve(OWNER, "18").id
    print("other patient's image was number", order.index(other))
    assert order.index(other) < 5
