"""The whole library as plain files, readable without Bitewing (USERS, feature 25).

Folders per patient and tooth, every original byte for byte, one manifest with hashes, tables for a
spreadsheet, and a report that says whether all of it arrived.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.core.clock import utc_now
from app.core.context import JobContext
from app.core.errors import BitewingError, Cancelled, UserError
from app.core.files import write_atomically
from app.core.progress import Progress
from app.domain.image import ImageRecord, Placement
from app.domain.naming import EXTENSIONS, export_name
from app.domain.patient import Patient
from app.services.export.csv_text import write_rows
from app.services.export.originals import copy_verified

MANIFEST, PATIENTS, IMAGES, REPORT, README = "manifest.json", "patients.csv", "images.csv", "report.json", "README.txt"
FORMAT = "bitewing-export"
FORMAT_VERSION = 1
_PATIENT_COLUMNS = ("id", "chart_number", "family_name", "given_name", "birth_date", "sex", "phone", "notes", "folder")
_IMAGE_COLUMNS = (
    "file",
    "sha256",
    "bytes",
    "id",
    "patient_id",
    "chart_number",
    "patient",
    "placement",
    "tooth",
    "teeth",
    "type",
    "view",
    "laterality",
    "captured_at",
    "imported_at",
    "caption",
    "case",
    "original_name",
    "mime_type",
    "study_uid",
    "sop_instance_uid",
    "reason",
    "deleted_at",
)
_EXPLANATION = """This folder holds everything that was in a Bitewing library, as ordinary files.

patients.csv    every patient, and the folder that holds the images
images.csv      every image: file, SHA-256, patient, tooth (Universal numbers), type, dates
manifest.json   the same for programs
report.json     whether everything arrived; "complete": true means that each file was compared with its hash
patients/       one folder per patient, then one per tooth; DICOM, JPEG, PNG, TIFF and PDF files as they came in
inbox/          images that were not given to a patient
quarantine/     files that were kept aside because they could not be read; do not open them carelessly
deleted/        images that were deleted and not yet purged
"""


@dataclass(frozen=True, slots=True)
class EverythingReport:
    """Whether all of it arrived."""

    out: Path
    patients: int
    images: int
    bytes: int
    missing: tuple[dict[str, Any], ...]

    @property
    def is_complete(self) -> bool:
        """Whether every file of the catalogue was written and compared."""
        return not self.missing


@dataclass(slots=True)
class _Writing:
    out: Path
    folders: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    entries: list[dict[str, Any]] = field(default_factory=list)
    missing: list[dict[str, Any]] = field(default_factory=list)
    bytes: int = 0


def write_everything(
    out: Path,
    patients: Iterable[Patient],
    images: Iterable[ImageRecord],
    total: int,
    path_of: Callable[[ImageRecord], Path],
    ctx: JobContext,
) -> EverythingReport:
    """Write the library to an empty or new folder.

    Raises
    ------
    UserError
        ``export.not_empty`` when ``out`` already holds something.
    Cancelled
        When stopped; what was written stays, without a report that calls it complete.
    """
    if out.exists() and any(out.iterdir()):
        raise UserError("export.not_empty", path=str(out))
    out.mkdir(parents=True, exist_ok=True)
    writing = _Writing(out)
    people = {patient.id: patient for patient in patients}
    _patient_folders(writing, people.values())
    for record in images:
        ctx.check()
        _one(writing, record, people.get(record.patient_id or ""), path_of, ctx)
        ctx.report(Progress(len(writing.entries) + len(writing.missing), total, "images", record.filename))
    return _finish(writing, people)


def _patient_folders(writing: _Writing, patients: Iterable[Patient]) -> None:
    for patient in patients:
        name = export_name("_".join(part for part in (patient.chart_number, patient.name) if part))
        folder = name if name.casefold() not in writing.taken else f"{name}_{patient.id[:8]}"
        writing.taken.add(folder.casefold())
        writing.folders[patient.id] = f"patients/{folder}"


def _one(
    writing: _Writing,
    record: ImageRecord,
    patient: Patient | None,
    path_of: Callable[[ImageRecord], Path],
    ctx: JobContext,
) -> None:
    relative = _place(writing, record)
    target = writing.out / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        copy_verified(path_of(record), target, record.sha256, ctx)
    except Cancelled:
        raise
    except BitewingError as error:
        writing.missing.append({"id": record.id, "sha256": record.sha256, "code": error.code})
        return
    writing.bytes += record.size_bytes
    writing.entries.append(_entry(relative, record, patient))


def _place(writing: _Writing, record: ImageRecord) -> str:
    folder = _folder(writing, record)
    day = (record.captured_at or record.imported_at).date().isoformat()
    stem = export_name(f"{day}_{record.view.value}_{record.id[:8]}")
    suffix = EXTENSIONS.get(record.mime_type, "bin")
    relative, count = f"{folder}/{stem}.{suffix}", 2
    while relative.casefold() in writing.taken:
        relative, count = f"{folder}/{stem}-{count}.{suffix}", count + 1
    writing.taken.add(relative.casefold())
    return relative


def _folder(writing: _Writing, record: ImageRecord) -> str:
    if record.deleted_at is not None:
        return "deleted"
    if record.placement is not Placement.FILED or record.patient_id not in writing.folders:
        return "quarantine" if record.placement is Placement.QUARANTINED else "inbox"
    return f"{writing.folders[record.patient_id]}/{record.tooth}/{record.image_type.value}"


def _entry(relative: str, record: ImageRecord, patient: Patient | None) -> dict[str, Any]:
    return {
        "file": relative,
        "sha256": record.sha256,
        "bytes": record.size_bytes,
        "id": record.id,
        "patient_id": record.patient_id,
        "chart_number": patient.chart_number if patient else None,
        "patient": patient.name if patient else None,
        "placement": record.placement.value,
        "tooth": record.tooth,
        "teeth": list(record.teeth),
        "type": record.image_type.value,
        "view": record.view.value,
        "laterality": record.laterality.value,
        "captured_at": record.captured_at.isoformat() if record.captured_at else None,
        "imported_at": record.imported_at.isoformat(),
        "caption": record.caption,
        "case": record.case_reference,
        "original_name": record.original_name,
        "mime_type": record.mime_type,
        "study_uid": record.study_uid,
        "sop_instance_uid": record.sop_instance_uid,
        "reason": record.reason,
        "deleted_at": record.deleted_at.isoformat() if record.deleted_at else None,
    }


def _finish(writing: _Writing, people: dict[str, Patient]) -> EverythingReport:
    out = writing.out
    rows = [_patient_row(patient, writing.folders[patient.id]) for patient in people.values()]
    _table(out / PATIENTS, _PATIENT_COLUMNS, ([row[name] for name in _PATIENT_COLUMNS] for row in rows))
    _table(out / IMAGES, _IMAGE_COLUMNS, _image_cells(writing.entries))
    manifest = {"format": FORMAT, "version": FORMAT_VERSION, "patients": rows, "images": writing.entries}
    _json(out / MANIFEST, manifest)
    (out / README).write_text(_EXPLANATION, "utf-8")
    report = EverythingReport(out, len(people), len(writing.entries), writing.bytes, tuple(writing.missing))
    _json(
        out / REPORT,
        {
            "complete": report.is_complete,
            "finished_at": utc_now().isoformat(),
            "patients": report.patients,
            "images_in_library": report.images + len(report.missing),
            "images_written": report.images,
            "bytes": report.bytes,
            "missing": list(report.missing),
        },
    )
    return report


def _image_cells(entries: list[dict[str, Any]]) -> Iterator[list[Any]]:
    for entry in entries:
        yield [" ".join(entry[name]) if name == "teeth" else entry[name] for name in _IMAGE_COLUMNS]


def _patient_row(patient: Patient, folder: str) -> dict[str, Any]:
    return {
        "id": patient.id,
        "chart_number": patient.chart_number,
        "family_name": patient.family_name,
        "given_name": patient.given_name,
        "birth_date": patient.birth_date.isoformat() if patient.birth_date else None,
        "sex": patient.sex.value,
        "phone": patient.phone,
        "notes": patient.notes,
        "folder": folder,
    }


def _table(path: Path, columns: tuple[str, ...], rows: Iterable[Iterable[Any]]) -> None:
    # The mark makes spreadsheets read Arabic names as UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        write_rows(stream, columns, rows)


def _json(path: Path, value: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8"))
