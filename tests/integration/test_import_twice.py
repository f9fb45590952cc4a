"""Two processes import the same folder at once: every file comes in once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.bootstrap.library import open_library
from app.core.context import JobContext
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.storage.image_store import ImageStore
from app.sync.report import ImportArgs, ImportItem, ItemStatus
from tests.integration.import_material import photograph

REPO = Path(__file__).resolve().parents[2]
FILES = 30
PROCESSES = 2
QUIET = JobContext.silent()


@pytest.mark.parametrize("identity", ["numbered", "nameless"])
def test_every_file_comes_in_once(tmp_path: Path, identity: str) -> None:
    root, folder, barrier = tmp_path / "library", tmp_path / "in", tmp_path / "barrier"
    for made in (folder, barrier):
        made.mkdir()
    for number in range(FILES):
        (folder / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes([number]) * 5000)
    with open_library(root, create=True) as library:
        library.settings.set(library.owner(), "storage.reserve_bytes", "0")
    command = [sys.executable, "-m", "tests.integration.import_twice_driver", str(root), str(folder), str(barrier)]
    running = [
        subprocess.Popen([*command, str(PROCESSES), identity], cwd=REPO, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]
    told = [json.loads(process.communicate(timeout=120)[0]) for process in running]
    by_path: dict[str, list[tuple[str, str]]] = {}
    for path, status, _code, image_id in [item for items in told for item in items]:
        by_path.setdefault(path, []).append((status, image_id))
    came = "imported" if identity == "numbered" else "inbox"
    assert len(by_path) == FILES
    for outcomes in by_path.values():
        assert sorted(status for status, _image in outcomes) == sorted([came, "duplicate"])
        assert len({image for _status, image in outcomes}) == 1
    with open_library(root, create=False) as library:
        assert library.store.images.count(None) == FILES
        assert library.check.run(library.owner(), True, QUIET).is_sound
        assert list(library.store.intents.list()) == []


def test_bytes_that_another_patient_got_meanwhile_wait_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo, real = photograph(tmp_path / "a.jpg", 1), ImageStore.stage
    with open_library(tmp_path / "library", create=True) as library:
        owner = library.owner()
        library.settings.set(owner, "storage.reserve_bytes", "0")
        doe, roe = (library.patients.add(owner, PatientDraft(name, "A", name)) for name in ("Doe", "Roe"))
        items: list[ImportItem] = []

        def bring(patient_id: str) -> None:
            args = ImportArgs((photo,), Filing(patient_id=patient_id))
            library.imports.run(owner, args, QUIET, items.append)

        def late(*args: object, **options: object) -> object:
            monkeypatch.undo()
            bring(doe.id)
            return real(*args, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(ImageStore, "stage", late)
        bring(roe.id)
        assert [(item.status, item.code) for item in items] == [
            (ItemStatus.IMPORTED, None),
            (ItemStatus.INBOX, "image.other_patient"),
        ]
        assert library.check.run(owner, True, QUIET).is_sound


def test_what_waits_in_the_inbox_is_named_when_it_comes_again_for_a_patient(tmp_path: Path) -> None:
    path = photograph(tmp_path / "a.jpg", 1)
    with open_library(tmp_path / "library", create=True) as library:
        owner, items = library.owner(), list[ImportItem]()
        library.settings.set(owner, "storage.reserve_bytes", "0")
        roe = library.patients.add(owner, PatientDraft("Roe", "Rick", "18"))
        for filing in (Filing(), Filing(patient_id=roe.id)):
            library.imports.run(owner, ImportArgs((path,), filing), QUIET, items.append)
        waiting, again = items
        assert (again.status, again.code, again.image_id) == (
            ItemStatus.DUPLICATE,
            "image.in_inbox",
            waiting.image_id,
        )
        assert again.facts == {"image": waiting.image_id, "why": "identity.none"}
        assert waiting.image_id is not None
        library.inbox.file(owner, waiting.image_id, Filing(patient_id=roe.id))
        assert [image.id for image in library.images.list(owner, patient_id=roe.id)] == [waiting.image_id]
