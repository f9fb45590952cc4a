"""Every kind of object that goes to an archive: valid by dciodvfy, and read back by dcmtk and Orthanc as it was."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image

from app.bootstrap.library import Library, open_library
from app.core.context import JobContext
from app.domain.image import Filing, ImageType
from app.domain.patient import PatientDraft
from app.domain.roles import owner
from app.domain.tooth_codes import TOOTH_CODES
from app.services.images import Details
from app.sync.report import ImportArgs
from tests.integration.archive.conftest import connect
from tests.integration.import_material import photograph, picture, radiograph
from tests.servers import OrthancServer

OWNER, QUIET = owner("test"), JobContext.silent()
Tool = Callable[[str], str]


def errors_of(dciodvfy: str, path: Path) -> list[str]:
    done = subprocess.run([dciodvfy, str(path)], capture_output=True, text=True, check=False)
    return [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("Error")]


def sent(library: Library, server: OrthancServer, image_id: str, folder: Path) -> Path:
    """Push everything and return an image's object as the archive gives it back."""
    report = library.archive.push(OWNER, QUIET)
    assert report.drained.faults == {}
    [copy] = [copy for copy in library.outbox.copies(OWNER, image_id) if copy.gone_at is None]
    with server.client() as client:
        target = folder / f"{image_id}.dcm"
        target.write_bytes(client.get(f"/instances/{copy.remote_id}/file").raise_for_status().content)
    return target


def shown_by_dcmtk(tool: Tool, path: Path, folder: Path) -> np.ndarray:
    target = folder / "shown.pnm"
    subprocess.run([tool("dcmj2pnm"), "--write-raw-pnm", str(path), str(target)], check=True, capture_output=True)
    return np.asarray(Image.open(io.BytesIO(target.read_bytes())))


def bring(library: Library, path: Path, tooth: str, kind: ImageType) -> str:
    patient = next(iter(library.patients.page(OWNER, None, 1)), None)
    whose = patient.patient if patient else library.patients.add(OWNER, PatientDraft("Lovelace", "Ada", "A-7"))
    filing = Filing(patient_id=whose.id, tooth=tooth, image_type=kind)
    items = []
    library.imports.run(OWNER, ImportArgs((path,), filing), QUIET, items.append)
    assert items[0].image_id is not None, items
    return items[0].image_id


def write_png(path: Path, grey: bool) -> Path:
    pixels = picture(5, 120)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels if grey else np.stack([pixels, pixels[::-1], pixels.T], -1)).save(path)
    return path


def turned(path: Path) -> Path:
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = picture(6, 160)[:100]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack([pixels] * 3, -1)).save(path, "JPEG", exif=exif, quality=95)
    return path


PHOTOS: dict[str, tuple[Callable[[Path], Path], ImageType, str, str]] = {
    "a photograph": (lambda folder: photograph(folder / "a.jpg", 1), ImageType.CLINICAL, "XC", "YBR_FULL_422"),
    "a photograph on its side": (lambda folder: turned(folder / "b.jpg"), ImageType.BEFORE, "XC", "RGB"),
    "a picture without loss": (lambda folder: write_png(folder / "c.png", grey=False), ImageType.AFTER, "XC", "RGB"),
    "a radiograph as PNG": (lambda folder: write_png(folder / "d.png", grey=True), ImageType.XRAY, "OT", "MONOCHROME2"),
    "a radiograph as JPEG": (lambda folder: photograph(folder / "e.jpg", 4), ImageType.XRAY, "OT", "YBR_FULL_422"),
}


@pytest.mark.parametrize("name", PHOTOS)
def test_a_picture_becomes_a_valid_object_of_its_kind(
    library: Library, server: OrthancServer, tmp_path: Path, tool: Tool, name: str
) -> None:
    make, kind, modality, photometric = PHOTOS[name]
    source = make(tmp_path / "in")
    connect(library, server.url)
    image_id = bring(library, source, "14", kind)
    path = sent(library, server, image_id, tmp_path)
    dataset = pydicom.dcmread(path)
    assert (dataset.Modality, dataset.PhotometricInterpretation) == (modality, photometric)
    assert (str(dataset.PatientName), dataset.PatientID) == ("Lovelace^Ada", "A-7")
    assert [item.CodeValue for item in dataset.PrimaryAnatomicStructureSequence] == ["865988009"]
    assert errors_of(tool("dciodvfy"), path) == []
    original = Image.open(source)
    if name == "a photograph on its side":
        original = original.transpose(Image.Transpose.ROTATE_270)
    elif source.suffix == ".jpg":
        # The stream itself, not a picture of it.
        assert dataset.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.50"
        assert dataset.LossyImageCompression == "01"
    shown = shown_by_dcmtk(tool, path, tmp_path).astype(int)
    wanted = np.asarray(original).astype(int)
    assert shown.shape == wanted.shape
    # Two JPEG decoders round and smooth colours differently.
    assert np.abs(shown - wanted).mean() < (2.5 if source.suffix == ".jpg" else 0.01)


def test_a_radiograph_of_another_patient_is_coerced_and_valid(
    library: Library, server: OrthancServer, tmp_path: Path, tool: Tool
) -> None:
    connect(library, server.url)
    source = radiograph(tmp_path / "in" / "a.dcm", 3)
    image_id = bring(library, source, "8", ImageType.XRAY)
    library.patients.add(OWNER, PatientDraft("Somebody", "Else", "B-1"))
    if library.inbox.list(OWNER):
        whose = library.patients.resolve(OWNER, "A-7")
        library.inbox.file(OWNER, image_id, Filing(patient_id=whose.id, tooth="8"))
    path = sent(library, server, image_id, tmp_path)
    before, after = pydicom.dcmread(source), pydicom.dcmread(path)
    assert (str(after.PatientName), after.PatientID) == ("Lovelace^Ada", "A-7")
    assert after.SOPInstanceUID != before.SOPInstanceUID
    [note] = after.OriginalAttributesSequence
    assert str(note.ModifiedAttributesSequence[0].PatientName) == "Doe^Jane"
    assert after.PixelData == before.PixelData
    wrong = set(errors_of(tool("dciodvfy"), path)) - set(errors_of(tool("dciodvfy"), source))
    assert wrong == set()


def test_a_sensor_file_without_its_numbers_gets_them_once(
    library: Library, server: OrthancServer, tmp_path: Path
) -> None:
    connect(library, server.url)
    source = radiograph(tmp_path / "in" / "a.dcm", 3)
    dataset = pydicom.dcmread(source)
    for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID"):
        delattr(dataset, keyword)
    dataset.file_meta.MediaStorageSOPInstanceUID = ""
    dataset.save_as(source, enforce_file_format=False)
    library.imports.run(OWNER, ImportArgs((source,)), QUIET)
    [image] = library.images.list(OWNER)
    path = sent(library, server, image.id, tmp_path)
    first = pydicom.dcmread(path)
    assert first.SOPInstanceUID
    assert first.StudyInstanceUID
    with library.store.write():
        library.store.database.execute("UPDATE outbox SET state = 'waiting'")
    assert library.archive.push(OWNER, QUIET).drained.already_there == 1
    assert len(server.instances()) == 1


def test_all_tooth_codes_come_back(library: Library, server: OrthancServer, tmp_path: Path) -> None:
    connect(library, server.url)
    image_id = bring(library, photograph(tmp_path / "in" / "a.jpg", 1), "general", ImageType.CLINICAL)
    teeth = tuple(code.universal for code in TOOTH_CODES)
    assert len(teeth) == 52
    library.images.edit_details(OWNER, image_id, Details(teeth=teeth))
    path = sent(library, server, image_id, tmp_path)
    back = tmp_path / "second"
    with open_library(back, create=True) as second:
        second.settings.set(OWNER, "storage.reserve_bytes", "0")
        second.imports.run(OWNER, ImportArgs((path,)), QUIET)
        [image] = second.images.list(OWNER)
        assert set(image.teeth) == set(teeth)
        assert image.identity.patient_id == "A-7"
