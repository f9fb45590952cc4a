"""Libraries made for one test, patients and images to put in."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.clock import utc_now
from app.core.paths import LibraryPaths
from app.domain.image import FileKind, ImageRecord, ImageType, Placement
from app.domain.naming import image_directory
from app.domain.patient import Patient, Sex
from app.storage.catalogue import Catalogue, open_catalogue

PatientMaker = Callable[..., Patient]
RecordMaker = Callable[..., ImageRecord]


@pytest.fixture
def paths(tmp_path: Path) -> LibraryPaths:
    """The places of an empty library."""
    return LibraryPaths(tmp_path / "library")


@pytest.fixture
def catalogue(paths: LibraryPaths) -> Iterator[Catalogue]:
    """An empty library's storage."""
    opened = open_catalogue(paths, make=True)
    yield opened
    opened.close()


@pytest.fixture
def new_patient(catalogue: Catalogue) -> PatientMaker:
    """Return a function that adds a patient."""

    def add(family: str = "Hassan", given: str = "Ahmed", chart: str = "", **more: object) -> Patient:
        now = utc_now()
        base = Patient(str(uuid.uuid4()), family, given, chart, None, Sex.UNKNOWN, "", now, now)
        return catalogue.patients.add(replace(base, **more))  # type: ignore[arg-type]

    return add


@pytest.fixture
def patient(new_patient: PatientMaker) -> Patient:
    """One patient."""
    return new_patient()


@pytest.fixture
def new_record(patient: Patient) -> RecordMaker:
    """Return a function that makes an image record, not stored yet."""
    return lambda **more: make_record(more.pop("patient_id", patient.id), **more)


def make_record(patient_id: str | None, **more: object) -> ImageRecord:
    """Return a record that is not stored yet."""
    base = ImageRecord(
        id=str(uuid.uuid4()),
        patient_id=patient_id,
        placement=Placement.FILED,
        directory=image_directory(patient_id or str(uuid.uuid4()), "8", ImageType.XRAY),
        filename=f"image-{uuid.uuid4().int % 10**13}.png",
        original_name="tooth.png",
        sha256=uuid.uuid4().hex * 2,
        size_bytes=5,
        mime_type="image/png",
        kind=FileKind.PHOTO,
        imported_at=utc_now(),
        tooth="8",
        image_type=ImageType.XRAY,
    )
    return replace(base, **more)  # type: ignore[arg-type]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file to bring in."""
    path = tmp_path / "source.png"
    path.write_bytes(b"not really a picture" * 1000)
    return path


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
