"""Stored values: every codec bit for bit, odd layouts, and code streams that must be refused."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
import pytest
import rle
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder

from app.core.errors import BitewingError
from app.imaging.dicom.codecs import PLUGIN, register
from app.imaging.dicom.reader import open_dataset, open_dicom
from app.imaging.dicom.stored import FrameReader, iter_frames, stored_pixels
from tests.unit.imaging.dicom.dicom_files import (
    BIG,
    BUNDLED,
    EXPLICIT,
    IMPLICIT,
    image_dataset,
    ramp,
    write,
    write_encapsulated,
    write_image,
)

JPEG, JPEG_12 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51"
LOSSLESS, LOSSLESS_SV1 = "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"
JPEG_LS, J2K = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"
HTJ2K, RLE = "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.5"


def _rle(pixels: NDArray[Any]) -> bytes:
    return bytes(
        rle.encode_pixel_data(
            pixels.tobytes(),
            rows=pixels.shape[0],
            columns=pixels.shape[1],
            samples_per_pixel=3 if pixels.ndim == 3 else 1,
            bits_allocated=pixels.dtype.itemsize * 8,
            number_of_frames=1,
            byteorder="<",
        )
    )


def _j2k(pixels: NDArray[Any]) -> bytes:
    return imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="j2k")


def _lossless(pixels: NDArray[Any]) -> bytes:
    return imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=16)


LOSSLESS_CODECS: list[tuple[str, Callable[[NDArray[Any]], bytes]]] = [
    (LOSSLESS, lambda a: imagecodecs.jpeg8_encode(a, lossless=True, predictor=4, bitspersample=16)),
    (LOSSLESS_SV1, _lossless),
    (JPEG_LS, imagecodecs.jpegls_encode),
    (J2K, _j2k),
    (HTJ2K, lambda a: imagecodecs.htj2k_encode(a, reversible=True)),
    (RLE, _rle),
]


@pytest.mark.parametrize(("syntax", "encode"), LOSSLESS_CODECS)
def test_lossless_codecs_are_bit_exact(tmp_path: Path, syntax: str, encode: Callable[..., bytes]) -> None:
    pixels = ramp(37, 53)
    stored = stored_pixels(write_encapsulated(tmp_path / "a.dcm", pixels, syntax, [encode(pixels)]))
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, pixels)


@pytest.mark.parametrize(("syntax", "encode"), [(JPEG_LS, imagecodecs.jpegls_encode), (J2K, _j2k), (RLE, _rle)])
def test_lossless_colour(tmp_path: Path, syntax: str, encode: Callable[..., bytes]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (21, 34, 3), dtype=np.uint8)
    path = write_encapsulated(tmp_path / "a.dcm", pixels, syntax, [encode(pixels)])
    assert np.array_equal(stored_pixels(path), pixels)


def test_jpeg_12_bit_equals_the_reference_of_the_ijg_code() -> None:
    """dcmtk's and gdcm's result; libjpeg by Richter differs by rounding."""
    stored = stored_pixels(BUNDLED / "JPGExtended.dcm")
    digest = hashlib.sha256(stored.tobytes()).hexdigest()
    assert digest == "d30242775a414c01d616447854ebe3f2b20259822894bcd6891f879bcdcbf313"


def test_jpeg_colour_is_left_in_its_own_space() -> None:
    """The same as pydicom's raw decoding through Pillow, which is libjpeg too."""
    for name in ("SC_rgb_dcmtk_+eb+cy+np.dcm", "SC_rgb_dcmtk_+eb+cr.dcm", "SC_jpeg_no_color_transform.dcm"):
        dataset = pydicom.dcmread(BUNDLED / name)
        decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
        theirs = decoder.as_array(dataset, raw=True, decoding_plugin="pillow")[0]
        assert np.array_equal(stored_pixels(BUNDLED / name), theirs)


@pytest.mark.parametrize(
    "name", ["SC_rgb_rle_16bit_2frame.dcm", "SC_rgb_rle_32bit.dcm", "MR_small_RLE.dcm", "rtdose_rle.dcm"]
)
def test_rle_equals_pydicoms_own_decoder(name: str) -> None:
    dataset = pydicom.dcmread(BUNDLED / name)
    theirs = get_decoder(RLE).as_array(dataset, raw=True, decoding_plugin="pydicom")[0]
    assert np.array_equal(stored_pixels(BUNDLED / name), theirs)


@pytest.mark.parametrize(
    "name",
    [
        "CT_small.dcm",
        "MR_small_bigendian.dcm",
        "ExplVR_BigEnd.dcm",
        "SC_rgb_small_odd.dcm",
        "SC_rgb_small_odd_big_endian.dcm",
        "SC_ybr_full_422_uncompressed.dcm",
        "examples_rgb_color.dcm",
        "liver_1frame.dcm",
        "liver_expb_1frame.dcm",
        "rtdose.dcm",
        "rtdose_expb.dcm",
        "image_dfl.dcm",
        "J2K_pixelrep_mismatch.dcm",
    ],
)
def test_stored_values_equal_pydicoms(name: str) -> None:
    path = BUNDLED / name
    dataset = pydicom.dcmread(path)
    decoder = get_decoder(dataset.file_meta.TransferSyntaxUID)
    options = {"decoding_plugin": "pillow"} if decoder.is_encapsulated else {}
    assert np.array_equal(stored_pixels(path), decoder.as_array(dataset, raw=True, **options)[0])


@pytest.mark.parametrize(("tag", "dtype"), [("FloatPixelData", np.float32), ("DoubleFloatPixelData", np.float64)])
def test_float_pixels(tmp_path: Path, tag: str, dtype: Any) -> None:
    values = np.linspace(-1, 1, 12, dtype=dtype).reshape(3, 4)
    dataset = image_dataset(values, PixelData=None, PixelRepresentation=None)
    setattr(dataset, tag, values.tobytes())
    assert np.array_equal(stored_pixels(write(tmp_path / "a.dcm", dataset)), values)


def test_frames_of_single_bits_start_inside_a_byte(tmp_path: Path) -> None:
    """PS3.5 8.1.1: frames of one bit per pixel follow each other without padding."""
    volume = np.random.default_rng(5).integers(0, 2, (3, 3, 7), dtype=np.uint8)
    packed = np.packbits(volume.ravel(), bitorder="little").tobytes()
    extra = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0, "NumberOfFrames": 3, "PixelData": packed}
    assert np.array_equal(stored_pixels(write_image(tmp_path / "a.dcm", volume, **extra)), volume)


def test_values_are_masked_to_bits_stored_and_sign_extended(tmp_path: Path) -> None:
    container = np.array([[0xF123, 0x0FFF, 0x0800, 0x07FF]], np.uint16)
    unsigned = stored_pixels(write_image(tmp_path / "a.dcm", container))
    assert unsigned.tolist() == [[0x123, 0xFFF, 0x800, 0x7FF]]
    signed = stored_pixels(write_image(tmp_path / "b.dcm", container, PixelRepresentation=1))
    assert signed.tolist() == [[0x123, -1, -2048, 2047]]
    assert signed.dtype == np.int16


def test_high_bit_tells_where_the_value_stands(tmp_path: Path) -> None:
    container = np.array([[0x123F, 0xFFF0]], np.uint16)
    stored = stored_pixels(write_image(tmp_path / "a.dcm", container, HighBit=15))
    assert stored.tolist() == [[0x123, 0xFFF]]


def test_planar_configuration_is_interleaved(tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    planes = np.ascontiguousarray(np.moveaxis(pixels, -1, 0))
    path = write_image(tmp_path / "a.dcm", pixels, PlanarConfiguration=1, PixelData=planes.tobytes())
    assert np.array_equal(stored_pixels(path), pixels)


def test_full_samples_called_422(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    path = write_image(tmp_path / "a.dcm", pixels, PhotometricInterpretation="YBR_FULL_422")
    assert np.array_equal(stored_pixels(path), pixels)


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_frames_one_by_one_equal_the_whole(tmp_path: Path, syntax: str) -> None:
    volume = np.stack([ramp() // (index + 1) for index in range(4)])
    path = write_image(tmp_path / "a.dcm", volume, syntax, NumberOfFrames=4)
    whole = stored_pixels(path)
    assert np.array_equal(whole, volume)
    assert all(np.array_equal(a, b) for a, b in zip(iter_frames(open_dicom(path)), whole, strict=True))
    with pytest.raises(BitewingError) as caught:
        FrameReader(open_dicom(path)).read(4)
    assert caught.value.code == "image.no_such_frame"


def test_encapsulated_frames(tmp_path: Path) -> None:
    volume = np.stack([ramp(16, 16) // (index + 1) for index in range(5)])
    streams = [_lossless(frame) for frame in volume]
    path = write_encapsulated(tmp_path / "a.dcm", volume, LOSSLESS_SV1, streams, NumberOfFrames=5)
    assert np.array_equal(stored_pixels(path), volume)
    assert np.array_equal(FrameReader(open_dicom(path)).read(3), volume[3])


def test_frames_without_an_offset_table(tmp_path: Path) -> None:
    volume = np.stack([ramp(16, 16) // (index + 1) for index in range(5)])
    dataset = image_dataset(volume, NumberOfFrames=5)
    whole = [_lossless(frame) for frame in volume]
    halves = [half for stream in whole for half in (stream[:20], stream[20:])]
    for streams in (whole, halves):
        dataset.PixelData = encapsulate(streams, has_bot=False)
        dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
        path = write(tmp_path / "a.dcm", dataset, LOSSLESS_SV1)
        assert np.array_equal(stored_pixels(path), volume)


def test_pydicom_itself_uses_the_plugin(tmp_path: Path) -> None:
    register()  # a second time: nothing happens
    assert PLUGIN in get_decoder(LOSSLESS_SV1).available_plugins
    pixels = ramp(16, 20)
    path = write_encapsulated(tmp_path / "a.dcm", pixels, LOSSLESS_SV1, [_lossless(pixels)])
    assert np.array_equal(open_dataset(path).pixel_array, pixels)


@pytest.mark.parametrize(
    ("syntax", "encode", "codes"),
    [
        (LOSSLESS_SV1, _lossless, {"file.truncated"}),
        (JPEG_LS, imagecodecs.jpegls_encode, {"file.truncated"}),
        (J2K, _j2k, {"file.undecodable"}),
        (HTJ2K, lambda a: imagecodecs.htj2k_encode(a, reversible=True), {"file.undecodable", "file.truncated"}),
        (RLE, _rle, {"file.undecodable", "file.truncated"}),
    ],
)
@pytest.mark.parametrize("part", [0.1, 0.6, 0.95])
def test_cut_code_streams_are_errors_not_pictures(
    tmp_path: Path, syntax: str, encode: Callable[..., bytes], codes: set[str], part: float
) -> None:
    noise = np.random.default_rng(4).integers(0, 4096, (64, 64), dtype=np.uint16)
    stream = encode(noise)
    path = write_encapsulated(tmp_path / "a.dcm", noise, syntax, [stream[: int(len(stream) * part)]])
    with pytest.raises(BitewingError) as caught:
        stored_pixels(path)
    assert caught.value.code in codes | {"file.undecodable"}


def test_file_cut_inside_a_code_stream(tmp_path: Path) -> None:
    pixels = ramp(64, 64)
    path = write_encapsulated(tmp_path / "a.dcm", pixels, LOSSLESS_SV1, [_lossless(pixels)])
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(BitewingError) as caught:
        stored_pixels(path)
    assert caught.value.code == "file.truncated"


def test_forgotten_sequence_delimiter_is_forgiven(tmp_path: Path) -> None:
    pixels = ramp(64, 64)
    path = write_encapsulated(tmp_path / "a.dcm", pixels, LOSSLESS_SV1, [_lossless(pixels)])
    path.write_bytes(path.read_bytes()[:-8])
    assert np.array_equal(stored_pixels(path), pixels)


@pytest.mark.parametrize(("syntax", "encode"), [codec for codec in LOSSLESS_CODECS if codec[0] != RLE])
def test_code_stream_of_another_size_is_refused_before_decoding(
    tmp_path: Path, syntax: str, encode: Callable[..., bytes]
) -> None:
    path = write_encapsulated(tmp_path / "a.dcm", ramp(10, 10), syntax, [encode(ramp(300, 300))])
    with pytest.raises(BitewingError) as caught:
        stored_pixels(path)
    assert caught.value.code == "file.undecodable"


def test_eight_bit_codec_in_sixteen_allocated_bits(tmp_path: Path) -> None:
    pixels = ramp(16, 16, 8, np.uint8)
    stream = imagecodecs.jpegls_encode(pixels)
    stored = stored_pixels(write_encapsulated(tmp_path / "a.dcm", pixels.astype(np.uint16), JPEG_LS, [stream]))
    assert stored.dtype == np.uint16
    assert np.array_equal(stored, pixels)


def test_mutated_files_raise_nothing_else(tmp_path: Path, long_run: bool) -> None:
    """Short form of the fuzz goal: any mutation is an image or a BitewingError."""
    rng = np.random.default_rng(20261121)
    seeds = ["MR_small.dcm", "MR_small_RLE.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"]
    seeds += ["SC_rgb_small_odd_jpeg.dcm", "image_dfl.dcm", "liver_1frame.dcm", "MR_small_implicit.dcm"]
    path = tmp_path / "mutant.dcm"
    outcomes: dict[str, int] = {}
    for turn in range(20_000 if long_run else 600):
        data = bytearray((BUNDLED / seeds[turn % len(seeds)]).read_bytes())
        # Most damage to the header, where it matters.
        for position in rng.integers(132, min(len(data), 2500), rng.integers(1, 6)):
            data[position] = rng.integers(0, 256)
        path.write_bytes(data[: rng.integers(200, len(data))] if turn % 9 == 0 else data)
        try:
            stored_pixels(path)
            outcome = "decoded"
        except BitewingError as error:
            outcome = error.code
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    print(outcomes)
    assert outcomes["decoded"] > 50
    assert len(outcomes) > 3


def test_nothing_of_a_broken_file_reaches_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """pydicom logs decoding errors with their texts, which may quote the file."""
    pixels = ramp(64, 64)
    path = write_encapsulated(tmp_path / "a.dcm", pixels, J2K, [_j2k(pixels)[:200]])
    with pytest.raises(BitewingError):
        stored_pixels(path)
    assert [record.name for record in caplog.records if not record.name.startswith("app.")] == []
