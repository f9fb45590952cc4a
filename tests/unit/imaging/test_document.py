"""PDF documents: pages, pictures of pages, refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from app.core.errors import BitewingError
from app.domain.image import FileKind
from app.imaging import pictures
from app.imaging.dicom_pictures import ENCAPSULATED_PDF_CLASS
from app.imaging.examine import examine
from app.imaging.probe import probe


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """Two pages of 4 by 3 inches, the second one red."""
    pages = [Image.new("RGB", (400, 300), colour) for colour in ("white", "red")]
    pages[0].save(tmp_path / "a.pdf", save_all=True, append_images=pages[1:], resolution=100)
    return tmp_path / "a.pdf"


def test_pages_are_frames(pdf: Path) -> None:
    facts = probe(pdf)
    assert (facts.kind, facts.frames) == (FileKind.DOCUMENT, 2)
    frame = pictures.load_frame(pdf, 1)
    assert (frame.rows, frame.columns) == (facts.rows, facts.columns)
    assert frame.rows == pytest.approx(450, abs=1)
    assert frame.columns == pytest.approx(600, abs=1)
    assert np.abs(frame.values[200, 300].astype(int) - (255, 0, 0)).max() < 5
    with pytest.raises(BitewingError, match=r"image\.no_such_frame"):
        pictures.load_frame(pdf, 2)


def test_a_document_has_a_thumbnail(pdf: Path) -> None:
    examined = examine(pdf)
    assert examined.thumbnail_jpeg is not None
    assert examined.facts.pixel_sha256 is None


def _encapsulated(path: Path, content: bytes) -> Path:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = ENCAPSULATED_PDF_CLASS, "1.2.3"
    dataset.Modality, dataset.PatientID = "DOC", "7"
    dataset.MIMETypeOfEncapsulatedDocument = "application/pdf"
    dataset.EncapsulatedDocument = content + b"\0" * (len(content) % 2)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = ENCAPSULATED_PDF_CLASS
    dataset.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_document_within_dicom(pdf: Path, tmp_path: Path) -> None:
    path = _encapsulated(tmp_path / "a.dcm", pdf.read_bytes())
    facts = probe(path)
    assert (facts.kind, facts.content_label, facts.frames) == (FileKind.DICOM, "encapsulated_pdf", 2)
    assert facts.rows == probe(pdf).rows
    assert facts.identity.patient_id == "7"
    assert np.array_equal(pictures.load_frame(path, 1).values, pictures.load_frame(pdf, 1).values)
    assert examine(path).thumbnail_jpeg is not None


@pytest.mark.parametrize("content", [b"%PDF-1.7\nno document at all", b"%PDF-1.4\n" + bytes(2000)])
def test_broken_documents_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    for action in (probe, pictures.load_frame, examine):
        with pytest.raises(BitewingError, match=r"file\.undecodable"):
            action(path)
