"""When a destination is somewhere else than before, and what may be its public address."""

from __future__ import annotations

import re

import pytest

from app.core.destinations import is_place, is_same_place, named_key


@pytest.mark.parametrize(
    ("key", "before", "after", "is_same"),
    [
        ("mirror.web.host", "NAS.example", "nas.example", True),
        ("mirror.web.path", "/srv/nas/", "/srv/nas", True),
        ("mirror.web.path", "/srv/nas", "/srv/NAS", False),
        ("mirror.web.bucket", "clinic", "Clinic", False),
        ("mirror.web.username", "anna", "Anna", False),
        ("mirror.web.endpoint", "https://S3.example:9000/", "http://s3.example:9000", True),
        ("orthanc.url", "http://archive:8042", "https://archive:8042/", True),
        ("dimse.x.aet", "archive", "ARCHIVE", True),
    ],
)
def test_the_same_place(key: str, before: str, after: str, is_same: bool) -> None:
    assert is_place(key)
    assert is_same_place(key, before, after) is is_same


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("", True),
        ("https://images.example.org", True),
        ("https://images.example.org:8443/a/b@c/", True),
        ("http://127.0.0.1:8080/x", True),
        ("http://images.example.org", False),
        ("https://anna:secret@images.example.org/", False),
        ("https://anna@images.example.org", False),
        ("http://localhost@images.example.org/", False),
        ("https://images.example.org/?a=b", False),
    ],
)
def test_a_public_address(address: str, is_allowed: bool) -> None:
    known = named_key("mirror.web.public_url")
    assert known is not None
    assert (re.fullmatch(known.metadata["pattern"], address) is not None) is is_allowed
