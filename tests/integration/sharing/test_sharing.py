"""Links that expire: they work in a plain HTTP client until then, not after, not after revoking, never altered."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pyzipper

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.core.errors import EnvironmentFault, UserError
from app.domain.audit import AuditEntry
from app.domain.image import Filing
from app.domain.patient import PatientDraft
from app.domain.sharing import ShareEnd, ShareState, new_code
from app.services.outgoing.model import Form, OutgoingArgs
from app.services.sharing.model import Shared, ShareWish
from app.services.sharing.service import SharingService
from app.storage.shares import Shares
from app.transfer.stores.s3 import S3Store
from app.transfer.stores.s3_bucket import S3Bucket
from app.transfer.stores.s3_client import S3Args
from tests import planted
from tests.integration.sharing.conftest import left_there
from tests.servers import free_port
from tests.signed_front import SignedFront, refusal
from tests.store_servers import S3Server

QUIET = JobContext.silent()


def shared(library: Library, ids: list[str], seconds: int | None = None, **args: object) -> Shared:
    actor = library.owner()
    with library.sharing.prepare(actor, ids, OutgoingArgs(**args), QUIET) as prepared:  # type: ignore[arg-type]
        return library.sharing.send(actor, prepared, ShareWish(seconds, seen=prepared.to_look_at), QUIET)


def audit(library: Library, share_id: str) -> list[AuditEntry]:
    with library.store.read():
        return [one for one in library.store.audit.list(limit=100) if one.entity_id == share_id]


def test_a_link_works_until_it_expires_and_not_after(
    library: Library, images: list[str], front: SignedFront, s3: S3Server, prefix: str
) -> None:
    one = shared(library, images[:1], 3600)
    assert one.url is not None
    told = httpx.get(one.url)
    assert (told.status_code, told.headers["content-type"]) == (200, "image/jpeg")
    assert told.headers["content-disposition"] == 'attachment; filename="image-0001.jpg"'
    assert told.headers["cache-control"] == "no-store"
    assert len(told.content) == one.share.size_bytes
    # Nothing of the patient in the link, nor in what it leads to.
    name = urlsplit(one.url).path.rpartition("/")[2]
    assert len(name.removesuffix(".jpg")) == 48
    words = [planted.word(number) for number in range(80)]
    assert not [word for word in words if word in one.url or word.encode() in told.content]
    front.ahead = timedelta(seconds=3590)
    assert httpx.get(one.url).status_code == 200
    front.ahead = timedelta(seconds=3601)
    assert httpx.get(one.url).status_code == 403
    assert [entry.action for entry in audit(library, one.share.id)] == ["share.create"]
    assert left_there(s3, prefix) == [one.share.object_name]


def test_a_link_that_was_altered_does_not_work(library: Library, images: list[str], front: SignedFront) -> None:
    one = shared(library, images[:1])
    assert one.url is not None
    # The setting's default.
    assert parse_qs(urlsplit(one.url).query)["X-Amz-Expires"] == ["3600"]
    for old, new in (
        ("X-Amz-Expires=3600", "X-Amz-Expires=36000"),
        ("/shared/", "/dental_images/"),
        ("no-store", "public"),
        (one.url[-8:], "00000000"),
    ):
        assert old in one.url
        assert httpx.get(one.url.replace(old, new)).status_code == 403, new
    assert httpx.delete(one.url).status_code == 403
    assert httpx.get(one.url.partition("?")[0]).status_code == 403
    assert httpx.get(one.url).status_code == 200


def test_the_front_itself_refuses_what_it_should(s3: S3Server) -> None:
    store = S3Bucket(S3Args(s3.bucket, s3.access_key, s3.secret_key, f"http://127.0.0.1:{s3.port}", "us-east-1"))
    url = store.link_to_get("a b/ü.jpg", 60)
    store.close()
    parts, now = urlsplit(url), datetime.now(UTC)
    target = f"{parts.path}?{parts.query}"
    assert refusal("GET", target, parts.netloc, s3, now) is None
    assert refusal("PUT", target, parts.netloc, s3, now) == "SignatureDoesNotMatch"
    assert refusal("GET", target, "elsewhere", s3, now) == "SignatureDoesNotMatch"
    assert refusal("GET", target.replace("Expires=60", "Expires=61"), parts.netloc, s3, now) == "SignatureDoesNotMatch"
    assert refusal("GET", target, parts.netloc, s3, now + timedelta(seconds=61)) == "AccessDenied"
    assert refusal("GET", target, parts.netloc, s3, now - timedelta(hours=1)) == "AccessDenied"
    assert refusal("GET", parts.path, parts.netloc, s3, now) == "AccessDenied"
    longer = target.replace("Expires=60", "Expires=700000")
    assert refusal("GET", longer, parts.netloc, s3, now) == "AuthorizationQueryParametersError"


def test_revoking_deletes_what_a_link_leads_to(library: Library, images: list[str], s3: S3Server, prefix: str) -> None:
    one = shared(library, images[:1])
    assert one.url is not None
    ended = library.sharing.revoke(library.owner(), one.share.id, QUIET)
    assert (ended.state, ended.ending) == (ShareState.ENDED, ShareEnd.REVOKED)
    assert httpx.get(one.url).status_code in {403, 404}
    assert left_there(s3, prefix) == []
    assert library.sharing.get(library.owner(), one.share.id).url is None
    told = [(entry.action, entry.outcome) for entry in audit(library, one.share.id)]
    assert sorted(told) == [("share.create", "done"), ("share.revoke", "done"), ("share.revoke", "gone")]
    # Again is no harm; of what never was, it is said.
    assert library.sharing.revoke(library.owner(), one.share.id, QUIET).state is ShareState.ENDED
    with pytest.raises(UserError, match=r"share\.none"):
        library.sharing.revoke(library.owner(), "00000000-0000-4000-8000-000000000000", QUIET)


def test_without_the_network_nothing_is_shared_and_revoking_waits(
    library: Library, images: list[str], front: SignedFront, s3: S3Server, prefix: str
) -> None:
    one = shared(library, images[:1])
    front.is_away = True
    with pytest.raises(EnvironmentFault, match=r"share\.offline"):
        shared(library, images[:1])
    waits = library.sharing.revoke(library.owner(), one.share.id, QUIET)
    assert (waits.state, waits.ending) == (ShareState.ENDING, ShareEnd.REVOKED)
    report = library.share_keeping.round(library.owner(), QUIET)
    assert (report.ended, report.waiting) == (0, 2)
    front.is_away = False
    assert left_there(s3, prefix) == [one.share.object_name]
    # Another bucket, which is away still, does not keep this one waiting.
    away = {"kind": "s3", "bucket": "b", "access_key": "AKIA", "endpoint": f"http://127.0.0.1:{free_port()}"}
    library.settings.set_destination(library.owner(), "mirror", "away", away, {"secret_key": "x"})
    library.settings.set(library.owner(), "share.destination", "away")
    with pytest.raises(EnvironmentFault, match=r"share\.offline"):
        library.sharing.invite(library.owner(), ShareWish(), QUIET)
    report = library.share_keeping.round(library.owner(), QUIET)
    assert (report.ended, report.waiting) == (2, 1)
    assert left_there(s3, prefix) == []
    states = [(item.share.state, item.share.ending) for item in library.sharing.list(library.owner())][1:]
    assert states == [(ShareState.ENDED, ShareEnd.FAILED), (ShareState.ENDED, ShareEnd.REVOKED)]


def test_what_expired_is_deleted_in_the_background(
    library: Library, images: list[str], s3: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = shared(library, images[:1], 60)
    library.share_keeping.round(library.owner(), QUIET)
    assert left_there(s3, prefix) == [one.share.object_name]
    later = one.share.expires_at + timedelta(seconds=1)
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: later)
    assert library.share_keeping.round(library.owner(), QUIET).ended == 1
    assert left_there(s3, prefix) == []
    assert [entry.outcome for entry in audit(library, one.share.id)][:2] == ["gone", "expired"]


def test_several_images_are_one_zip(library: Library, images: list[str]) -> None:
    one = shared(library, images, form=Form.ORIGINAL)
    assert one.url is not None
    told = httpx.get(one.url)
    assert told.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(told.content)) as archive:
        assert archive.namelist() == ["image-0001.jpg", "image-0002.png"]
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert not [word for word in map(planted.word, range(80)) if word.encode() in everything + told.content]


def test_limits_hold_before_anything_is_sent(
    library: Library, images: list[str], front: SignedFront, s3: S3Server, prefix: str
) -> None:
    front.asked.clear()
    actor = library.owner()
    for args, wish, code in (
        (OutgoingArgs(limit_bytes=1000), ShareWish(), "share.too_large"),
        (OutgoingArgs(), ShareWish(59), "share.bad_expiry"),
        (OutgoingArgs(), ShareWish(604_801), "share.bad_expiry"),
        (OutgoingArgs(), ShareWish(case_reference="x" * 65), "share.bad_case"),
        (OutgoingArgs(), ShareWish(), "share.not_looked_at"),
        (OutgoingArgs(identified=True), ShareWish(seen=("text_possible", "face_possible")), "share.not_looked_at"),
    ):
        with library.sharing.prepare(actor, images, args, QUIET) as prepared, pytest.raises(UserError, match=code):
            library.sharing.send(actor, prepared, wish, QUIET)
        with library.store.read():
            newest = library.store.audit.list(limit=1)[0]
        assert (newest.action, newest.outcome, newest.details["code"]) == ("share.create", "refused", code)
    assert front.asked == []
    assert library.sharing.list(actor) == []
    longest = shared(library, images[:1], 604_800)
    assert longest.share.expires_at - longest.share.created_at >= timedelta(days=7)


def test_an_open_bucket_is_not_shared_from(
    library: Library, images: list[str], front: SignedFront, s3: S3Server, prefix: str
) -> None:
    front.is_open = True
    with pytest.raises(EnvironmentFault, match=r"share\.public_bucket"):
        shared(library, images[:1])
    front.is_open = False
    # An answer that says nothing about it is no "closed".
    for status in (503, 405):
        front.tells_strangers = status
        with pytest.raises(EnvironmentFault, match=r"share\.offline|store\.failed|store\.forbidden"):
            shared(library, images[:1])
    # Nothing of a patient was there for even a moment.
    assert front.sent_bytes == 0
    front.tells_strangers = 404
    library.share_keeping.round(library.owner(), QUIET)
    assert left_there(s3, prefix) == []
    assert shared(library, images[:1]).url is not None
    assert front.sent_bytes > 0


def test_a_bucket_with_versions_keeps_none_of_what_was_shared(
    library: Library, images: list[str], s3: S3Server, prefix: str
) -> None:
    client = s3.client()
    client.put_bucket_versioning(Bucket=s3.bucket, VersioningConfiguration={"Status": "Enabled"})
    try:
        client.put_object(Bucket=s3.bucket, Key=f"{prefix}/other", Body=b"x")
        one = shared(library, images[:1])
        invited = library.sharing.invite(library.owner(), ShareWish(60), QUIET)
        client.put_object(Bucket=s3.bucket, Key=f"{prefix}/{invited.share.object_name}/00", Body=b"rubbish")
        library.share_keeping.round(library.owner(), QUIET)
        for share_id in (one.share.id, invited.share.id):
            library.sharing.revoke(library.owner(), share_id, QUIET)
        told = client.list_object_versions(Bucket=s3.bucket, Prefix=f"{prefix}/")
        assert [item["Key"] for item in told.get("Versions", ())] == [f"{prefix}/other"]
        assert "DeleteMarkers" not in told
    finally:
        client.put_bucket_versioning(Bucket=s3.bucket, VersioningConfiguration={"Status": "Suspended"})
        client.close()


def test_only_buckets_make_links(library: Library, images: list[str], tmp_path: Path) -> None:
    actor = library.owner()
    library.settings.set_destination(actor, "mirror", "nas", {"kind": "folder", "path": str(tmp_path)}, {})
    with pytest.raises(UserError, match=r"share\.not_s3"):
        library.settings.set(actor, "share.destination", "nas")
    library.settings.set(actor, "share.destination", "")
    with pytest.raises(UserError, match=r"share\.no_destination"):
        shared(library, images[:1])
    with pytest.raises(UserError, match=r"share\.bad_expiry"):
        library.settings.set(actor, "share.expires", "8d")


def test_a_share_is_revoked_where_it_lies_whatever_is_set_since(
    library: Library, images: list[str], s3: S3Server, prefix: str
) -> None:
    one = shared(library, images[:1])
    library.settings.set(library.owner(), "mirror.cloud.path", "elsewhere")
    assert library.sharing.revoke(library.owner(), one.share.id, QUIET).state is ShareState.ENDED
    assert left_there(s3, prefix) == []


def test_a_locked_share_opens_with_its_code_alone(library: Library, images: list[str], tmp_path: Path) -> None:
    actor, code = library.owner(), new_code()
    with library.sharing.prepare(actor, images[:1], OutgoingArgs(), QUIET) as prepared:
        plain = prepared.path.read_bytes()
        one = library.sharing.send(actor, prepared, ShareWish(seen=prepared.to_look_at, code=code), QUIET)
    assert one.url is not None
    data = httpx.get(one.url).content
    assert plain not in data
    with pyzipper.AESZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["image-0001.jpg"]
        with pytest.raises(RuntimeError):
            archive.read("image-0001.jpg", pwd=new_code().encode())
        assert archive.read("image-0001.jpg", pwd=code.encode()) == plain
    # It is kept nowhere.
    library.store.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert not [path for path in library.paths.root.rglob("*") if path.is_file() and code.encode() in path.read_bytes()]
    assert one.share.locked
    assert library.sharing.get(actor, one.share.id).share.locked


def test_a_mirror_in_the_same_bucket_leaves_shares_alone(
    library: Library, images: list[str], s3: S3Server, prefix: str
) -> None:
    actor = library.owner()
    one = shared(library, images[:1])
    invited = library.sharing.invite(actor, ShareWish(), QUIET)
    library.settings.set(actor, "mirror.cloud.enabled", "true")
    library.mirrors.sync(actor, QUIET)
    library.images.delete(actor, images[1:])
    library.mirrors.sync(actor, QUIET)
    report = library.verification.run(actor, QUIET, deep=True)
    assert (report.missing, report.different, report.extra) == (0, 0, 0)
    assert one.url is not None
    assert invited.page is not None
    assert {httpx.get(url).status_code for url in (one.url, invited.page)} == {200}
    # And a share leaves a mirror alone.
    there = {name for name in left_there(s3, prefix) if name.startswith("dental_images/")}
    assert there
    library.sharing.revoke(actor, one.share.id, QUIET)
    assert {name for name in left_there(s3, prefix) if name.startswith("dental_images/")} == there


def test_what_a_crash_left_is_cleared_up(
    library: Library, images: list[str], s3: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        """Ends the program."""

    def crash(*_: object) -> None:
        raise Crash

    actor = library.owner()
    with monkeypatch.context() as patch:
        patch.setattr(SharingService, "_give_out", crash)
        patch.setattr(Shares, "failed", crash)
        with pytest.raises(Crash):
            shared(library, images[:1])
    (one,) = library.sharing.list(actor)
    assert one.share.state is ShareState.UPLOADING
    assert left_there(s3, prefix) == [one.share.object_name]
    library.share_keeping.round(actor, QUIET)
    # It may be on its way still.
    assert left_there(s3, prefix) == [one.share.object_name]
    later = one.share.created_at + timedelta(hours=1)
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: later)
    assert library.share_keeping.round(actor, QUIET).ended == 1
    assert left_there(s3, prefix) == []


@pytest.mark.parametrize("by_hand", [True, False])
def test_what_lands_after_its_share_was_ended_does_not_stay(
    library: Library, images: list[str], s3: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch, by_hand: bool
) -> None:
    actor, put, states = library.owner(), S3Store.put, list[ShareState]()

    def end_it_first(self: S3Store, source: Path, name: str, *rest: object) -> object:
        (one,) = library.sharing.list(actor)
        if source.stat().st_size == 0:
            # What the bucket is tried with goes before.
            return put(self, source, name, *rest)  # type: ignore[arg-type]
        with monkeypatch.context() as patch:
            if by_hand:
                library.sharing.revoke(actor, one.share.id, QUIET)
            else:
                # This computer slept, and another one found it abandoned.
                later = one.share.created_at + timedelta(hours=1)
                patch.setattr("app.services.sharing.keeping.utc_now", lambda: later)
                library.share_keeping.round(actor, QUIET)
        states.append(library.sharing.get(actor, one.share.id).share.state)
        return put(self, source, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(S3Store, "put", end_it_first)
    with pytest.raises(UserError, match=r"share\.ended_meanwhile"):
        shared(library, images[:1])
    assert states == [ShareState.ENDED]
    assert left_there(s3, prefix) == []
    (one,) = library.sharing.list(actor)
    assert one.share.state is ShareState.ENDED
    with library.store.read():
        assert not [name for name in library.store.secrets.names() if name.startswith("share.")]


@pytest.mark.parametrize("what", ["deleted", "moved"])
def test_what_ends_an_image_ends_its_links(
    library: Library, images: list[str], s3: S3Server, prefix: str, what: str
) -> None:
    actor = library.owner()
    one, other = shared(library, images), shared(library, images[1:])
    patient = library.patients.add(actor, PatientDraft("Somebody", "Else", "X1"))
    with library.sharing.prepare(actor, images[:1], OutgoingArgs(), QUIET) as prepared:
        if what == "deleted":
            library.images.delete(actor, images[:1])
        else:
            library.images.move(actor, images[:1], Filing(patient.id))
        # What was looked at is not what would go.
        code = "share.deleted" if what == "deleted" else "share.changed_meanwhile"
        with pytest.raises(UserError, match=code):
            library.sharing.send(actor, prepared, ShareWish(seen=prepared.to_look_at), QUIET)
    if what == "deleted":
        with pytest.raises(UserError, match=r"share\.deleted"):
            shared(library, images[:1])
    ended = library.sharing.get(actor, one.share.id)
    assert (ended.share.state, ended.share.ending, ended.url) == (ShareState.ENDING, ShareEnd.REVOKED, None)
    assert library.share_keeping.round(actor, QUIET).ended == 1
    assert left_there(s3, prefix) == [other.share.object_name]
    assert library.events.list(actor)[0].code == "share.outlived"
    assert [entry.outcome for entry in audit(library, one.share.id)][:2] == ["gone", "outlived"]
    assert library.sharing.get(actor, one.share.id).share.state is ShareState.ENDED
    assert library.sharing.get(actor, other.share.id).url is not None


def test_the_way_to_links_that_work_is_not_lost(
    library: Library, images: list[str], s3: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    one = shared(library, images[:1])
    for lose in (
        lambda: library.settings.forget(actor, "mirror", "cloud"),
        lambda: library.settings.set(actor, "mirror.cloud.endpoint", "https://s3.example.org"),
        lambda: library.settings.set_destination(actor, "mirror", "cloud", {"bucket": "other"}, {}),
        lambda: library.settings.set(actor, "mirror.cloud.kind", "folder"),
        lambda: library.settings.set(actor, "mirror.cloud.secret_key", ""),
    ):
        with pytest.raises(UserError, match=r"share\.links_open"):
            lose()
    # A key that is replaced, and how the address is written, change nothing of where it lies.
    library.settings.set(actor, "mirror.cloud.secret_key", s3.secret_key)
    library.settings.set(actor, "mirror.cloud.path_style", "false")
    library.settings.set(actor, "mirror.cloud.interval", "60")
    assert library.share_places.of(one.share).path_style
    monkeypatch.setattr("app.services.settings.utc_now", lambda: one.share.expires_at)
    library.settings.forget(actor, "mirror", "cloud")
