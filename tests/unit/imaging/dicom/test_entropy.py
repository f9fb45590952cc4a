"""Damage inside JPEG streams: what must be noticed, and that sound streams are left alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from numpy.typing import NDArray

from app.imaging.dicom.entropy import is_damaged
from app.imaging.examine import examine
from tests.unit.imaging.dicom.dicom_files import BUNDLED, write_encapsulated

SV1 = "1.2.840.10008.1.2.4.70"


def noisy(rows: int, columns: int, bits: int, seed: int = 1) -> NDArray[Any]:
    """A ramp with noise and a flat border, as radiographs have."""
    y, x = np.mgrid[0:rows, 0:columns]
    chance = np.random.default_rng(seed)
    top = (1 << bits) - 1
    picture = (x + y) / (rows + columns) * 0.8 * top + chance.normal(0, top * 0.005, (rows, columns))
    picture[: rows // 4] = top
    return np.clip(picture, 0, top).astype(np.uint8 if bits == 8 else np.uint16)


def lossless(pixels: NDArray[Any], bits: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=bits))


def start_of_data(stream: bytes) -> int:
    at = stream.index(b"\xff\xda")
    return at + 2 + int.from_bytes(stream[at + 2 : at + 4], "big")


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("seed", range(6))
def test_sound_lossless_streams_are_left_alone(bits: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    rows, columns = (int(side) for side in chance.integers(9, 150, 2))
    for pixels in (noisy(rows, columns, bits, seed), chance.integers(0, 1 << bits, (rows, columns)).astype("u2")):
        values = pixels.astype(np.uint8) if bits == 8 else pixels
        assert not is_damaged(lossless(values, bits), values)


@pytest.mark.parametrize("quality", [50, 90, 100])
def test_sound_dct_streams_are_left_alone(quality: int) -> None:
    for stream in (
        imagecodecs.jpeg8_encode(noisy(90, 70, 8), quality),
        imagecodecs.jpeg8_encode(noisy(90, 70, 12), quality, bitspersample=12),
    ):
        assert not is_damaged(bytes(stream), imagecodecs.jpeg8_decode(stream))


def test_bytes_lost_in_the_middle_are_noticed() -> None:
    stream = lossless(noisy(200, 160, 12), 12)
    start = start_of_data(stream)
    noticed = 0
    for at in np.linspace(start + 50, len(stream) - 700, 20).astype(int):
        broken = stream[:at] + bytes(512) + stream[at + 512 :]
        noticed += is_damaged(broken, imagecodecs.jpeg8_decode(broken))
    assert noticed >= 16  # what leaves as many codes as there were is noticed by nobody


def test_stray_marker_is_noticed() -> None:
    pixels = noisy(90, 70, 8)
    stream = bytes(imagecodecs.jpeg8_encode(pixels, 90))
    middle = (start_of_data(stream) + len(stream)) // 2
    assert is_damaged(stream[:middle] + b"\xff\xd3" + stream[middle + 2 :], pixels)
    assert is_damaged(stream[:middle] + b"\xff\x47" + stream[middle + 2 :], pixels)


def test_damage_becomes_a_note_of_the_examination(tmp_path: Path) -> None:
    pixels = noisy(200, 160, 12)
    stream = lossless(pixels, 12)
    whole = write_encapsulated(tmp_path / "whole.dcm", pixels, SV1, [stream])
    assert examine(whole).facts.notes == ()
    middle = (start_of_data(stream) + len(stream)) // 2
    broken = stream[:middle] + bytes(400) + stream[middle + 400 :]
    assert examine(write_encapsulated(tmp_path / "b.dcm", pixels, SV1, [broken])).facts.notes == ("damaged",)
    several = np.stack([pixels, pixels])
    path = write_encapsulated(tmp_path / "c.dcm", several, SV1, [stream, broken], NumberOfFrames=2)
    assert examine(path).facts.notes == ("damaged",)


@pytest.mark.parametrize("name", ["SC_rgb_jpeg_dcmtk.dcm", "JPGExtended.dcm", "SC_jpeg_no_color_transform.dcm"])
def test_streams_of_other_encoders_are_left_alone(name: str) -> None:
    assert "damaged" not in examine(BUNDLED / name).facts.notes
