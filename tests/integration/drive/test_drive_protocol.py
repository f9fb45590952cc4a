"""The Drive protocol against the stand-in: signing in, chunks, sessions, checksums, and every fault of Google's."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, EnvironmentFault, TransientFault, UserError
from app.transfer.drive import uploading
from app.transfer.drive.drive import Drive
from app.transfer.drive.endpoints import Endpoints
from app.transfer.drive.line import Client
from app.transfer.drive.oauth import Pages, sign_in
from app.transfer.drive.remote import RemoteFile
from app.transfer.drive.uploading import CHUNK_BYTES, Outgoing
from tests.drive_stand_in import CLIENT_ID, CLIENT_SECRET, DriveStandIn, Fault, drive_stand_in

QUIET = JobContext.silent()
CLIENT = Client(CLIENT_ID, CLIENT_SECRET)
PAGES = Pages("done <b>", "denied")


@pytest.fixture
def google() -> Iterator[DriveStandIn]:
    with drive_stand_in() as server:
        yield server


@pytest.fixture
def drive(google: DriveStandIn) -> Iterator[Drive]:
    token = sign_in(google.endpoints, CLIENT, browse, PAGES, QUIET)
    with closing(Drive(google.endpoints, CLIENT, token, lambda _tries: 0.0)) as opened:
        yield opened


def browse(address: str) -> None:
    answer = httpx.get(address, follow_redirects=True)
    assert answer.status_code == 200
    assert "done &lt;b&gt;" in answer.text or "denied" in answer.text


class Sent:
    """One file to send, and how its upload went."""

    def __init__(self, path: Path, size: int) -> None:
        path.write_bytes(os.urandom(size))
        data = path.read_bytes()
        self.path, self.size = path, size
        self.sha256, self.md5 = hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest()
        self.sessions: list[str] = []
        self.seen: list[int] = []

    def outgoing(self) -> Outgoing:
        return Outgoing(self.path, self.size, {"name": self.path.name, "appProperties": {"backup_id": "b1"}})

    def upload(self, drive: Drive, session: str = "", ctx: JobContext = QUIET) -> RemoteFile:
        return drive.upload(
            self.outgoing(),
            session,
            lambda: next(iter(drive.list({"backup_id": "b1"}, ctx)), None),
            ctx,
            self.sessions.append,
            self.seen.append,
        )


@pytest.fixture
def sent(tmp_path: Path) -> Sent:
    return Sent(tmp_path / "b.zip", 2 * CHUNK_BYTES + 123_457)


def test_signing_in_asks_for_the_least_and_proves_itself(google: DriveStandIn) -> None:
    token = sign_in(google.endpoints, CLIENT, browse, PAGES, QUIET)
    assert google.refresh[token] is not None
    # The stand-in refuses a request without PKCE, state, loopback address or the narrow scope.
    assert ("POST", "/token?") in google.requests


def test_a_wrong_verifier_gets_no_token(google: DriveStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    real = google.token
    monkeypatch.setattr(google, "token", lambda form: real({**form, "code_verifier": "x" * 60}))
    with pytest.raises(EnvironmentFault, match=r"drive\.revoked"):
        sign_in(google.endpoints, CLIENT, browse, PAGES, QUIET)


def test_saying_no_and_unticking_and_a_wrong_client_are_said(google: DriveStandIn) -> None:
    google.consent = "deny"
    with pytest.raises(UserError, match=r"drive\.denied"):
        sign_in(google.endpoints, CLIENT, browse, PAGES, QUIET)
    google.consent, google.grants = "allow", "openid"
    with pytest.raises(UserError, match=r"drive\.scope_missing"):
        sign_in(google.endpoints, CLIENT, browse, PAGES, QUIET)
    with pytest.raises(UserError, match=r"drive\.bad_client"):
        sign_in(google.endpoints, Client(CLIENT_ID, "wrong"), browse, PAGES, QUIET)


def test_somebody_else_knocking_is_not_the_answer_and_waiting_can_be_stopped(google: DriveStandIn) -> None:
    token = CancelToken()

    def knock(address: str) -> None:
        back = httpx.URL(address).params["redirect_uri"]
        assert httpx.get(f"{back}?code=stolen&state=guessed").status_code == 404
        token.cancel()

    with pytest.raises(Cancelled):
        sign_in(google.endpoints, CLIENT, knock, PAGES, JobContext(token))
    assert not any(path.startswith("/token") for _method, path in google.requests)


def test_a_file_goes_up_in_chunks_and_comes_back(
    google: DriveStandIn, drive: Drive, sent: Sent, tmp_path: Path
) -> None:
    remote = sent.upload(drive)
    assert remote.is_whole(sent.size, sent.sha256, sent.md5)
    assert [end - start for start, end in google.chunks] == [CHUNK_BYTES, CHUNK_BYTES, 123_457]
    assert len(sent.sessions) == 1
    assert sent.seen[-1] == sent.size
    target = tmp_path / "back.zip"
    drive.download(remote, target, sent.sha256, sent.md5, QUIET, lambda _done: None)
    assert target.read_bytes() == sent.path.read_bytes()
    assert drive.delete(remote.id, QUIET)
    assert not drive.delete(remote.id, QUIET)


FAULTS = {
    "503 before a chunk": Fault("PUT", "upload_id", 503, times=2, retry_after="0"),
    "500 after a chunk": Fault("PUT", "upload_id", 500, after=True, retry_after="0"),
    "rate limit": Fault("PUT", "upload_id", 403, "rateLimitExceeded", times=2, skip=1, retry_after="0"),
    "429": Fault("POST", "uploadType", 429, retry_after="0.1"),
    "cut before": Fault("PUT", "upload_id", 0, skip=1),
    "cut after the last": Fault("PUT", "upload_id", 0, skip=2, after=True),
    "token refused": Fault("PUT", "upload_id", 401, skip=1),
    "token endpoint": Fault("POST", "^/token", 503, skip=1, retry_after="0"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_passes_by_itself_is_gone_through_without_sending_twice(
    google: DriveStandIn, drive: Drive, sent: Sent, name: str
) -> None:
    fault = FAULTS[name]
    google.faults.append(Fault(**vars(fault)))
    google.expire_access()
    remote = sent.upload(drive)
    assert google.faults[0].times == 0 or name == "token endpoint"
    assert remote.is_whole(sent.size, sent.sha256, sent.md5)
    assert len(google.backups()) == 1
    assert google.chunk_bytes <= sent.size + CHUNK_BYTES


def test_a_session_that_is_gone_begins_anew_once(google: DriveStandIn, drive: Drive, sent: Sent) -> None:
    google.faults.append(Fault("PUT", "upload_id", 503, times=20, skip=1, retry_after="0"))
    with pytest.raises(TransientFault, match=r"drive\.busy"):
        sent.upload(drive)
    google.faults.clear()
    google.sessions.clear()
    remote = sent.upload(drive, sent.sessions[-1])
    assert remote.is_whole(sent.size, sent.sha256, sent.md5)
    assert len(sent.sessions) == 2


def test_a_session_gone_after_the_last_byte_finds_its_file(google: DriveStandIn, drive: Drive, sent: Sent) -> None:
    first = sent.upload(drive)
    google.sessions.clear()
    assert sent.upload(drive, sent.sessions[0]).id == first.id
    assert len(google.backups()) == 1


def test_a_session_elsewhere_is_not_followed(drive: Drive, sent: Sent) -> None:
    with pytest.raises(EnvironmentFault, match=r"drive\.not_drive"):
        sent.upload(drive, "https://elsewhere.example.org/upload")


REFUSALS = {
    "drive.full": Fault("PUT", "upload_id", 403, "storageQuotaExceeded", times=9),
    "drive.forbidden": Fault("POST", "uploadType", 403, "insufficientFilePermissions", times=9),
    "drive.api_disabled": Fault("POST", "uploadType", 403, "accessNotConfigured", times=9),
    "drive.revoked": Fault("POST", "uploadType", 401, "authError", times=9),
    "drive.failed": Fault("POST", "uploadType", 418, times=9),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_what_does_not_pass_is_said_at_once(google: DriveStandIn, drive: Drive, sent: Sent, code: str) -> None:
    google.faults.append(REFUSALS[code])
    with pytest.raises(BitewingError) as caught:
        sent.upload(drive)
    assert caught.value.code == code
    assert not isinstance(caught.value, TransientFault)
    assert sum("upload" in path for _method, path in google.requests) <= 2


def test_a_token_that_was_taken_back_asks_once(google: DriveStandIn, drive: Drive) -> None:
    google.revoke_all()
    before = len(google.requests)
    with pytest.raises(EnvironmentFault, match=r"drive\.revoked"):
        drive.account(QUIET)
    assert len(google.requests) - before == 1


def test_a_testing_token_dies_after_seven_days(google: DriveStandIn, drive: Drive) -> None:
    google.is_testing = True
    real = google.now
    google.now = lambda: real() + timedelta(days=6)
    assert drive.account(QUIET).email == "clinic@example.org"
    google.now = lambda: real() + timedelta(days=8)
    google.expire_access()
    with pytest.raises(EnvironmentFault, match=r"drive\.revoked"):
        drive.account(QUIET)


def test_lists_come_page_by_page_and_names_are_only_values(google: DriveStandIn, drive: Drive) -> None:
    google.page_limit = 2
    for number in range(5):
        google.add(f"{number}.zip", b"x", {"library_id": "o'clock \\"})
    google.add("other.zip", b"x", {"library_id": "o"})
    assert len(list(drive.list({"library_id": "o'clock \\"}, QUIET))) == 5
    folder = drive.folder("Dr O'Hara \\ clinic", QUIET)
    assert drive.folder("Dr O'Hara \\ clinic", QUIET) == folder


def test_a_broken_download_goes_on_and_a_changed_one_is_refused(
    google: DriveStandIn, drive: Drive, sent: Sent, tmp_path: Path
) -> None:
    remote, target = sent.upload(drive), tmp_path / "back.zip"
    google.faults.append(Fault("GET", "alt=media", 0, after=True, times=2))
    drive.download(remote, target, sent.sha256, sent.md5, QUIET, lambda _done: None)
    assert target.read_bytes() == sent.path.read_bytes()
    assert sum("alt=media" in path for _method, path in google.requests) == 3
    target.unlink()
    content = bytearray(google.files[remote.id].content)
    content[5] ^= 1
    google.files[remote.id].content = bytes(content)
    with pytest.raises(EnvironmentFault, match=r"drive\.altered"):
        drive.download(remote, target, sent.sha256, sent.md5, QUIET, lambda _done: None)
    assert not target.exists()
    assert not target.with_name("back.zip.part").exists()


def test_without_sha256_the_md5_counts_and_without_both_nothing_does() -> None:
    def remote(**more: str) -> RemoteFile:
        return RemoteFile("1", "a", 3, datetime.now(UTC), **more)

    assert remote(md5="AB").is_whole(3, "x", "ab")
    assert not remote(md5="ab", sha256="y").is_whole(3, "x", "ab")
    assert not remote().is_whole(3, "", "")
    assert not remote(md5="ab").is_whole(4, "x", "ab")


def test_cancelling_ends_a_chunk(google: DriveStandIn, drive: Drive, sent: Sent) -> None:
    token = CancelToken()
    google.on_chunk = lambda number: token.cancel() if number == 1 else None
    with pytest.raises(Cancelled):
        sent.upload(drive, ctx=JobContext(token))
    assert len(google.chunks) == 1
    assert sent.upload(drive, sent.sessions[0]).is_whole(sent.size, sent.sha256, sent.md5)
    assert google.chunk_bytes == sent.size


def test_nobody_there_is_transient(sent: Sent) -> None:
    with (
        closing(Drive(Endpoints.at("http://127.0.0.1:1"), CLIENT, "t", lambda _tries: 0.0)) as drive,
        pytest.raises(TransientFault, match=r"drive\.unreachable"),
    ):
        drive.account(QUIET)
    assert repr(CLIENT) == "Client(…)"
    assert uploading.CHUNK_BYTES % (256 << 10) == 0
