"""One full decode: hashes, thumbnail, and which objects have none."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from app.core.errors import BitewingError
from app.imaging import pictures
from app.imaging.examine import examine
from app.imaging.picture_hash import SIMILAR_BITS, distance, picture_hash
from app.imaging.render import render_picture


def bundled(name: str) -> Path:
    return Path(str(get_testdata_file(name)))


def radiograph(seed: int, rows: int = 400, columns: int = 300) -> np.ndarray:
    """Return a 12-bit picture of a few bright, tooth-like shapes that differ with ``seed``."""
    random = np.random.default_rng(seed)
    canvas = np.full((rows, columns), 600.0, np.float32)
    for _ in range(4):
        centre = (int(random.uniform(0, columns)), int(random.uniform(0.2, 0.8) * rows))
        axes = (int(random.uniform(25, 50)), int(random.uniform(80, 140)))
        cv2.ellipse(canvas, centre, axes, random.uniform(-20, 20), 0, 360, random.uniform(1500, 3500), -1)
    canvas = cv2.GaussianBlur(canvas, (0, 0), 6) + random.normal(0, 30, canvas.shape)
    return np.clip(canvas, 0, 4095).astype(np.uint16)


def write(path: Path, values: np.ndarray) -> Path:
    """Write ``values`` as a DICOM image without a window."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1.3", "1.2.3"
    dataset.Modality, dataset.PatientID = "IO", "7"
    if values.ndim == 3:
        dataset.NumberOfFrames = values.shape[0]
    dataset.Rows, dataset.Columns = values.shape[-2:]
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.PixelData = values.tobytes()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = (
        dataset.SOPClassUID,
        "1.2.3",
    )
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_the_pixel_hash_is_that_of_the_stored_values() -> None:
    path = bundled("CT_small.dcm")
    expected = hashlib.sha256(pydicom.dcmread(path).pixel_array.tobytes()).hexdigest()
    assert examine(path).facts.pixel_sha256 == expected


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("MR_small.dcm", "MR_small_RLE.dcm"),
        ("MR_small.dcm", "MR_small_bigendian.dcm"),
        ("MR_small.dcm", "MR_small_jpeg_ls_lossless.dcm"),
    ],
)
def test_the_pixel_hash_does_not_depend_on_the_compression(name: str, other: str) -> None:
    one, two = examine(bundled(name)).facts, examine(bundled(other)).facts
    assert one.pixel_sha256 == two.pixel_sha256
    assert one.picture_hash == two.picture_hash is not None


def test_all_frames_count_and_the_middle_one_is_shown(tmp_path: Path) -> None:
    volume = np.stack([radiograph(seed) for seed in range(3)])
    seen: list[None] = []
    examined = examine(write(tmp_path / "a.dcm", volume), on_frame=lambda: seen.append(None))
    assert len(seen) == 3 == examined.facts.frames
    assert examined.facts.pixel_sha256 == hashlib.sha256(volume.tobytes()).hexdigest()
    middle = examine(write(tmp_path / "b.dcm", volume[1])).facts
    assert examined.facts.picture_hash == middle.picture_hash


def test_the_thumbnail_is_a_small_jpeg(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", radiograph(1, 1500, 2900))
    data = examine(path).thumbnail_jpeg
    assert data is not None
    with Image.open(io.BytesIO(data)) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "L", (400, 207))
        shown = np.asarray(picture).astype(int)
    expected = cv2.resize(render_picture(pictures.load_frame(path)), (400, 207), interpolation=cv2.INTER_AREA)
    assert np.abs(shown - expected).mean() < 3


def test_small_pictures_are_not_enlarged() -> None:
    data = examine(bundled("CT_small.dcm")).thumbnail_jpeg
    assert data is not None
    assert Image.open(io.BytesIO(data)).size == (128, 128)


@pytest.mark.parametrize("name", ["test-SR.dcm", "rtstruct.dcm", "rtplan.dcm"])
def test_objects_without_pixels_have_facts_only(name: str) -> None:
    examined = examine(bundled(name))
    assert examined.thumbnail_jpeg is None
    assert examined.facts.content_label is not None
    assert not examined.facts.has_picture
    with pytest.raises(BitewingError, match=r"dicom\.no_pixels") as caught:
        pictures.load_frame(bundled(name))
    assert caught.value.facts["content"] == examined.facts.content_label


def test_an_exported_jpeg_is_recognised(tmp_path: Path) -> None:
    path = write(tmp_path / "a.dcm", radiograph(5))
    first = examine(path).facts.picture_hash
    assert first is not None
    shown = render_picture(pictures.load_frame(path))
    for quality in (90, 50, 20):
        export = tmp_path / f"{quality}.jpg"
        Image.fromarray(shown).save(export, quality=quality)
        again = examine(export).facts.picture_hash
        assert again is not None
        assert distance(first, again) <= SIMILAR_BITS
    smaller = picture_hash(cv2.resize(shown, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA))
    assert smaller is not None
    assert distance(first, smaller) <= SIMILAR_BITS


def test_different_radiographs_do_not_collide() -> None:
    hashes = [picture_hash((radiograph(seed) >> 4).astype(np.uint8)) for seed in range(60)]
    nearest = min(distance(one, two) for index, one in enumerate(hashes) for two in hashes[:index] if one and two)
    assert nearest > 2 * SIMILAR_BITS


def test_an_empty_picture_has_no_hash(tmp_path: Path) -> None:
    assert picture_hash(np.full((100, 100), 128, np.uint8)) is None
    assert examine(write(tmp_path / "a.dcm", np.full((50, 50), 7, np.uint16))).facts.picture_hash is None


def test_a_jpeg_2000_preview_is_like_the_picture() -> None:
    path = bundled("JPEG2000.dcm")
    full, preview = pictures.load_frame(path), pictures.load_frame(path, max_pixels=(64, 256))
    assert preview.values.shape == (256, 64)
    assert full.values.shape == (1024, 256)
    assert preview.values.dtype == full.values.dtype
    assert (preview.slope, preview.intercept, preview.windows) == (full.slope, full.intercept, full.windows)
    expected = cv2.resize(full.values.astype(np.float32), (64, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(preview.values - expected).mean() < 0.03 * float(np.ptp(full.values))
    assert np.array_equal(pictures.load_frame(path, max_pixels=(256, 1024)).values, full.values)


def test_no_preview_where_header_and_codestream_disagree() -> None:
    path = bundled("693_J2KI.dcm")  # 14 bits stored, a codestream of 16
    preview = pictures.load_frame(path, max_pixels=(64, 64))
    assert np.array_equal(preview.values, pictures.load_frame(path).values)


def test_cut_pixel_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(bundled("CT_small.dcm").read_bytes()[:-2000])
    with pytest.raises(BitewingError) as caught:
        examine(path)
    assert caught.value.code == "file.truncated"
    assert caught.value.facts["needed"] == 32768
