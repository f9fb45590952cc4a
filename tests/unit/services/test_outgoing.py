"""The copy that goes out: nothing of the patient in it, wherever it was hidden; the picture itself unharmed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.uid import ExplicitVRLittleEndian

from app.core.context import JobContext
from app.core.errors import BitewingError, EnvironmentFault
from app.core.settings import ClinicSettings
from app.domain.identity import FileIdentity
from app.domain.image import FileKind, ImageRecord, ImageType, ImageView, Laterality, Placement
from app.domain.patient import Patient, Sex
from app.imaging.child.client import Decoder
from app.imaging.photo_metadata import metadata_parts
from app.services.export.model import Exportable
from app.services.outgoing.copies import CopyMaker
from app.services.outgoing.looking import look_at
from app.services.outgoing.model import Form, OutgoingArgs, OutgoingCopy, Warn
from tests import planted

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KINDS = {".dcm": "application/dicom", ".jpg": "image/jpeg", ".png": "image/png", ".pdf": "application/pdf"}
FILES: dict[str, Callable[..., list[str]]] = {
    ".dcm": planted.planted_dicom,
    ".jpg": planted.planted_jpeg,
    ".png": planted.planted_png,
}


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder() as decoder:
        yield decoder


def image(path: Path, **more: object) -> Exportable:
    data = path.read_bytes()
    kinds = {".dcm": FileKind.DICOM, ".pdf": FileKind.DOCUMENT}
    chart, name = planted.word(2), planted.word(0)
    values: dict[str, object] = {
        "kind": kinds.get(path.suffix, FileKind.PHOTO),
        "mime_type": KINDS[path.suffix],
        "identity": FileIdentity(chart, name, ""),
        "sop_instance_uid": f"{planted.UID_ROOT}2",
        "study_uid": f"{planted.UID_ROOT}0",
        "series_uid": f"{planted.UID_ROOT}1",
        **more,
    }
    record = ImageRecord(
        id="10000000-0000-4000-8000-000000000001",
        patient_id="p",
        placement=Placement.FILED,
        directory="x/",
        filename=path.name,
        original_name=f"{name}.jpg",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        imported_at=NOW,
        **values,  # type: ignore[arg-type]
    )
    owner = Patient("00000000-0000-4000-8000-000000000001", name, "", chart, None, Sex.UNKNOWN, "", NOW, NOW)
    return Exportable(record, owner, path, 1)


def made(decoder: Decoder, folder: Path, one: Exportable, **args: object) -> OutgoingCopy:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    maker = CopyMaker(out, OutgoingArgs(**args), decoder, ClinicSettings(clinic_name="Clinic"))  # type: ignore[arg-type]
    return maker.make(one, JobContext.silent())


@pytest.mark.parametrize("suffix", [".dcm", ".jpg", ".png"])
@pytest.mark.parametrize("form", list(Form))
def test_no_planted_identifier_goes_out(tmp_path: Path, decoder: Decoder, suffix: str, form: Form) -> None:
    source = tmp_path / f"{planted.word(0)}{suffix}"
    words = FILES[suffix](source)
    copy = made(decoder, tmp_path, image(source), form=form)
    assert planted.left_in(copy.path, words) == []
    assert planted.left_in(copy.picture, words) == []
    assert copy.size_bytes == copy.path.stat().st_size
    assert copy.sha256 == hashlib.sha256(copy.path.read_bytes()).hexdigest()
    assert sum(item.count for item in copy.removed) >= len(words) // 3


@pytest.mark.parametrize("suffix", [".dcm", ".jpg", ".png"])
def test_the_search_finds_every_planted_identifier_where_none_was_taken_out(tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"x{suffix}"
    words = FILES[suffix](source)
    assert planted.left_in(source, words) == words


@pytest.mark.parametrize("suffix", [".dcm", ".jpg", ".png"])
@pytest.mark.parametrize("form", list(Form))
def test_an_identified_copy_says_what_the_catalogue_says_and_nothing_else(
    tmp_path: Path, decoder: Decoder, suffix: str, form: Form
) -> None:
    """A file whose header is another patient's, filed to the right one since; a photo with its place in it."""
    source = tmp_path / f"x{suffix}"
    words = FILES[suffix](source)
    right = Patient("00000000-0000-4000-8000-000000000009", "Right", "Rita", "R-9", None, Sex.FEMALE, "", NOW, NOW)
    taken = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    one = replace(image(source, captured_at=taken, tooth="19", laterality=Laterality.LEFT), patient=right)
    copy = made(decoder, tmp_path, one, form=form, identified=True)
    assert planted.left_in(copy.path, words) == []
    assert planted.left_in(copy.picture, words) == []
    assert metadata_parts(copy.path.read_bytes()) == {}
    assert Warn.IDENTIFIED in copy.to_look_at
    # Its name, which stands in the link, does not say whose it is even then.
    assert "Right" not in copy.path.name
    if suffix == ".dcm" and form is Form.ORIGINAL:
        written = pydicom.dcmread(copy.path)
        assert (str(written.PatientName), written.PatientID, written.PatientSex) == ("Right^Rita", "R-9", "F")
        assert (written.StudyDate, written.ImageLaterality, written.InstitutionName) == ("20260304", "L", "Clinic")
        assert [item.CodeValue for item in written.PrimaryAnatomicStructureSequence] == ["866006002"]
        assert "PatientIdentityRemoved" not in written
        assert "OriginalAttributesSequence" not in written
        assert (decoder.stored(copy.path) == decoder.stored(source)).all()


def test_the_right_patients_own_header_goes_no_further_either(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "x.dcm"
    words = planted.planted_dicom(source)
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL, identified=True)
    assert planted.left_in(copy.path, words) == [planted.word(0), planted.word(2)]


@pytest.mark.parametrize("way", planted.WAYS)
def test_however_the_pixels_are_stored(tmp_path: Path, decoder: Decoder, way: str) -> None:
    source = tmp_path / "a.dcm"
    words = planted.planted_dicom(source)
    extra = planted.vary(source, way)
    # The two that stood in the stream before are gone with it.
    assert set(planted.left_in(source, [*words, *extra])) >= {*words[:36], *extra}
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    assert planted.left_in(copy.path, [*words, *extra]) == []
    assert (decoder.stored(copy.path) == np.asarray(planted.picture("L"))).all()


@pytest.mark.parametrize("identified", [False, True])
def test_what_odd_files_hide_goes_no_further(tmp_path: Path, decoder: Decoder, identified: bool) -> None:
    source = tmp_path / "a.dcm"
    words = planted.planted_odd_dicom(source)
    data = source.read_bytes()
    assert [word for word in words if word.encode() not in data] == []
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL, identified=identified)
    data = copy.path.read_bytes()
    assert [word for word in words if word.encode() in data] == []
    written = pydicom.dcmread(copy.path)
    # What is sound stays: the table that is one, cut to its length, and the numbers that are.
    (table,) = written.VOILUTSequence
    assert table.LUTData == np.arange(256, dtype="<u2").tobytes()
    assert (written.XRayTubeCurrent, written.InstanceNumber, written.SeriesNumber) == (7, 1, 1)


def test_a_number_that_is_none_is_left_out(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "a.dcm"
    planted.planted_dicom(source)
    dataset = pydicom.dcmread(source)
    dataset.KVP, dataset.ExposureTime = "70.00000", 12
    dataset.save_as(source)
    source.write_bytes(source.read_bytes().replace(b"70.00000", b"DOE^JOHN"))
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    assert b"DOE^JOHN" not in copy.path.read_bytes()
    assert pydicom.dcmread(copy.path).ExposureTime == 12


def left_of(folder: Path, decoder: Decoder, number: int) -> tuple[int, int]:
    """Make every copy of one planted file, its identifiers and its picture its own; return those left and planted."""
    folder.mkdir()
    suffix = list(FILES)[number % 3]
    source, is_odd = folder / f"x{suffix}", number % 12 == 9
    words = planted.planted_odd_dicom(source, number) if is_odd else FILES[suffix](source, number)
    if suffix == ".dcm" and not is_odd:
        words += planted.vary(source, planted.WAYS[number // 3 % len(planted.WAYS)], number)
    other = Patient("00000000-0000-4000-8000-000000000009", "Right", "", "R-9", None, Sex.UNKNOWN, "", NOW, NOW)
    one, left = replace(image(source), patient=other), 0
    for form in Form:
        for identified in (False, True):
            left += len(planted.left_in(made(decoder, folder, one, form=form, identified=identified).path, words))
    return left, len(words)


def test_none_is_left_in_twelve_files(tmp_path: Path, decoder: Decoder) -> None:
    found = [left_of(tmp_path / str(number), decoder, number) for number in range(1, 13)]
    assert [left for left, _ in found] == [0] * 12


@pytest.mark.long
def test_none_is_left_in_three_hundred_files(tmp_path: Path, decoder: Decoder) -> None:
    """SEC-22 as it stands: three hundred files, the identifiers and the picture of each its own."""
    found = [left_of(tmp_path / str(number), decoder, number) for number in range(1, 301)]
    assert sum(left for left, _ in found) == 0
    assert sum(planted_there for _, planted_there in found) > 6000


def test_a_deidentified_object_says_so_and_keeps_every_pixel(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "a.dcm"
    planted.planted_dicom(source)
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    written = pydicom.dcmread(copy.path)
    assert written.PatientIdentityRemoved == "YES"
    codes = [(item.CodingSchemeDesignator, item.CodeValue) for item in written.DeidentificationMethodCodeSequence]
    assert codes == [("DCM", "113100")]
    assert not [
        element
        for element in written.iterall()
        if element.tag.is_private or (element.tag.group >= 0x6000 and element.tag != 0x7FE00010)
    ]
    before = pydicom.dcmread(source)
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        assert written[keyword].value != before[keyword].value
    assert planted.UID_ROOT.encode() not in copy.path.read_bytes()
    assert b"19470313" not in copy.path.read_bytes()
    assert b"20010911" not in copy.path.read_bytes()
    assert [item.CodeMeaning for item in written.AnatomicRegionSequence] == ["Tooth"]
    assert written.ImageType == ["ORIGINAL", "PRIMARY"]
    # What was lost by compression before is said; nothing more is lost.
    assert written.LossyImageCompression == "01"
    assert (decoder.stored(copy.path) == decoder.stored(source)).all()


def test_uids_stay_together_within_one_share(tmp_path: Path, decoder: Decoder) -> None:
    first, second = tmp_path / "a.dcm", tmp_path / "b.dcm"
    planted.planted_dicom(first)
    other = pydicom.dcmread(first)
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = f"{planted.UID_ROOT}9"
    other.save_as(second)
    maker = CopyMaker(tmp_path, OutgoingArgs(Form.ORIGINAL), decoder, ClinicSettings())
    one, two = (pydicom.dcmread(maker.make(image(path), JobContext.silent()).path) for path in (first, second))
    assert one.StudyInstanceUID == two.StudyInstanceUID
    assert one.SOPInstanceUID != two.SOPInstanceUID


def test_bits_beyond_the_stored_ones_are_cleared(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "a.dcm"
    planted.planted_dicom(source)
    dataset = pydicom.dcmread(source)
    values = np.arange(48 * 64, dtype=np.uint16).reshape(48, 64)
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 12, 11
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    # An overlay of old, in the bits that the picture does not use, and bytes behind the last row.
    dataset.PixelData = (values | 0x8000).tobytes() + b"QZPLANT99\0"
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OW", False
    dataset.save_as(source)
    written = pydicom.dcmread(made(decoder, tmp_path, image(source), form=Form.ORIGINAL).path)
    assert written.PixelData == values.tobytes()


def test_every_picture_of_a_copy_is_there_to_be_looked_at(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "a.dcm"
    planted.planted_frames(source, (3, 900, 2000))
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    assert copy.pictures == 3
    assert Warn.SEVERAL_PICTURES in copy.to_look_at
    # Drawn from the file that goes, every pixel; and small enough for a window.
    seen = [look_at(copy, index, decoder) for index in range(copy.pictures)]
    assert [one.whole.shape for one in seen] == [(900, 2000)] * 3
    assert [one.fitted.shape for one in seen] == [(720, 1600)] * 3
    assert seen[1].whole.min() == seen[1].whole.max()
    assert seen[0].whole.min() < seen[0].whole.max()
    with pytest.raises(BitewingError):
        look_at(copy, 3, decoder)
    pages = tmp_path / "b.pdf"
    planted.picture().save(pages, save_all=True, append_images=[planted.picture()])
    assert made(decoder, tmp_path, image(pages), identified=True, form=Form.ORIGINAL).pictures == 2


def test_an_optimised_copy_is_bounded_and_upright(tmp_path: Path, decoder: Decoder) -> None:
    source = tmp_path / "a.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.full((300, 3000, 3), 90, np.uint8)).save(source, exif=exif)
    copy = made(decoder, tmp_path, image(source), longest_side=600)
    with Image.open(copy.path) as opened:
        assert (opened.format, opened.size) == ("JPEG", (60, 600))
    assert (copy.rows, copy.columns, copy.mime_type) == (600, 60, "image/jpeg")
    whole = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    assert (whole.rows, whole.columns) == (3000, 300)


def test_sixteen_bits_stay_sixteen(tmp_path: Path, decoder: Decoder) -> None:
    source, values = tmp_path / "a.png", np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16
    Image.fromarray(values).save(source)
    copy = made(decoder, tmp_path, image(source), form=Form.ORIGINAL)
    with Image.open(copy.path) as opened:
        assert (np.asarray(opened) == values).all()
    assert (copy.rows, copy.columns, copy.mime_type) == (64, 64, "image/png")


def test_what_only_eyes_can_find_is_said(tmp_path: Path, decoder: Decoder) -> None:
    photo = tmp_path / "a.jpg"
    planted.picture().save(photo)
    # A time stamp, a name on a slate: photos have texts, too.
    inside = image(photo, image_type=ImageType.CLINICAL, view=ImageView.INTRAORAL_PHOTO)
    assert made(decoder, tmp_path, inside).warnings == (Warn.TEXT_POSSIBLE,)
    both = (Warn.TEXT_POSSIBLE, Warn.FACE_POSSIBLE)
    for known in ({}, {"image_type": ImageType.CLINICAL}, {"view": ImageView.EXTRAORAL_PHOTO}):
        assert made(decoder, tmp_path, image(photo, **known)).to_look_at == both
    xray = image(photo, image_type=ImageType.XRAY, view=ImageView.BITEWING)
    assert made(decoder, tmp_path, xray).to_look_at == (Warn.TEXT_POSSIBLE,)
    source = tmp_path / "a.dcm"
    planted.planted_dicom(source)
    for said, expected in ((None, Warn.TEXT_POSSIBLE), ("NO", Warn.TEXT_POSSIBLE), ("YES", Warn.TEXT_SAID)):
        dataset = pydicom.dcmread(source)
        if said is not None:
            dataset.BurnedInAnnotation = said
        dataset.save_as(tmp_path / "b.dcm")
        assert made(decoder, tmp_path, image(tmp_path / "b.dcm")).to_look_at == (expected, Warn.FACE_POSSIBLE)
    dataset.SOPClassUID, dataset.BurnedInAnnotation = "1.2.840.10008.5.1.4.1.1.1.3", "NO"
    dataset.save_as(tmp_path / "b.dcm")
    assert made(decoder, tmp_path, image(tmp_path / "b.dcm")).to_look_at == ()
    assert made(decoder, tmp_path, inside, limit_bytes=100).is_too_large


@pytest.mark.parametrize("form", list(Form))
def test_no_document_goes_out_as_if_it_were_anonymous(tmp_path: Path, decoder: Decoder, form: Form) -> None:
    source = tmp_path / "a.pdf"
    planted.picture().save(source)
    with pytest.raises(EnvironmentFault, match=r"share\.document"):
        made(decoder, tmp_path, image(source), form=form)
    inside = tmp_path / "b.dcm"
    planted.planted_dicom(inside)
    with pytest.raises(EnvironmentFault, match=r"share\.document"):
        made(decoder, tmp_path, image(inside, sop_class_uid="1.2.840.10008.5.1.4.1.1.104.1"), form=form)
    assert made(decoder, tmp_path, image(source), form=form, identified=True).to_look_at[0] is Warn.IDENTIFIED
