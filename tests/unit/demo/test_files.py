"""The files of the made-up clinic: bytes repeat, tags say what is shown, dciodvfy is content."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from app.core.cancel import CancelToken
from app.core.context import JobContext
from app.core.errors import Cancelled
from app.core.progress import Progress
from app.demo.cbct import INTERCEPT
from app.demo.clinic import ClinicPlan, plan
from app.demo.engine import DemoFile, write_clinic
from app.domain.image import ImageView
from app.domain.tooth_codes import tooth_from_code

Tool = Callable[[str], str]


def short_plan() -> ClinicPlan:
    """Return a clinic of one picture of each kind, plus one Arabic patient's film."""
    clinic = plan()
    chosen = {(image.view, image.subject): image for image in reversed(clinic.images)}
    arabic = next(image for image in clinic.images if image.patient.family_name == "حسن")
    return replace(clinic, images=(*chosen.values(), replace(arabic, number=99)))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[DemoFile]:
    return list(write_clinic(short_plan(), tmp_path_factory.mktemp("demo"), JobContext.silent()))


def of_view(files: list[DemoFile], view: ImageView) -> DemoFile:
    return next(file for file in files if file.view == view)


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_same_seed_writes_the_same_bytes(written: list[DemoFile], tmp_path: Path) -> None:
    again = list(write_clinic(short_plan(), tmp_path, JobContext.silent()))
    assert [file.path.name for file in again] == [file.path.name for file in written]
    assert [digest(file.path) for file in again] == [digest(file.path) for file in written]


def test_no_two_files_are_alike(written: list[DemoFile]) -> None:
    assert len({digest(file.path) for file in written}) == len(written)


def test_file_names_hold_no_person(written: list[DemoFile]) -> None:
    for file in written:
        assert file.patient.family_name not in file.path.name
        assert file.patient.given_name not in file.path.name


def test_files_come_in_the_order_of_the_plan(written: list[DemoFile]) -> None:
    wanted = [(image.view, image.captured_at) for image in short_plan().images]
    assert [(file.view, file.captured_at) for file in written] == wanted


@pytest.mark.parametrize("view", [ImageView.PERIAPICAL, ImageView.BITEWING])
def test_an_intraoral_film_says_what_it_shows(written: list[DemoFile], view: ImageView) -> None:
    file = of_view(written, view)
    data = pydicom.dcmread(file.path)
    assert data.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRLittleEndian
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.3"
    assert data.Modality == "IO"
    assert data.PresentationIntentType == "FOR PRESENTATION"
    assert (data.BitsAllocated, data.BitsStored, data.PhotometricInterpretation) == (16, 12, "MONOCHROME2")
    assert data.PresentationLUTShape == "IDENTITY"
    assert [float(value) for value in data.ImagerPixelSpacing] == [0.03, 0.03]
    assert "PixelSpacing" not in data
    assert float(data.WindowWidth) > 0
    assert data.KVP
    assert data.PatientID == file.patient.chart_number
    assert data.StudyDate == file.captured_at.strftime("%Y%m%d")
    codes = [(item.CodeValue, item.CodingSchemeDesignator) for item in data.PrimaryAnatomicStructureSequence]
    shown = {tooth_from_code(*code) for code in codes}
    assert shown == set(file.teeth)
    if view == ImageView.PERIAPICAL:
        assert file.tooth in shown
        assert data.AnatomicRegionSequence[0].CodeMeaning in ("Maxilla", "Mandible")
    else:
        assert len(shown) >= 6
        assert data.ImageLaterality in ("R", "L")


def test_names_in_arabic_script_survive(written: list[DemoFile]) -> None:
    data = pydicom.dcmread(written[-1].path, stop_before_pixels=True) if written[-1].path.suffix == ".dcm" else None
    if data is None:
        pytest.fail("the last file of the short plan is meant to be DICOM")
    assert data.SpecificCharacterSet == "ISO_IR 192"
    assert str(data.PatientName) == "حسن^منى"


@pytest.mark.parametrize(
    ("view", "modality"), [(ImageView.PANORAMIC, "PX"), (ImageView.CEPHALOMETRIC, "DX")], ids=["panoramic", "ceph"]
)
def test_large_films_are_dx_objects(written: list[DemoFile], view: ImageView, modality: str) -> None:
    data = pydicom.dcmread(of_view(written, view).path)
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert data.Modality == modality
    assert data.BitsStored == 14
    assert data.pixel_array.max() < 1 << 14
    assert float(data.EstimatedRadiographicMagnificationFactor) > 1


def test_the_volume_is_one_object_with_geometry_in_each_frame(written: list[DemoFile]) -> None:
    data = pydicom.dcmread(of_view(written, ImageView.CBCT).path)
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.2.1"
    frames = data.PerFrameFunctionalGroupsSequence
    assert data.NumberOfFrames == len(frames) == data.pixel_array.shape[0] >= 96
    heights = [float(frame.PlanePositionSequence[0].ImagePositionPatient[2]) for frame in frames]
    shared = data.SharedFunctionalGroupsSequence[0]
    spacing = float(shared.PixelMeasuresSequence[0].SpacingBetweenSlices)
    assert np.allclose(np.diff(heights), spacing, atol=1e-3)
    assert float(shared.PixelValueTransformationSequence[0].RescaleIntercept) == INTERCEPT


@pytest.mark.parametrize("view", [ImageView.INTRAORAL_PHOTO, ImageView.EXTRAORAL_PHOTO])
def test_photos_carry_their_date_and_are_colour(written: list[DemoFile], view: ImageView) -> None:
    file = of_view(written, view)
    with Image.open(file.path) as image:
        assert image.format == "JPEG"
        taken = image.getexif().get_ifd(0x8769)[0x9003]
        pixels = np.asarray(image.convert("RGB"), np.float32)
    assert taken == file.captured_at.strftime("%Y:%m:%d %H:%M:%S")
    assert pixels.std() > 20
    assert np.abs(pixels[..., 0] - pixels[..., 2]).mean() > 10


def test_every_dicom_file_satisfies_dciodvfy(written: list[DemoFile], tool: Tool) -> None:
    binary = tool("dciodvfy")
    for file in written:
        if file.path.suffix == ".dcm":
            done = subprocess.run([binary, str(file.path)], capture_output=True, text=True, check=False)
            complaints = [line for line in done.stderr.splitlines() if line.startswith(("Error", "Abort"))]
            assert complaints == [], file.view


def test_cancelling_stops_and_leaves_nothing_behind_that_was_not_handed_out(tmp_path: Path) -> None:
    token = CancelToken()
    got: list[DemoFile] = []

    def take() -> None:
        for file in write_clinic(plan(5, 3, 12), tmp_path, JobContext(token)):
            got.append(file)
            token.cancel()

    with pytest.raises(Cancelled):
        take()
    assert len(got) == 1
    assert {path.name for path in tmp_path.iterdir()} == {got[0].path.name}


def test_closing_the_iterator_early_cleans_up(tmp_path: Path) -> None:
    files = write_clinic(plan(5, 3, 12), tmp_path, JobContext.silent())
    first = next(files)
    files.close()  # type: ignore[attr-defined]
    assert {path.name for path in tmp_path.iterdir()} == {first.path.name}


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    seen: list[Progress] = []
    list(write_clinic(plan(5, 2, 3), tmp_path, JobContext(None, seen.append)))
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (3, 3, "images")
