"""Mirrors said in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.destinations import MirrorSettings
from app.core.errors import UserError
from app.services.mirroring.address import mirror_at


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("sftp://clinic@host", ("sftp", "host", 0, "clinic", "")),
        ("sftp://clinic@host:2222/back%20up", ("sftp", "host", 2222, "clinic", "back up")),
        ("sftp://host//srv/mirror", ("sftp", "host", 0, "", "/srv/mirror")),
        ("ftps://a%40b@[::1]:990/x", ("ftps", "::1", 990, "a@b", "x")),
        ("ftp://host/x/y", ("ftp", "host", 0, "", "x/y")),
    ],
)
def test_servers(text: str, fields: tuple[str, str, int, str, str]) -> None:
    found = mirror_at(text)
    assert (found.kind, found.host, found.port, found.username, found.path) == fields


def test_buckets_and_folders(tmp_path: Path) -> None:
    given = MirrorSettings(region="eu", access_key="k", path_style=True)
    bucket = mirror_at("s3://Clinic.One/pre/fix/", given)
    assert (bucket.kind, bucket.bucket, bucket.path, bucket.region) == ("s3", "Clinic.One", "pre/fix", "eu")
    for text in (str(tmp_path), f"folder:{tmp_path}"):
        assert (mirror_at(text).kind, mirror_at(text).path) == ("folder", str(tmp_path))


def test_google_drive() -> None:
    found = [mirror_at(text) for text in ("drive:Clinic/images/", "drive:")]
    assert [(one.kind, one.path) for one in found] == [("drive", "Clinic/images"), ("drive", "Bitewing mirror")]


@pytest.mark.parametrize(
    "text", ["", "drive://x", "folder:", "http://host/x", "sftp://", "sftp://h:port/x", "s3://", "ftp://h/x?y"]
)
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(UserError, match=r"mirror\.bad_address"):
        mirror_at(text)


def test_no_password_may_stand_in_it() -> None:
    with pytest.raises(UserError, match=r"mirror\.secret_in_address") as met:
        mirror_at("sftp://clinic:hunter2@host/x")
    assert "hunter2" not in str(met.value.facts)
