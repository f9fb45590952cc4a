"""Cases: images of one patient that belong to one appointment or referral, by the reference people know it by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.storage.database import Database
from app.storage.rows import moment

_FILED = "i.case_reference <> '' AND i.placement = 'filed' AND i.deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case of one patient; ``newest_at`` is when its newest image came."""

    reference: str
    patient_id: str
    images: int
    newest_at: datetime


Rows = list[CaseRow]


class Cases:
    """The cases of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, patient_id: str | None = None, text: str = "", limit: int | None = None) -> Rows:
        """Return cases with filed images, newest first; those of one patient, those whose reference has ``text``."""
        where, parameters = _FILED, []
        if patient_id is not None:
            where += " AND i.patient_id = ?"
            parameters.append(patient_id)
        if text:
            where += " AND instr(lower(i.case_reference), lower(?)) > 0"
            parameters.append(text)
        rows = self._db.rows(
            "SELECT i.case_reference, i.patient_id, COUNT(*), MAX(i.imported_at) AS newest FROM images i"  # noqa: S608 - our own text
            f" WHERE {where} GROUP BY i.case_reference, i.patient_id ORDER BY newest DESC, i.case_reference LIMIT ?",
            (*parameters, -1 if limit is None else limit),
        )
        return [CaseRow(reference, patient, images, moment(newest)) for reference, patient, images, newest in rows]

    def is_of_another(self, reference: str, patient_id: str) -> bool:
        """Whether another patient has filed images of this case."""
        return bool(
            self._db.value(
                f"SELECT EXISTS (SELECT 1 FROM images i WHERE i.case_reference = ? AND i.patient_id <> ? AND {_FILED})",  # noqa: S608 - our own text
                (reference, patient_id),
            )
        )
