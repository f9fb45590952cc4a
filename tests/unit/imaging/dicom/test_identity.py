"""What a file says of itself: patient, teeth, side, view, spacing, time, and what objects without pixels are."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from app.core.errors import BitewingError
from app.domain.facts import FileFacts
from app.domain.image import ImageType, ImageView, Laterality
from app.domain.tooth_codes import TOOTH_CODES
from app.imaging.dicom.content import label_without_pixels
from app.imaging.dicom.identity import facts_of, facts_of_file
from app.imaging.dicom.moments import captured_at_of
from app.imaging.dicom.reader import open_dataset, open_dicom
from tests.unit.imaging.dicom.dicom_files import BUNDLED, image_dataset, ramp, write, write_image


def _code(value: str, scheme: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator = value, scheme
    return item


def _facts(folder: Path, **extra: Any) -> FileFacts:
    return facts_of_file(write_image(folder / "a.dcm", ramp(), **extra))


def test_all_the_facts_of_an_image(tmp_path: Path) -> None:
    facts = _facts(
        tmp_path,
        PatientName="Müller^Jürgen^K",
        PatientBirthDate="19800229",
        PatientSex="M",
        SpecificCharacterSet="ISO_IR 192",
        WindowCenter=[2048, 5],
        WindowWidth=[4096, 5],
        StudyDate="20260102",
        StudyTime="091500",
        TimezoneOffsetFromUTC="+0200",
        StudyDescription="Check-up",
    )
    assert (facts.rows, facts.columns, facts.frames, facts.bits) == (8, 10, 1, 12)
    assert (facts.photometric, facts.modality, facts.window) == ("MONOCHROME2", "IO", (2048.0, 4096.0))
    assert facts.transfer_syntax_uid == "1.2.840.10008.1.2.1"
    assert facts.sop_class_uid == "1.2.840.10008.5.1.4.1.1.1.3"
    identity = facts.identity
    assert (identity.family_name, identity.given_name, identity.sex) == ("Müller", "Jürgen K", "M")
    assert identity.birth_date == date(1980, 2, 29)
    assert facts.captured_at == datetime(2026, 1, 2, 7, 15, tzinfo=UTC)
    assert (facts.study_description, facts.content_label, facts.notes) == ("Check-up", None, ())


def test_header_only_and_whole_datasets_say_the_same(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp())
    assert facts_of_file(path) == facts_of(open_dataset(path), path) == facts_of(open_dicom(path).dataset, path)


@pytest.mark.parametrize("generation", ["sct", "older_sct", "srt"])
def test_teeth_of_all_three_generations_of_codes(tmp_path: Path, generation: str) -> None:
    for code in TOOTH_CODES:
        values = getattr(code, generation)
        for value in (values,) if isinstance(values, str) else values:
            for scheme in ("SRT", "SNM3", "99SDM") if generation == "srt" else ("SCT",):
                sequence = Sequence([_code(value, scheme)])
                facts = _facts(tmp_path, PrimaryAnatomicStructureSequence=sequence)
                assert facts.teeth == (code.universal,), value


def test_teeth_come_from_anatomic_regions_in_chart_order_and_strangers_are_left_out(tmp_path: Path) -> None:
    region = _code("T-11180", "SRT")
    region.PrimaryAnatomicStructureSequence = Sequence([_code("T-54500", "SRT")])
    facts = _facts(
        tmp_path,
        AnatomicRegionSequence=Sequence([region, _code("22120004", "SCT")]),
        PrimaryAnatomicStructureSequence=Sequence([_code("T-54280", "SCT"), _code("12345", "XX"), _code("", "")]),
    )
    assert facts.teeth == ("8", "30")


@pytest.mark.parametrize(
    ("extra", "view"),
    [
        ({}, ImageView.PERIAPICAL),
        ({"PrimaryAnatomicStructureSequence": Sequence([_code("T-54280", "SRT")])}, ImageView.PERIAPICAL),
        (
            {"PrimaryAnatomicStructureSequence": Sequence([_code("T-54230", "SRT"), _code("T-54500", "SRT")])},
            ImageView.BITEWING,
        ),
        ({"SeriesDescription": "Bite-Wing left"}, ImageView.BITEWING),
        ({"SeriesDescription": "upper occlusal"}, ImageView.OCCLUSAL),
        ({"Modality": "PX", "SeriesDescription": "bitewing programme"}, ImageView.PANORAMIC),
        ({"Modality": "DX", "PositionerType": "CEPHALOSTAT", "SOPClassUID": None}, ImageView.CEPHALOMETRIC),
        ({"Modality": "DX", "StudyDescription": "OPG", "SOPClassUID": None}, ImageView.PANORAMIC),
        ({"Modality": "CT"}, ImageView.CBCT),
        ({"Modality": "XC", "SOPClassUID": None}, ImageView.INTRAORAL_PHOTO),
        ({"Modality": "XC", "SeriesDescription": "Profile right"}, ImageView.EXTRAORAL_PHOTO),
        ({"Modality": "XC", "AnatomicRegionSequence": Sequence([_code("774007", "SCT")])}, ImageView.EXTRAORAL_PHOTO),
    ],
)
def test_views(tmp_path: Path, extra: dict[str, Any], view: ImageView) -> None:
    facts = _facts(tmp_path, **extra)
    assert facts.view is view
    photo = view in (ImageView.INTRAORAL_PHOTO, ImageView.EXTRAORAL_PHOTO)
    assert facts.image_type is (ImageType.CLINICAL if photo else ImageType.XRAY)


@pytest.mark.parametrize(
    ("extra", "side"),
    [
        ({"ImageLaterality": "L"}, Laterality.LEFT),
        ({"ImageLaterality": "R", "Laterality": "L"}, Laterality.RIGHT),
        ({"Laterality": "B"}, Laterality.BOTH),
        ({"ImageLaterality": "U"}, Laterality.UNKNOWN),
        ({"AnatomicRegionSequence": Sequence([_code("7771000", "SCT")])}, Laterality.LEFT),
    ],
)
def test_laterality(tmp_path: Path, extra: dict[str, Any], side: Laterality) -> None:
    assert _facts(tmp_path, **extra).laterality is side


@pytest.mark.parametrize(
    ("extra", "spacing"),
    [
        ({"PixelSpacing": [0.03, 0.04], "PixelSpacingCalibrationType": "FIDUCIAL"}, (0.03, 0.04, "calibrated")),
        ({"PixelSpacing": [0.03, 0.03], "PixelSpacingCalibrationType": "GEOMETRY"}, (0.03, 0.03, "corrected")),
        ({"PixelSpacing": [0.03, 0.03], "ImagerPixelSpacing": [0.03, 0.03]}, (0.03, 0.03, "detector")),
        ({"PixelSpacing": [0.02, 0.02], "ImagerPixelSpacing": [0.03, 0.03]}, (0.02, 0.02, "corrected")),
        ({"ImagerPixelSpacing": [0.03, 0.03]}, (0.03, 0.03, "detector")),
        ({"NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1, "nominal")),
        ({"PixelSpacing": [0.1, 0.1], "NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1, "nominal")),
        ({"PixelSpacing": [0.0296, 0.0296]}, (0.0296, 0.0296, "unknown")),
        ({"PixelSpacing": [0.6, 0.6], "Modality": "CT"}, (0.6, 0.6, "calibrated")),
        ({"PixelSpacing": [0, 0.1]}, None),
        ({}, None),
    ],
)
def test_spacing_tells_what_it_rests_on(tmp_path: Path, extra: dict[str, Any], spacing: object) -> None:
    found = _facts(tmp_path, **extra).spacing
    assert (found and (found.row, found.column, found.source)) == spacing


@pytest.mark.parametrize(
    ("values", "moment"),
    [
        ({"AcquisitionDateTime": "20260102101112.5-0500"}, datetime(2026, 1, 2, 15, 11, 12, 500000, tzinfo=UTC)),
        ({"AcquisitionDate": "20260102", "ContentDate": "20200101"}, datetime(2026, 1, 2, tzinfo=UTC)),
        ({"AcquisitionDate": "20261345", "ContentDate": "20200101"}, datetime(2020, 1, 1, tzinfo=UTC)),
        ({"StudyDate": "2026.01.02", "StudyTime": "10:11"}, datetime(2026, 1, 2, 10, 11, tzinfo=UTC)),
        ({"StudyDate": "20260102", "StudyTime": "235960"}, datetime(2026, 1, 2, 23, 59, 59, tzinfo=UTC)),
        ({"StudyDate": "20260102", "StudyTime": "991"}, None),
        ({"StudyDate": "00010101"}, None),
        ({"StudyDate": "18000101"}, None),
        ({"StudyDate": "99991231", "StudyTime": "235959", "TimezoneOffsetFromUTC": "-1200"}, None),
        ({}, None),
    ],
)
def test_moments(values: dict[str, str], moment: datetime | None) -> None:
    dataset = Dataset()
    dataset.TimezoneOffsetFromUTC = "+0000"
    for keyword, value in values.items():
        dataset.add_new(keyword, "LO", value)
    assert captured_at_of(dataset) == moment


def test_damaged_and_odd_files_still_say_who_they_are(tmp_path: Path) -> None:
    path = write_image(tmp_path / "a.dcm", ramp(), StudyInstanceUID="1.2.x/../../etc", PatientID="  P\t7 ")
    facts = facts_of_file(path)
    assert (facts.study_uid, facts.notes, facts.identity.patient_id) == (None, ("invalid_uid",), "P7")
    path.write_bytes(path.read_bytes()[:-30])
    assert facts_of_file(path).notes == ("truncated", "invalid_uid")


def test_uids_of_the_meta_header_stand_in(tmp_path: Path) -> None:
    dataset = image_dataset(ramp())
    source = write(tmp_path / "a.dcm", dataset).read_bytes()
    uid = b"\x08\x00\x16\x00UI"
    start = source.index(uid, 200)
    path = tmp_path / "b.dcm"
    length = int.from_bytes(source[start + 6 : start + 8], "little")
    path.write_bytes(source[:start] + source[start + 8 + length :])
    assert facts_of_file(path).sop_class_uid == "1.2.840.10008.5.1.4.1.1.1.3"


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("test-SR.dcm", "structured_report"),
        ("rtstruct.dcm", "rt_structure"),
        ("rtplan.dcm", "rt_object"),
        ("waveform_ecg.dcm", "waveform"),
    ],
)
def test_objects_without_pixels_are_named(name: str, label: str) -> None:
    facts = facts_of_file(BUNDLED / name)
    assert (facts.content_label, facts.rows, facts.has_picture) == (label, None, False)


@pytest.mark.parametrize(
    ("sop_class", "label"),
    [
        ("1.2.840.10008.5.1.4.1.1.104.1", "encapsulated_pdf"),
        ("1.2.840.10008.5.1.4.1.1.104.3", "encapsulated_model"),
        ("1.2.840.10008.5.1.4.1.1.88.59", "key_object_selection"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "structured_report"),
        ("1.2.840.10008.5.1.4.1.1.11.1", "presentation_state"),
        ("1.2.840.10008.5.1.4.1.1.131", "structured_display"),
        ("1.2.840.10008.5.1.4.38.1", "hanging_protocol"),
        ("1.2.840.10008.1.3.10", "dicomdir"),
        ("1.2.840.10008.5.1.4.1.1.2", "image_without_pixels"),
        ("1.2.3", "unknown_object"),
        ("", "unknown_object"),
    ],
)
def test_labels_by_class(sop_class: str, label: str) -> None:
    assert label_without_pixels(sop_class, "", says_rows=False) == label


def test_impossible_sizes_are_refused_for_facts_too(tmp_path: Path) -> None:
    with pytest.raises(BitewingError) as caught:
        _facts(tmp_path, Rows=65535, Columns=65535)
    assert caught.value.code == "file.too_large"


def test_slices_know_their_place(tmp_path: Path) -> None:
    facts = _facts(
        tmp_path, ImagePositionPatient=[-19, -19, -13.5], ImageOrientationPatient=[1, 0, 0, 0, 1, 0], Modality="CT"
    )
    assert facts.slice_position == -13.5
