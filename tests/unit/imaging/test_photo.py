"""Photographs: every format, orientation, depth; and what is refused, with which code."""

from __future__ import annotations

import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from app.core.errors import BitewingError
from app.imaging import photo, pictures
from app.imaging.probe import probe
from app.imaging.render import render_picture
from app.imaging.sniff import sniff

PATTERN = np.zeros((24, 40, 3), np.uint8)
PATTERN[:12, :20], PATTERN[:12, 20:], PATTERN[12:, :20] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def _code(path: Path) -> str:
    with pytest.raises(BitewingError) as caught:
        pictures.load_frame(path)
    return caught.value.code


def _stored_for(orientation: int) -> np.ndarray:
    """Return the pixels that a camera stores so that ``orientation`` shows :data:`PATTERN`."""
    inverse = {6: 8, 8: 6}.get(orientation, orientation)
    return np.ascontiguousarray(photo.orient(PATTERN, inverse))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_every_orientation_is_applied(tmp_path: Path, orientation: int, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray(_stored_for(orientation)).save(path, exif=exif, quality=95)
    facts, frame = probe(path), pictures.load_frame(path)
    assert (facts.rows, facts.columns) == (24, 40) == frame.values.shape[:2]
    assert np.abs(frame.values.astype(int) - PATTERN).mean() < 8
    raw = pictures.stored_pixels(path)
    assert raw.shape == _stored_for(orientation).shape
    assert np.abs(raw.astype(int) - _stored_for(orientation)).mean() < 8


def test_the_eight_orientations_are_those_of_exif() -> None:
    corner = np.arange(6).reshape(2, 3)
    expected = {1: 0, 2: 2, 3: 5, 4: 3, 5: 0, 6: 3, 7: 5, 8: 2}
    assert {value: int(photo.orient(corner, value)[0, 0]) for value in range(1, 9)} == expected
    assert photo.orient(corner, 6).tolist() == [[3, 0], [4, 1], [5, 2]]


@pytest.mark.parametrize("name", ["gray16.png", "gray16.tif"])
def test_sixteen_bit_grey_keeps_its_depth(tmp_path: Path, name: str) -> None:
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(values).save(tmp_path / name)
    frame = pictures.load_frame(tmp_path / name)
    assert frame.values.dtype == np.uint16
    assert np.array_equal(frame.values, values)
    assert (frame.default_window.center, frame.default_window.width) == (32768.0, 65536.0)
    assert frame.bits == 16 == probe(tmp_path / name).bits


def test_big_endian_tiff(tmp_path: Path) -> None:
    values = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    Image.fromarray(values.astype(">u2")).save(tmp_path / "a.tif")
    assert np.array_equal(pictures.load_frame(tmp_path / "a.tif").values, values)


def test_floating_point_tiff_is_stretched(tmp_path: Path) -> None:
    values = np.linspace(-1.0, 1.0, 600, dtype=np.float32).reshape(20, 30)
    Image.fromarray(values).save(tmp_path / "a.tif")
    shown = pictures.load_frame(tmp_path / "a.tif").values
    assert (shown.dtype, int(shown.min()), int(shown.max())) == (np.uint16, 0, 65535)


def test_numbers_beyond_16_bits_are_shown_in_their_own_range(tmp_path: Path) -> None:
    values = (np.arange(600, dtype=np.int32).reshape(20, 30) - 100) * 1000
    Image.fromarray(values).save(tmp_path / "a.tif")
    frame = pictures.load_frame(tmp_path / "a.tif")
    assert np.array_equal(frame.values, values)
    shown = render_picture(frame)
    assert (int(shown.min()), int(shown.max())) == (0, 255)


def test_too_many_pages_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.new("L", (4, 4)) for _ in range(4)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    monkeypatch.setattr(photo, "MAX_PAGES", 3)
    assert _code(tmp_path / "a.tif") == "file.too_large"


def test_bilevel_is_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(PATTERN[:, :, 0] > 100).save(tmp_path / "a.tif")
    frame = pictures.load_frame(tmp_path / "a.tif")
    assert set(np.unique(frame.values)) == {0, 255}
    assert frame.bits == 1


def test_pages_of_a_tiff_are_frames(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (40, 24 + index), (index, 0, 0)) for index in range(3)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert probe(tmp_path / "a.tif").frames == 3
    frame = pictures.load_frame(tmp_path / "a.tif", 2)
    assert (frame.frame, frame.frames, frame.values[0, 0, 0], frame.rows) == (2, 3, 2, 26)
    with pytest.raises(BitewingError, match=r"image\.no_such_frame"):
        pictures.load_frame(tmp_path / "a.tif", 3)
    with pytest.raises(BitewingError, match=r"frame\.sizes_differ"):
        pictures.stored_pixels(tmp_path / "a.tif")


def test_transparency_lies_on_neutral_grey(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (255, 255, 255, 0)).save(tmp_path / "a.png")
    assert (pictures.load_frame(tmp_path / "a.png").values == photo.NEUTRAL).all()
    half = Image.new("RGBA", (8, 8), (255, 255, 255, 128))
    half.save(tmp_path / "b.png")
    assert np.abs(pictures.load_frame(tmp_path / "b.png").values.astype(int) - 192).max() <= 1


def test_palettes_and_cmyk_become_rgb(tmp_path: Path) -> None:
    Image.fromarray(PATTERN).convert("P").save(tmp_path / "a.png")
    assert np.array_equal(pictures.load_frame(tmp_path / "a.png").values, PATTERN)
    Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / "a.jpg", quality=95)
    red = pictures.load_frame(tmp_path / "a.jpg").values[4, 4]
    assert red[0] > 200
    assert red[1] < 60


def test_another_colour_space_is_shown_as_srgb(tmp_path: Path) -> None:
    lab = ImageCms.createProfile("sRGB")
    srgb = ImageCms.ImageCmsProfile(lab).tobytes()
    Image.fromarray(PATTERN).save(tmp_path / "same.png", icc_profile=srgb)
    assert np.array_equal(pictures.load_frame(tmp_path / "same.png").values, PATTERN)
    Image.fromarray(PATTERN).save(tmp_path / "broken.png", icc_profile=b"no profile")
    assert np.array_equal(pictures.load_frame(tmp_path / "broken.png").values, PATTERN)


def test_the_date_comes_from_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = "2020:01:01 00:00:00"
    detail = exif.get_ifd(ExifTags.IFD.Exif)
    detail[ExifTags.Base.DateTimeOriginal] = "2026:01:02 09:15:00"
    detail[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    Image.fromarray(PATTERN).save(tmp_path / "a.jpg", exif=exif)
    assert probe(tmp_path / "a.jpg").captured_at == datetime(2026, 1, 2, 7, 15, tzinfo=UTC)
    Image.fromarray(PATTERN).save(tmp_path / "b.jpg")
    assert probe(tmp_path / "b.jpg").captured_at is None


@pytest.mark.parametrize("text", ["0000:00:00 00:00:00", "2026:13:41 99:99:99", "yesterday", "", 7])
def test_impossible_dates_are_no_dates(tmp_path: Path, text: object) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.DateTime] = text
    Image.fromarray(PATTERN).save(tmp_path / "a.jpg", exif=exif)
    assert probe(tmp_path / "a.jpg").captured_at is None


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("jpg", {}), ("jpg", {"progressive": True}), ("png", {}), ("tif", {}), ("bmp", {}), ("webp", {"lossless": True})],
)
def test_half_a_file_is_refused_as_truncated_or_undecodable(tmp_path: Path, suffix: str, options: dict) -> None:
    path = tmp_path / f"a.{suffix}"
    _noise().save(path, **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    expected = {"file.truncated"} if suffix in ("jpg", "bmp", "png") else {"file.truncated", "file.undecodable"}
    assert _code(path) in expected


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_bytes_after_the_picture_do_no_harm(tmp_path: Path, options: dict) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(PATTERN).save(path, **options)
    path.write_bytes(path.read_bytes() + b"garbage" * 100)
    assert pictures.load_frame(path).values.shape == PATTERN.shape


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (16_000, 15_700), (70_000, 10)])
def test_bombs_are_refused_before_decoding(tmp_path: Path, width: int, height: int) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_png_header(width, height))
    for action in (probe, pictures.load_frame):
        with pytest.raises(BitewingError) as caught:
            action(path)
        assert caught.value.code == "file.too_large"
        assert (caught.value.facts["rows"], caught.value.facts["columns"]) == (height, width)


def test_a_second_page_may_not_be_a_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [Image.new("L", (4, 4)), Image.new("L", (400, 400))]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    monkeypatch.setattr(photo, "REDUCED_PIXELS", 1000)
    with pytest.raises(BitewingError, match=r"file\.too_large"):
        pictures.load_frame(tmp_path / "a.tif", 1)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_between_the_limits_pictures_are_halved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, orientation: int
) -> None:
    monkeypatch.setattr(photo, "FULL_PIXELS", 10_000)
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    stored = _stored_for(orientation)
    Image.fromarray(np.repeat(np.repeat(stored, 8, 0), 8, 1)).save(path, exif=exif)
    frame = pictures.load_frame(path)
    assert frame.label == photo.REDUCED_LABEL
    assert frame.values.shape == (96, 160, 3)
    assert np.abs(frame.values[2::4, 2::4].astype(int) - PATTERN).mean() < 8


@pytest.mark.parametrize("suffix", ["jpg", "png", "bmp"])
def test_between_the_limits_grey_is_halved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(photo, "FULL_PIXELS", 10_000)
    Image.new("L", (200, 100), 77).save(tmp_path / f"a.{suffix}")
    frame = pictures.load_frame(tmp_path / f"a.{suffix}")
    assert frame.values.shape[:2] == (50, 100)
    assert set(np.unique(frame.values)) == {77}


def test_a_smaller_jpeg_on_request(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Image.new("RGB", (1600, 1200), "teal").save(path)
    small = pictures.load_frame(path, max_pixels=(400, 400))
    assert small.values.shape == (300, 400, 3)
    assert small.label == photo.REDUCED_LABEL
    assert pictures.load_frame(path, max_pixels=(5000, 5000)).values.shape == (1200, 1600, 3)


@pytest.mark.parametrize("suffix", ["gif", "avif"])
def test_other_formats_are_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(PATTERN).save(path)
    with pytest.raises(BitewingError) as caught:
        pictures.load_frame(path)
    assert (caught.value.code, caught.value.facts["format"]) == ("photo.unsupported_format", suffix.upper())
    assert probe(path).notes == (suffix.upper(),)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"")
    assert _code(path) == "file.empty"
    path.write_text("text")
    assert _code(path) == "file.not_an_image"
    path.write_bytes(b"\xff\xd8\xff\xe0 and nothing more that a decoder could read")
    assert _code(path) == "file.truncated"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    assert _code(path) == "file.undecodable"
    assert _code(tmp_path / "gone") == "file.missing"


def test_shared_photos(shared_data: Path) -> None:
    folder = shared_data / "synthetic" / "photos"
    upright = np.asarray(Image.open(folder / "upright.png").convert("RGB")).astype(int)
    for path in sorted(folder.glob("orient_*")):
        assert np.abs(pictures.load_frame(path).values.astype(int) - upright).mean() < 2, path.name
    assert _code(folder / "truncated_half.jpg") == "file.truncated"
    assert _code(folder / "zero_bytes.jpg") == "file.empty"
    for name in ("photo.heic", "cmyk.jpg", "progressive.jpg", "trailing_garbage.jpg", "wrong_ext_is_png.jpg"):
        assert pictures.load_frame(folder / name).values.shape == (240, 320, 3), name
    assert sniff(folder / "photo.heic") == "heif"
    heic = pictures.load_frame(shared_data / "photos" / "pillow_heif" / "zPug_3.heic")
    assert heic.values.shape[:2] == (64, 64)
