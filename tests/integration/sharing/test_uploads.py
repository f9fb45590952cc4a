"""Links to send by: what comes by them waits in the inbox, whatever it says it is; strangers' rubbish is deleted."""

from __future__ import annotations

import io
import json
import re
import time
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock
from urllib.parse import urlsplit

import httpx
import pytest
import pyzipper

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault
from app.domain.image import Placement
from app.domain.patient import PatientDraft
from app.domain.sharing import ShareEnd, ShareKind, ShareState
from app.services.sharing.collecting import Collecting
from app.services.sharing.model import ShareWish
from app.services.sharing.pacing import Pacing
from app.sync.report import ImportItem, ItemStatus
from app.transfer.stores.s3_bucket import S3Bucket
from app.transfer.stores.s3_client import S3Args
from tests import planted
from tests.integration.sharing.conftest import left_there
from tests.signed_front import SignedFront
from tests.store_servers import S3Server

QUIET = JobContext.silent()


@dataclass
class Link:
    """A link to send by."""

    id: str
    url: str
    fields: dict[str, str]
    page: str

    def send(self, body: bytes, name: str | None = None) -> int:
        """Send a file as the page does, under a new name; return the answer's status."""
        fields = {**self.fields, "key": self.fields["key"].replace("${filename}", name or uuid.uuid4().hex)}
        return httpx.post(self.url, data=fields, files={"file": ("file", body)}).status_code


def invited(library: Library, seconds: int = 3600) -> Link:
    shared = library.sharing.invite(library.owner(), ShareWish(seconds, "case 7"), QUIET)
    assert shared.share.kind is ShareKind.UPLOAD
    kept = library.sharing.get(library.owner(), shared.share.id)
    assert (kept.url, kept.fields, kept.page) == (shared.url, shared.fields, shared.page)
    assert shared.url
    assert shared.fields
    assert shared.page
    return Link(shared.share.id, shared.url, shared.fields, shared.page)


@pytest.fixture
def link(library: Library) -> Link:
    return invited(library)


def files_there(s3: S3Server, prefix: str) -> list[str]:
    """Return what lies there beside the page."""
    return [name for name in left_there(s3, prefix) if not name.endswith("/page.html")]


def zipped(*files: Path) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for path in files:
            archive.write(path, path.name)
    return written.getvalue()


def test_what_is_sent_waits_in_the_inbox_and_is_deleted_there(
    library: Library, link: Link, s3: S3Server, prefix: str, tmp_path: Path
) -> None:
    actor = library.owner()
    # A patient of this very identity: still nothing gets there by itself.
    library.patients.add(actor, PatientDraft(planted.word(0), "", planted.word(2)))
    dicom, jpeg = tmp_path / "a.dcm", tmp_path / "b.jpg"
    planted.planted_dicom(dicom)
    planted.planted_jpeg(jpeg)
    assert library.share_keeping.round(actor, QUIET).received == 0
    assert link.send(dicom.read_bytes()) == 204
    assert library.share_keeping.round(actor, QUIET).received == 1
    assert files_there(s3, prefix) == []
    # The link goes on; a zip of several is as good.
    assert link.send(zipped(jpeg, dicom)) == 204
    assert library.share_keeping.round(actor, QUIET).received == 2
    waiting = library.inbox.list(actor)
    assert [record.placement for record in waiting] == [Placement.INBOX] * 2
    assert {record.reason for record in waiting} == {"inbox.by_link"}
    assert sorted(record.mime_type for record in waiting) == ["application/dicom", "image/jpeg"]
    share = library.sharing.get(actor, link.id).share
    assert sorted(share.image_ids) == sorted(record.id for record in waiting)
    assert (share.case_reference, share.state) == ("case 7", ShareState.LIVE)
    assert [one.share.id for one in library.sharing.list(actor, "case 7")] == [link.id]
    assert library.sharing.list(actor, "case 8") == []
    assert share.object_name not in str(library.settings.list(actor))


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"no image at all", "share.upload_no_image"),
        (zipped(), "share.upload_no_image"),
        (b"\xff\xd8\xff\xe0 broken", "share.upload_kept_aside"),
    ],
)
def test_what_holds_no_image_is_no_image(
    library: Library, link: Link, s3: S3Server, prefix: str, sent: bytes, code: str
) -> None:
    assert link.send(sent) == 204
    report = library.share_keeping.round(library.owner(), QUIET)
    assert (report.received, report.refused) == (0, 1)
    assert files_there(s3, prefix) == []
    assert library.inbox.list(library.owner()) == []
    assert library.events.list(library.owner())[0].code == code


def test_what_is_too_large_is_not_even_fetched(
    library: Library,
    link: Link,
    s3: S3Server,
    prefix: str,
    front: SignedFront,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert link.send(bytes(2000)) == 204
    monkeypatch.setattr("app.services.sharing.collecting.UPLOAD_BYTES", 1000)
    library.share_sweeping.sweep_if_due(library.owner(), datetime.now(UTC), QUIET)
    front.asked.clear()
    assert library.share_keeping.round(library.owner(), QUIET).refused == 1
    assert [one.partition(" ")[0] for one in front.asked] == ["GET", "HEAD", "DELETE"]
    assert files_there(s3, prefix) == []


def test_a_revoked_link_to_send_by_lets_nothing_in(
    library: Library, link: Link, s3: S3Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    planted.planted_png(tmp_path / "a.png")
    link.send((tmp_path / "a.png").read_bytes())
    share = library.sharing.revoke(actor, link.id, QUIET)
    # Its sender was told that it was sent.
    (before,) = library.inbox.list(actor)
    assert share.image_ids == (before.id,)
    assert left_there(s3, prefix) == []
    # Nobody can take it back: until it would have expired, it is watched.
    assert (share.state, share.code) == (ShareState.ENDING, "share.until_expiry")
    planted.planted_jpeg(tmp_path / "b.jpg")
    # The storage says by the second when something came.
    time.sleep(1.0)
    link.send((tmp_path / "b.jpg").read_bytes())
    library.share_keeping.round(actor, QUIET)
    assert left_there(s3, prefix) == []
    assert [record.id for record in library.inbox.list(actor)] == [before.id]
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: share.expires_at + timedelta(seconds=1))
    library.share_keeping.round(actor, QUIET)
    assert library.sharing.get(actor, link.id).share.state is ShareState.ENDING
    at(monkeypatch, share.expires_at + timedelta(hours=1))
    library.share_keeping.round(actor, QUIET)
    assert library.sharing.get(actor, link.id).share.state is ShareState.ENDED


def at(monkeypatch: pytest.MonkeyPatch, when: datetime) -> None:
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: when)


def test_what_comes_late_is_not_lost(
    library: Library, link: Link, s3: S3Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    planted.planted_jpeg(tmp_path / "a.jpg")
    planted.planted_png(tmp_path / "b.png")
    link.send((tmp_path / "a.jpg").read_bytes())
    expires_at = library.sharing.get(actor, link.id).share.expires_at
    at(monkeypatch, expires_at)
    report = library.share_keeping.round(actor, QUIET)
    assert (report.received, report.ended) == (1, 0)
    assert left_there(s3, prefix) == []
    share = library.sharing.get(actor, link.id).share
    assert (share.state, share.ending, share.code) == (ShareState.ENDING, ShareEnd.EXPIRED, "share.last_arrivals")
    # It began before the link expired, and its sender was told that it was sent.
    link.send((tmp_path / "b.png").read_bytes())
    at(monkeypatch, expires_at + timedelta(hours=1))
    report = library.share_keeping.round(actor, QUIET)
    assert (report.received, report.ended) == (1, 1)
    assert len(library.inbox.list(actor)) == 2
    assert left_there(s3, prefix) == []


def test_people_send_by_a_page_of_their_browser(
    library: Library, link: Link, s3: S3Server, prefix: str, tmp_path: Path, front: SignedFront
) -> None:
    actor = library.owner()
    told = httpx.get(link.page)
    assert (told.status_code, told.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert told.headers["content-disposition"] == "inline"
    (found,) = re.findall(r'<script type="application/json" id="form">(.*?)</script>', told.text, re.DOTALL)
    form = json.loads(found)
    assert (form["url"], form["fields"]) == (link.url, link.fields)
    assert form["fields"]["key"].endswith(form["any"])
    # The page sends to where it came from, so that no browser asks the storage for leave.
    assert urlsplit(form["url"]).netloc == urlsplit(link.page).netloc
    planted.planted_jpeg(tmp_path / "a.jpg")
    planted.planted_png(tmp_path / "b.png")
    for name in ("a.jpg", "b.png"):
        assert link.send((tmp_path / name).read_bytes()) == 204
    assert library.share_keeping.round(actor, QUIET).received == 2
    assert files_there(s3, prefix) == []
    library.sharing.revoke(actor, link.id, QUIET)
    assert left_there(s3, prefix) == []
    assert httpx.get(link.page).status_code in {403, 404}
    front.ahead = timedelta(seconds=3601)
    assert link.send(b"late") == 403


def test_nothing_else_can_be_sent_than_what_was_signed(library: Library, link: Link, s3: S3Server, prefix: str) -> None:
    start = link.fields["key"].removesuffix("${filename}")
    for changed in ({"key": f"{prefix}/shared/x"}, {"key": start[:-2] + "z/x"}, {"acl": "public-read"}):
        told = httpx.post(link.url, data={**link.fields, **changed}, files={"file": ("file", b"x")})
        assert told.status_code == 403, changed
    # The server itself refuses what is too large.
    one = Link(link.id, link.url, link.fields, link.page)
    store = S3Bucket(S3Args(s3.bucket, s3.access_key, s3.secret_key, link.url.rpartition("/")[0], "us-east-1"))
    small = store.form_to_post("received/x", 60, 100)
    store.close()
    one.fields = dict(small.fields)
    assert [one.send(bytes(size)) for size in (100, 101, 0)] == [204, 403, 403]
    assert len(left_there(s3, "received")) == 1


def test_a_server_that_takes_no_forms_is_found_out(
    library: Library, front: SignedFront, s3: S3Server, prefix: str
) -> None:
    front.takes_forms = False
    with pytest.raises(EnvironmentFault, match=r"share\.takes_nothing"):
        invited(library)
    assert left_there(s3, prefix) == []


def test_one_file_that_cannot_be_brought_in_keeps_no_other_waiting(
    library: Library, link: Link, s3: S3Server, prefix: str, front: SignedFront, tmp_path: Path
) -> None:
    actor = library.owner()
    planted.planted_jpeg(tmp_path / "a.jpg")
    locked = io.BytesIO()
    with pyzipper.AESZipFile(locked, "w", encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"x")
        archive.write(tmp_path / "a.jpg", "a.jpg")
    for name, body in (
        ("00", locked.getvalue()),
        ("01/../..", b"mischief"),
        ("02/", b"mischief"),
        ("03", (tmp_path / "a.jpg").read_bytes()),
    ):
        assert link.send(body, name) == 204
    report = library.share_keeping.round(actor, QUIET)
    assert (report.received, report.refused, report.waiting) == (1, 3, 0)
    assert files_there(s3, prefix) == []
    assert len(library.inbox.list(actor)) == 1
    assert "share.upload_locked" in {event.code for event in library.events.list(actor)}


def test_what_we_fail_at_is_fetched_once_and_goes_with_its_link(
    library: Library, link: Link, s3: S3Server, prefix: str, front: SignedFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    link.send(b"x" * 100, "00")
    failed = ImportItem("x", ItemStatus.FAILED, code="import.failed")
    monkeypatch.setattr(Collecting, "_import", lambda *_: [failed])
    front.asked.clear()
    for _ in range(3):
        library.share_keeping.round(actor, QUIET)
    assert sum(one.startswith("GET") and one.endswith("/00") for one in front.asked) == 1
    assert [event.code for event in library.events.list(actor)] == ["share.upload_failed"]
    # A disk that is full says nothing about the file: it waits, and the link ends none the less.
    full = EnvironmentFault("disk.full")
    link.send(b"y", "01")
    monkeypatch.setattr(Collecting, "_import", Mock(side_effect=full))
    expires_at = library.sharing.get(actor, link.id).share.expires_at
    at(monkeypatch, expires_at + timedelta(hours=2))
    assert library.share_keeping.round(actor, QUIET).waiting == 1
    share = library.sharing.get(actor, link.id).share
    assert (share.state, share.code) == (ShareState.ENDING, "disk.full")
    assert library.events.list(actor)[0].code == "share.not_brought_in"
    assert [name[-2:] for name in files_there(s3, prefix)] == ["00", "01"]
    monkeypatch.setattr(Collecting, "_import", lambda *_: [failed])
    assert library.share_keeping.round(actor, QUIET).ended == 1
    assert left_there(s3, prefix) == []


def test_what_is_here_already_is_not_called_new(
    library: Library, link: Link, images: list[str], s3: S3Server, prefix: str, tmp_path: Path
) -> None:
    actor = library.owner()
    library.images.delete(actor, [images[0]])
    sent = [path.read_bytes() for path in sorted((tmp_path / "source").iterdir(), key=lambda one: one.name != "b.png")]
    for body, code in zip(sent, ("share.upload_known", "share.upload_in_bin"), strict=True):
        link.send(body)
        report = library.share_keeping.round(actor, QUIET)
        assert (report.received, report.refused) == (0, 1)
        assert library.events.list(actor)[0].code == code
    assert library.sharing.get(actor, link.id).share.image_ids == ()
    assert library.inbox.list(actor) == []
    assert files_there(s3, prefix) == []


def test_a_link_that_brings_too_much_is_closed(
    library: Library, link: Link, s3: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    actor = library.owner()
    monkeypatch.setattr("app.services.sharing.collecting.MOST_FILES", 2)
    planted.planted_jpeg(tmp_path / "a.jpg")
    for _ in range(3):
        link.send(b"rubbish")
        library.share_keeping.round(actor, QUIET)
    share = library.sharing.get(actor, link.id).share
    assert (share.state, share.ending) == (ShareState.ENDING, ShareEnd.REVOKED)
    assert "share.upload_full" in {event.code for event in library.events.list(actor)}
    library.share_keeping.round(actor, QUIET)
    assert left_there(s3, prefix) == []
    # What unpacks to more than a stranger's zip may hold is not unpacked.
    monkeypatch.setattr("app.services.sharing.collecting.UNPACKED_BYTES", 10)
    other = invited(library)
    other.send(zipped(tmp_path / "a.jpg"))
    assert library.share_keeping.round(actor, QUIET).received == 0
    assert library.events.list(actor)[0].code == "share.upload_too_large"


def test_what_belongs_to_no_share_is_swept_after_eight_days(
    library: Library, link: Link, s3: S3Server, prefix: str
) -> None:
    actor = library.owner()
    client, ago = s3.client(), timedelta(days=8, minutes=1)
    client.delete_bucket_lifecycle(Bucket=s3.bucket)
    lost = {f"shared/{'0' * 48}.jpg", f"received/{'0' * 48}/a"}
    for name in lost:
        client.put_object(Bucket=s3.bucket, Key=f"{prefix}/{name}", Body=b"x")
    library.share_keeping.round(actor, QUIET)
    # The bucket itself does so too, where nobody made other rules.
    rules = client.get_bucket_lifecycle_configuration(Bucket=s3.bucket)["Rules"]
    assert {(rule["Filter"]["Prefix"], rule["Expiration"]["Days"]) for rule in rules} == {
        (f"{prefix}/shared/", 8),
        (f"{prefix}/received/", 8),
    }
    assert library.events.list(actor) == []
    # Whoever else uses folders of these names keeps what they have.
    theirs = {"shared/holidays.jpg", "received/letters/a.pdf", "dental_images/a.jpg"}
    for name in theirs:
        client.put_object(Bucket=s3.bucket, Key=f"{prefix}/{name}", Body=b"x")
    now = datetime.now(UTC)
    assert lost | theirs < set(left_there(s3, prefix))
    # The link is open in this library's books still: what came by it is collected, not swept.
    sweeping = library.share_sweeping
    assert sweeping.sweep_if_due(actor, now + ago, QUIET) == 2
    assert not lost & set(left_there(s3, prefix))
    assert theirs < set(left_there(s3, prefix))
    assert len(left_there(s3, prefix)) == 4
    with library.store.read():
        assert library.store.audit.list(limit=1)[0].details == {"objects": 2}
    others = [{"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "x/"}, "Expiration": {"Days": 90}}]
    client.put_bucket_lifecycle_configuration(Bucket=s3.bucket, LifecycleConfiguration={"Rules": others})
    for number, path in enumerate((f"{prefix}/elsewhere", ""), 2):
        library.settings.set(actor, "mirror.cloud.path", path)
        sweeping.sweep_if_due(actor, now + number * ago, QUIET)
        assert library.events.list(actor)[0].code == "share.no_expiry"
    (rule,) = client.get_bucket_lifecycle_configuration(Bucket=s3.bucket)["Rules"]
    assert rule["ID"] == "theirs"
    client.delete_bucket_lifecycle(Bucket=s3.bucket)
    client.close()


def test_a_link_by_which_nothing_comes_is_asked_less_and_less(
    library: Library, link: Link, front: SignedFront, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, pacing = library.owner(), Pacing()
    now = datetime.now(UTC)
    library.share_keeping.round(actor, QUIET)

    def looks(seconds: int) -> int:
        nonlocal now
        front.asked.clear()
        for _ in range(seconds // 20):
            now += timedelta(seconds=20)
            at(monkeypatch, now)
            library.share_keeping.round(actor, QUIET, pacing)
        return len(front.asked)

    # After 20, 40, 80 and 160 seconds, then every two minutes.
    assert looks(300) == 5
    assert looks(600) == 5
    link.send(b"rubbish")
    assert looks(300) > 0
    assert looks(60) == 1
    # What stood in the way is forgotten once it does not.
    front.is_away = True
    looks(600)
    assert library.sharing.get(actor, link.id).share.code is not None
    front.is_away = False
    library.share_keeping.round(actor, QUIET, pacing)
    looks(900)
    assert library.sharing.get(actor, link.id).share.code is None
