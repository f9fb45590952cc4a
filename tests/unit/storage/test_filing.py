"""Files and rows come in and move together; failures leave neither; names never clash."""

from __future__ import annotations

import errno
import os
import threading
import uuid
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.clock import utc_now
from app.core.errors import Cancelled, EnvironmentFault, ItemError, UserError
from app.core.files import copy_durably
from app.core.paths import LibraryPaths
from app.domain.image import ImageRecord, ImageType, Placement
from app.domain.naming import image_directory
from app.storage import image_store
from app.storage.catalogue import Catalogue
from app.storage.image_store import next_name
from tests.unit.storage.conftest import make_record, sha256_of


def bring_in(catalogue: Catalogue, record: ImageRecord, source: Path) -> ImageRecord:
    with catalogue.filing.arrival(record, source) as placed, catalogue.write():
        return placed.write_rows()


def refile(catalogue: Catalogue, before: ImageRecord, tooth: str) -> ImageRecord:
    assert before.patient_id is not None
    after = replace(before, tooth=tooth, directory=image_directory(before.patient_id, tooth, before.image_type))
    with catalogue.filing.moving(before, after) as placed, catalogue.write():
        return placed.write_rows()


def leftovers(catalogue: Catalogue) -> list[str]:
    return [entry.name for entry in catalogue.paths.incoming.iterdir() if not entry.name.endswith((".owner", ".lock"))]


@pytest.fixture
def stored(catalogue: Catalogue, new_record, source: Path) -> ImageRecord:
    return bring_in(catalogue, new_record(sha256=sha256_of(source)), source)


def test_an_image_comes_in_whole(catalogue: Catalogue, stored: ImageRecord, source: Path) -> None:
    path = catalogue.files.path_of(stored)
    assert path.read_bytes() == source.read_bytes()
    assert catalogue.images.get(stored.id) == stored
    assert stored.size_bytes == source.stat().st_size
    assert list(catalogue.files.files_on_disk()) == [stored.path]
    assert catalogue.intents.list() == []
    assert leftovers(catalogue) == []


def test_a_taken_name_counts_up(catalogue: Catalogue, stored: ImageRecord, source: Path) -> None:
    source.write_bytes(b"another")
    second = bring_in(catalogue, replace(stored, id=str(uuid.uuid4()), sha256=sha256_of(source), size_bytes=7), source)
    assert second.filename == next_name(stored.filename)
    assert catalogue.images.get(second.id) == second
    assert len(list(catalogue.files.files_on_disk())) == 2


@pytest.mark.parametrize("placement", [Placement.FILED, Placement.INBOX])
def test_the_same_bytes_come_in_once(catalogue: Catalogue, new_record, source: Path, placement: Placement) -> None:
    patient_id = new_record().patient_id if placement is Placement.FILED else None
    first = bring_in(
        catalogue, new_record(sha256=sha256_of(source), placement=placement, patient_id=patient_id), source
    )
    with pytest.raises(ItemError) as caught:
        bring_in(catalogue, replace(first, id=str(uuid.uuid4())), source)
    assert (caught.value.code, caught.value.facts) == ("image.duplicate", {"image": first.id})
    assert (list(catalogue.files.files_on_disk()), catalogue.intents.list(), leftovers(catalogue)) == (
        [first.path],
        [],
        [],
    )
    catalogue.images.update(replace(first, deleted_at=utc_now(), version=2))
    assert bring_in(catalogue, replace(first, id=str(uuid.uuid4())), source).sha256 == first.sha256


def test_empty_files_of_different_names_are_different_files(catalogue: Catalogue, new_record, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.touch()
    more = {"sha256": sha256_of(empty), "placement": Placement.QUARANTINED, "patient_id": None}
    for name in ("one.dcm", "two.dcm"):
        bring_in(catalogue, new_record(original_name=name, **more), empty)
    with pytest.raises(ItemError, match=r"image\.duplicate"):
        bring_in(catalogue, new_record(original_name="one.dcm", **more), empty)


@pytest.mark.parametrize(
    ("name", "following"),
    [("image-9.png", "image-10.png"), ("image-1750601234567.dcm", "image-1750601234568.dcm"), ("odd.png", "odd-1.png")],
)
def test_following_names(name: str, following: str) -> None:
    assert next_name(name) == following


def test_other_bytes_than_announced_are_refused(catalogue: Catalogue, new_record, source: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        bring_in(catalogue, new_record(), source)
    assert caught.value.code == "file.changed"
    assert (list(catalogue.files.files_on_disk()), catalogue.intents.list(), leftovers(catalogue)) == ([], [], [])


def test_a_failed_transaction_takes_the_file_away(catalogue: Catalogue, new_record, source: Path) -> None:
    record = new_record(sha256=sha256_of(source))
    with pytest.raises(KeyError), catalogue.filing.arrival(record, source) as placed, catalogue.write():  # noqa: PT012
        placed.write_rows()
        raise KeyError
    assert (list(catalogue.files.files_on_disk()), catalogue.intents.list(), leftovers(catalogue)) == ([], [], [])
    assert catalogue.images.get(record.id) is None
    assert list(catalogue.paths.images.iterdir()) == []


def test_a_caller_who_forgets_the_rows_gets_no_orphan(catalogue: Catalogue, new_record, source: Path) -> None:
    with catalogue.filing.arrival(new_record(sha256=sha256_of(source)), source):
        pass
    assert list(catalogue.files.files_on_disk()) == []


def test_a_full_disk_leaves_nothing(catalogue: Catalogue, new_record, source: Path, monkeypatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(EnvironmentFault) as caught:
        bring_in(catalogue, new_record(sha256=sha256_of(source)), source)
    assert caught.value.code == "disk.full"
    assert (list(catalogue.files.files_on_disk()), catalogue.intents.list(), leftovers(catalogue)) == ([], [], [])


def test_cancelling_while_copying_leaves_nothing(catalogue: Catalogue, new_record, source: Path) -> None:
    def stop(_size: int) -> None:
        raise Cancelled

    with (
        pytest.raises(Cancelled),
        catalogue.filing.arrival(new_record(sha256=sha256_of(source)), source, stop),
    ):
        pytest.fail("unreachable")
    assert (catalogue.intents.list(), leftovers(catalogue)) == ([], [])


def test_a_missing_source(catalogue: Catalogue, new_record, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        bring_in(catalogue, new_record(), tmp_path / "nowhere")
    assert caught.value.code == "file.missing"


def test_a_move_takes_file_row_and_empty_folders(catalogue: Catalogue, stored: ImageRecord, source: Path) -> None:
    moved = refile(catalogue, stored, "9")
    assert catalogue.files.path_of(moved).read_bytes() == source.read_bytes()
    assert list(catalogue.files.files_on_disk()) == [moved.path]
    assert not (catalogue.paths.root / stored.directory).parent.exists()
    assert catalogue.images.get(stored.id) == moved
    assert moved.version == stored.version + 1
    assert catalogue.intents.list() == []


def test_a_move_never_replaces(catalogue: Catalogue, stored: ImageRecord, source: Path) -> None:
    source.write_bytes(b"another")
    other = replace(stored, id=str(uuid.uuid4()), sha256=sha256_of(source))
    there = refile(catalogue, bring_in(catalogue, other, source), "9")
    clash = refile(catalogue, replace(there, version=there.version), "8")
    assert clash.filename == there.filename
    blocked = catalogue.paths.root / image_directory(stored.patient_id or "", "9", ImageType.XRAY)
    blocked.mkdir(parents=True, exist_ok=True)
    (blocked / stored.filename).write_text("somebody else's")
    moved = refile(catalogue, stored, "9")
    assert moved.filename == next_name(stored.filename)
    assert (blocked / stored.filename).read_text() == "somebody else's"


def test_a_failed_move_changes_nothing(catalogue: Catalogue, stored: ImageRecord) -> None:
    after = replace(stored, directory=image_directory(stored.patient_id or "", "9", stored.image_type))
    with pytest.raises(KeyError), catalogue.filing.moving(stored, after) as placed, catalogue.write():  # noqa: PT012
        placed.write_rows()
        raise KeyError
    assert list(catalogue.files.files_on_disk()) == [stored.path]
    assert catalogue.images.get(stored.id) == stored
    assert catalogue.intents.list() == []


def test_a_move_of_something_changed_meanwhile_is_refused(catalogue: Catalogue, stored: ImageRecord) -> None:
    catalogue.images.update(replace(stored, caption="new", version=2))
    with pytest.raises(UserError) as caught:
        refile(catalogue, stored, "9")
    assert caught.value.code == "image.changed_elsewhere"
    assert list(catalogue.files.files_on_disk()) == [stored.path]


def test_moving_within_a_folder_changes_the_row_alone(catalogue: Catalogue, stored: ImageRecord) -> None:
    with catalogue.filing.moving(stored, replace(stored, teeth=("7", "8"))) as placed, catalogue.write():
        changed = placed.write_rows()
    assert (changed.path, changed.teeth, changed.version) == (stored.path, ("7", "8"), 2)
    assert catalogue.files.path_of(changed).is_file()


def test_a_move_of_a_lost_file_says_so(catalogue: Catalogue, stored: ImageRecord) -> None:
    catalogue.files.path_of(stored).unlink()
    with pytest.raises(EnvironmentFault) as caught:
        refile(catalogue, stored, "9")
    assert caught.value.code == "file.missing"
    assert catalogue.intents.list() == []
    assert catalogue.images.get(stored.id) == stored


def test_file_systems_without_hard_links(catalogue: Catalogue, new_record, source: Path, monkeypatch) -> None:
    def no_links(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    stored = bring_in(catalogue, new_record(sha256=sha256_of(source)), source)
    moved = refile(catalogue, stored, "9")
    assert sha256_of(catalogue.files.path_of(moved)) == stored.sha256
    assert (list(catalogue.files.files_on_disk()), leftovers(catalogue)) == ([moved.path], [])


@pytest.mark.parametrize("ending", ["found a name", "full disk"])
def test_without_hard_links_taken_names_cost_one_copy(
    catalogue: Catalogue, new_record, source: Path, monkeypatch, ending: str
) -> None:
    stored = bring_in(catalogue, new_record(sha256=sha256_of(source), filename="image-1.png"), source)
    blocked = catalogue.paths.root / image_directory(stored.patient_id or "", "9", ImageType.XRAY)
    blocked.mkdir(parents=True)
    for number in range(1, 6):
        (blocked / f"image-{number}.png").write_text("somebody else's")
    copies = []

    def no_links(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    def copy(*arguments: object) -> str:
        copies.append(arguments)
        return copy_durably(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", no_links)
    monkeypatch.setattr(image_store, "copy_durably", copy)
    if ending == "found a name":
        assert refile(catalogue, stored, "9").filename == "image-6.png"
    else:
        monkeypatch.setattr(image_store, "_CLASHES", 3)
        with pytest.raises(EnvironmentFault, match=r"disk\.failed"):
            refile(catalogue, stored, "9")
        assert catalogue.images.get(stored.id) == stored
    assert len(copies) == 1
    assert leftovers(catalogue) == []
    assert catalogue.intents.list() == []


def test_a_link_that_may_not_last_is_taken_back(catalogue: Catalogue, stored: ImageRecord, monkeypatch) -> None:
    def broken(_folder: Path) -> None:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(image_store, "fsync_directory", broken)
    with pytest.raises(EnvironmentFault, match=r"disk\.failed"):
        refile(catalogue, stored, "9")
    assert list(catalogue.files.files_on_disk()) == [stored.path]


def test_a_work_folder_that_cannot_be_is_said_in_our_words(catalogue: Catalogue, monkeypatch) -> None:
    def full(*_arguments: object, **_more: object) -> None:
        raise OSError(errno.ENOSPC, "no space")

    catalogue.owner.token()
    monkeypatch.setattr(os, "mkdir", full)
    with pytest.raises(EnvironmentFault, match=r"disk\.full"):
        catalogue.files.work_folder()


def test_threads_that_want_the_same_name_all_get_in(catalogue: Catalogue, new_record, source: Path) -> None:
    failures: list[Exception] = []

    def work(thread: int) -> None:
        try:
            for number in range(5):
                mine = source.with_name(f"{thread}-{number}.png")
                mine.write_bytes(mine.name.encode())
                bring_in(catalogue, new_record(sha256=sha256_of(mine), filename="image-1.png"), mine)
        except Exception as error:  # noqa: BLE001 - reported below
            failures.append(error)
        finally:
            catalogue.close_thread()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    rows = {record.path for record in catalogue.images.list()}
    assert rows == set(catalogue.files.files_on_disk())
    assert len(rows) == 20


def test_work_folders_are_private_and_cleared_by_the_next_start(catalogue: Catalogue) -> None:
    folder = catalogue.files.work_folder()
    (folder / "member.dcm").write_text("x")
    assert catalogue.recover("desk").leftovers == 0
    assert folder.is_dir()


def test_links_in_the_library_are_not_followed(catalogue: Catalogue, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.png").touch()
    (catalogue.paths.images / "link").symlink_to(outside)
    assert list(catalogue.files.files_on_disk()) == ["dental_images/link"]


def test_a_folder_that_cannot_be_read_does_not_hide_the_others(
    catalogue: Catalogue, stored: ImageRecord, monkeypatch
) -> None:
    real = os.scandir

    def refusing(folder: Path) -> object:
        if Path(folder) == catalogue.paths.images / "closed":
            raise PermissionError(errno.EACCES, "closed")
        return real(folder)

    (catalogue.paths.images / "closed").mkdir()
    monkeypatch.setattr(os, "scandir", refusing)
    assert list(catalogue.files.files_on_disk()) == [stored.path]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(directory=st.text(max_size=60), filename=st.text(max_size=60))
def test_no_recorded_path_leads_outside(tmp_path: Path, directory: str, filename: str) -> None:
    paths = LibraryPaths(tmp_path)
    store = image_store.ImageStore(paths, owner=None)  # type: ignore[arg-type]
    record = make_record(str(uuid.uuid4()), directory=directory, filename=filename)
    try:
        found = store.path_of(record)
    except (ValueError, OSError):
        return
    assert found.is_relative_to(tmp_path.resolve())


@pytest.mark.parametrize("path", ["../x", "dental_images/../../x", "/etc/passwd", "a/../../../x"])
def test_paths_that_lead_outside_are_refused(catalogue: Catalogue, path: str) -> None:
    with pytest.raises(ValueError, match="leaves"):
        catalogue.files.remove(path)
