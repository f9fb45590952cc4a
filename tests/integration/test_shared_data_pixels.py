"""Every known pixel and every line of TRUTH.json, through the command line (acceptance 2 and 3)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.integration.shared_data_cli import bitewing


def _raw(path: Path, folder: Path) -> np.ndarray:
    out = folder / "raw.npy"
    run = bitewing("render", path, "-o", out, "--raw")
    assert run.exit_code == 0, run.errors
    return np.load(out)


def _picture(path: Path, folder: Path, name: str = "picture.png") -> np.ndarray:
    out = folder / name
    run = bitewing("render", path, "-o", out)
    assert run.exit_code == 0, run.errors
    return np.asarray(Image.open(out))


def _sha(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def test_stored_pixels_of_the_whole_manifest(shared_data: Path) -> None:
    """One process for the many, through the same child that the command uses."""
    from app.imaging.child.client import Decoder

    manifest = json.loads((shared_data / "manifest.json").read_text("utf-8"))
    wrong, checked = {}, 0
    with Decoder() as decoder:
        for path, entry in manifest.items():
            expected = entry.get("expected", {}).get("stored_pixels_sha256")
            if expected is None:
                continue
            checked += 1
            values = decoder.stored(shared_data / path)
            if _sha(values) != expected or list(values.shape) != entry["expected"]["shape"]:
                wrong[path] = (values.shape, str(values.dtype))
    print(f"{checked} files with known pixels")
    assert checked > 30
    assert not wrong


@pytest.mark.parametrize(
    "name",
    [
        "pydicom+pydicom/test_files/JPGExtended.dcm",
        "pydicom+pydicom/test_files/SC_ybr_full_422_uncompressed.dcm",
        "pydicom+pydicom/test_files/liver_1frame.dcm",
        "synthetic/dental/io_mono2_12bit_jpegls.dcm",
    ],
)
def test_stored_pixels_through_the_command(name: str, shared_data: Path, tmp_path: Path) -> None:
    manifest = json.loads((shared_data / "manifest.json").read_text("utf-8"))
    assert _sha(_raw(shared_data / name, tmp_path)) == manifest[name]["expected"]["stored_pixels_sha256"]


@pytest.mark.parametrize(
    "name",
    [
        "pydicom+pydicom/test_files/MR_truncated.dcm",
        "malicious/dcm_trunc60_jpll.dcm",
        "malicious/dcm_huge_dims.dcm",
        "malicious/dcm_half.dcm",
        "synthetic/photos/zero_bytes.jpg",
    ],
)
def test_what_cannot_be_decoded_gives_words_and_no_picture(name: str, shared_data: Path, tmp_path: Path) -> None:
    for arguments in (("-o", tmp_path / "x.npy", "--raw"), ("-o", tmp_path / "x.png")):
        run = bitewing("render", shared_data / name, *arguments)
        assert run.exit_code == 1
        assert ": " in run.errors
        assert "Traceback" not in run.errors
    assert list(tmp_path.glob("x.*")) == []


def test_lossless_twins_have_identical_pixels(shared_data: Path, tmp_path: Path) -> None:
    dental = shared_data / "synthetic" / "dental"
    reference = _raw(dental / "io_mono2_12bit.dcm", tmp_path)
    for kind in ("jpegll_sv1", "j2k_lossless", "jpegls", "rle"):
        assert np.array_equal(_raw(dental / f"io_mono2_12bit_{kind}.dcm", tmp_path), reference), kind


def test_monochrome1_twin_looks_the_same(shared_data: Path, tmp_path: Path) -> None:
    dental = shared_data / "synthetic" / "dental"
    one = _picture(dental / "io_mono1_12bit_twin.dcm", tmp_path, "one.png").astype(int)
    two = _picture(dental / "io_mono2_12bit.dcm", tmp_path, "two.png").astype(int)
    assert np.abs(one - two).max() <= 1
    assert two.std() > 10


def test_planar_configurations_look_the_same(shared_data: Path, tmp_path: Path) -> None:
    dental = shared_data / "synthetic" / "dental"
    assert np.array_equal(
        _picture(dental / "xc_photo_rgb_planar0.dcm", tmp_path, "a.png"),
        _picture(dental / "xc_photo_rgb_planar1.dcm", tmp_path, "b.png"),
    )


def test_wide_pixels_are_stretched(shared_data: Path, tmp_path: Path) -> None:
    name = shared_data / "synthetic" / "dental" / "ceph_10bit_aspect_1_2.dcm"
    assert _raw(name, tmp_path).shape == (600, 500)
    assert _picture(name, tmp_path).shape == (600, 1000)


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_exif_orientation_is_applied(suffix: str, shared_data: Path, tmp_path: Path) -> None:
    photos = shared_data / "synthetic" / "photos"
    upright = np.asarray(Image.open(photos / "upright.png").convert("RGB")).astype(int)
    for number in range(1, 9):
        shown = _picture(photos / f"orient_{number}.{suffix}", tmp_path).astype(int)
        assert shown.shape == upright.shape, number
        assert np.abs(shown - upright).mean() < (0.01 if suffix in {"png", "tif"} else 6), number


def test_sensor_file_without_uids_opens(shared_data: Path) -> None:
    run = bitewing("info", shared_data / "synthetic/dental/vendor_shape_ewoosoft_no_sop_uids.dcm", "--json")
    facts = run.json()
    assert (facts["kind"], facts["rows"], facts["columns"]) == ("dicom", 1095, 800)
    assert not facts["patient"]["name"].startswith(" ")


def test_sensor_file_for_processing_is_read_rightly(shared_data: Path, tmp_path: Path) -> None:
    name = shared_data / "synthetic/dental/vendor_shape_rvg_forprocessing_jpegll.dcm"
    facts = bitewing("info", name, "--json").json()
    assert facts["teeth"] == ["30"]
    assert facts["bits"] == 12
    assert (facts["rows"], facts["columns"]) == (1168, 1562), "the icon is not the image"
    assert len(facts["patient"]["id"]) == 64
    assert facts["window"] in (None, {"center": None, "width": None})
    picture = _picture(name, tmp_path)
    assert 20 < np.median(picture) < 235, "the default shows the image neither black nor white"
    assert picture.std() > 20


def test_cbct_spheres_stand_where_they_should(shared_data: Path) -> None:
    """Stacked by slice position, each sphere's centre carries its value (TRUTH.json cbct/iso06)."""
    from app.imaging.child.client import Decoder

    truth = json.loads((shared_data / "synthetic" / "TRUTH.json").read_text("utf-8"))["cbct/iso06"]
    slices = []
    with Decoder() as decoder:
        for path in (shared_data / "synthetic" / "cbct" / "iso06").iterdir():
            facts = decoder.probe(path)
            frame = decoder.frame(path, 0)
            slices.append((facts.slice_position, frame.values * frame.slope + frame.intercept))
    slices.sort(key=lambda pair: pair[0])
    assert len(slices) == truth["n"]
    volume = np.stack([pixels for _position, pixels in slices])
    for (x, y, z), _radius, value in truth["spheres_patient_mm"]:
        offset = [c - o for c, o in zip((x, y, z), truth["origin"], strict=True)]
        column, row, layer = (round(value_mm / 0.6) for value_mm in offset)
        assert abs(volume[layer, row, column] - value) <= 100, (x, y, z)
