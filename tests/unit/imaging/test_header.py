"""The fast parser agrees with pydicom, or says that it does not know."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import pydicom
import pydicom.data
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.errors import InvalidDicomError
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian

from app.imaging.header import HeaderFacts, MoreBytesNeeded, parse_header
from app.imaging.header_full import full_header, header_of
from app.imaging.header_scan import scan_file, scan_header
from app.imaging.sniff import HEAD_BYTES, Content, looks_like_bare_dicom

BUNDLED = Path(pydicom.data.__file__).parent


def _refuse(path: Path) -> HeaderFacts | None:
    raise AssertionError(f"the fast parser did not know {path.name}")


def _without_stray_byte(path: Path) -> Path | io.BytesIO:
    """Leave out a byte in front of a bare data set, over which pydicom stumbles and we do not."""
    data = path.read_bytes()
    bare = data[128:132] != b"DICM" and not looks_like_bare_dicom(data[:HEAD_BYTES])
    return io.BytesIO(data[1:]) if bare and looks_like_bare_dicom(data[1:HEAD_BYTES]) else path


def _agree(folder: Path) -> tuple[int, int]:
    """Compare every DICOM file under ``folder`` with pydicom; return (files, fallbacks)."""
    fallbacks: list[Path] = []

    def fallback(path: Path) -> HeaderFacts | None:
        fallbacks.append(path)
        return full_header(path)

    compared = 0
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        found = scan_file(path, fallback)
        if found.content not in (Content.DICOM, Content.DICOMDIR):
            with pytest.raises(InvalidDicomError):
                pydicom.dcmread(path)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = header_of(pydicom.dcmread(_without_stray_byte(path), stop_before_pixels=True, force=True))
        assert found.header == expected, path.name
        assert found.size == path.stat().st_size
        compared += 1
    return compared, len(fallbacks)


def test_agrees_with_pydicom_on_its_own_files() -> None:
    compared, fallbacks = _agree(BUNDLED)
    assert compared > 150
    assert fallbacks < compared / 5  # the fast path must stay the rule


def test_agrees_with_pydicom_on_the_shared_data(shared_data: Path) -> None:
    compared, fallbacks = _agree(shared_data)
    assert compared > 120
    assert fallbacks < compared / 5


def _file(tmp_path: Path, *, implicit: bool = False, undefined: bool = False, preamble: bool = True) -> Path:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.3", "1.2.3.4"
    dataset.Modality = "IO"
    inner = Dataset()
    inner.StudyInstanceUID = "9.9.9"  # must not be taken for the file's own
    inner.PurposeOfReferenceCodeSequence = Sequence([Dataset()])
    dataset.ReferencedStudySequence = Sequence([inner])
    for sequence in (dataset["ReferencedStudySequence"], inner["PurposeOfReferenceCodeSequence"]):
        sequence.is_undefined_length = undefined
        for item in sequence.value:
            item.is_undefined_length_sequence_item = undefined
    dataset.PatientName, dataset.PatientID, dataset.PatientBirthDate = "Ångström^Åsa", "7", "19800229"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = "1.2.5", "1.2.6"
    dataset.Rows = 1
    syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID, dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3", "1.2.3.4"
    path = tmp_path / "a.dcm"
    if preamble:
        dataset.save_as(path, enforce_file_format=True)
    else:
        stream = io.BytesIO()
        pydicom.dcmwrite(stream, dataset, enforce_file_format=True)
        path.write_bytes(stream.getvalue()[132:])
    return path


EXPECTED = HeaderFacts("7", "Ångström^Åsa", "19800229", "1.2.5", "1.2.6", "1.2.3.4", "1.2.3", "IO")


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("preamble", [False, True])
def test_plain_files_need_no_fallback(tmp_path: Path, implicit: bool, undefined: bool, preamble: bool) -> None:
    path = _file(tmp_path, implicit=implicit, undefined=undefined, preamble=preamble)
    assert scan_header(path, _refuse) == EXPECTED


def test_every_cut_is_unknown_or_a_beginning(tmp_path: Path) -> None:
    data = _file(tmp_path, undefined=True).read_bytes()
    for length in range(140, len(data)):
        found = parse_header(data[:length], complete=True)
        assert found is None or all(not value or EXPECTED[index] == value for index, value in enumerate(found[:8])), (
            length
        )


def test_asks_for_more_when_there_is_more(tmp_path: Path) -> None:
    data = _file(tmp_path).read_bytes()
    with pytest.raises(MoreBytesNeeded):
        parse_header(data[:400], complete=False)


def test_a_large_element_before_the_wanted_ones(tmp_path: Path) -> None:
    path = _file(tmp_path)
    dataset = pydicom.dcmread(path)
    dataset.add_new(0x00091001, "OB", bytes(20_000))
    dataset.save_as(path)
    assert scan_header(path, _refuse) == EXPECTED


@pytest.mark.parametrize(
    "broken",
    [
        struct.pack("<HH2sH", 0x0008, 0x0005, b"??", 4) + b"abcd",
        struct.pack("<HH2sHI", 0x0008, 0x0005, b"UN", 0, 0xFFFFFFFF),
        struct.pack("<HH2sH", 0x0010, 0x0010, b"PN", 2) + b"A " + struct.pack("<HH2sH", 0x0008, 0x0016, b"UI", 0),
    ],
)
def test_strange_data_is_left_to_the_full_parser(tmp_path: Path, broken: bytes) -> None:
    data = _file(tmp_path).read_bytes()
    start = 144 + struct.unpack("<I", data[140:144])[0]
    assert parse_header(data[:start] + broken + bytes(4), complete=True) is None


def test_deep_nesting_is_left_to_the_full_parser(tmp_path: Path) -> None:
    data = _file(tmp_path).read_bytes()
    start = 144 + struct.unpack("<I", data[140:144])[0]
    level = struct.pack("<HH2sHI", 0x0008, 0x1110, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF
    )
    assert parse_header(data[:start] + level * 5000, complete=True) is None


def test_other_files_have_no_header(tmp_path: Path) -> None:
    text = tmp_path / "a.dcm"
    text.write_text("hello")
    assert scan_file(text, _refuse) == (Content.OTHER, 5, None)
    text.write_bytes(b"")
    assert scan_file(text, _refuse) == (Content.EMPTY, 0, None)
