"""Taking multipart bodies apart: whole at every size of block, and never more than what was there."""

from __future__ import annotations

import random

import pytest

from app.core.errors import EnvironmentFault, TransientFault
from app.transfer.multipart import Parts, boundary_of

BOUNDARY = b"a-b"
PARTS = [b"", b"one", b"\r\n", b"two\r\n--a-", b"--a-b", b"\r\n-\r\n--a", bytes(range(256)) * 300]


def body(parts: list[bytes] = PARTS, preamble: bytes = b"", last: bytes = b"\r\n--a-b--\r\nepilogue") -> bytes:
    made = preamble
    for number, part in enumerate(parts):
        made += (b"\r\n" if number or preamble else b"") + b"--a-b\r\nContent-Type: application/dicom\r\n\r\n" + part
    return made + last


def blocks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def read(data: bytes, size: int) -> list[bytes]:
    return [b"".join(part) for part in Parts(blocks(data, size), BOUNDARY)]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, 1000, 1 << 20])
def test_whole_at_every_size_of_block(size: int) -> None:
    assert read(body(), size) == PARTS
    assert read(body(preamble=b"hello"), size) == PARTS


def test_random_parts_at_random_blocks() -> None:
    chance = random.Random(7)
    for _round in range(200):
        parts = [bytes(chance.choices(b"\r\n-ab", k=chance.randrange(60))) for _part in range(chance.randrange(1, 5))]
        # What holds the delimiter itself is no part that anybody could send.
        parts = [part for part in parts if b"\r\n--a-b" not in b"\r\n" + part + b"\r\n--a-"] or [b"x"]
        assert read(body(parts), chance.randrange(1, 40)) == parts


@pytest.mark.parametrize("size", [1, 13, 4096])
def test_every_cut_is_noticed(size: int) -> None:
    whole = body([b"one", b"two" * 50])
    end = whole.index(b"--a-b--") + len(b"--a-b--")
    for cut in range(end):
        with pytest.raises(TransientFault) as caught:
            read(whole[:cut], size)
        assert caught.value.code == "pacs.cut_off"
    assert read(whole[:end], size) == [b"one", b"two" * 50]


def test_a_part_that_is_not_read_is_passed_over() -> None:
    assert [next(part) for part in Parts([body([b"one", b"two"])], BOUNDARY)] == [b"one", b"two"]
    seen = 0
    for _part in Parts([body([b"one", b"two"])], BOUNDARY):
        seen += 1
    assert seen == 2


def test_memory_does_not_grow_with_the_part() -> None:
    parts = Parts((b"x" * 65536 for _block in range(2000)), BOUNDARY)
    parts._held += b"--a-b\r\n\r\n"
    longest = 0

    def read_all() -> None:
        nonlocal longest
        for part in parts:
            for block in part:
                longest = max(longest, len(block), len(parts._held))

    with pytest.raises(TransientFault):
        read_all()
    assert 0 < longest <= 2 * 65536


@pytest.mark.parametrize(
    "data",
    [b"<html>" + b"x" * 100_000, b"--a-b\r\n" + b"Header: x" * 10_000, b"--a-b\r\n" + b"A: b\r\n" * 10_000],
    ids=["no such body", "an endless line", "endless headers"],
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises((EnvironmentFault, TransientFault)) as caught:
        read(data, 65536)
    assert caught.value.code in {"pacs.not_an_archive", "pacs.cut_off"}


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=a-b', b"a-b"),
        ('Multipart/Related; Boundary="a b"; type=x', b"a b"),
        ("multipart/related;boundary=a", b"a"),
    ],
)
def test_boundaries(kind: str, boundary: bytes) -> None:
    assert boundary_of(kind) == boundary


@pytest.mark.parametrize(
    "kind",
    ["", "text/html", "multipart/related", "multipart/mixed; boundary=a", f"multipart/related; boundary={'a' * 71}"],
)
def test_no_boundary(kind: str) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        boundary_of(kind)
    assert caught.value.code == "pacs.not_an_archive"
