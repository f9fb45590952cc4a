"""How far a migration is: whose patients are whose, and which image each legacy file became."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database

_COLUMNS = "source, path, size, mtime_ns, status, code, image_id"


@dataclass(frozen=True, slots=True)
class LegacyLine:
    """What became of one legacy file; ``path`` is relative to the source."""

    path: str
    size: int
    mtime_ns: int
    status: str
    code: str | None = None
    image_id: str | None = None


class Legacy:
    """The migrations of one library. Any thread. A source is named by its path."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def patient_of(self, source: str, key: str) -> str | None:
        """Return who a legacy patient is here."""
        found: str | None = self._db.value(
            "SELECT patient_id FROM legacy_patients WHERE source = ? AND key = ?", (source, key)
        )
        return found

    def set_patient(self, source: str, key: str, patient_id: str) -> None:
        """Write down who a legacy patient is here."""
        with self._db.write():
            self._db.execute(
                "INSERT INTO legacy_patients (source, key, patient_id) VALUES (?, ?, ?)"
                " ON CONFLICT (source, key) DO UPDATE SET patient_id = excluded.patient_id",
                (source, key, patient_id),
            )

    def finish_patient(self, source: str, key: str) -> None:
        """Write down that everything of a legacy patient is here."""
        with self._db.write():
            self._db.execute(
                "UPDATE legacy_patients SET done_at = ? WHERE source = ? AND key = ?",
                (epoch_ms(utc_now()), source, key),
            )

    def is_done(self, source: str, key: str) -> bool:
        """Whether everything of a legacy patient is here."""
        sql = "SELECT 1 FROM legacy_patients WHERE source = ? AND key = ? AND done_at IS NOT NULL"
        return self._db.value(sql, (source, key)) is not None

    def note(self, source: str, lines: Sequence[LegacyLine]) -> None:
        """Write down what became of files."""
        with self._db.write():
            self._db.execute_many(
                f"INSERT OR REPLACE INTO legacy_files ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - our own text
                [
                    (source, line.path, line.size, line.mtime_ns, line.status, line.code, line.image_id)
                    for line in lines
                ],
            )

    def lines(self, source: str) -> dict[str, LegacyLine]:
        """Return what became of every file of a source, by its path."""
        rows = self._db.rows(f"SELECT {_COLUMNS} FROM legacy_files WHERE source = ?", (source,))  # noqa: S608 - our own text
        return {row[1]: LegacyLine(*row[1:]) for row in rows}

    def sources(self) -> list[str]:
        """Return every tree that was brought in."""
        return [row[0] for row in self._db.rows("SELECT DISTINCT source FROM legacy_files ORDER BY source")]

    def places_of(self, image_id: str) -> list[tuple[str, str]]:
        """Return where an image came from: source and path in it (T7)."""
        rows = self._db.rows("SELECT source, path FROM legacy_files WHERE image_id = ?", (image_id,))
        return [(row[0], row[1]) for row in rows]
