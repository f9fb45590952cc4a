"""Colour, overlays, geometry, modality tables and the picture as a whole."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, convert_color_space
from pydicom.sequence import Sequence

from app.core.errors import BitewingError
from app.imaging.dicom.frames import load_dicom_frame
from app.imaging.display.colour import palette_to_rgb, to_rgb, ybr_to_rgb
from app.imaging.display.geometry import fit_size, resize, square_size
from app.imaging.display.modality import apply_table, rescale
from app.imaging.display.overlay import draw, place, unpack_plane
from app.imaging.display.processing import is_inverted, robust_window
from app.imaging.frame import DisplayFrame, WindowSetting
from app.imaging.render import render_picture
from tests.unit.imaging.dicom.dicom_files import BUNDLED


def test_ybr_to_rgb_equals_pydicoms_within_a_level() -> None:
    samples = np.random.default_rng(8).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    theirs = convert_color_space(samples, "YBR_FULL", "RGB").astype(int)
    assert np.abs(ybr_to_rgb(samples).astype(int) - theirs).max() <= 1
    assert np.array_equal(to_rgb(samples, "RGB", 8), samples)


def test_deeper_and_odder_colour() -> None:
    deep = np.array([[[4095, 2048, 0]]], np.uint16)
    assert to_rgb(deep, "RGB", 12).tolist() == [[[255, 128, 0]]]
    white = np.array([[[235, 128, 128]]], np.uint8)
    assert to_rgb(white, "YBR_PARTIAL_420", 8).tolist() == [[[255, 255, 255]]]
    assert to_rgb(np.array([[[0, 0, 0, 0]]], np.uint8), "CMYK", 8).tolist() == [[[255, 255, 255]]]
    with pytest.raises(BitewingError):
        to_rgb(white, "HSV", 8)


def test_palette_equals_pydicoms() -> None:
    path = BUNDLED / "examples_palette.dcm"
    dataset = pydicom.dcmread(path)
    theirs = apply_color_lut(dataset.pixel_array, dataset)
    ours = load_dicom_frame(path).values
    assert np.array_equal(ours, (theirs >> 8) if theirs.dtype == np.uint16 else theirs)


def test_palette_entries_of_eight_bits_in_sixteen() -> None:
    table = np.arange(256, dtype=np.uint16)
    assert palette_to_rgb(np.array([[200]], np.uint8), 0, (table, table, table), 16).tolist() == [[[200, 200, 200]]]
    first = palette_to_rgb(np.array([[3, 12]], np.uint8), 10, (table, table, table), 8)
    assert first[0, :, 0].tolist() == [0, 2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint16, np.int32])
def test_modality_table_equals_pydicoms(dtype: type) -> None:
    values = np.array([[0, 5, 99, 100, 127]], dtype)
    table = np.arange(1000, 1100, dtype=np.uint16)
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [100, 5, 16], table.tolist()
    dataset = Dataset()
    dataset.ModalityLUTSequence = Sequence([item])
    dataset.PixelRepresentation = 0
    assert np.array_equal(apply_table(values, 5, table), apply_modality_lut(values, dataset))
    assert rescale(values, 2.0, -1.0)[0, 1] == 9.0


def test_overlay_planes_are_unpacked_placed_and_drawn() -> None:
    bits = np.random.default_rng(9).integers(0, 2, (2, 5, 7), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    second = unpack_plane(packed, 5, 7, 1)
    assert second is not None
    assert np.array_equal(second, bits[1].astype(bool))
    assert unpack_plane(packed[:2], 5, 7) is None
    canvas = np.zeros((6, 6), np.bool_)
    place(canvas, np.ones((4, 4), np.bool_), -2, 4)
    assert canvas.sum() == 4
    assert canvas[:2, 4:].all()
    place(canvas, np.ones((4, 4), np.bool_), 50, 50)
    grey = np.full((6, 6), 9, np.uint8)
    drawn = draw(grey, canvas)
    assert drawn[0, 5] == 255
    assert grey[0, 5] == 9


def test_overlay_of_a_real_file_equals_pydicoms() -> None:
    path = BUNDLED / "examples_overlay.dcm"
    theirs = pydicom.dcmread(path).overlay_array(0x6000)
    ours = load_dicom_frame(path).overlays
    assert ours is not None
    assert np.array_equal(ours, theirs.astype(bool))


def test_the_longer_side_of_a_pixel_is_stretched() -> None:
    assert square_size(600, 500, (1.0, 2.0)) == (600, 1000)
    assert square_size(600, 500, (3.0, 2.0)) == (900, 500)
    assert square_size(600, 500, (1.2, 1.2012)) == (600, 500)
    assert square_size(600, 500, (0.0, 2.0)) == (600, 500)


def test_fitting_touches_the_box_from_inside() -> None:
    assert fit_size(100, 200, 50, 50) == (25, 50)
    assert fit_size(100, 200, 1000, 300) == (300, 600)
    assert fit_size(1, 20000, 10, 10) == (1, 10)
    assert resize(np.zeros((10, 10, 3), np.uint8), 5, 20).shape == (5, 20, 3)


def test_for_processing_default_ignores_the_extremes() -> None:
    values = np.random.default_rng(10).normal(2000, 200, (300, 300)).astype(np.uint16)
    values[:2] = 0
    values[0, :200] = 4095
    window = robust_window(values, 1.0, 0.0, None)
    low, high = window.center - window.width / 2, window.center + window.width / 2
    assert 1200 < low < 1700
    assert 2300 < high < 2800
    values[:] = 0
    values[0, 0] = 50
    assert robust_window(values, 1.0, 0.0, (0, 0)).width > 0


@pytest.mark.parametrize(
    ("sign", "photometric", "inverted"),
    [(1, "MONOCHROME2", True), (-1, "MONOCHROME2", False), (None, "MONOCHROME1", True), (None, "MONOCHROME2", False)],
)
def test_for_processing_shows_dense_tissue_bright(sign: int | None, photometric: str, inverted: bool) -> None:
    assert is_inverted(sign, photometric) is inverted


def test_rendering_fits_stretches_and_keeps_thin_overlays() -> None:
    values = np.full((100, 50), 100, np.uint16)
    overlays = np.zeros((100, 50), np.bool_)
    overlays[40] = True
    frame = DisplayFrame(values, default_window=WindowSetting(100, 200), overlays=overlays, pixel_aspect=(1.0, 2.0))
    assert render_picture(frame).shape == (100, 100)
    assert render_picture(frame, square=False).shape == (100, 50)
    small = render_picture(frame, size=(25, 60))
    assert small.shape == (25, 25)
    assert small.max() == 255
    assert render_picture(frame, size=(25, 60), overlays=False).max() < 200
    assert render_picture(frame, window=WindowSetting(0, 10), overlays=False).min() == 255
    colour = DisplayFrame(np.zeros((10, 20, 3), np.uint8))
    assert render_picture(colour, size=(10, 10)).shape == (5, 10, 3)
    assert (colour.is_colour, colour.rows, colour.columns) == (True, 10, 20)
