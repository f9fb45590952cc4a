"""The DICOM objects made for archives, by image: what each was made for, what names it there, its SHA-256."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.clock import epoch_ms, utc_now
from app.storage.database import Database


@dataclass(frozen=True, slots=True)
class Rendition:
    """One object. ``made_for`` is a fingerprint of what it says beside its pixels, ``remote_key`` its identifiers."""

    image_id: str
    made_for: str
    filename: str
    remote_key: str
    sha256: str
    md5: str | None = None


class Renditions:
    """The objects of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def get(self, image_id: str) -> Rendition | None:
        """Return the object made for an image."""
        row = self._db.row(
            "SELECT image_id, made_for, filename, remote_key, sha256, md5 FROM renditions WHERE image_id = ?",
            (image_id,),
        )
        return None if row is None else Rendition(*row)

    def put(self, rendition: Rendition) -> None:
        """Write an object down, in the place of an older one."""
        with self._db.write():
            self._db.execute(
                "INSERT OR REPLACE INTO renditions (image_id, made_for, filename, remote_key, sha256, md5, study_uid,"
                " made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    rendition.image_id,
                    rendition.made_for,
                    rendition.filename,
                    rendition.remote_key,
                    rendition.sha256,
                    rendition.md5,
                    _study_of(rendition.remote_key),
                    epoch_ms(utc_now()),
                ),
            )


def _study_of(key: str) -> str:
    """Return the Study Instance UID out of what names an object: patient, study, series and instance."""
    parts = key.rsplit("|", 3)
    return parts[1] if len(parts) == 4 else ""
