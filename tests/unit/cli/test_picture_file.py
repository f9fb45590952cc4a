"""PNG and NumPy files, read back by other programs' readers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.cli import picture_file
from app.core.errors import EnvironmentFault


@pytest.mark.parametrize("shape", [(1, 1), (7, 13), (200, 33), (1, 50), (40, 1), (5, 9, 3)])
def test_png_comes_back_pixel_by_pixel(shape: tuple[int, ...], tmp_path: Path) -> None:
    picture = np.random.default_rng(7).integers(0, 256, shape, np.uint8)
    picture_file.write_png(tmp_path / "a.png", picture)
    with Image.open(tmp_path / "a.png") as image:
        image.verify()
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == ("RGB" if len(shape) == 3 else "L")
        assert np.array_equal(np.asarray(image), picture)


def test_views_that_are_not_contiguous_are_written_rightly(tmp_path: Path) -> None:
    picture = np.arange(60, dtype=np.uint8).reshape(6, 10)[::-1, ::2]
    picture_file.write_png(tmp_path / "a.png", picture)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), picture)


def test_numpy_files_are_little_endian(tmp_path: Path) -> None:
    values = np.array([[1, -2], [300, 4]], ">i2")
    picture_file.write_npy(tmp_path / "a.npy", values)
    back = np.load(tmp_path / "a.npy")
    assert back.dtype.newbyteorder("=") == np.int16
    assert back.dtype.byteorder in "<="
    assert np.array_equal(back, values)


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFault) as caught:
        picture_file.write_png(tmp_path / "no" / "a.png", np.zeros((2, 2), np.uint8))
    assert caught.value.code == "file.missing"
