"""JPEG files on their way into DICOM objects: kept as they are where that is right, without what cameras add."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
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
