"""Turns rows into domain records and back: the only place that knows the order of columns.

The same plain values serve as JSON in intents. No SQL is run here.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from app.core.clock import epoch_ms
from app.core.errors import EnvironmentFault
from app.domain.folding import fold, fold_tokens
from app.domain.identity import FileIdentity
from app.domain.image import FileKind, ImageRecord, ImageType, ImageView, Laterality, Placement
from app.domain.patient import Patient, Sex

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PATIENT_NAMES = (
    "id",
    "family_name",
    "given_name",
    "chart_number",
    "birth_date",
    "sex",
    "phone",
    "created_at",
    "updated_at",
    "notes",
    "version",
    "deleted_at",
    "merged_into",
)
PATIENT_COLUMNS = ", ".join(f"p.{name}" for name in PATIENT_NAMES)

IMAGE_NAMES = (
    "id",
    "patient_id",
    "placement",
    "directory",
    "filename",
    "original_name",
    "sha256",
    "size_bytes",
    "mime_type",
    "kind",
    "imported_at",
    "tooth",
    "teeth",
    "image_type",
    "view",
    "laterality",
    "row_count",
    "column_count",
    "frames",
    "captured_at",
    "caption",
    "modality",
    "study_uid",
    "study_description",
    "series_uid",
    "sop_instance_uid",
    "sop_class_uid",
    "transfer_syntax_uid",
    "slice_position",
    "pixel_sha256",
    "picture_hash",
    "identity_patient_id",
    "identity_family_name",
    "identity_given_name",
    "identity_birth_date",
    "identity_sex",
    "reason",
    "reason_facts",
    "similar_to",
    "public_url",
    "added_by",
    "changed_at",
    "version",
    "deleted_at",
    "md5",
    "case_reference",
)
IMAGE_COLUMNS = ", ".join(f"i.{name}" for name in IMAGE_NAMES)


Values = TypeVar("Values")
Made = TypeVar("Made")


def sound(make: Callable[[Values], Made]) -> Callable[[Values], Made]:
    """Let ``make`` say ``database.corrupt`` of values that nobody can have written, without quoting them."""

    @functools.wraps(make)
    def made(row: Values) -> Made:
        try:
            return make(row)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise EnvironmentFault("database.corrupt") from None

    return made


def milliseconds(moment: datetime | None) -> int | None:
    """Return a time as stored; moments without a zone are this computer's."""
    return None if moment is None else epoch_ms(moment)


def moment(value: int) -> datetime:
    """Return a stored time; also before 1970, where Windows' own conversion gives up."""
    return _EPOCH + timedelta(milliseconds=value)


def moment_or_none(value: int | None) -> datetime | None:
    """Return a stored time, if any."""
    return None if value is None else moment(value)


def to_json(value: object) -> str:
    """Return compact JSON; what JSON does not know (dates, paths, enums) becomes text."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)


def sort_name(patient: Patient) -> str:
    """Return the key that patient lists are ordered by."""
    return fold(f"{patient.family_name} {patient.given_name}") or fold(patient.chart_number)


def name_words(family: str, given: str) -> str:
    """Return the folded words of a name in one fixed order: equal for names that agree."""
    return " ".join(sorted(fold_tokens(f"{family} {given}")))


def patient_values(patient: Patient) -> tuple[Any, ...]:
    """Return a patient as plain values in the order of :data:`PATIENT_NAMES`."""
    return (
        patient.id,
        patient.family_name,
        patient.given_name,
        patient.chart_number,
        patient.birth_date.isoformat() if patient.birth_date else None,
        patient.sex.value,
        patient.phone,
        epoch_ms(patient.created_at),
        epoch_ms(patient.updated_at),
        patient.notes,
        patient.version,
        milliseconds(patient.deleted_at),
        patient.merged_into,
    )


@sound
def patient_of(row: Sequence[Any]) -> Patient:
    """Return the patient of values in the order of :data:`PATIENT_NAMES`."""
    return Patient(
        id=row[0],
        family_name=row[1],
        given_name=row[2],
        chart_number=row[3],
        birth_date=date.fromisoformat(row[4]) if row[4] else None,
        sex=Sex(row[5]),
        phone=row[6],
        created_at=moment(row[7]),
        updated_at=moment(row[8]),
        notes=row[9],
        version=row[10],
        deleted_at=moment_or_none(row[11]),
        merged_into=row[12],
    )


def image_values(record: ImageRecord) -> tuple[Any, ...]:
    """Return a record as plain values in the order of :data:`IMAGE_NAMES`."""
    identity = record.identity
    return (
        record.id,
        record.patient_id,
        record.placement.value,
        record.directory,
        record.filename,
        record.original_name,
        record.sha256,
        record.size_bytes,
        record.mime_type,
        record.kind.value,
        epoch_ms(record.imported_at),
        record.tooth,
        ",".join(record.teeth),
        record.image_type.value,
        record.view.value,
        record.laterality.value,
        record.rows,
        record.columns,
        record.frames,
        milliseconds(record.captured_at),
        record.caption,
        record.modality,
        record.study_uid,
        record.study_description,
        record.series_uid,
        record.sop_instance_uid,
        record.sop_class_uid,
        record.transfer_syntax_uid,
        record.slice_position,
        record.pixel_sha256,
        record.picture_hash,
        identity.patient_id,
        identity.family_name,
        identity.given_name,
        identity.birth_date.isoformat() if identity.birth_date else None,
        identity.sex,
        record.reason,
        to_json(record.reason_facts),
        record.similar_to,
        record.public_url,
        record.added_by,
        milliseconds(record.changed_at),
        record.version,
        milliseconds(record.deleted_at),
        record.md5,
        record.case_reference,
    )


@sound
def image_of(row: Sequence[Any]) -> ImageRecord:
    """Return the record of values in the order of :data:`IMAGE_NAMES`."""
    return ImageRecord(
        id=row[0],
        patient_id=row[1],
        placement=Placement(row[2]),
        directory=row[3],
        filename=row[4],
        original_name=row[5],
        sha256=row[6],
        size_bytes=row[7],
        mime_type=row[8],
        kind=FileKind(row[9]),
        imported_at=moment(row[10]),
        tooth=row[11],
        teeth=tuple(row[12].split(",")) if row[12] else (),
        image_type=ImageType(row[13]),
        view=ImageView(row[14]),
        laterality=Laterality(row[15]),
        rows=row[16],
        columns=row[17],
        frames=row[18],
        captured_at=moment_or_none(row[19]),
        caption=row[20],
        modality=row[21],
        study_uid=row[22],
        study_description=row[23],
        series_uid=row[24],
        sop_instance_uid=row[25],
        sop_class_uid=row[26],
        transfer_syntax_uid=row[27],
        slice_position=row[28],
        pixel_sha256=row[29],
        picture_hash=row[30],
        identity=FileIdentity(row[31], row[32], row[33], date.fromisoformat(row[34]) if row[34] else None, row[35]),
        reason=row[36],
        reason_facts=json.loads(row[37]),
        similar_to=row[38],
        public_url=row[39],
        added_by=row[40],
        changed_at=moment_or_none(row[41]),
        version=row[42],
        deleted_at=moment_or_none(row[43]),
        md5=row[44],
        case_reference=row[45],
    )


def image_to_json(record: ImageRecord) -> dict[str, Any]:
    """Return a record as a JSON object by column."""
    return dict(zip(IMAGE_NAMES, image_values(record), strict=True))


def image_from_json(values: Mapping[str, Any]) -> ImageRecord:
    """Return the record of :func:`image_to_json`."""
    # Written before there were these, it has none.
    known = {"md5": None, "case_reference": "", **values}
    return image_of([known[name] for name in IMAGE_NAMES])


def image_search_text(record: ImageRecord) -> str:
    """Return the folded text that a search through images looks at."""
    return fold(
        f"{record.caption} {record.case_reference} {record.original_name} {record.study_description}"
        f" {record.modality} {record.view.value}"
    )
