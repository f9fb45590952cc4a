"""Opening DICOM files of every shape, and refusing what is cut, hostile or no DICOM (B1–B8)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.core.errors import BitewingError
from app.imaging.dicom import reader
from app.imaging.dicom.reader import open_dataset, open_dicom
from app.imaging.dicom.stored import stored_pixels
from tests.unit.imaging.dicom.dicom_files import (
    BIG,
    BUNDLED,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    body_of,
    deflate_bomb,
    head_of,
    image_dataset,
    nested,
    ramp,
    write,
    write_image,
)


def _code(action: Callable[[], object]) -> str:
    with pytest.raises(BitewingError) as caught:
        action()
    return caught.value.code


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG, DEFLATED])
def test_every_native_encoding_yields_the_same_pixels(tmp_path: Path, syntax: str) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(), syntax)
    opened = open_dicom(path)
    assert opened.transfer_syntax == syntax
    assert np.array_equal(stored_pixels(path), ramp())


@pytest.mark.parametrize("syntax", [IMPLICIT, EXPLICIT, BIG])
def test_without_preamble_and_meta_header_the_encoding_is_recognised(tmp_path: Path, syntax: str) -> None:
    path = tmp_path / "raw"
    path.write_bytes(body_of(write_image(tmp_path / "a.dcm", ramp(), syntax)))
    assert open_dicom(path).transfer_syntax == syntax
    assert np.array_equal(stored_pixels(path), ramp())


def test_meta_header_without_preamble(tmp_path: Path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(write_image(tmp_path / "a.dcm", ramp()).read_bytes()[132:])
    assert np.array_equal(stored_pixels(path), ramp())


def test_wrong_group_length_and_wrongly_declared_encoding(tmp_path: Path) -> None:
    source = write_image(tmp_path / "a.dcm", ramp(), IMPLICIT)
    head = head_of(source).replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.2.1\0"[:18])
    path = tmp_path / "b.dcm"
    path.write_bytes(head[:140] + struct.pack("<L", 2) + head[144:] + body_of(source))
    assert np.array_equal(stored_pixels(path), ramp())
    declared_explicit = head_of(write_image(tmp_path / "c.dcm", ramp(), EXPLICIT)) + body_of(source)
    path.write_bytes(declared_explicit)
    assert np.array_equal(stored_pixels(path), ramp())


def test_missing_uids_do_not_stop_an_image(tmp_path: Path) -> None:
    dataset = image_dataset(ramp(), SOPClassUID=None, SOPInstanceUID=None, StudyInstanceUID=None)
    source = write(tmp_path / "a.dcm", image_dataset(ramp()))
    path = tmp_path / "b.dcm"
    stream = write(tmp_path / "c.dcm", dataset)
    path.write_bytes(head_of(source) + body_of(stream))
    assert np.array_equal(stored_pixels(path), ramp())


def test_icon_is_never_the_main_image(tmp_path: Path) -> None:
    icon = image_dataset(np.full((4, 4), 9, np.uint8))
    without = image_dataset(ramp())
    without.IconImageSequence = Sequence([icon])
    assert np.array_equal(stored_pixels(write(tmp_path / "a.dcm", without)), ramp())
    only_icon = Dataset()
    only_icon.SOPClassUID, only_icon.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"
    only_icon.IconImageSequence = Sequence([icon])
    assert open_dicom(write(tmp_path / "b.dcm", only_icon)).pixels is None


def test_empty_and_foreign_files(tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(b"")
    assert _code(lambda: open_dicom(path)) == "file.empty"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    assert _code(lambda: open_dicom(path)) == "file.not_an_image"
    assert _code(lambda: open_dicom(tmp_path / "absent.dcm")) == "file.missing"
    assert _code(lambda: open_dicom(tmp_path)) == "file.unreadable"


def test_cut_pixels_are_named_with_what_is_there(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp())
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(BitewingError) as caught:
        stored_pixels(path)
    assert (caught.value.code, caught.value.facts) == ("file.truncated", {"has": 100, "needed": 160})
    assert _code(lambda: open_dataset(path)) == "file.truncated"
    # The header can still say whose image it was.
    assert str(open_dicom(path).dataset.PatientID) == "P-1"


def test_a_well_formed_element_that_is_too_short_for_the_image(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(), Rows=9)
    with pytest.raises(BitewingError) as caught:
        stored_pixels(path)
    assert (caught.value.code, caught.value.facts["needed"]) == ("file.truncated", 180)


@pytest.mark.parametrize("cut", [2, 5, 7, 11, 41, 301])
def test_a_header_cut_anywhere_is_truncated(tmp_path: Path, cut: int) -> None:
    dataset = image_dataset(ramp())
    del dataset.PixelData
    path = write(tmp_path / "a.dcm", dataset)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - cut])
    assert _code(lambda: open_dicom(path)) == "file.truncated"


def test_zeros_behind_the_data_set_are_padding(tmp_path: Path) -> None:
    dataset = image_dataset(ramp())
    del dataset.PixelData
    path = write(tmp_path / "a.dcm", dataset)
    for tail in (2, 64):
        path.write_bytes(path.read_bytes() + bytes(tail))
        assert open_dicom(path).dataset.PatientID == "P-1"


@pytest.mark.parametrize(("length", "code"), [(0xFFFFFFF0, "file.hostile"), (5000, "file.truncated")])
def test_declared_length_beyond_the_file(tmp_path: Path, length: int, code: str) -> None:
    source = write_image(tmp_path / "a.dcm", ramp())
    path = tmp_path / "b.dcm"
    lie = struct.pack("<HH2sHL", 0x0009, 0x0010, b"UT", 0, length)
    path.write_bytes(head_of(source) + lie + body_of(source))
    assert _code(lambda: open_dicom(path)) == code


@pytest.mark.parametrize("explicit", [True, False])
def test_nesting_is_limited_without_recursion(tmp_path: Path, explicit: bool) -> None:
    syntax = EXPLICIT if explicit else IMPLICIT
    good = write(tmp_path / "good.dcm", nested(60), syntax)
    assert open_dicom(good).pixels is None
    depth = 2000
    head = head_of(good)
    tag = struct.pack("<HH", 0x0008, 0x2218)
    start = tag + (b"SQ\0\0" if explicit else b"") + b"\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path = tmp_path / "deep.dcm"
    path.write_bytes(head + start * depth)
    assert _code(lambda: open_dicom(path)) == "file.hostile"


def test_unknown_value_representation_is_refused_not_crashed_on(tmp_path: Path) -> None:
    source = write_image(tmp_path / "a.dcm", ramp())
    path = tmp_path / "b.dcm"
    path.write_bytes(source.read_bytes().replace(b"\x10\x00\x10\x00PN", b"\x10\x00\x10\x00Q\xff"))
    assert _code(lambda: open_dicom(path)) == "file.undecodable"


def test_deflate_bomb_stops_at_the_limit(tmp_path: Path) -> None:
    path = deflate_bomb(tmp_path / "bomb.dcm", 20_000_000)
    assert path.stat().st_size < 60_000
    assert _code(lambda: open_dicom(path)) == "file.hostile"


def test_cut_deflate_stream(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(64, 64), DEFLATED)
    path.write_bytes(path.read_bytes()[:-40])
    assert _code(lambda: open_dicom(path)) == "file.truncated"


@pytest.mark.parametrize(
    ("extra", "code"),
    [
        ({"Rows": 65535, "Columns": 65535}, "file.too_large"),
        ({"Rows": 20001, "Columns": 1}, "file.too_large"),
        ({"Rows": 19999, "Columns": 19999}, "file.too_large"),
        ({"NumberOfFrames": 2_000_000_000}, "file.too_large"),
        ({"SamplesPerPixel": 7}, "file.undecodable"),
        ({"Rows": 0}, "file.undecodable"),
        ({"BitsAllocated": 12}, "file.undecodable"),
    ],
)
def test_impossible_sizes_are_refused_before_allocation(tmp_path: Path, extra: dict[str, int], code: str) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(), **extra)
    assert _code(lambda: stored_pixels(path)) == code


def test_wrong_character_set_does_not_stop_an_image(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(), SpecificCharacterSet="ISO_IR 192")
    path.write_bytes(path.read_bytes().replace(b"ISO_IR 192", b"ISO_XX 999").replace(b"Doe^Jane", b"D\xf6e^Jan\xff"))
    assert "^" in str(open_dicom(path).dataset.PatientName)
    assert np.array_equal(stored_pixels(path), ramp())


def test_one_stray_byte_in_front(tmp_path: Path) -> None:
    plain = stored_pixels(BUNDLED / "CT_small.dcm")
    assert np.array_equal(stored_pixels(BUNDLED / "no_meta.dcm"), plain)


def test_large_files_are_mapped_and_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_MAP_ABOVE_BYTES", 100)
    for syntax in (IMPLICIT, EXPLICIT, BIG, DEFLATED):
        path = write_image(tmp_path / "a.dcm", ramp(), syntax)
        assert isinstance(open_dicom(path).data, bytes if syntax == DEFLATED else memoryview)
        assert np.array_equal(stored_pixels(path), ramp())
    for name in ("MR_small_jp2klossless.dcm", "liver_1frame.dcm", "MR_small_RLE.dcm"):
        mapped = stored_pixels(BUNDLED / name)
        with monkeypatch.context() as patch:
            patch.setattr(reader, "_MAP_ABOVE_BYTES", 1 << 30)
            assert np.array_equal(mapped, stored_pixels(BUNDLED / name))


def test_objects_without_pixels_are_refused_by_name() -> None:
    with pytest.raises(BitewingError) as caught:
        stored_pixels(BUNDLED / "test-SR.dcm")
    assert (caught.value.code, caught.value.facts) == ("dicom.no_pixels", {"content": "structured_report"})
    assert _code(lambda: stored_pixels(BUNDLED / "rtstruct.dcm")) == "dicom.no_pixels"
