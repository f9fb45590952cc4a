"""What only Google Drive does: names that are no keys, a bin, rates, an account that is ended; and what people see."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled, EnvironmentFault, TransientFault, UserError
from app.transfer.drive.endpoints import Endpoints
from app.transfer.stores.drive import DriveStore
from app.transfer.stores.drive_labels import Labels
from app.transfer.stores.retrying import RetryingStore
from app.transfer.stores.store import Store
from tests.drive_records import FOLDER, Fault
from tests.drive_stand_in import DriveStandIn
from tests.flaky_line import HOST, line_to
from tests.integration.stores.conftest import QUIET, Files, digest, drive_args

ALL = timedelta(seconds=-5)


Open = Callable[..., DriveStore]


@pytest.fixture
def at(google: DriveStandIn) -> Iterator[Open]:
    """Return what opens a store there, with some of its arguments changed."""
    with ExitStack() as opened:

        def open_it(**changed: Any) -> DriveStore:
            store = DriveStore(drive_args(google, **changed))
            opened.callback(store.close)
            return store

        yield open_it


@pytest.fixture
def drive(at: Open) -> DriveStore:
    return at(path="Clinic/mirror")


def code_of(store: Store, files: Files, name: str = "x.bin") -> str:
    with pytest.raises(EnvironmentFault) as caught:
        store.put(files.make(), name, QUIET)
    return caught.value.code


def names_of(store: Store) -> set[str]:
    return {entry.name for entry in store.list(recursive=True)}


def test_people_see_folders_and_pictures(google: DriveStandIn, at: Open, drive: DriveStore, files: Files) -> None:
    source = files.make()
    drive.put(source, "dental_images/p1/11/x-ray.jpg", QUIET)
    drive.put(source, "dental_images/p1/12/scan.dcm", QUIET)
    assert set(google.tree()) == {
        "Clinic/mirror/dental_images/p1/11/x-ray.jpg",
        "Clinic/mirror/dental_images/p1/12/scan.dcm",
    }
    kinds = {one.kind for one in google.files.values()}
    assert kinds == {FOLDER, "image/jpeg", "application/dicom"}
    # Other stores in the same account are other places.
    beside = at(path="Clinic/other")
    assert names_of(beside) == set()
    beside.put(source, "x.bin", QUIET)
    assert names_of(drive) == {"dental_images/p1/11/x-ray.jpg", "dental_images/p1/12/scan.dcm"}
    assert google.folders().count("Clinic") == 1


def test_consent_and_a_folder_are_asked_for(google: DriveStandIn) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        DriveStore(drive_args(google, allow_unsealed=False))
    assert caught.value.code == "store.unsealed_refused"
    with pytest.raises(UserError) as missing:
        DriveStore(drive_args(google, path="/"))
    assert missing.value.code == "store.no_address"
    assert "1//03" not in repr(drive_args(google))


def test_what_google_refuses(google: DriveStandIn, at: Open, drive: DriveStore, files: Files) -> None:
    told: list[str] = []
    wrong = at(refresh_token="wrong", on_revoked=lambda: told.append("revoked"))
    assert code_of(wrong, files) == "store.unauthorized"
    assert told == ["revoked"]
    drive.put(files.make(), "kept.bin", QUIET)
    refusals = {
        (403, "insufficientFilePermissions"): "store.forbidden",
        (403, "accessNotConfigured"): "store.forbidden",
        (403, "storageQuotaExceeded"): "store.full",
        (403, "numChildrenInNonRootLimitExceeded"): "store.full",
        (403, "userRateLimitExceeded"): "store.busy",
        (429, "rateLimitExceeded"): "store.busy",
        (503, "backendError"): "store.busy",
        (400, "badRequest"): "store.failed",
    }
    for (status, reason), code in refusals.items():
        google.faults = [Fault("POST", "/upload/", status, reason, retry_after="7")]
        assert code_of(drive, files) == code, reason
    google.limit = google.used() + 1000
    assert code_of(drive, files) == "store.full"
    assert names_of(drive) == {"kept.bin"}
    assert drive.check(QUIET).free_bytes == 1000
    assert drive.check(QUIET).warnings == ("store.little_space",)
    google.limit = None
    assert drive.check(QUIET).free_bytes is None
    drive.put(files.make(), "x.bin", QUIET)
    google.expire_access()
    assert drive.stat("x.bin") is not None
    google.revoke_all()
    assert code_of(drive, files) == "store.unauthorized"


def test_rates_are_kept_to(google: DriveStandIn, at: Open, files: Files) -> None:
    waited: list[float] = []

    class Patient(JobContext):
        def wait(self, seconds: float) -> None:
            waited.append(seconds)

    google.faults = [Fault("POST", "/upload/", 403, "userRateLimitExceeded", times=2, retry_after="9")]
    store = RetryingStore(at(), delay=lambda _tries: 0.5)
    store.put(files.make(), "x.bin", Patient())
    assert waited == [9.0, 9.0]


@pytest.mark.parametrize("tells_sha256", [True, False])
def test_what_arrived_altered_never_has_the_name(
    google: DriveStandIn, drive: DriveStore, files: Files, tmp_path: Path, tells_sha256: bool
) -> None:
    google.tells_sha256 = tells_sha256
    before = files.make()
    drive.put(before, "x.bin", QUIET)
    google.corrupt = 1
    with pytest.raises(TransientFault) as caught:
        drive.put(files.make(), "x.bin", QUIET)
    assert caught.value.code == "store.altered"
    drive.get("x.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(before)
    assert len(google.tree()) == 1
    # Nobody came to remove it: it is in no list, and swept.
    google.corrupt = 1
    google.faults = [Fault("DELETE", "/files/", 0)]
    with pytest.raises(TransientFault):
        drive.put(files.make(), "x.bin", QUIET)
    found = drive.stat("x.bin")
    assert found is not None
    assert found.digest is not None
    assert found.digest.value == (digest(before) if tells_sha256 else hashlib.md5(before.read_bytes()).hexdigest())
    assert [entry.size for entry in drive.list()] == [3000]
    assert drive.sweep(timedelta(hours=24)) == 0
    assert drive.sweep(ALL) == 1
    assert drive.sweep(ALL) == 0


def test_several_of_one_name_are_settled(google: DriveStandIn, drive: DriveStore, files: Files, tmp_path: Path) -> None:
    old, new = files.make(), files.make()
    drive.put(old, "a/x.bin", QUIET)
    # The one that was replaced stays, because the line broke before it was removed.
    google.faults = [Fault("DELETE", "/files/", 0)]
    with pytest.raises(TransientFault):
        drive.put(new, "a/x.bin", QUIET)
    assert len(google.tree()) == 1
    assert len([one for one in google.files.values() if one.kind != FOLDER]) == 2
    drive.get("a/x.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(new)
    assert names_of(drive) == {"a/x.bin"}
    # Whatever Google's clock says: it is the turn that counts.
    google.now = lambda: datetime.now(UTC) - timedelta(days=1)
    newest = files.make()
    google.faults = [Fault("DELETE", "/files/", 0)]
    with pytest.raises(TransientFault):
        drive.put(newest, "a/x.bin", QUIET)
    google.now = lambda: datetime.now(UTC)
    drive.get("a/x.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(newest)
    drive.put(files.make(), "a/y.bin", QUIET)
    drive.rename("a/x.bin", "a/y.bin")
    drive.get("a/y.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(newest)
    assert len(google.tree()) == 1
    # Deleted, none of the others comes to light, in whatever moment it is interrupted.
    google.faults = [Fault("DELETE", "/files/", 0)]
    with pytest.raises(TransientFault):
        drive.put(old, "a/y.bin", QUIET)
    google.faults = [Fault("DELETE", "/files/", 0, skip=1)]
    with pytest.raises(TransientFault):
        drive.delete("a/y.bin")
    drive.get("a/y.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(old)
    assert drive.delete("a/y.bin")
    assert not google.tree()


def test_many_write_one_name_at_once(google: DriveStandIn, at: Open, files: Files, tmp_path: Path) -> None:
    """Workstations that know nothing of each other: all of them come to the same end, and one file is left."""
    stores = [at(path="Clinic") for _number in range(4)]
    sources = [files.make() for _store in stores]
    together = threading.Barrier(len(stores))

    def write(number: int) -> None:
        together.wait()
        stores[number].put(sources[number], "a/b/c/x.bin", QUIET)

    with ThreadPoolExecutor(len(stores)) as threads:
        list(threads.map(write, range(len(stores))))
    seen = set()
    for number, store in enumerate(stores):
        store.get("a/b/c/x.bin", tmp_path / f"back-{number}", QUIET)
        seen.add(digest(tmp_path / f"back-{number}"))
    assert len(seen) == 1
    assert seen <= {digest(source) for source in sources}
    stores[0].sweep(ALL)
    assert len(google.tree()) == 1
    assert names_of(stores[1]) == {"a/b/c/x.bin"}


def test_an_access_token_that_ran_out_is_renewed_once(google: DriveStandIn, drive: DriveStore, files: Files) -> None:
    drive.put(files.make(), "x.bin", QUIET)
    google.expire_access()
    google.requests.clear()
    together, refused = threading.Barrier(6), google.knows

    def all_at_once(header: str) -> bool:
        # Nobody hears that it ran out before everybody has asked with it.
        is_known = refused(header)
        if not is_known:
            together.wait(5)
        return is_known

    google.knows = all_at_once  # type: ignore[method-assign]
    with ThreadPoolExecutor(6) as threads:
        assert all(threads.map(lambda _number: drive.stat("x.bin"), range(6)))
    assert [path for _method, path in google.requests].count("/token?") == 1


def test_folders_are_made_once(google: DriveStandIn, drive: DriveStore, files: Files) -> None:
    source = files.make(10)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: drive.put(source, f"a/{number % 3}/{number}.bin", QUIET), range(24)))
    assert google.folders() == ["0", "1", "2", "Clinic", "a", "mirror"]
    google.requests.clear()
    drive.put(source, "a/1/more.bin", QUIET)
    # Who has the name, where to send it, the bytes.
    assert [method for method, _path in google.requests] == ["GET", "POST", "PUT"]


@pytest.mark.parametrize("how", ["bin", "deleted"])
def test_a_folder_that_somebody_took_away(
    google: DriveStandIn, drive: DriveStore, files: Files, tmp_path: Path, how: str
) -> None:
    drive.put(files.make(), "a/b/gone.bin", QUIET)
    drive.put(files.make(), "c/kept.bin", QUIET)
    [folder] = [one for one in google.files.values() if one.name == "a"]
    if how == "bin":
        folder.trashed = True
    else:
        for name in ("a", "b", "gone.bin"):
            google.files = {key: one for key, one in google.files.items() if one.name != name}
    assert names_of(drive) == {"c/kept.bin"}
    assert drive.stat("a/b/gone.bin") is None
    source = files.make()
    drive.put(source, "a/b/new.bin", QUIET)
    drive.get("a/b/new.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(source)
    assert set(google.tree()) == {"Clinic/mirror/a/b/new.bin", "Clinic/mirror/c/kept.bin"}
    drive.put(source, "a/d/other.bin", QUIET)
    for one in google.files.values():
        one.trashed = one.trashed or one.name == "d"
    drive.rename("a/b/new.bin", "a/d/new.bin")
    assert names_of(drive) == {"a/d/new.bin", "c/kept.bin"}
    assert set(google.tree()) == {"Clinic/mirror/a/d/new.bin", "Clinic/mirror/c/kept.bin"}


def test_what_people_rename_and_move_is_found_still(
    google: DriveStandIn, drive: DriveStore, files: Files, tmp_path: Path
) -> None:
    source = files.make()
    drive.put(source, "a/x.bin", QUIET)
    for one in google.files.values():
        one.name = f"my {one.name}"
    assert names_of(drive) == {"a/x.bin"}
    drive.get("a/x.bin", tmp_path / "back", QUIET)
    drive.put(source, "a/y.bin", QUIET)
    assert set(google.tree()) == {"my Clinic/my mirror/my a/my x.bin", "my Clinic/my mirror/my a/y.bin"}


def test_pages(google: DriveStandIn, drive: DriveStore, files: Files) -> None:
    google.page_limit = 3
    wanted = {f"many/{number}/x.bin" for number in range(10)}
    for name in wanted:
        drive.put(files.make(1), name, QUIET)
    assert names_of(drive) == wanted
    assert {entry.name for entry in drive.list("many")} == {f"many/{number}" for number in range(10)}


@pytest.mark.parametrize("name", ["a" * 255, "ص" * 127, "/".join(["🦷" * 60] * 4), "e\u0301" * 80 + "/é.jpg"])
def test_long_names_are_written_in_pieces(drive: DriveStore, files: Files, name: str) -> None:
    drive.put(files.make(1), name, QUIET)
    assert names_of(drive) == {name}
    drive.rename(name, "short.bin")
    assert names_of(drive) == {"short.bin"}
    drive.rename("short.bin", name)
    assert names_of(drive) == {name}


def test_labels_tell_stores_kinds_and_places_apart() -> None:
    one, other = Labels("a"), Labels("a/b")
    keys = [one.to_file("b/c"), one.to_folder("b/c"), other.to_file("c"), other.to_folder("c"), one.to_root()]
    assert len({told["key"] for told in keys}) == len(keys)


def test_a_slow_server_and_cancelling(google: DriveStandIn, drive: DriveStore, files: Files) -> None:
    """A megabyte at a trickle arrives; cancelled in the middle of one, nothing does."""
    source, token = files.make(1 << 20), CancelToken()
    google.on_block = lambda _total: threading.Event().wait(0.02)
    drive.put(source, "slow.bin", QUIET)
    sent = 0

    def half(size: int) -> None:
        nonlocal sent
        sent += size
        if sent > 1 << 19:
            token.cancel()

    with pytest.raises(Cancelled):
        drive.put(source, "cancelled.bin", JobContext(token), half)
    assert names_of(drive) == {"slow.bin"}


def test_a_file_that_changes_while_it_is_sent(google: DriveStandIn, drive: DriveStore, files: Files) -> None:
    source = files.make(600_000)

    def change(_size: int) -> None:
        with source.open("r+b") as stream:
            stream.seek(590_000)
            stream.write(b"changed")

    with pytest.raises(TransientFault) as caught:
        drive.put(source, "x.bin", QUIET, change)
    assert caught.value.code == "store.altered"
    assert not google.tree()


def test_a_large_upload_goes_on_where_it_was_cut_off(google: DriveStandIn, at: Open, files: Files) -> None:
    source, seen = files.make(30 << 20), list[int]()
    with line_to((google.port,)) as line:
        behind = at(endpoints=Endpoints.at(f"http://{HOST}:{google.port}"))
        line.cut(20 << 20)
        store = RetryingStore(behind, delay=lambda _tries: 0.01)
        store.put(source, "a/x.bin", QUIET, seen.append)
        assert line.cuts == 1
    assert sum(seen) == 30 << 20
    # At most one piece went twice.
    assert google.chunk_bytes <= 38 << 20
    assert len(google.sessions) == 1
    [content] = google.tree().values()
    assert content == source.read_bytes()
    # Only the last answer is lost: what is there is not sent again.
    google.faults = [Fault("PUT", "upload_id", 0, after=True, skip=3)]
    google.chunk_bytes = 0
    seen.clear()
    RetryingStore(at(path="Clinic"), delay=lambda _tries: 0.01).put(source, "b.bin", QUIET, seen.append)
    assert google.chunk_bytes == sum(seen) == 30 << 20


def test_lists_that_lag_behind(google: DriveStandIn, drive: DriveStore, files: Files, tmp_path: Path) -> None:
    """Whoever wrote a file finds it, and nobody finds what is gone, while Google's lists know nothing of it yet."""
    old, new = files.make(), files.make()
    drive.put(old, "a/x.bin", QUIET)
    drive.put(old, "a/gone.bin", QUIET)
    # From here on lists stay as they are now.
    google.index = {key: replace(one) for key, one in google.files.items()}
    drive.check(QUIET)
    drive.put(new, "a/x.bin", QUIET)
    drive.get("a/x.bin", tmp_path / "back", QUIET)
    assert digest(tmp_path / "back") == digest(new)
    assert drive.delete("a/gone.bin")
    assert drive.stat("a/gone.bin") is None
    assert not drive.delete("a/gone.bin")
    drive.rename("a/x.bin", "b/y.bin")
    assert drive.stat("a/x.bin") is None
    drive.put(old, "b/z.bin", QUIET)
    assert names_of(drive) == {"b/y.bin", "b/z.bin"}
    assert {entry.name for entry in drive.list("b")} == {"b/y.bin", "b/z.bin"}
    assert [entry for entry in drive.list("a") if not entry.is_folder] == []
    drive.put(new, "b/z.bin", QUIET)
    assert len(google.tree()) == 2
    # What somebody else took away meanwhile is not there.
    google.files = {key: one for key, one in google.files.items() if one.name != "z.bin"}
    assert drive.stat("b/z.bin") is None
    assert names_of(drive) == {"b/y.bin"}
    assert drive.sweep(ALL) == 0
