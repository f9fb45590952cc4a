"""Studies: images that were taken together, grouped by Study Instance UID and patient."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from app.storage.database import Database
from app.storage.rows import moment_or_none


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study as the catalogue knows it."""

    study_uid: str
    patient_id: str | None
    captured_at: datetime | None
    description: str
    modalities: tuple[str, ...]
    images: int


# SQLite before 3.32 takes 999 parameters.
_CHUNK = 450


class Studies:
    """The studies of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def list(self, patient_id: str | None = None, limit: int | None = None) -> list[StudyRow]:
        """Return studies with filed images, newest first."""
        where = "i.study_uid IS NOT NULL AND i.placement = 'filed' AND i.deleted_at IS NULL"
        parameters: tuple[object, ...] = (-1 if limit is None else limit,)
        if patient_id is not None:
            where += " AND i.patient_id = ?"
            parameters = (patient_id, *parameters)
        rows = self._db.rows(
            "SELECT i.study_uid, i.patient_id, MIN(i.captured_at) AS taken, MAX(i.study_description),"  # noqa: S608 - our own text
            " group_concat(DISTINCT i.modality), COUNT(*) FROM images i"
            f" WHERE {where} GROUP BY i.study_uid, i.patient_id ORDER BY taken DESC, i.study_uid LIMIT ?",
            parameters,
        )
        return [
            StudyRow(
                study_uid=row[0],
                patient_id=row[1],
                captured_at=moment_or_none(row[2]),
                description=row[3],
                modalities=tuple(sorted(filter(None, row[4].split(",")))),
                images=row[5],
            )
            for row in rows
        ]

    def held(self, study_uids: Iterable[str]) -> dict[str, int]:
        """Return how many images of these studies are here, filed or waiting; studies without any are left out.

        Objects that were made here for an archive count for the study that they went out with.
        """
        wanted = list(dict.fromkeys(study_uids))
        counts: dict[str, int] = {}
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            places = ",".join("?" * len(part))
            rows = self._db.rows(
                "SELECT study_uid, COUNT(*) FROM images WHERE deleted_at IS NULL AND placement <> 'quarantined'"  # noqa: S608 - our own text
                f" AND study_uid IN ({places}) GROUP BY study_uid"
                " UNION ALL SELECT r.study_uid, COUNT(*) FROM renditions r JOIN images i ON i.id = r.image_id"
                " WHERE i.deleted_at IS NULL AND i.study_uid IS NOT r.study_uid"
                f" AND r.study_uid IN ({places}) GROUP BY r.study_uid",
                (*part, *part),
            )
            for study, count in rows:
                counts[study] = counts.get(study, 0) + count
        return counts

    def kept(self, study_uid: str) -> int:
        """Return how many objects a study of the archive had when it was brought in; 0 when it was not."""
        return int(self._db.value("SELECT instances FROM kept_studies WHERE study_uid = ?", (study_uid,)) or 0)

    def keep(self, study_uid: str, instances: int) -> None:
        """Write down that a study of so many objects was brought in."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO kept_studies (study_uid, instances) VALUES (?, ?)"
                " ON CONFLICT (study_uid) DO UPDATE SET instances = excluded.instances",
                (study_uid, instances),
            )
