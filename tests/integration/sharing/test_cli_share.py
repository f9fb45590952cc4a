"""``bitewing share`` as scripts use it: stable JSON, exit codes, and a link for any HTTP client."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image

from app.bootstrap.library import open_library
from tests import planted
from tests.integration.sharing.conftest import set_up
from tests.signed_front import SignedFront
from tests.unit.cli.conftest import Run, bitewing  # noqa: F401 - a fixture


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """The folder of the library."""
    return tmp_path / "library"


@pytest.fixture
def image_id(bitewing: Run, library: Path, front: SignedFront, prefix: str, tmp_path: Path) -> str:  # noqa: F811
    planted.planted_jpeg(tmp_path / "a.jpg")
    assert bitewing("settings", "set", "storage.reserve_bytes", "0").code == 0
    assert bitewing("patients", "add", "--last", "Doe", "--first", "Jane", "--chart", "17").code == 0
    imported = bitewing("import", tmp_path / "a.jpg", "--patient", "17", "--json").json()
    with open_library(library, create=False) as opened:
        set_up(opened, front, prefix)
    return imported["items"][0]["image_id"]


def test_a_share_from_making_to_revoking(bitewing: Run, image_id: str) -> None:  # noqa: F811
    made = bitewing("share", image_id, "--looked", "--expires", "2h", "--case", "A-7", "--json")
    assert made.code == 0, made.errors
    one = made.json()
    left = datetime.fromisoformat(one["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1, minutes=59) < left <= timedelta(hours=2)
    assert (one["identified"], one["form"], one["case"], one["images"]) == (False, "optimised", "A-7", [image_id])
    assert one["removed"]["gps"] == 1
    told = httpx.get(one["url"])
    assert (told.status_code, told.headers["content-type"]) == (200, "image/jpeg")
    original = bitewing("share", "--looked", "--original", "--json", image_id).json()
    assert original["form"] == "original"
    assert httpx.get(original["url"]).content != told.content
    locked = bitewing("share", image_id, "--lock", "--looked", "--json").json()
    assert (locked["mime_type"], len(locked["open_with"]), one["open_with"]) == ("application/zip", 19, None)
    assert bitewing("status", "--json").json()["links_live"] == 3
    assert bitewing("share", "revoke", locked["id"]).code == 0
    listed = bitewing("share", "list", "--json").json()[1:]
    assert [row["id"] for row in listed] == [original["id"], one["id"]]
    assert listed[1]["url"] == one["url"]
    assert [row["id"] for row in bitewing("share", "list", "--case", "A-7", "--json").json()] == [one["id"]]
    assert "live" in bitewing("share", "list").out
    ended = bitewing("share", "revoke", one["id"], "--json")
    assert (ended.code, ended.json()["state"]) == (0, "revoked")
    assert httpx.get(one["url"]).status_code in {403, 404}
    assert bitewing("share", "list", "--json").json()[2]["url"] is None
    for arguments in (
        ("revoke", "none"),
        ("no-such-image",),
        (image_id, "--expires", "8d"),
        (image_id, "--expires", "x"),
    ):
        refused = bitewing("share", *arguments, "--json")
        assert refused.code == 1, arguments
    assert bitewing("share").code == 2


def test_nothing_goes_before_somebody_says_that_they_looked(
    bitewing: Run,  # noqa: F811
    image_id: str,
    front: SignedFront,
) -> None:
    front.asked.clear()
    said = bitewing("share", image_id, "--json")
    assert (said.code, said.json()["error"]["code"]) == (1, "share.not_looked_at")
    assert "look for names" in said.errors
    assert front.asked == []


def test_a_receivers_wishes_are_checked_before_anything_goes(bitewing: Run, image_id: str, front: SignedFront) -> None:  # noqa: F811
    front.asked.clear()
    said = bitewing("share", image_id, "--for", "insurer", "--json")
    assert (said.code, said.json()["error"]["code"]) == (1, "share.does_not_fit")
    # A tooth is missing, and the picture is tiny.
    assert said.errors.count(f"{image_id}: ") == 4
    assert front.asked == []
    own = '[{"name": "Dr Weiss", "strip": true, "identified": true, "longest_px": 32, "needs": ["name"]}]'
    assert bitewing("settings", "set", "share.profiles", own).code == 0
    one = bitewing("share", image_id, "--looked", "--for", "Dr Weiss", "--json").json()
    with Image.open(io.BytesIO(httpx.get(one["url"]).content)) as sent:
        # The picture, as small as was asked for, and the line below it that says whose it is.
        assert sent.width == 32
        assert sent.height > 24
    assert one["identified"] is True
    assert bitewing("share", image_id, "--for", "nobody", "--json").json()["error"]["code"] == "share.no_profile"
    assert bitewing("share", image_id, "--for", "insurer", "--original").code == 2
    refused = bitewing("settings", "set", "share.profiles", '[{"name": "x", "form": "fax"}]', "--json")
    assert refused.json()["error"]["code"] == "share.bad_profile"


def test_offline_a_share_fails_and_revoking_waits(bitewing: Run, image_id: str, front: SignedFront) -> None:  # noqa: F811
    share_id = bitewing("share", image_id, "--looked", "--json").json()["id"]
    front.is_away = True
    said = bitewing("share", image_id, "--looked", "--json")
    assert (said.code, said.json()["error"]["code"]) == (1, "share.offline")
    said = bitewing("share", "revoke", share_id, "--json")
    assert (said.code, said.json()["state"]) == (4, "revoking")
    assert share_id in said.errors
    front.is_away = False
    assert bitewing("share", "collect", "--json").json()["ended"] == 2


def test_somebody_sends_an_image_back(bitewing: Run, image_id: str, tmp_path: Path) -> None:  # noqa: F811
    link = bitewing("share", "upload", "--expires", "30m", "--json").json()
    planted.planted_png(tmp_path / "b.png")
    said = {**link["fields"], "key": link["fields"]["key"].replace("${filename}", "b")}
    files = {"file": ("b.png", (tmp_path / "b.png").read_bytes())}
    assert httpx.post(link["url"], data=said, files=files).status_code == 204
    assert bitewing("share", "collect", "--json").json()["received"] == 1
    (row,) = bitewing("inbox", "list", "--json").json()
    assert row["code"] == "inbox.by_link"


def test_revoking_says_how_a_link_ended(bitewing: Run, image_id: str, library: Path, front: SignedFront) -> None:  # noqa: F811
    front.is_away = True
    assert bitewing("share", image_id, "--looked").code == 1
    front.is_away = False
    assert bitewing("share", "collect").code == 0
    (failed,) = bitewing("share", "list", "--json").json()
    said = bitewing("share", "revoke", failed["id"], "--json")
    assert (said.code, said.json()["state"]) == (0, "failed")
    # A link to send by is closed, and watched until it would have expired.
    one = bitewing("share", "upload", "--json").json()
    said = bitewing("share", "revoke", one["id"], "--json")
    assert (said.code, said.json()["state"], said.json()["code"]) == (4, "revoking", "share.until_expiry")
    # Whether it was shared, refused or only shown: the audit log says so.
    assert bitewing("share", "no-such-image").code == 1
    one = bitewing("share", image_id, "--looked", "--json").json()
    bitewing("share", "list")
    bitewing("share", "list")
    with open_library(library, create=False) as opened, opened.store.read():
        found = [(entry.action, entry.outcome, entry.entity_id) for entry in opened.store.audit.list(limit=20)]
    assert found[0] == ("share.view", "done", one["id"])
    assert ("share.create", "refused", "") in found
