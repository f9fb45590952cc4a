"""Clients of S3 servers: what they share is nobody's, what says who they are is their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from app.transfer.stores.s3_client import S3Args, make_client


def test_each_says_its_own_name_and_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "of-the-surroundings")

    def signed(number: int) -> str:
        args = S3Args("b", f"key{number}", f"secret{number}", "https://s3.example", f"region-{number}", path_style=True)
        return str(make_client(args).generate_presigned_url("get_object", {"Bucket": "b", "Key": "x"}))

    with ThreadPoolExecutor(4) as pool:
        urls = list(pool.map(signed, range(12)))
    for number, url in enumerate(urls):
        said = parse_qs(urlsplit(url).query)
        key, _day, region, *_rest = said["X-Amz-Credential"][0].split("/")
        assert (key, region) == (f"key{number}", f"region-{number}")
        assert "X-Amz-Security-Token" not in said
    assert len({parse_qs(urlsplit(url).query)["X-Amz-Signature"][0] for url in urls}) == 12


def test_a_stranger_says_none() -> None:
    args = S3Args("b", "key", "secret", "https://s3.example", path_style=True)
    url = make_client(args, signs=False).generate_presigned_url("get_object", {"Bucket": "b", "Key": "x"})
    assert urlsplit(url).query == ""
