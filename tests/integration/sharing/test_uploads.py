"""Links to send by: what comes by them waits in the inbox, whatever it says it is; strangers' rubbish is deleted."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from app.bootstrap.library import Library
from app.core.context import JobContext
from app.domain.image import Placement
from app.domain.patient import PatientDraft
from app.domain.sharing import ShareKind, ShareState
from app.services.sharing.model import ShareWish
from tests import planted
from tests.integration.sharing.conftest import left_there
from tests.signed_front import SignedFront
from tests.store_servers import S3Server

QUIET = JobContext.silent()


@pytest.fixture
def link(library: Library) -> tuple[str, str]:
    """A link to send by, as id and address."""
    shared = library.sharing.invite(library.owner(), ShareWish(3600, "case 7"), QUIET)
    assert shared.share.kind is ShareKind.UPLOAD
    assert shared.url is not None
    return shared.share.id, shared.url


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
    library: Library, link: tuple[str, str], s3: S3Server, prefix: str, tmp_path: Path
) -> None:
    actor = library.owner()
    # A patient of this very identity: still nothing gets there by itself.
    library.patients.add(actor, PatientDraft(planted.word(0), "", planted.word(2)))
    dicom, jpeg = tmp_path / "a.dcm", tmp_path / "b.jpg"
    planted.planted_dicom(dicom)
    planted.planted_jpeg(jpeg)
    assert library.share_keeping.round(actor, QUIET).received == 0
    assert httpx.put(link[1], content=dicom.read_bytes()).status_code == 200
    assert library.share_keeping.round(actor, QUIET).received == 1
    assert files_there(s3, prefix) == []
    # The link goes on; a zip of several is as good.
    assert httpx.put(link[1], content=zipped(jpeg, dicom)).status_code == 200
    assert library.share_keeping.round(actor, QUIET).received == 2
    waiting = library.inbox.list(actor)
    assert [record.placement for record in waiting] == [Placement.INBOX] * 2
    assert {record.reason for record in waiting} == {"inbox.by_link"}
    assert sorted(record.mime_type for record in waiting) == ["application/dicom", "image/jpeg"]
    share = library.sharing.get(actor, link[0]).share
    assert sorted(share.image_ids) == sorted(record.id for record in waiting)
    assert (share.case_reference, share.state) == ("case 7", ShareState.LIVE)
    assert [one.share.id for one in library.sharing.list(actor, "case 7")] == [link[0]]
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
    library: Library, link: tuple[str, str], s3: S3Server, prefix: str, sent: bytes, code: str
) -> None:
    assert httpx.put(link[1], content=sent).status_code == 200
    report = library.share_keeping.round(library.owner(), QUIET)
    assert (report.received, report.refused) == (0, 1)
    assert files_there(s3, prefix) == []
    assert library.inbox.list(library.owner()) == []
    assert library.events.list(library.owner())[0].code == code


def test_what_is_too_large_is_not_even_fetched(
    library: Library,
    link: tuple[str, str],
    s3: S3Server,
    prefix: str,
    front: SignedFront,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.services.sharing.keeping.UPLOAD_BYTES", 1000)
    httpx.put(link[1], content=bytes(1001))
    front.asked.clear()
    assert library.share_keeping.round(library.owner(), QUIET).refused == 1
    assert [one.partition(" ")[0] for one in front.asked] == ["GET", "HEAD", "HEAD", "DELETE"]
    assert files_there(s3, prefix) == []


def test_a_revoked_link_to_send_by_lets_nothing_in(
    library: Library, link: tuple[str, str], s3: S3Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    share = library.sharing.revoke(actor, link[0], QUIET)
    # Nobody can take it back: until it would have expired, it is watched.
    assert (share.state, share.code) == (ShareState.ENDING, "share.until_expiry")
    planted.planted_jpeg(tmp_path / "b.jpg")
    httpx.put(link[1], content=(tmp_path / "b.jpg").read_bytes())
    library.share_keeping.round(actor, QUIET)
    assert left_there(s3, prefix) == []
    assert library.inbox.list(actor) == []
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: share.expires_at + timedelta(seconds=1))
    library.share_keeping.round(actor, QUIET)
    assert library.sharing.get(actor, link[0]).share.state is ShareState.ENDED


def test_what_came_in_the_last_moment_is_not_lost(
    library: Library, link: tuple[str, str], s3: S3Server, prefix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor = library.owner()
    planted.planted_jpeg(tmp_path / "b.jpg")
    httpx.put(link[1], content=(tmp_path / "b.jpg").read_bytes())
    expires_at = library.sharing.get(actor, link[0]).share.expires_at
    monkeypatch.setattr("app.services.sharing.keeping.utc_now", lambda: expires_at)
    report = library.share_keeping.round(actor, QUIET)
    assert (report.received, report.ended) == (1, 1)
    assert len(library.inbox.list(actor)) == 1
    assert left_there(s3, prefix) == []


def test_people_send_by_a_page_of_their_browser(
    library: Library, link: tuple[str, str], s3: S3Server, prefix: str, tmp_path: Path
) -> None:
    actor = library.owner()
    page = library.sharing.get(actor, link[0]).page
    assert page is not None
    told = httpx.get(page)
    assert (told.status_code, told.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert told.headers["content-disposition"] == "inline"
    (found,) = re.findall(r'<script type="application/json" id="links">(.*?)</script>', told.text, re.DOTALL)
    links = json.loads(found)
    assert len(links) == 40
    # The page sends to where it came from, so that no browser asks the storage for leave.
    assert {urlsplit(one).netloc for one in links} == {urlsplit(page).netloc}
    planted.planted_jpeg(tmp_path / "a.jpg")
    planted.planted_png(tmp_path / "b.png")
    for address, name in zip(links, ("a.jpg", "b.png"), strict=False):
        assert httpx.put(address, content=(tmp_path / name).read_bytes()).status_code == 200
    assert library.share_keeping.round(actor, QUIET).received == 2
    assert files_there(s3, prefix) == []
    library.sharing.revoke(actor, link[0], QUIET)
    assert left_there(s3, prefix) == []
    assert httpx.get(page).status_code in {403, 404}
