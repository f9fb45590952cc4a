"""Studies: images that were taken together, grouped by Study Instance UID and patient."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.expectation import Expectation
from app.storage.database import Database
from app.storage.rows import milliseconds, moment_or_none


@dataclass(frozen=True, slots=True)
class StudyRow:
    """One study as the catalogue knows it."""

    study_uid: str
    patient_id: str | None
    captured_at: datetime | None
    description: str
    modalities: tuple[str, ...]
    images: int


Ids = list[str]
# SQLite before 3.32 takes 999 parameters.
_CHUNK = 450
_FILED = "i.placement = 'filed' AND i.deleted_at IS NULL"
# Where storage.expected keeps what was expected of an image.
_ORDERED = "expected.image"
_CLOCKS_DIFFER = timedelta(days=2)


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

    def patients_of(self, study_uids: Iterable[str]) -> Ids:
        """Return the ids of patients with filed images of these studies, also of objects made here for archives."""
        wanted = list(dict.fromkeys(study_uids))
        found: dict[str, None] = {}
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            places = ",".join("?" * len(part))
            rows = self._db.rows(
                f"SELECT DISTINCT i.patient_id FROM images i WHERE {_FILED} AND i.study_uid IN ({places})"  # noqa: S608 - our own text
                " UNION SELECT i.patient_id FROM renditions r JOIN images i ON i.id = r.image_id"
                f" WHERE {_FILED} AND r.study_uid IN ({places})",
                (*part, *part),
            )
            found.update(dict.fromkeys(row[0] for row in rows))
        return list(found)

    def patients_taken(
        self, first: datetime | None, last: datetime | None, limit: int, modalities: Sequence[str] = ()
    ) -> Ids:
        """Return the ids of patients with filed images taken from one moment to another.

        ``modalities``: only such images, up to 450 kinds, and those that are no DICOM files and thus say nothing.
        """
        terms, parameters = [_FILED], list[object]()
        if first is not None:
            # What was taken cannot have come long before, clocks and zones aside: the index of arrivals helps.
            terms.append("i.imported_at >= ? AND COALESCE(i.captured_at, i.imported_at) >= ?")
            parameters += [milliseconds(first - _CLOCKS_DIFFER), milliseconds(first)]
        if last is not None:
            terms.append("COALESCE(i.captured_at, i.imported_at) <= ?")
            parameters.append(milliseconds(last))
        if modalities:
            places = ",".join("?" * len(modalities[:_CHUNK]))
            terms.append(f"(i.modality IN ({places}) OR i.kind <> 'dicom')")
            parameters += modalities[:_CHUNK]
        index = "" if first is None else " INDEXED BY images_by_import"
        rows = self._db.rows(
            f"SELECT DISTINCT i.patient_id FROM images i{index} WHERE {' AND '.join(terms)} LIMIT ?",  # noqa: S608 - our own text
            (*parameters, limit),
        )
        return [row[0] for row in rows]

    def patients_ordered(self, what: str, values: Sequence[str], limit: int) -> Ids:
        """Return the ids of patients with filed images of whose order ``what`` is one of up to 450 values."""
        places = ",".join("?" * len(values[:_CHUNK]))
        rows = self._db.rows(
            "SELECT DISTINCT i.patient_id FROM state s JOIN images i ON i.id = substr(s.key, ?)"  # noqa: S608 - our own text
            f" WHERE s.key >= '{_ORDERED}.' AND s.key < '{_ORDERED}/' AND {_FILED}"
            f" AND json_extract(s.value, ?) IN ({places}) LIMIT ?",
            (len(_ORDERED) + 2, f"$.{what}", *values[:_CHUNK], limit),
        )
        return [row[0] for row in rows]

    def orders_of(self, patient_id: str) -> dict[str, Expectation]:
        """Return what was expected of a patient's filed images, by the image's id."""
        rows = self._db.rows(
            f"SELECT i.id, s.value FROM images i JOIN state s ON s.key = '{_ORDERED}.' || i.id"  # noqa: S608 - our own text
            f" WHERE i.patient_id = ? AND {_FILED}",
            (patient_id,),
        )
        return {row[0]: Expectation.of(json.loads(row[1])) for row in rows}

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
