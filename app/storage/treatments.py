"""Treatments and their images. A link counts only while treatment and image belong to the same patient."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from datetime import date

from app.core.clock import epoch_ms, utc_now
from app.core.errors import UserError
from app.domain.treatment import Treatment, TreatmentDraft, TreatmentStatus
from app.storage.database import Database, Row
from app.storage.rows import moment, moment_or_none, sound

_COLUMNS = (
    "t.id, t.patient_id, t.procedure, t.code, t.teeth, t.performed_on, t.dentist, t.status, t.notes,"
    " t.created_at, t.updated_at, t.version, t.deleted_at, t.legacy_id"
)
_IMAGES = (
    "(SELECT COUNT(*) FROM treatment_images l JOIN images i ON i.id = l.image_id WHERE l.treatment_id = t.id"
    " AND i.patient_id = t.patient_id AND i.deleted_at IS NULL)"
)


class Treatments:
    """The treatments of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, treatment: Treatment) -> None:
        """Write a new treatment."""
        draft = treatment.draft
        with self._db.write():
            self._db.execute(
                "INSERT INTO treatments (id, patient_id, procedure, code, teeth, performed_on, dentist, status, notes,"
                " created_at, updated_at, version, legacy_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    treatment.id,
                    treatment.patient_id,
                    *_values(draft),
                    epoch_ms(treatment.created_at),
                    epoch_ms(treatment.updated_at),
                    treatment.version,
                    treatment.legacy_id,
                ),
            )

    def update(self, treatment_id: str, version: int, draft: TreatmentDraft) -> None:
        """Change a treatment. Raises ``treatment.changed_elsewhere`` when it is not of ``version`` any more."""
        with self._db.write():
            cursor = self._db.execute(
                "UPDATE treatments SET procedure = ?, code = ?, teeth = ?, performed_on = ?, dentist = ?, status = ?,"
                " notes = ?, updated_at = ?, version = version + 1 WHERE id = ? AND version = ?",
                (*_values(draft), epoch_ms(utc_now()), treatment_id, version),
            )
            if cursor.rowcount != 1:
                raise UserError("treatment.changed_elsewhere", id=treatment_id)

    def set_deleted(self, treatment_id: str, *, deleted: bool) -> None:
        """Delete softly, or bring back."""
        with self._db.write():
            self._db.execute(
                "UPDATE treatments SET deleted_at = ?, version = version + 1 WHERE id = ?",
                (epoch_ms(utc_now()) if deleted else None, treatment_id),
            )

    def get(self, treatment_id: str) -> Treatment | None:
        """Return a treatment, deleted ones too."""
        row = self._db.row(f"SELECT {_COLUMNS}, {_IMAGES} FROM treatments t WHERE t.id = ?", (treatment_id,))  # noqa: S608 - our own text
        return _treatment_of(row) if row else None

    def by_legacy_id(self, patient_id: str, legacy_id: str) -> Treatment | None:
        """Return a patient's treatment that was brought in under a number of another program."""
        row = self._db.row(
            f"SELECT {_COLUMNS}, {_IMAGES} FROM treatments t WHERE t.legacy_id = ? AND t.patient_id = ?",  # noqa: S608 - our own text
            (legacy_id, patient_id),
        )
        return _treatment_of(row) if row else None

    def list(self, patient_id: str) -> builtins.list[Treatment]:
        """Return a patient's treatments, newest first; those without a date, which are still to come, before all."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS}, {_IMAGES} FROM treatments t WHERE t.patient_id = ? AND t.deleted_at IS NULL"  # noqa: S608 - our own text
            " ORDER BY t.performed_on IS NOT NULL, t.performed_on DESC, t.created_at DESC, t.id",
            (patient_id,),
        )
        return [_treatment_of(row) for row in rows]

    def of_image(self, image_id: str) -> builtins.list[Treatment]:
        """Return the treatments that an image belongs to."""
        rows = self._db.rows(
            f"SELECT {_COLUMNS}, {_IMAGES} FROM treatments t JOIN treatment_images l ON l.treatment_id = t.id"  # noqa: S608 - our own text
            " JOIN images i ON i.id = l.image_id AND i.patient_id = t.patient_id"
            " WHERE l.image_id = ? AND t.deleted_at IS NULL ORDER BY t.performed_on DESC, t.id",
            (image_id,),
        )
        return [_treatment_of(row) for row in rows]

    def image_ids(self, treatment_id: str) -> builtins.list[str]:
        """Return the images of a treatment, oldest first."""
        rows = self._db.rows(
            "SELECT i.id FROM treatment_images l JOIN treatments t ON t.id = l.treatment_id"
            " JOIN images i ON i.id = l.image_id AND i.patient_id = t.patient_id"
            " WHERE l.treatment_id = ? AND i.deleted_at IS NULL ORDER BY i.captured_at, i.rank",
            (treatment_id,),
        )
        return [row[0] for row in rows]

    def link(self, treatment_id: str, image_ids: Sequence[str]) -> None:
        """Link images to a treatment; those that are linked already stay so."""
        with self._db.write():
            self._db.execute_many(
                "INSERT OR IGNORE INTO treatment_images (treatment_id, image_id) VALUES (?, ?)",
                [(treatment_id, image_id) for image_id in image_ids],
            )

    def unlink(self, treatment_id: str, image_ids: Sequence[str]) -> None:
        """Take images out of a treatment."""
        with self._db.write():
            self._db.execute_many(
                "DELETE FROM treatment_images WHERE treatment_id = ? AND image_id = ?",
                [(treatment_id, image_id) for image_id in image_ids],
            )

    def hand_over(self, from_patient: str, to_patient: str) -> builtins.list[str]:
        """Give all treatments of one patient to another (merging); return their ids."""
        rows = self._db.rows("SELECT id FROM treatments WHERE patient_id = ?", (from_patient,))
        with self._db.write():
            self._db.execute(
                "UPDATE treatments SET patient_id = ?, version = version + 1 WHERE patient_id = ?",
                (to_patient, from_patient),
            )
        return [row[0] for row in rows]


def _values(draft: TreatmentDraft) -> tuple[object, ...]:
    return (
        draft.procedure,
        draft.code,
        ",".join(draft.teeth),
        draft.performed_on.isoformat() if draft.performed_on else None,
        draft.dentist,
        draft.status.value,
        draft.notes,
    )


@sound
def _treatment_of(row: Row) -> Treatment:
    return Treatment(
        id=row[0],
        patient_id=row[1],
        draft=TreatmentDraft(
            row[2],
            row[3],
            tuple(row[4].split(",")) if row[4] else (),
            date.fromisoformat(row[5]) if row[5] else None,
            row[6],
            TreatmentStatus(row[7]),
            row[8],
        ),
        created_at=moment(row[9]),
        updated_at=moment(row[10]),
        version=row[11],
        deleted_at=moment_or_none(row[12]),
        legacy_id=row[13],
        images=row[14],
    )
