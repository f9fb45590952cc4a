"""Listings as servers of many kinds write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.transfer.stores.ftp_listing import Line, read_list, read_mlsd, read_time


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (b"-rw-r--r--    1 0        0            1234 Nov 29 22:13 x.jpg", Line(b"x.jpg", 1234, False)),
        (
            b"-rw-rw-r--+   1 user group  5368709120 Jan  3  2021 two  spaces.dcm",
            Line(b"two  spaces.dcm", 5 << 30, False),
        ),
        (b"drwxr-xr-x    2 1000     1000         4096 Nov 29 22:13 folder", Line(b"folder", 4096, True)),
        (b"-rw-r--r-- 1 ftp ftp 7 2026-11-29 22:13  leading", Line(b" leading", 7, False)),
        ("-rw-r--r-- 1 0 0 7 Nov 29 22:13 صورة.jpg".encode(), Line("صورة.jpg".encode(), 7, False)),
        (b"-rw-r--r-- 1 0 0 7 Nov 29 22:13 a\x0bb", Line(b"a\x0bb", 7, False)),
        (b"11-29-26  10:13PM       <DIR>          clinical images", Line(b"clinical images", 0, True)),
        (b"11-29-2026  22:13             2048 x.jpg", Line(b"x.jpg", 2048, False)),
        (b"lrwxrwxrwx 1 0 0 7 Nov 29 22:13 link -> /etc", None),
        (b"drwxr-xr-x 2 0 0 4096 Nov 29 22:13 ..", None),
        (b"total 8", None),
        (b"", None),
    ],
)
def test_list(line: bytes, wanted: Line | None) -> None:
    for end in (b"\r\n", b"\n", b""):
        assert list(read_list(line + end)) == ([wanted] if wanted else [])


def test_mlsd() -> None:
    told = (
        b"type=cdir;modify=20261129221320; /base\r\n"
        b"Type=file;Size=1234;Modify=20261129221320.123;UNIX.mode=0644; name; with = signs.jpg\r\n"
        b"type=dir;sizd=4096; folder\r\n"
        b"type=OS.unix=slink:/etc;size=4; link\r\n"
        b"nonsense\r\n"
    )
    when = datetime(2026, 11, 29, 22, 13, 20, tzinfo=UTC)
    assert list(read_mlsd(told)) == [Line(b"name; with = signs.jpg", 1234, False, when), Line(b"folder", 0, True)]


@pytest.mark.parametrize("text", ["", "yesterday", "20261332000000", "2026"])
def test_times_that_are_none(text: str) -> None:
    assert read_time(text) is None
