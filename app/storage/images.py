"""Images in the catalogue: their rows. Their bytes are the image store's.

Writers join the caller's transaction. ``update`` writes a whole record over the version before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from app.core.errors import UserError
from app.domain.image import ImageRecord, ImageType, Placement
from app.storage.database import Database, Row, storable
from app.storage.image_lists import ImageFilter, list_sql
from app.storage.paging import rising_pages
from app.storage.picture_bands import SURE_DISTANCE, add_bands, remove_bands, similar_ranks
from app.storage.rows import IMAGE_COLUMNS, IMAGE_NAMES, image_of, image_search_text, image_values, moment

Records = list[ImageRecord]
Ranked = list[tuple[int, ImageRecord]]
_IMAGE = f"SELECT {IMAGE_COLUMNS} FROM images i"  # noqa: S608 - our own text
# An image's public address follows its published copies (0013); no writer of records may turn it back.
_FOLLOWS = IMAGE_NAMES.index("public_url")
_WRITTEN = (*IMAGE_NAMES[:_FOLLOWS], *IMAGE_NAMES[_FOLLOWS + 1 :], "search_text")
_INSERT = f"INSERT INTO images ({', '.join(_WRITTEN)}) VALUES ({', '.join('?' * len(_WRITTEN))})"  # noqa: S608 - our own text
_UPDATE = f"UPDATE images SET {', '.join(f'{name} = ?' for name in _WRITTEN)} WHERE rank = ?"  # noqa: S608 - our own text
_RANKED = f"SELECT {IMAGE_COLUMNS}, i.rank FROM images i WHERE i.rank IN ({{}})"  # noqa: S608 - our own text
_LIVE_FILED = "i.placement = 'filed' AND i.deleted_at IS NULL"
# SQLite before 3.32 takes 999 parameters; newer ones 32,766.
_CHUNK = 900
_PAGE = 1000


class Images:
    """The images of one library. Any thread."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def insert(self, record: ImageRecord) -> ImageRecord:
        """Add a row. The file must be at its place already."""
        with self._db.write():
            rank = self._db.execute(_INSERT, _values(record)).lastrowid
            if rank is not None:
                _add_teeth(self._db, rank, record)
                add_bands(self._db, rank, record.picture_hash)
        return record

    def update(self, record: ImageRecord) -> ImageRecord:
        """Write a record over its own ``version`` minus one.

        Raises
        ------
        UserError
            ``image.none`` or ``image.changed_elsewhere``.
        """
        with self._db.write():
            row = self._db.row(
                "SELECT rank, version, picture_hash, teeth, tooth FROM images WHERE id = ?", (record.id,)
            )
            if row is None:
                raise UserError("image.none", text=record.id)
            rank, version, picture_hash, teeth, tooth = row
            if version != record.version - 1:
                raise UserError("image.changed_elsewhere", id=record.id)
            self._db.execute(_UPDATE, (*_values(record), rank))
            if (teeth, tooth) != (",".join(record.teeth), record.tooth):
                self._db.execute("DELETE FROM image_teeth WHERE image_rank = ?", (rank,))
                _add_teeth(self._db, rank, record)
            if picture_hash != record.picture_hash:
                remove_bands(self._db, rank, picture_hash)
                add_bands(self._db, rank, record.picture_hash)
        return record

    def get(self, image_id: str) -> ImageRecord | None:
        """Return an image, deleted ones too."""
        row = self._db.row(f"{_IMAGE} WHERE i.id = ?", (image_id,))
        return image_of(row) if row else None

    def at_path(self, directory: str, filename: str) -> ImageRecord | None:
        """Return the image whose file this is."""
        row = self._db.row(f"{_IMAGE} WHERE i.directory = ? AND i.filename = ?", (directory, filename))
        return image_of(row) if row else None

    def by_sha256(self, sha256: str) -> Records:
        """Return every record of these bytes: filed first, then waiting, deleted last."""
        return self._many(
            f"{_IMAGE} WHERE i.sha256 = ? ORDER BY i.deleted_at IS NOT NULL, i.placement <> 'filed', i.rank", (sha256,)
        )

    def twin_of(self, record: ImageRecord) -> ImageRecord | None:
        """Return a living image with the bytes of ``record`` beside which it must not come in, if there is one.

        What waits unfiled may have the bytes of a filed image: a person decides whose it is then. Empty files
        all have the same bytes; only one of the same name is the same file.
        """
        for other in self.by_sha256(record.sha256):
            if other.deleted_at is not None or other.id == record.id:
                continue
            if record.size_bytes == 0 and other.original_name != storable(record.original_name):
                continue
            if record.placement is Placement.FILED or other.patient_id == record.patient_id:
                return other
        return None

    def by_instance_uid(self, sop_instance_uid: str) -> Records:
        """Return images with this SOP Instance UID, not deleted."""
        return self._many(
            f"{_IMAGE} WHERE i.sop_instance_uid = ? AND i.deleted_at IS NULL ORDER BY i.rank", (sop_instance_uid,)
        )

    def by_pixel_hash(self, pixel_sha256: str) -> Records:
        """Return images with exactly these decoded values, not deleted."""
        return self._many(
            f"{_IMAGE} WHERE i.pixel_sha256 = ? AND i.deleted_at IS NULL ORDER BY i.rank", (pixel_sha256,)
        )

    def similar_pictures(
        self, picture_hash: str, max_distance: int = SURE_DISTANCE, patient_id: str | None = None, limit: int = 20
    ) -> Ranked:
        """Return ``(differing bits, image)``, nearest first, of one patient or of all.

        Complete up to fifteen bits.
        """
        with self._db.read():
            # One patient's images are few; take enough that none of theirs is cut off.
            wide = limit if patient_id is None else 10_000
            near = similar_ranks(self._db, picture_hash, max_distance, wide)
            rows = self._chunked(_RANKED, [rank for _bits, rank in near])
            found = {row[-1]: image_of(row) for row in rows}
        pairs = [(bits, found[rank]) for bits, rank in near if rank in found]
        return [pair for pair in pairs if patient_id is None or pair[1].patient_id == patient_id][:limit]

    def list(
        self,
        patient_id: str | None = None,
        tooth: str | None = None,
        image_type: ImageType | None = None,
        search: str | None = None,
        limit: int | None = None,
        *,
        placement: Placement | None = Placement.FILED,
        study_uid: str | None = None,
        deleted: bool = False,
        case_reference: str | None = None,
    ) -> Records:
        """Return images, newest first; slices of a series together, in the order of their position.

        ``tooth`` matches the filing tooth or a tooth that the image shows; ``placement=None`` means any;
        ``deleted`` lists only deleted ones.
        """
        wanted = ImageFilter(
            patient_id, tooth, image_type, search, limit, placement, study_uid, deleted, case_reference
        )
        with self._db.read():
            sql, parameters = list_sql(self._db, wanted, IMAGE_COLUMNS)
            return self._many(sql, parameters)

    def stream(self, *, include_deleted: bool = True) -> Iterator[ImageRecord]:
        """Yield every image of the library in the order they came.

        By pages: between two images the caller may look up and write, and sees what was written meanwhile.
        """
        for _rank, record in self.stream_after(0, include_deleted=include_deleted):
            yield record

    def stream_after(self, rank: int, *, include_deleted: bool = True) -> Iterator[tuple[int, ImageRecord]]:
        """Yield the images that came after the one of ``rank``, each with its rank; by pages like :meth:`stream`."""
        where = "" if include_deleted else " AND i.deleted_at IS NULL"
        sql = f"SELECT {IMAGE_COLUMNS}, i.rank FROM images i WHERE i.rank > ?{where} ORDER BY i.rank LIMIT {_PAGE}"  # noqa: S608 - our own text
        for page in rising_pages(self._db, sql, (rank,), lambda row: (row[-1],)):
            for row in page:
                yield row[-1], image_of(row)

    def last_rank(self) -> int:
        """Return the rank of the newest image, 0 when there is none."""
        return int(self._db.value("SELECT COALESCE(MAX(rank), 0) FROM images"))

    def last_arrival(self) -> datetime | None:
        """Return when the newest image came in."""
        at = self._db.value("SELECT imported_at FROM images ORDER BY rank DESC LIMIT 1")
        return None if at is None else moment(at)

    def count_all(self) -> int:
        """Return the number of images, deleted ones too."""
        return int(self._db.value("SELECT COUNT(*) FROM images"))

    def count(self, placement: Placement | None = Placement.FILED) -> int:
        """Return the number of images that are not deleted."""
        if placement is None:
            return int(self._db.value("SELECT COUNT(*) FROM images WHERE deleted_at IS NULL"))
        sql = "SELECT COUNT(*) FROM images i WHERE i.placement = ? AND i.deleted_at IS NULL"
        if placement is Placement.FILED:
            # Patients count their own; adding those up beats counting a million rows.
            sql = "SELECT COALESCE(SUM(images), 0) FROM patients WHERE ? <> ''"
        return int(self._db.value(sql, (placement.value,)))

    def bytes_used(self) -> int:
        """Return the bytes of all files."""
        return int(self._db.value("SELECT COALESCE(SUM(size_bytes), 0) FROM images"))

    def tooth_counts(self, patient_id: str) -> dict[str, dict[str, int]]:
        """Return a patient's number of images by filing tooth and type."""
        counts: dict[str, dict[str, int]] = {}
        rows = self._db.rows(
            "SELECT i.tooth, i.image_type, COUNT(*) FROM images i"  # noqa: S608 - our own text
            f" WHERE i.patient_id = ? AND {_LIVE_FILED} GROUP BY i.tooth, i.image_type",
            (patient_id,),
        )
        for tooth, image_type, count in rows:
            counts.setdefault(tooth, {})[image_type] = count
        return counts

    def shown_teeth(self, patient_id: str) -> dict[str, int]:
        """Return how many of a patient's images show each tooth."""
        rows = self._db.rows(
            "SELECT t.tooth, COUNT(*) FROM images i JOIN image_teeth t ON t.image_rank = i.rank"  # noqa: S608 - our own text
            f" WHERE i.patient_id = ? AND {_LIVE_FILED} GROUP BY t.tooth",
            (patient_id,),
        )
        return {row[0]: row[1] for row in rows}

    def _many(self, sql: str, parameters: Sequence[Any]) -> Records:
        return [image_of(row) for row in self._db.rows(sql, parameters)]

    def _chunked(self, sql: str, values: Iterable[Any]) -> Iterator[Row]:
        wanted = list(dict.fromkeys(values))
        for start in range(0, len(wanted), _CHUNK):
            part = wanted[start : start + _CHUNK]
            yield from self._db.rows(sql.format(",".join("?" * len(part))), part)


def _values(record: ImageRecord) -> tuple[Any, ...]:
    values = image_values(record)
    return (*values[:_FOLLOWS], *values[_FOLLOWS + 1 :], image_search_text(record))


def _add_teeth(database: Database, rank: int, record: ImageRecord) -> None:
    database.execute_many(
        "INSERT OR IGNORE INTO image_teeth (image_rank, tooth) VALUES (?, ?)",
        [(rank, tooth) for tooth in record.shown_teeth()],
    )
