"""Frames for the viewer: what is windowed with what, what is padding, which overlays belong to which frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.core.errors import BitewingError
from app.imaging.dicom.frames import FOR_PROCESSING, load_dicom_frame
from app.imaging.dicom.luts import palette_of
from app.imaging.display.pipeline import default_voi, picture_of
from app.imaging.frame import VoiLut
from tests.unit.imaging.dicom.dicom_files import BIG, BUNDLED, EXPLICIT, image_dataset, ramp, write, write_image


def _item(**values: Any) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def test_twin_of_the_other_polarity_looks_the_same(tmp_path: Path) -> None:
    window = {"WindowCenter": 2048, "WindowWidth": 4096}
    normal = load_dicom_frame(write_image(tmp_path / "a.dcm", ramp(), **window))
    reverse = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    twin = load_dicom_frame(write_image(tmp_path / "b.dcm", 4095 - ramp(), **window, **reverse))
    assert np.abs(picture_of(normal).astype(int) - picture_of(twin)).max() <= 1


def test_first_usable_window_wins_and_others_are_kept(tmp_path: Path) -> None:
    extra = {
        "WindowCenter": [10, 1000, 2000],
        "WindowWidth": [0, 500, 3000],
        "WindowCenterWidthExplanation": ["broken", "bone", "soft"],
    }
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", ramp(), **extra))
    assert [window.explanation for window in frame.windows] == ["bone", "soft"]
    assert frame.default_window == frame.windows[0]


def test_without_a_window_the_range_without_padding_is_shown(tmp_path: Path) -> None:
    pixels = ramp()
    pixels[0, :4] = 4000
    pixels[pixels > 4000] = 3999
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", pixels, PixelPaddingValue=4000, RescaleSlope=2))
    kept = pixels[pixels != 4000]
    assert frame.default_window.center == float(kept.min()) + float(kept.max())
    assert frame.default_window.width == 2.0 * (int(kept.max()) - int(kept.min()))
    shown = picture_of(frame)
    assert (shown[pixels == 4000] == 0).all()
    assert shown.max() == 255


def test_padding_range_and_padding_with_a_hidden_sign(tmp_path: Path) -> None:
    limits = {"PixelPaddingValue": 4000, "PixelPaddingRangeLimit": 3990}
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", ramp(), **limits))
    assert frame.padding == (3990, 4000)
    signed = ramp().astype(np.int16)
    signed[0] = -2000
    dataset = image_dataset(signed, BitsStored=16, HighBit=15)
    dataset.add_new(0x00280120, "US", 65536 - 2000)
    assert load_dicom_frame(write(tmp_path / "b.dcm", dataset)).padding == (-2000, -2000)


def test_padding_survives_a_modality_table(tmp_path: Path) -> None:
    pixels = ramp()
    table = _item(LUTDescriptor=[4096, 0, 16])
    table.add_new(0x00283006, "OW", np.arange(4096, dtype="<u2")[::-1].tobytes())
    extra = {"ModalityLUTSequence": Sequence([table]), "PixelPaddingValue": 4095}
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", pixels, **extra))
    shown = picture_of(frame)
    assert shown[-1, -1] == 0  # padding, not the black that 4095 maps to
    assert frame.padding == (-1, -1)
    assert shown[0, 0] == 255
    assert frame.default_window.center - frame.default_window.width / 2 > 0


def test_voi_lut_comes_before_the_window(tmp_path: Path) -> None:
    lut = _item(LUTDescriptor=[4096, 0, 8], LUTExplanation="gamma")
    lut.add_new(0x00283006, "OW", (np.arange(4096) // 16).astype("<u2").tobytes())
    extra = {"VOILUTSequence": Sequence([lut]), "WindowCenter": 5, "WindowWidth": 5}
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", ramp(), **extra))
    voi = default_voi(frame)
    assert isinstance(voi, VoiLut)
    assert (voi.explanation, voi.bits) == ("gamma", 8)
    assert np.array_equal(picture_of(frame), ramp() // 16)


def test_lut_entries_packed_as_bytes_and_descriptor_that_lies(tmp_path: Path) -> None:
    packed = _item(LUTDescriptor=[256, 0, 8])
    packed.add_new(0x00283006, "OW", bytes(range(256)))
    lying = _item(LUTDescriptor=[256, 0, 8])
    lying.add_new(0x00283006, "OW", (np.arange(256) * 16).astype("<u2").tobytes())
    broken = _item(LUTDescriptor=[256, 0, 8])
    broken.add_new(0x00283006, "OW", bytes(10))
    path = write_image(tmp_path / "a.dcm", ramp(), VOILUTSequence=Sequence([packed, lying, broken]))
    luts = load_dicom_frame(path).voi_luts
    assert [(lut.bits, int(lut.table[-1])) for lut in luts] == [(8, 255), (12, 4080)]


def test_for_processing_is_labelled_and_shown_sensibly(tmp_path: Path) -> None:
    extra = {"PresentationIntentType": "FOR PROCESSING", "PixelIntensityRelationshipSign": 1}
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", ramp(80, 80), **extra))
    assert (frame.label, frame.inverted) == (FOR_PROCESSING, True)
    assert 0 < frame.default_window.width < 4095
    windowed = load_dicom_frame(write_image(tmp_path / "b.dcm", ramp(), WindowCenter=9, WindowWidth=9, **extra))
    assert (windowed.label, windowed.inverted, windowed.default_window.center) == (FOR_PROCESSING, False, 9)


def test_functional_groups_of_enhanced_frames(tmp_path: Path) -> None:
    volume = np.stack([ramp(), ramp() // 2])
    groups = [
        _item(
            FrameVOILUTSequence=Sequence([_item(WindowCenter=100 * n, WindowWidth=50)]),
            PixelValueTransformationSequence=Sequence([_item(RescaleSlope=n, RescaleIntercept=-n)]),
        )
        for n in (1, 2)
    ]
    shared = _item(PixelMeasuresSequence=Sequence([_item(PixelSpacing=[0.2, 0.1])]))
    extra = {
        "NumberOfFrames": 2,
        "PerFrameFunctionalGroupsSequence": Sequence(groups),
        "SharedFunctionalGroupsSequence": Sequence([shared]),
        "RecommendedDisplayFrameRate": 20,
    }
    frame = load_dicom_frame(write_image(tmp_path / "a.dcm", volume, **extra), 1)
    assert (frame.default_window.center, frame.slope, frame.intercept) == (200, 2, -2)
    assert (frame.frame, frame.frames, frame.frame_time_ms) == (1, 2, 50.0)
    assert frame.spacing is not None
    assert (frame.spacing.row_mm, frame.pixel_aspect) == (0.2, (0.2, 0.1))


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG])
def test_overlays_belong_to_their_frames(tmp_path: Path, syntax: str) -> None:
    bits = np.random.default_rng(11).integers(0, 2, (2, 8, 10), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    dataset = image_dataset(np.stack([ramp()] * 3), NumberOfFrames=3)
    for element, vr, value in (
        (0x0010, "US", 8),
        (0x0011, "US", 10),
        (0x0015, "IS", 2),
        (0x0050, "SS", [1, 1]),
        (0x0051, "US", 2),
        (0x0100, "US", 1),
        (0x0102, "US", 0),
    ):
        dataset.add_new(0x60020000 | element, vr, value)
    swapped = np.frombuffer(packed, "<u2").byteswap().tobytes()
    dataset.add_new(0x60023000, "OW", swapped if syntax == BIG else packed)
    path = write(tmp_path / "a.dcm", dataset, syntax)
    assert load_dicom_frame(path, 0).overlays is None
    for index in (1, 2):
        overlays = load_dicom_frame(path, index).overlays
        assert overlays is not None
        assert np.array_equal(overlays, bits[index - 1].astype(bool))


def test_overlay_in_unused_pixel_bits(tmp_path: Path) -> None:
    plane = np.random.default_rng(12).integers(0, 2, (8, 10)).astype(np.uint16)
    dataset = image_dataset(ramp() | plane << 14)
    for element, vr, value in ((0x0010, "US", 8), (0x0011, "US", 10), (0x0050, "SS", [1, 1]), (0x0102, "US", 14)):
        dataset.add_new(0x60000000 | element, vr, value)
    frame = load_dicom_frame(write(tmp_path / "a.dcm", dataset))
    assert np.array_equal(frame.values, ramp())
    assert frame.overlays is not None
    assert np.array_equal(frame.overlays, plane.astype(bool))


def test_segmented_palette() -> None:
    """PS3.3 C.7.9.2: discrete, linear and indirect segments."""
    words = [0, 2, 10, 20, 1, 4, 60, 0, 1, 7, 2, 2, 0, 0]
    dataset = Dataset()
    for colour in ("Red", "Green", "Blue"):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [13, 0, 16])
        data = np.array(words, "<u2").tobytes()
        setattr(dataset, f"Segmented{colour}PaletteColorLookupTableData", data)
    expected = [10, 20, 30, 40, 50, 60, 7, 10, 20, 30, 40, 50, 60]
    assert palette_of(dataset).tables[0].tolist() == expected
    dataset.SegmentedRedPaletteColorLookupTableData = np.array([1, 4, 60], "<u2").tobytes()
    with pytest.raises(BitewingError):
        palette_of(dataset)


def test_cine_files_know_their_speed() -> None:
    frame = load_dicom_frame(BUNDLED / "examples_ybr_color.dcm", 29)
    assert frame.frames == 30
    assert frame.is_colour
    assert frame.frame_time_ms is not None
    assert frame.frame_time_ms > 0
