"""Patients, images and studies as JSON has them. The keys are a contract with scripts."""

from __future__ import annotations

from typing import Any

from app.cli.output import known
from app.domain.image import ImageRecord, Laterality
from app.domain.patient import Patient
from app.services.cases import Case
from app.storage.studies import StudyRow


def patient_row(patient: Patient, images: int | None) -> dict[str, Any]:
    """Return a patient."""
    return {
        "id": patient.id,
        "chart_number": known(patient.chart_number),
        "name": known(patient.name),
        "birth_date": patient.birth_date,
        "sex": known(patient.sex.value),
        "phone": known(patient.phone),
        "images": images,
    }


def image_row(record: ImageRecord) -> dict[str, Any]:
    """Return an image."""
    return {
        "id": record.id,
        "patient_id": record.patient_id,
        "tooth": record.tooth,
        "teeth": record.shown_teeth(),
        "type": record.image_type,
        "view": record.view,
        "directory": record.directory,
        "filename": record.filename,
        "original_name": known(record.original_name),
        "sha256": record.sha256,
        "bytes": record.size_bytes,
        "mime_type": record.mime_type,
        "rows": record.rows,
        "columns": record.columns,
        "captured_at": record.captured_at,
        "imported_at": record.imported_at,
        "laterality": side(record.laterality),
        "caption": known(record.caption),
        "study_uid": record.study_uid,
        "sop_instance_uid": record.sop_instance_uid,
        "public_url": record.public_url,
        "case": known(record.case_reference),
        "frames": record.frames,
        "modality": known(record.modality),
        "slice_position": record.slice_position,
        "placement": record.placement,
    }


def case_row(case: Case) -> dict[str, Any]:
    """Return a case."""
    return {
        "case": case.row.reference,
        "patient_id": case.patient.id,
        "name": case.patient.name,
        "images": case.row.images,
        "newest_at": case.row.newest_at,
    }


def study_row(study: StudyRow) -> dict[str, Any]:
    """Return a study."""
    return {
        "study_uid": study.study_uid,
        "patient_id": study.patient_id,
        "date": study.captured_at.date() if study.captured_at else None,
        "description": known(study.description),
        "modalities": study.modalities,
        "images": study.images,
    }


def side(laterality: Laterality) -> str | None:
    """Return the side, ``None`` when it is not known."""
    return None if laterality is Laterality.UNKNOWN else laterality.value
