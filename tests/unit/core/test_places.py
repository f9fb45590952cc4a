"""Where a destination is: what says so, and which ways of writing it mean the same."""

from __future__ import annotations

import pytest

from app.core.destinations import MirrorSettings, is_place, is_same_place, place_of


@pytest.mark.parametrize(
    ("key", "before", "after", "same"),
    [
        ("mirror.a.path", "/srv/nas", "/srv/nas/", True),
        ("mirror.a.path", "/srv/nas", "/srv/NAS", False),
        ("mirror.a.bucket", "images", "Images", False),
        ("mirror.a.username", "clinic", "Clinic", False),
        ("mirror.a.host", "nas.example.org", "NAS.example.org", True),
        ("mirror.a.endpoint", "http://s3.example.org", "https://S3.example.org/", True),
        ("mirror.a.port", 0, 22, False),
    ],
)
def test_the_same_place(key: str, before: object, after: object, same: bool) -> None:
    assert is_place(key)
    assert is_same_place(key, before, after) is same


def test_where_a_mirror_is() -> None:
    sftp = MirrorSettings("a", kind="sftp", host="nas.example.org", username="one", path="images/")
    others = [
        MirrorSettings("a", kind="sftp", host="nas.example.org", path="Images"),
        MirrorSettings("a", kind="ftp", host="nas.example.org", path="images"),
        MirrorSettings("a", kind="folder", path="images"),
        MirrorSettings("a", kind="s3", bucket="images"),
        MirrorSettings("a", kind="s3", bucket="images", endpoint="https://s3.example.org"),
        MirrorSettings("a", kind="s3", bucket="images", path="images"),
    ]
    assert len({place_of(one) for one in (sftp, *others)}) == 7
    # Another account, or an encrypted way, to the same files.
    assert place_of(sftp) == place_of(MirrorSettings("b", kind="sftp", host="NAS.example.org", path="images"))
    assert place_of(others[1]) == place_of(MirrorSettings("a", kind="ftps", host="nas.example.org", path="images"))
