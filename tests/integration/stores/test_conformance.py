"""What every kind of store must do alike, on real servers (the suite restic and rclone run on their backends)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault
from app.transfer.stores.store import Store
from tests.integration.stores.conftest import QUIET, Files, Place, digest

NAMES = [
    "plain.jpg",
    "a/b/c/deep.dcm",
    "clinical-images/3f2b/3f2b_x-ray_1731928374123_0a1b2c3d.jpg",
    "with space/and (brackets) & 100%#?;'quotes'+plus=~.jpg",
    "-starts-with-a-dash.jpg",
    "*.jpg",
    "[1]/a?.jpg",
    "يوسف/صورة الأسنان.jpg",
    "Zoë/ﬁligree-e\u0301-\u00e9-日本-🦷.png",
    "l" * 200 + ".jpg",
    "ص" * 120 + ".jpg",
]
ESCAPES = [
    "",
    ".",
    "..",
    "../a",
    "a/../../b",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "a\\..\\b",
    "C:/a",
    "a\r\nDELE b",
    "a\0b",
]
ESCAPES += ["x" * 300, "a/", "trailing.", "\ud800"]


def names_of(store: Store, folder: str = "") -> set[str]:
    return {entry.name for entry in store.list(folder, recursive=True)}


@pytest.mark.parametrize("name", NAMES)
def test_what_goes_there_comes_back(store: Store, files: Files, tmp_path: Path, name: str) -> None:
    source, back = files.make(), tmp_path / "back"
    told = store.put(source, name, QUIET)
    assert (told.name, told.size) == (name, 3000)
    found = store.stat(name)
    assert found is not None
    assert (found.name, found.size) == (name, 3000)
    if found.modified is not None:
        assert abs(found.modified - datetime.now(UTC)) < timedelta(minutes=5)
    if store.capabilities.has_hash:
        assert found.digest is not None
        assert found.digest.value == digest(source)
    fetched = store.get(name, back, QUIET)
    assert fetched.size == 3000
    assert digest(back) == digest(source)
    assert names_of(store) == {name}
    assert [entry.size for entry in store.list(recursive=True)] == [3000]


@pytest.mark.parametrize("size", [0, 1, 256 << 10, (256 << 10) + 1, 20 << 20])
def test_sizes(store: Store, files: Files, tmp_path: Path, size: int) -> None:
    source, back = files.make(size), tmp_path / "back"
    seen: list[int] = []
    assert store.put(source, "a/file.bin", QUIET, seen.append).size == size
    assert sum(seen) == size
    seen.clear()
    assert store.get("a/file.bin", back, QUIET, seen.append).size == size
    assert sum(seen) == size
    assert digest(back) == digest(source)


def test_a_large_file_does_not_live_in_memory(store: Store, files: Files, tmp_path: Path) -> None:
    source, back = files.make(64 << 20), tmp_path / "back"
    store.put(source, "large.bin", QUIET)
    store.get("large.bin", back, QUIET)
    assert digest(back) == digest(source)


def test_replace_and_rename(store: Store, files: Files, tmp_path: Path) -> None:
    first, second, back = files.make(5000), files.make(10), tmp_path / "back"
    store.put(first, "a/x.bin", QUIET)
    store.put(second, "a/x.bin", QUIET)
    store.get("a/x.bin", back, QUIET)
    assert digest(back) == digest(second)
    store.put(first, "a/y.bin", QUIET)
    store.rename("a/x.bin", "new folder/z.bin")
    assert names_of(store) == {"a/y.bin", "new folder/z.bin"}
    store.rename("new folder/z.bin", "a/y.bin")
    store.get("a/y.bin", back, QUIET)
    assert digest(back) == digest(second)
    assert names_of(store) == {"a/y.bin"}
    with pytest.raises(EnvironmentFault) as caught:
        store.rename("a/gone.bin", "a/y.bin")
    assert caught.value.code == "store.not_there"
    assert names_of(store) == {"a/y.bin"}


def test_what_is_not_there(store: Store, files: Files, tmp_path: Path) -> None:
    back = tmp_path / "back"
    back.write_text("mine")
    store.put(files.make(), "a/here.bin", QUIET)
    for name in ("gone.bin", "a/gone.bin", "nowhere/gone.bin", "a"):
        assert store.stat(name) is None
        with pytest.raises(EnvironmentFault) as caught:
            store.get(name, back, QUIET)
        assert caught.value.code in {"store.not_there", "store.bad_name"}
    assert not store.delete("a/gone.bin")
    assert not store.delete("nowhere/gone.bin")
    assert list(store.list("nowhere")) == []
    assert list(store.list("nowhere", recursive=True)) == []
    assert back.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".part") == []
    assert store.delete("a/here.bin")
    assert store.stat("a/here.bin") is None
    assert not store.delete("a/here.bin")


def test_listings(store: Store, files: Files) -> None:
    wanted = {"top.bin", "a/one.bin", "a/two.bin", "a/b/three.bin", "a/b/c/d/four.bin", "عيادة/صورة.bin"}
    for name in wanted:
        store.put(files.make(7), name, QUIET)
    assert names_of(store) == wanted
    assert names_of(store, "a") == {name for name in wanted if name.startswith("a/")}
    flat = {(entry.name, entry.is_folder) for entry in store.list()}
    assert flat == {("top.bin", False), ("a", True), ("عيادة", True)}
    assert {(entry.name, entry.is_folder) for entry in store.list("a")} == {
        ("a/one.bin", False),
        ("a/two.bin", False),
        ("a/b", True),
    }
    assert all(entry.size == 7 for entry in store.list(recursive=True))


def test_a_long_listing(store: Store, files: Files) -> None:
    source = files.make(1)
    wanted = {f"many/{number:05}.bin" for number in range(1100)}
    for name in wanted:
        store.put(source, name, QUIET)
    assert names_of(store, "many") == wanted


@pytest.mark.parametrize("name", ESCAPES)
def test_names_that_would_escape_are_refused(store: Store, files: Files, tmp_path: Path, name: str) -> None:
    source = files.make()
    store.put(source, "kept.bin", QUIET)
    uses = [
        lambda: store.put(source, name, QUIET),
        lambda: store.get(name, tmp_path / "back", QUIET),
        lambda: store.stat(name),
        lambda: store.delete(name),
        lambda: store.rename("kept.bin", name),
        lambda: store.rename(name, "kept.bin"),
    ]
    if name and not name.endswith("/"):
        uses.append(lambda: list(store.list(name)))
    for use in uses:
        with pytest.raises(EnvironmentFault) as caught:
            use()
        assert caught.value.code == "store.bad_name"
    assert names_of(store) == {"kept.bin"}
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("there_before", [False, True])
def test_a_cancelled_upload_leaves_nothing_under_the_name(
    store: Store, files: Files, tmp_path: Path, there_before: bool
) -> None:
    before, source, back = files.make(100), files.make(12 << 20), tmp_path / "back"
    if there_before:
        store.put(before, "a/x.bin", QUIET)
    token, sent = CancelToken(), 0

    def half(size: int) -> None:
        nonlocal sent
        sent += size
        if sent > 6 << 20:
            token.cancel()

    with pytest.raises(Cancelled):
        store.put(source, "a/x.bin", JobContext(token), half)
    assert sent < 12 << 20
    if there_before:
        store.get("a/x.bin", back, QUIET)
        assert digest(back) == digest(before)
    else:
        assert store.stat("a/x.bin") is None
    assert names_of(store) == ({"a/x.bin"} if there_before else set())
    store.put(source, "a/x.bin", QUIET)
    store.get("a/x.bin", back, QUIET)
    assert digest(back) == digest(source)


def test_a_cancelled_download_leaves_the_target_as_it_was(store: Store, files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "fetched"
    folder.mkdir()
    back = folder / "back"
    back.write_text("mine")
    store.put(files.make(8 << 20), "x.bin", QUIET)
    token = CancelToken()
    with pytest.raises(Cancelled):
        store.get("x.bin", back, JobContext(token), lambda _size: token.cancel())
    assert [path.name for path in folder.iterdir()] == ["back"]
    assert back.read_text() == "mine"
    assert store.get("x.bin", back, QUIET).size == 8 << 20


def test_a_source_that_cannot_be_read(store: Store, tmp_path: Path) -> None:
    with pytest.raises(BitewingError) as caught:
        store.put(tmp_path / "gone", "x.bin", QUIET)
    assert caught.value.code == "file.missing"
    assert names_of(store) == set()


def test_a_target_that_cannot_be_written(store: Store, files: Files, tmp_path: Path) -> None:
    store.put(files.make(), "x.bin", QUIET)
    with pytest.raises(BitewingError) as caught:
        store.get("x.bin", tmp_path / "no" / "folder", QUIET)
    assert caught.value.code == "disk.failed"
    assert store.stat("x.bin") is not None


def test_check_leaves_nothing_behind(place: Place, store: Store) -> None:
    store.probe()
    told = store.check(QUIET)
    assert told.kind == place.kind
    if store.capabilities.free_space:
        assert told.free_bytes is not None
        assert told.free_bytes > 0
    assert names_of(store) == set()


def test_a_closed_store_opens_again(store: Store, files: Files) -> None:
    store.put(files.make(), "x.bin", QUIET)
    store.close()
    assert store.stat("x.bin") is not None
    store.close()
    store.close()
