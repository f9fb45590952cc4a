"""What an export writes, without a library: tables, whole folders, de-identified data sets, renditions."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from app.core.context import JobContext
from app.core.errors import UserError
from app.core.settings import ClinicSettings
from app.domain.identity import FileIdentity
from app.domain.image import FileKind, ImageRecord, Placement
from app.domain.patient import Patient, Sex
from app.imaging.child.client import Decoder
from app.services.export.csv_text import safe_cell
from app.services.export.deidentify import UidMap, deidentified
from app.services.export.dicom_files import DicomWriter
from app.services.export.everything import write_everything
from app.services.export.model import Exportable, ExportArgs, ExportFormat
from app.services.export.pictures import PdfWriter, PictureWriter

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CT = Path(str(get_testdata_file("CT_small.dcm")))


def patient(number: int = 1, family: str = "Doe", chart: str = "17") -> Patient:
    return Patient(
        f"00000000-0000-4000-8000-{number:012}", family, "Jane", chart, date(1980, 2, 1), Sex.FEMALE, "", NOW, NOW
    )


def image(path: Path, number: int, owner: Patient | None, **more: object) -> ImageRecord:
    values: dict[str, object] = {"mime_type": "application/dicom", "kind": FileKind.DICOM, **more}
    data = path.read_bytes()
    return ImageRecord(
        id=f"10000000-0000-4000-8000-{number:012}",
        patient_id=owner.id if owner else None,
        placement=Placement.FILED if owner else Placement.INBOX,
        directory="x/",
        filename=path.name,
        original_name="../../=evil.dcm",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        imported_at=NOW,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("value", "cell"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-2", "'-2"), (-2, "-2"), ("a=b", "a=b"), (None, ""), ("\tx", "'\tx")],
)
def test_cells_are_never_formulas(value: object, cell: str) -> None:
    assert safe_cell(value) == cell


def test_everything_is_readable_without_the_program(tmp_path: Path) -> None:
    source = tmp_path / "a.dcm"
    source.write_bytes(b"one")
    other = tmp_path / "b.dcm"
    other.write_bytes(b"two")
    gone = tmp_path / "c.dcm"
    gone.write_bytes(b"three")
    doe = patient(1, "=Doe/..", "17")
    records = [image(source, 1, doe), image(other, 2, None), image(gone, 3, doe)]
    gone.write_bytes(b"changed")
    paths = dict(zip([record.id for record in records], [source, other, gone], strict=True))
    report = write_everything(tmp_path / "out", [doe], records, 3, lambda record: paths[record.id], JobContext.silent())
    assert not report.is_complete
    assert [item["code"] for item in report.missing] == ["file.corrupt"]
    manifest = json.loads((report.out / "manifest.json").read_text("utf-8"))
    for entry in manifest["images"]:
        written = (report.out / entry["file"]).resolve()
        assert written.is_relative_to(report.out.resolve())
        assert hashlib.sha256(written.read_bytes()).hexdigest() == entry["sha256"]
    assert json.loads((report.out / "report.json").read_text())["complete"] is False
    assert "'=Doe" in (report.out / "patients.csv").read_text("utf-8-sig")
    assert "=evil" in (report.out / "images.csv").read_text("utf-8-sig")
    with pytest.raises(UserError):
        write_everything(report.out, [], [], 0, lambda record: source, JobContext.silent())


def _written(
    tmp_path: Path, owner: Patient | None, source: Path = CT, *, deidentify: bool = False, **more: object
) -> pydicom.Dataset:
    record = image(source, 1, owner, **more)
    args = ExportArgs(tmp_path, ExportFormat.DICOM, deidentify=deidentify)
    with Decoder() as decoder:
        (path,) = DicomWriter(args, decoder, ClinicSettings(clinic_name="Clinic")).write(
            Exportable(record, owner, source, 1), JobContext.silent()
        )
    return pydicom.dcmread(path)


def test_a_right_header_is_copied_byte_for_byte(tmp_path: Path) -> None:
    source = pydicom.dcmread(CT)
    name = source.PatientName
    owner = Patient(
        patient().id,
        str(name.family_name),
        str(name.given_name),
        str(source.PatientID),
        None,
        Sex.UNKNOWN,
        "",
        NOW,
        NOW,
    )
    identity = FileIdentity(str(source.PatientID), str(name.family_name), str(name.given_name))
    polyglot, out = tmp_path / "program.dcm", tmp_path / "out"
    out.mkdir()
    polyglot.write_bytes(b"MZ" + bytes(126) + CT.read_bytes()[128:])
    numbers = {
        "sop_instance_uid": str(source.SOPInstanceUID),
        "study_uid": str(source.StudyInstanceUID),
        "series_uid": str(source.SeriesInstanceUID),
    }
    _written(out, owner, polyglot, identity=identity, **numbers)
    (path,) = out.iterdir()
    assert path.read_bytes() == bytes(128) + CT.read_bytes()[128:]


def test_a_moved_image_leaves_with_its_new_patient_and_a_note(tmp_path: Path) -> None:
    source = pydicom.dcmread(CT)
    written = _written(tmp_path, patient(), identity=FileIdentity("1CT1", "CompressedSamples", "CT1"))
    assert (str(written.PatientName), written.PatientID, written.PatientBirthDate) == ("Doe^Jane", "17", "19800201")
    assert written.SOPInstanceUID != source.SOPInstanceUID
    before = written.OriginalAttributesSequence[-1].ModifiedAttributesSequence[0]
    assert before.PatientName == source.PatientName
    assert (written.pixel_array == source.pixel_array).all()


def test_nothing_of_the_patient_survives_deidentification(tmp_path: Path) -> None:
    source = pydicom.dcmread(CT)
    written = _written(tmp_path, patient(), deidentify=True)
    assert written.PatientIdentityRemoved == "YES"
    assert (written.pixel_array == source.pixel_array).all()
    assert written.PixelSpacing == source.PixelSpacing
    (path,) = tmp_path.iterdir()
    assert "Doe" not in path.name
    data = path.read_bytes()
    for keyword in (
        "PatientName",
        "PatientID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "StudyDate",
        "InstitutionName",
        "StationName",
        "AccessionNumber",
        "StudyDescription",
    ):
        value = str(source.get(keyword, "") or "")
        assert not value or value.encode() not in data, keyword
    assert not [element for element in written.iterall() if element.tag.is_private]


def _noise(folder: Path) -> Path:
    path = folder / "noise.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (200, 300, 3), dtype=np.uint8)).save(path)
    return path


@pytest.mark.parametrize("kind", [ExportFormat.JPEG, ExportFormat.TIFF, ExportFormat.PNG, ExportFormat.PDF])
def test_pictures_full_of_detail_are_written(tmp_path: Path, kind: ExportFormat) -> None:
    owner = patient()
    photo = image(_noise(tmp_path), 1, owner, mime_type="image/png", kind=FileKind.PHOTO)
    args = ExportArgs(tmp_path, kind)
    with Decoder() as decoder:
        writer = (PdfWriter if kind is ExportFormat.PDF else PictureWriter)(args, decoder, ClinicSettings())
        (written,) = writer.write(Exportable(photo, owner, tmp_path / "noise.png", 1), JobContext.silent())
        writer.commit()
    assert written.stat().st_size > 50_000
    if kind is not ExportFormat.PDF:
        with Image.open(written) as opened:
            assert opened.size == (300, 200)
            opened.load()


@pytest.mark.parametrize("deidentify", [False, True])
def test_nobody_claims_that_a_picture_is_free_of_burned_in_text(tmp_path: Path, deidentify: bool) -> None:
    owner = patient()
    photo = image(_noise(tmp_path), 1, owner, mime_type="image/png", kind=FileKind.PHOTO)
    args = ExportArgs(tmp_path, ExportFormat.DICOM, deidentify=deidentify)
    with Decoder() as decoder:
        writer = DicomWriter(args, decoder, ClinicSettings())
        written = writer.dataset(Exportable(photo, owner, tmp_path / "noise.png", 1))
    assert "BurnedInAnnotation" not in written


@pytest.mark.parametrize("said", [None, "NO", "YES"])
def test_deidentifying_keeps_what_is_known_of_burned_in_text(said: str | None) -> None:
    dataset = pydicom.dcmread(CT)
    if said is not None:
        dataset.BurnedInAnnotation = said
    assert deidentified(dataset, UidMap()).get("BurnedInAnnotation") == said
