"""Rules of the stores that need no server: names, fingerprints, what replies mean, when something is tried again."""

from __future__ import annotations

import ftplib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault, UserError
from app.transfer.stores.folder import FolderArgs, FolderStore
from app.transfer.stores.ftp_errors import fault_of
from app.transfer.stores.names import checked, is_part, part_name
from app.transfer.stores.retrying import RetryingStore, usual_delay_s
from app.transfer.stores.s3_errors import fault_of as fault_of_s3
from app.transfer.stores.store import OnBlock, Stat
from app.transfer.tls import fingerprint, parse_trust

QUIET = JobContext.silent()


def test_an_unfinished_upload_has_a_name_of_its_own_in_the_same_folder() -> None:
    names = {part_name("a/b/x.jpg") for _ in range(100)}
    assert len(names) == 100
    assert all(checked(name).startswith("a/b/bitewing-") and is_part(name) for name in names)
    assert is_part(part_name("x.jpg"))
    assert not any(is_part(name) for name in ("a/x.part", "bitewing-1.part", "bitewing.jpg"))
    # It fits where the name itself is as long as names may be.
    assert checked(part_name("l" * 255))


def test_fingerprints_are_read_as_people_write_them() -> None:
    shown = fingerprint(b"certificate")
    assert len(shown) == 95
    pins = {parse_trust(text).pin for text in (shown, shown.lower(), f"SHA256:{shown}", shown.replace(":", ""))}
    assert len(pins) == 1
    assert pins != {""}
    assert parse_trust("").pin == parse_trust("").ca == ""
    with pytest.raises(UserError):
        parse_trust(shown[:-2])


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        ("421 Too many connections", TransientFault, "store.busy"),
        ("426 Connection closed; transfer aborted", TransientFault, "store.cut_off"),
        ("450 Busy", TransientFault, "store.busy"),
        ("451 Failure writing to local file.", EnvironmentFault, "store.full"),
        ("452 Insufficient storage space", EnvironmentFault, "store.full"),
        ("530 Login incorrect.", EnvironmentFault, "store.unauthorized"),
        ("550 Permission denied", EnvironmentFault, "store.forbidden"),
        ("550 x: No space left on device", EnvironmentFault, "store.full"),
        ("552 Disk quota exceeded", EnvironmentFault, "store.full"),
        ("502 Unknown", EnvironmentFault, "store.failed"),
    ],
)
def test_replies(reply: str, kind: type[BitewingError], code: str) -> None:
    fault = fault_of(ftplib.error_temp(reply) if reply.startswith("4") else ftplib.error_perm(reply))
    assert (type(fault), fault.code) == (kind, code)


@pytest.mark.parametrize(
    ("code", "status", "wanted"),
    [
        ("SlowDown", 503, "store.busy"),
        ("Whatever", 500, "store.busy"),
        ("NoSuchBucket", 404, "store.missing"),
        ("NoSuchKey", 404, "store.not_there"),
        ("SignatureDoesNotMatch", 403, "store.unauthorized"),
        ("403", 403, "store.forbidden"),
        ("RequestTimeTooSkewed", 403, "store.clock"),
        ("BadDigest", 400, "store.altered"),
        ("QuotaExceeded", 403, "store.full"),
        ("SomethingNew", 400, "store.failed"),
    ],
)
def test_answers_of_s3(code: str, status: int, wanted: str) -> None:
    told = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    assert fault_of_s3(told).code == wanted


class Unlucky(FolderStore):
    """A folder whose calls fail as often as it is told, some after the work was done."""

    def __init__(self, folder: Path, faults: list[BitewingError], *, after: bool = False) -> None:
        super().__init__(FolderArgs(folder))
        self.faults, self.after, self.calls = iter(faults), after, 0

    def _fail(self) -> None:
        self.calls += 1
        for fault in self.faults:
            raise fault

    def put(self, source: Path, name: str, ctx: JobContext, on_block: OnBlock | None = None) -> Stat:
        if not self.after:
            self._fail()
        done = super().put(source, name, ctx, on_block)
        if self.after:
            self._fail()
        return done

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._fail()

    def delete(self, name: str) -> bool:
        done = super().delete(name)
        self._fail()
        return done


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"1234567890")
    return path


@pytest.fixture
def base(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "base"
    folder.mkdir()
    return folder


def retrying(store: FolderStore, waits: list[int], **more: Any) -> RetryingStore:
    def delay(tries: int) -> float:
        waits.append(tries)
        return 0.0

    return RetryingStore(store, delay=delay, **more)


def test_what_passes_is_tried_again_and_counted_once(source: Path, base: Path) -> None:
    waits, seen = list[int](), list[int]()
    store = Unlucky(base, [TransientFault("store.cut_off") for _ in range(4)], after=True)
    assert retrying(store, waits).put(source, "x", QUIET, seen.append).size == 10
    assert (store.calls, waits, sum(seen)) == (5, [1, 2, 3, 4], 10)


def test_there_is_an_end_to_it(source: Path, base: Path) -> None:
    waits = list[int]()
    store = Unlucky(base, [TransientFault("store.slow") for _ in range(9)])
    with pytest.raises(TransientFault):
        retrying(store, waits).put(source, "x", QUIET)
    assert (store.calls, len(waits)) == (5, 4)


@pytest.mark.parametrize("code", ["store.unauthorized", "store.full", "store.certificate", "store.host_key_changed"])
def test_what_does_not_pass_fails_at_once(source: Path, base: Path, code: str) -> None:
    waits = list[int]()
    store = Unlucky(base, [EnvironmentFault(code)])
    with pytest.raises(EnvironmentFault):
        retrying(store, waits).put(source, "x", QUIET)
    assert (store.calls, waits) == (1, [])


def test_answers_that_were_lost_are_no_faults(source: Path, base: Path) -> None:
    waits = list[int]()
    store = Unlucky(base, [TransientFault("store.cut_off"), TransientFault("store.cut_off")])
    FolderStore(FolderArgs(base)).put(source, "x", QUIET)
    tried = retrying(store, waits)
    tried.rename("x", "y")
    assert (base / "y").read_bytes() == b"1234567890"
    store.faults = iter([TransientFault("store.cut_off")])
    assert tried.delete("y")
    assert not tried.delete("y")
    with pytest.raises(EnvironmentFault) as caught:
        tried.rename("gone", "z")
    assert caught.value.code == "store.not_there"


def test_another_drive_is_said_at_once(source: Path, base: Path) -> None:
    waits: list[int] = []
    store = Unlucky(base, [TransientFault("store.other_drive")])
    with pytest.raises(TransientFault) as caught:
        retrying(store, waits).put(source, "x", QUIET)
    assert (caught.value.code, store.calls, waits) == ("store.other_drive", 1, [])


def test_cancelling_ends_the_wait(source: Path, base: Path) -> None:
    token = CancelToken()
    store = Unlucky(base, [TransientFault("store.busy", 600.0)])

    def cancel(_tries: int) -> float:
        token.cancel()
        return 600.0

    with pytest.raises(Cancelled):
        RetryingStore(store, delay=cancel).put(source, "x", JobContext(token))
    assert store.calls == 1


def test_waits_grow() -> None:
    assert all(1.0 <= usual_delay_s(tries) <= 2.0**tries for tries in range(1, 6))


def test_a_token_forgets_what_has_ended() -> None:
    token, called = CancelToken(), list[str]()
    for _ in range(1000):
        with token.calling(lambda: called.append("ended")):
            assert called == []
    with token.calling(lambda: called.append("running")):
        token.cancel()
    assert called == ["running"]
    with token.calling(lambda: called.append("late")):
        assert called == ["running", "late"]
