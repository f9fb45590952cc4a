"""JPEG files on their way into DICOM objects: kept as they are where that is right, without what cameras add."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from app.imaging.dicom.jpeg_stream import BASELINE, jpeg_stream

RNG = np.random.default_rng(3)


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    shape = (40, 61) if mode == "L" else (40, 61, 3 if mode != "CMYK" else 4)
    picture = Image.fromarray(RNG.integers(0, 255, shape).astype(np.uint8), mode)
    target = io.BytesIO()
    picture.save(target, "JPEG", **options)
    return target.getvalue()


PLAIN = (jpeg("L"), jpeg())


@pytest.mark.parametrize(
    ("data", "photometric", "components"),
    [
        (jpeg("L"), "MONOCHROME2", 1),
        (jpeg(subsampling=0), "YBR_FULL", 3),
        (jpeg(subsampling=1), "YBR_FULL_422", 3),
        (jpeg(subsampling=2), "YBR_FULL_422", 3),
        (jpeg(keep_rgb=True), "RGB", 3),
    ],
    ids=["grey", "444", "422", "420", "rgb"],
)
def test_what_it_says_of_a_stream(data: bytes, photometric: str, components: int) -> None:
    stream = jpeg_stream(data)
    assert stream is not None
    assert (stream.rows, stream.columns, stream.components) == (40, 61, components)
    assert (stream.photometric, stream.transfer_syntax, stream.orientation) == (photometric, BASELINE, 1)
    assert len(stream.data) % 2 == 0
    assert np.array_equal(Image.open(io.BytesIO(stream.data)), Image.open(io.BytesIO(data)))


def test_what_cameras_add_does_not_go_along() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "Jane Doe at the lake", 6
    data = jpeg(exif=exif)
    stream = jpeg_stream(data)
    assert stream is not None
    assert stream.orientation == 6
    assert b"Jane Doe" in data
    assert b"Jane Doe" not in stream.data
    assert b"Exif" not in stream.data


def test_a_second_picture_behind_the_first_does_not_go_along() -> None:
    """Phones write several pictures into one file (CIPA DC-007), each with its own EXIF."""
    exif = Image.Exif()
    exif[0x010E] = "Jane Doe at the lake"
    first, second = jpeg(), jpeg(exif=exif)
    index = b"\xff\xe2" + (6 + 20).to_bytes(2, "big") + b"MPF\0" + b"\0" * 20
    stream = jpeg_stream(first[:2] + index + first[2:] + second)
    assert stream is not None
    assert b"Jane Doe" not in stream.data
    assert b"MPF" not in stream.data
    assert stream.data.count(b"\xff\xd8") == 1
    assert np.array_equal(Image.open(io.BytesIO(stream.data)), Image.open(io.BytesIO(first)))


def test_comments_do_not_go_along_wherever_they_stand() -> None:
    data, note = jpeg(), b"\xff\xfe\x00\x0aJane Doe"
    assert jpeg_stream(data[:-2] + note + data[-2:]) == jpeg_stream(data[:2] + note + data[2:]) == jpeg_stream(data)


def test_scans_with_restarts_and_several_of_them() -> None:
    for options in ({"restart_marker_blocks": 1}, {"restart_marker_rows": 1}):
        data = jpeg(**options)
        stream = jpeg_stream(data)
        assert stream is not None
        assert np.array_equal(Image.open(io.BytesIO(stream.data)), Image.open(io.BytesIO(data)))


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8", b"\x89PNG", jpeg(progressive=True), jpeg("CMYK"), jpeg()[:200], jpeg()[:-2], b"\xff\xd8\xff"],
    ids=["empty", "start", "png", "progressive", "cmyk", "cut", "no end", "short"],
)
def test_what_is_decoded_instead(data: bytes) -> None:
    assert jpeg_stream(data) is None


def test_an_orientation_that_cannot_be_told() -> None:
    exif = Image.Exif()
    exif[0x0112] = 3
    data = jpeg(exif=exif)
    start = data.index(b"Exif\0\0") + 6
    for broken in (data[:start] + b"XX" + data[start + 2 :], data[: start + 4] + b"\xff" * 4 + data[start + 8 :]):
        stream = jpeg_stream(broken)
        assert stream is not None
        assert stream.orientation in {0, 1}


@given(st.binary(max_size=600), st.integers(0, 600))
def test_no_bytes_make_it_fail(noise: bytes, at: int) -> None:
    data = jpeg("L")
    jpeg_stream(noise)
    jpeg_stream(data[:at] + noise + data[at:])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(0, 255)), min_size=1, max_size=8), st.booleans())
def test_what_is_taken_says_the_truth_of_its_stream(changes: list[tuple[int, int]], is_colour: bool) -> None:
    """A damaged stream is refused, or what is said of it is what its own header says, and it is one stream alone."""
    data = bytearray(PLAIN[is_colour])
    for at, value in changes:
        data[at % len(data)] = value
    stream = jpeg_stream(bytes(data))
    if stream is None:
        return
    assert (len(stream.data) % 2, stream.data[:2]) == (0, b"\xff\xd8")
    assert stream.data.rstrip(b"\0").endswith(b"\xff\xd9")
    assert min(stream.rows, stream.columns) > 0
    assert stream.components in {1, 3}
    again = jpeg_stream(stream.data)
    assert again is not None
    assert (again.data, again.rows, again.columns) == (stream.data, stream.rows, stream.columns)
