"""Patients in the catalogue: adding, changing, listing, finding.

Writers join the caller's transaction. Whether somebody may do it is decided above.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from app.core.clock import epoch_ms, utc_now
from app.core.errors import UserError
from app.domain.folding import fold
from app.domain.patient import Patient, PatientSummary
from app.storage.database import Database, Row
from app.storage.rows import (
    PATIENT_COLUMNS,
    PATIENT_NAMES,
    name_words,
    patient_of,
    patient_values,
    sort_name,
)
from app.storage.search_index import add_entry, matching_ranks, remove_entry

_SUMMARY = f"SELECT {PATIENT_COLUMNS}, p.images FROM patients p"  # noqa: S608 - our own text
_PATIENT = f"SELECT {PATIENT_COLUMNS} FROM patients p"  # noqa: S608 - our own text
_RANKED = f"SELECT p.rank, {PATIENT_COLUMNS} FROM patients p"  # noqa: S608 - our own text
_WRITTEN = (*PATIENT_NAMES, "sort_name", "name_words", "folded_chart")
_INSERT = f"INSERT INTO patients ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"  # noqa: S608 - our own text
_UPDATE = f"UPDATE patients SET {', '.join(f'{name} = ?' for name in _WRITTEN)} WHERE rank = ?"  # noqa: S608 - our own text


@dataclass(frozen=True, slots=True)
class PageKey:
    """The last row of a page: where the next one begins."""

    sort_name: str
    id: str


def page_key(patient: Patient) -> PageKey:
    """Return the place of a patient in the list."""
    return PageKey(sort_name(patient), patient.id)


class Patients:
    """The patients of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, patient: Patient) -> Patient:
        """Add a patient and make it findable."""
        with self._db.write():
            rank = self._db.execute(_INSERT, _values(patient)).lastrowid
            if rank is not None and patient.deleted_at is None:
                add_entry(self._db, rank, patient)
        return patient

    def get(self, patient_id: str) -> Patient | None:
        """Return a patient, deleted or merged ones too."""
        row = self._db.row(f"{_PATIENT} WHERE p.id = ?", (patient_id,))
        return patient_of(row) if row else None

    def by_chart_number(self, text: str) -> list[Patient]:
        """Return living patients with this chart number, accents and case aside; exactly equal ones first."""
        folded = fold(text)
        if not folded:
            return []
        rows = self._db.rows(
            f"{_PATIENT} WHERE p.folded_chart = ? AND p.folded_chart <> '' AND p.deleted_at IS NULL"
            " ORDER BY p.chart_number <> ?, p.rank",
            (folded, text.strip()),
        )
        return [patient_of(row) for row in rows]

    def by_name(self, family: str, given: str) -> list[Patient]:
        """Return living patients whose name has the same words, in any order."""
        words = name_words(family, given)
        if not words:
            return []
        rows = self._db.rows(f"{_PATIENT} WHERE p.name_words = ? AND p.deleted_at IS NULL ORDER BY p.rank", (words,))
        return [patient_of(row) for row in rows]

    def update(self, patient: Patient, expected_version: int) -> Patient:
        """Write a whole patient over version ``expected_version``.

        Raises
        ------
        UserError
            ``patient.none`` or ``patient.changed_elsewhere``.
        """
        with self._db.write():
            row = self._db.row(f"{_RANKED} WHERE p.id = ?", (patient.id,))
            if row is None:
                raise UserError("patient.none", text=patient.id)
            before, rank = patient_of(row[1:]), row[0]
            if before.version != expected_version:
                raise UserError("patient.changed_elsewhere", id=patient.id)
            written = replace(patient, version=expected_version + 1)
            if before.deleted_at is None:
                remove_entry(self._db, rank, before)
            self._db.execute(_UPDATE, (*_values(written), rank))
            if written.deleted_at is None:
                add_entry(self._db, rank, written)
        return written

    def retire(self, patient_id: str, version: int, merged_into: str) -> Patient:
        """Mark a patient as merged into another one. Raises as :meth:`update`."""
        with self._db.write():
            before = self.get(patient_id)
            if before is None:
                raise UserError("patient.none", text=patient_id)
            now = utc_now()
            after = replace(before, deleted_at=now, merged_into=merged_into, updated_at=now)
            return self.update(after, expected_version=version)

    def summary(self, patient_id: str) -> PatientSummary | None:
        """Return a patient with the number of filed images."""
        row = self._db.row(f"{_SUMMARY} WHERE p.id = ?", (patient_id,))
        return _summary_of(row) if row else None

    def page(self, after: PageKey | Patient | None = None, limit: int = 200) -> list[PatientSummary]:
        """Return living patients in name order, beginning after the last one of the page before."""
        if after is None:
            rows = self._db.rows(f"{_SUMMARY} WHERE p.deleted_at IS NULL ORDER BY p.sort_name, p.id LIMIT ?", (limit,))
        else:
            key = page_key(after) if isinstance(after, Patient) else after
            # Written out: SQLite walks the index for this form, not for a row value or a plain OR.
            rows = self._db.rows(
                f"{_SUMMARY} WHERE p.deleted_at IS NULL AND p.sort_name >= ? AND (p.sort_name > ? OR p.id > ?)"
                " ORDER BY p.sort_name, p.id LIMIT ?",
                (key.sort_name, key.sort_name, key.id, limit),
            )
        return [_summary_of(row) for row in rows]

    def count(self) -> int:
        """Return the number of living patients."""
        return int(self._db.value("SELECT COUNT(*) FROM patients p WHERE p.deleted_at IS NULL"))

    def search(self, text: str, limit: int = 50) -> list[PatientSummary]:
        """Return patients of whom every typed word is part, in name order."""
        with self._db.read():
            ranks = matching_ranks(self._db, text, limit)
            marks = ",".join("?" * len(ranks))
            rows = self._db.rows(f"{_SUMMARY} WHERE p.rank IN ({marks}) ORDER BY p.sort_name, p.id", ranks)
        return [_summary_of(row) for row in rows]

    def touch(self, patient_id: str, at: datetime | None = None, actor_id: str = "") -> None:
        """Remember that somebody opened a patient."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO recents (actor_id, patient_id, viewed_at) VALUES (?, ?, ?)"
                " ON CONFLICT (actor_id, patient_id) DO UPDATE SET viewed_at = excluded.viewed_at",
                (actor_id, patient_id, epoch_ms(at or utc_now())),
            )

    def recent(self, limit: int = 20, actor_id: str = "") -> list[PatientSummary]:
        """Return living patients opened last, newest first."""
        rows = self._db.rows(
            f"SELECT {PATIENT_COLUMNS}, p.images FROM recents r JOIN patients p ON p.id = r.patient_id"  # noqa: S608 - our own text
            " WHERE r.actor_id = ? AND p.deleted_at IS NULL ORDER BY r.viewed_at DESC, p.id LIMIT ?",
            (actor_id, limit),
        )
        return [_summary_of(row) for row in rows]


def _values(patient: Patient) -> tuple[object, ...]:
    return (
        *patient_values(patient),
        sort_name(patient),
        name_words(patient.family_name, patient.given_name),
        fold(patient.chart_number),
    )


def _summary_of(row: Row) -> PatientSummary:
    return PatientSummary(patient_of(row), row[len(PATIENT_NAMES)])
