"""Volumes: order by position, the right place in the patient, every encoding as the full reader has it."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import rle
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled
from app.core.progress import Progress
from app.imaging import volume as volume_module
from app.imaging.dicom.slice_header import read_slice_header
from app.imaging.dicom.stored import stored_pixels
from app.imaging.volume import load_volume
from tests.unit.imaging.dicom.dicom_files import BIG, EXPLICIT, IMPLICIT, image_dataset, ramp, write

SHAPE = (24, 30, 36)
SPACING = (0.5, 0.4, 0.3)
CENTER = (3.0, -2.0, 41.0)
RADIUS = 3.5
# Rows run along x, columns down along -z: a coronal stack, so that no axis is where habit expects it.
ACROSS, DOWN = (1.0, 0.0, 0.0), (0.0, 0.0, -1.0)
NORMAL = (0.0, 1.0, 0.0)
ORIGIN = (-2.0, -8.0, 47.0)


def place(index: float, row: float, column: float) -> tuple[float, ...]:
    """The patient coordinates of a voxel of the test series, worked out by hand."""
    step, down, across = SPACING
    return ORIGIN[0] + column * across, ORIGIN[1] + index * step, ORIGIN[2] - row * down


def sphere() -> NDArray[np.uint16]:
    """A ball of 3000 around CENTER in 100."""
    slices, rows, columns = np.indices(SHAPE).astype(float)
    x, y, z = place(slices, rows, columns)  # type: ignore[arg-type]
    inside = (x - CENTER[0]) ** 2 + (y - CENTER[1]) ** 2 + (z - CENTER[2]) ** 2 <= RADIUS**2
    return np.where(inside, 3000, 100).astype(np.uint16)


def slice_dataset(pixels: NDArray[Any], index: int, **extra: Any) -> Dataset:
    """A slice of the series with its place."""
    given = {
        "Modality": "CT",
        "ImagePositionPatient": [round(value, 4) for value in place(index, 0, 0)],
        "ImageOrientationPatient": [*ACROSS, *DOWN],
        "PixelSpacing": [SPACING[1], SPACING[2]],
        "RescaleSlope": 1,
        "RescaleIntercept": -1000,
    }
    return image_dataset(pixels, **{key: value for key, value in (given | extra).items() if value is not None})


def write_series(folder: Path, values: NDArray[Any], syntax: str = EXPLICIT, **extra: Any) -> list[Path]:
    """Files whose names and Instance Numbers say nothing of their order."""
    chance = random.Random(5)
    names, numbers = list(range(len(values))), list(range(1, len(values) + 1))
    chance.shuffle(names)
    chance.shuffle(numbers)
    for index, pixels in enumerate(values):
        dataset = slice_dataset(pixels, index, InstanceNumber=numbers[index], **extra)
        write(folder / f"{names[index]:03}.dcm", dataset, syntax)
    return sorted(folder.glob("*.dcm"))


def code_of(error: pytest.ExceptionInfo[BitewingError]) -> str:
    return error.value.code


def test_sphere_stands_where_it_is_in_the_patient(tmp_path: Path) -> None:
    values = sphere()
    found = load_volume(write_series(tmp_path, values))
    assert np.array_equal(found.values, values)
    assert found.geometry is not None
    assert found.geometry.is_even
    assert found.geometry.spacing == pytest.approx(SPACING)
    assert found.geometry.normal == pytest.approx(NORMAL)
    middle = np.argwhere(found.values == 3000).mean(axis=0)
    assert found.geometry.point(*middle) == pytest.approx(CENTER, abs=0.05)
    assert found.rescales == ((1.0, -1000.0),) * SHAPE[0]
    assert found.geometry.positions[5] == pytest.approx(ORIGIN[1] + 2.5)


def test_sources_name_the_file_of_each_slice(tmp_path: Path) -> None:
    paths = write_series(tmp_path, sphere())
    found = load_volume(paths)
    assert {path for path, _ in found.sources} == set(paths)
    for index in (0, 11, 23):
        assert np.array_equal(stored_pixels(found.sources[index][0]), found.values[index])


def test_positions_of_the_opposite_direction_are_still_ascending(tmp_path: Path) -> None:
    values = sphere()
    turned = [*ACROSS, *(-part for part in DOWN)]
    found = load_volume(write_series(tmp_path, values, ImageOrientationPatient=turned))
    assert found.geometry is not None
    assert found.geometry.normal == pytest.approx((0, -1, 0))
    assert list(found.geometry.positions) == sorted(found.geometry.positions)
    assert np.array_equal(found.values, values[::-1])


def _jpeg_lossless(pixels: NDArray[Any]) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(pixels, lossless=True, predictor=1, bitspersample=16))


def _rle(pixels: NDArray[Any]) -> bytes:
    rows, columns = pixels.shape
    more = {"samples_per_pixel": 1, "bits_allocated": 16, "number_of_frames": 1, "byteorder": "<"}
    return bytes(rle.encode_pixel_data(pixels.tobytes(), rows=rows, columns=columns, **more))


CODECS = {
    "1.2.840.10008.1.2.4.70": _jpeg_lossless,
    "1.2.840.10008.1.2.4.80": imagecodecs.jpegls_encode,
    "1.2.840.10008.1.2.4.90": lambda pixels: imagecodecs.jpeg2k_encode(pixels, reversible=True, codecformat="j2k"),
    "1.2.840.10008.1.2.5": _rle,
}


@pytest.mark.parametrize("syntax", list(CODECS))
@pytest.mark.parametrize("fragments", [1, 2])
def test_compressed_slices_are_those_of_the_full_reader(tmp_path: Path, syntax: str, fragments: int) -> None:
    values = sphere()
    values[:, 3, :] = np.arange(SHAPE[2]) * 113
    chance = random.Random(2)
    order = chance.sample(range(SHAPE[0]), SHAPE[0])
    if syntax.endswith(".5") and fragments > 1:
        fragments = 1  # RLE frames are one fragment by definition (PS3.5 A.4.2)
    for index in range(SHAPE[0]):
        dataset = slice_dataset(values[index], index)
        dataset.PixelData = encapsulate([CODECS[syntax](values[index])], fragments_per_frame=fragments)
        dataset["PixelData"].VR = "OB"
        write(tmp_path / f"{order[index]:02}.dcm", dataset, syntax)
    paths = sorted(tmp_path.glob("*.dcm"))
    found = load_volume(paths)
    assert np.array_equal(found.values, values)
    header = read_slice_header(paths[0], 4096)
    assert header is not None
    assert header.is_plain


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@pytest.mark.parametrize(
    "extra",
    [{"BitsStored": 16, "HighBit": 15}, {"BitsStored": 12, "HighBit": 11}, {"BitsStored": 12, "HighBit": 15}],
    ids=["16", "12", "12 shifted"],
)
@pytest.mark.parametrize("signed", [0, 1])
def test_native_slices_are_masked_as_the_full_reader_does(
    tmp_path: Path, syntax: str, extra: dict[str, int], signed: int
) -> None:
    chance = np.random.default_rng(4)
    values = chance.integers(0, 1 << 16, (5, 8, 10), np.uint16)
    found = load_volume(write_series(tmp_path, values, syntax, PixelRepresentation=signed, **extra))
    for (path, _), got in zip(found.sources, found.values, strict=True):
        expected = stored_pixels(path)
        assert got.dtype == expected.dtype
        assert np.array_equal(got, expected)


def test_fast_header_agrees_with_the_full_reader(tmp_path: Path) -> None:
    item = Dataset()
    item.CodeValue = "1"
    inner = Dataset()
    inner.ImagePositionPatient = [9, 9, 9]
    inner.Rows = 1
    item.AnatomicRegionModifierSequence = Sequence([inner])
    for syntax in (EXPLICIT, IMPLICIT):
        dataset = slice_dataset(ramp(), 3, InstanceNumber=8, AnatomicRegionSequence=Sequence([item]))
        dataset["AnatomicRegionSequence"].is_undefined_length = True
        path = write(tmp_path / "a.dcm", dataset, syntax)
        for first_bytes in (150, 300, 400, 1 << 16):
            header = read_slice_header(path, first_bytes)
            assert header is not None
            assert header.position == pytest.approx(place(3, 0, 0))
            assert (header.layout.rows, header.number, header.rescale) == (8, 8, (1.0, -1000.0))
            assert path.read_bytes()[header.offset :] == dataset.PixelData


def test_multi_frame_file_is_ordered_by_its_functional_groups(tmp_path: Path) -> None:
    values = sphere()
    order = random.Random(7).sample(range(SHAPE[0]), SHAPE[0])
    shared, frames = Dataset(), []
    measures, direction = Dataset(), Dataset()
    measures.PixelSpacing = [SPACING[1], SPACING[2]]
    direction.ImageOrientationPatient = [*ACROSS, *DOWN]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = Sequence([measures]), Sequence([direction])
    for index in order:
        position, frame = Dataset(), Dataset()
        position.ImagePositionPatient = [round(value, 4) for value in place(index, 0, 0)]
        frame.PlanePositionSequence = Sequence([position])
        frames.append(frame)
    groups = {
        "SharedFunctionalGroupsSequence": Sequence([shared]),
        "PerFrameFunctionalGroupsSequence": Sequence(frames),
    }
    dataset = image_dataset(values[order], NumberOfFrames=SHAPE[0], Modality="CT", **groups)
    found = load_volume([write(tmp_path / "a.dcm", dataset)])
    assert np.array_equal(found.values, values)
    assert found.geometry is not None
    assert found.geometry.point(0, 0, 0) == pytest.approx(ORIGIN)
    assert [frame for _, frame in found.sources] == [order.index(index) for index in range(SHAPE[0])]


def test_first_slice_comes_before_the_others_and_progress_ends_at_all(tmp_path: Path) -> None:
    paths = write_series(tmp_path, sphere())
    seen: list[object] = []
    ctx = JobContext(on_progress=seen.append)
    load_volume(paths, ctx, on_first=lambda values: seen.append(values.copy()))
    assert np.array_equal(seen[0], stored_pixels(paths[0]))
    reports = [report for report in seen[1:] if isinstance(report, Progress)]
    assert (reports[-1].done, reports[-1].total) == (SHAPE[0], SHAPE[0])
    assert sum(report.done == report.total for report in reports) == 1


def test_cancelling_stops_it(tmp_path: Path) -> None:
    paths = write_series(tmp_path, sphere())
    token = CancelToken()
    with pytest.raises(Cancelled):
        load_volume(paths, JobContext(token), on_first=lambda _: token.cancel())


def test_gap_and_tilt_are_not_even(tmp_path: Path) -> None:
    paths = write_series(tmp_path, sphere())
    whole = load_volume(paths)
    gap = load_volume([path for path, _ in whole.sources if path != whole.sources[9][0]])
    assert gap.geometry is not None
    assert not gap.geometry.is_even
    assert gap.geometry.spacing[0] == pytest.approx(SPACING[0])
    tilted = tmp_path / "tilted"
    tilted.mkdir()
    for index in range(4):
        x, y, z = place(index, 0, 0)
        write(tilted / f"{index}.dcm", slice_dataset(ramp(), index, ImagePositionPatient=[x, y, z + index * 0.2]))
    found = load_volume(sorted(tilted.iterdir()))
    assert found.geometry is not None
    assert not found.geometry.is_even


def test_without_positions_instance_numbers_order(tmp_path: Path) -> None:
    for number, name in ((2, "a"), (10, "b"), (1, "c")):
        pixels = np.full((8, 10), number, np.uint16)
        write(tmp_path / f"{name}.dcm", image_dataset(pixels, InstanceNumber=number))
    found = load_volume(sorted(tmp_path.iterdir()))
    assert found.geometry is None
    assert found.values[:, 0, 0].tolist() == [1, 2, 10]


@pytest.mark.parametrize(
    ("odd", "code"),
    [
        ({"pixels": ramp(9, 10)}, "frame.sizes_differ"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "file.undecodable"),
        ({"PixelSpacing": [1, 1]}, "file.undecodable"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "file.undecodable"),
        ({"ImagePositionPatient": [0, 0]}, "file.undecodable"),
        ({"ImagePositionPatient": None}, "file.undecodable"),
        ({"pixels": ramp().astype(np.uint8)}, "file.undecodable"),
        ({"NumberOfFrames": 2, "pixels": np.stack([ramp(), ramp()])}, "file.undecodable"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_makes_no_volume_is_refused(tmp_path: Path, odd: dict[str, Any], code: str) -> None:
    write_series(tmp_path, np.stack([ramp()] * 3))
    write(tmp_path / "odd.dcm", slice_dataset(odd.get("pixels", ramp()), 3))
    extra = {key: value for key, value in odd.items() if key != "pixels"}
    write(tmp_path / "odd.dcm", slice_dataset(odd.get("pixels", ramp()), 3, **extra))
    with pytest.raises(BitewingError) as error:
        load_volume(sorted(tmp_path.iterdir()))
    assert code_of(error) == code


def test_too_large_is_refused_before_memory_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write_series(tmp_path, sphere())
    monkeypatch.setattr(volume_module, "MAX_TOTAL_BYTES", sphere().nbytes - 1)
    with pytest.raises(BitewingError) as error:
        load_volume(paths)
    assert code_of(error) == "file.too_large"


def test_damaged_slices_say_what_is_wrong(tmp_path: Path) -> None:
    paths = write_series(tmp_path, sphere())
    whole = paths[4].read_bytes()
    paths[4].write_bytes(whole[:-100])
    with pytest.raises(BitewingError) as error:
        load_volume(paths)
    assert code_of(error) == "file.truncated"
    paths[4].unlink()
    with pytest.raises(BitewingError) as error:
        load_volume(paths)
    assert code_of(error) == "file.missing"
    # A stream that claims four gigabytes must not make anything ask for them.
    dataset = slice_dataset(sphere()[0], 0)
    dataset.PixelData = encapsulate([_jpeg_lossless(sphere()[0])])
    dataset["PixelData"].VR = "OB"
    data = bytearray(write(paths[4], dataset, "1.2.840.10008.1.2.4.70").read_bytes())
    header = read_slice_header(paths[4], 4096)
    assert header is not None
    struct.pack_into("<L", data, header.offset - 4, 0xFFFFFFF0)
    paths[4].write_bytes(bytes(data))
    with pytest.raises(BitewingError) as error:
        load_volume(paths)
    assert code_of(error) in ("file.truncated", "file.hostile")


def test_shared_series_with_shuffled_names(shared_data: Path) -> None:
    paths = sorted((shared_data / "synthetic" / "cbct" / "iso06").glob("*"))
    paths = [path for path in paths if path.suffix == ".dcm"]
    found = load_volume(paths)
    assert found.geometry is not None
    assert found.geometry.is_even
    steps = np.diff(found.geometry.positions)
    assert steps.min() > 0
    assert [path for path, _ in found.sources] != paths
